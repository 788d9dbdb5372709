//! `GET /me`: who an access token stands for.

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
        let known = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(bearer)
            .is_some_and(|token| self.state().grants.knows_access_token(token, now));
        if !known {
            let mut answer = pages::json(
                StatusCode::UNAUTHORIZED,
                &json!({
                    "error": "access_denied",
                    "error_description":
                        "The resource owner or authorization server denied the request.",
                    "hint": "Access token could not be verified",
                }),
            );
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return answer;
        }

        let account = &self.options.account;
        let (user, _) = account.email.split_once('@').unwrap_or((&account.email, ""));
        pages::json(
            StatusCode::OK,
            &json!({
                "id": account.id,
                "email": account.email,
                "name": account.name,
                "preferred_username": user,
                "groups": ["staff", "demo"],
                "organization": { "id": "42", "name": "Example Organization" },
            }),
        )
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}
