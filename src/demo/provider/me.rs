//! Who an access token stands for: `/me` and its like.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use super::StandIn;
use crate::demo::pages;

impl StandIn {
    pub(super) fn me(&self, request: &Request<Bytes>, now: SystemTime) -> Response<Full<Bytes>> {
        let token = request.headers().get(AUTHORIZATION).and_then(bearer);
        let permission = token.and_then(|token| self.state().grants.access(token, now).cloned());
        let Some(permission) = permission else {
            return self.unknown_token(token.is_some());
        };
        // OpenID Connect Core, section 5.3: for tokens of an OpenID request only.
        if self.manner.oidc && !permission.covers("openid") {
            return refused(
                StatusCode::FORBIDDEN,
                &json!({ "error": "insufficient_scope" }),
                "Bearer error=\"insufficient_scope\", scope=\"openid\"",
            );
        }
        let mut person = self.person();
        person[self.manner.person_id] = self.options.account.id.as_str().into();
        pages::json(StatusCode::OK, &person)
    }

    /// Returns the answer of league/oauth2-server for Askara's kind, or that of RFC 6750, section
    /// 3.1, which names no error where there was no token.
    fn unknown_token(&self, given: bool) -> Response<Full<Bytes>> {
        let unauthorized = StatusCode::UNAUTHORIZED;
        if self.manner.league {
            let content = json!({
                "error": "access_denied",
                "error_description":
                    "The resource owner or authorization server denied the request.",
                "hint": "Access token could not be verified",
            });
            return refused(unauthorized, &content, "Bearer");
        }
        let content = json!({
            "error": "invalid_token",
            "error_description": "The access token is unknown, expired or revoked.",
        });
        let challenge = if given { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        refused(unauthorized, &content, challenge)
    }
}

fn refused(
    status: StatusCode,
    content: &serde_json::Value,
    challenge: &'static str,
) -> Response<Full<Bytes>> {
    let mut answer = pages::json(status, content);
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    answer
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}
