//! The errors of the endpoints that clients call (RFC 6749, section 5.2).

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use super::Unwell;
use super::kind::{ClientAuth, Manner};
use crate::demo::pages;

/// Why a call is refused.
pub(super) enum Refusal {
    Client,
    /// The description and the hint.
    Grant(&'static str, &'static str),
    GrantType,
    Missing(&'static str),
    NotAForm,
    Scope,
    Twice,
    Unwell,
}

impl Refusal {
    pub(super) fn answer(&self, manner: &Manner) -> Response<Full<Bytes>> {
        let (status, error) = self.code();
        let (description, hint) = self.words();
        let mut content = json!({ "error": error, "error_description": description });
        if manner.league {
            content["hint"] = hint.into();
        }
        let mut answer = pages::json(status, &content);
        if status == StatusCode::UNAUTHORIZED && manner.client_auth == ClientAuth::Basic {
            let challenge = HeaderValue::from_static("Basic realm=\"stand-in\", charset=\"UTF-8\"");
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        answer
    }

    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Client => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::Grant(..) => (StatusCode::BAD_REQUEST, "invalid_grant"),
            Self::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::Missing(_) | Self::NotAForm | Self::Twice => {
                (StatusCode::BAD_REQUEST, "invalid_request")
            }
            Self::Scope => (StatusCode::BAD_REQUEST, "invalid_scope"),
            Self::Unwell => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }

    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Client => {
                ("Client authentication failed", "Check the client id and secret".to_owned())
            }
            Self::Grant(description, hint) => (description, (*hint).to_owned()),
            Self::GrantType => (
                "The authorization grant type is not supported by the authorization server.",
                "Check that all required parameters have been provided".to_owned(),
            ),
            Self::Missing(name) => (REQUEST_INVALID, format!("Check the `{name}` parameter")),
            Self::NotAForm => ("The request is not a form.", "Check the content type".to_owned()),
            Self::Scope => ("The requested scope was not granted.", "Check the scope".to_owned()),
            Self::Twice => (REQUEST_INVALID, "A parameter is there twice".to_owned()),
            Self::Unwell => {
                ("The authorization server met an unexpected condition.", String::new())
            }
        }
    }
}

impl From<Unwell> for Refusal {
    fn from(Unwell: Unwell) -> Self {
        Self::Unwell
    }
}

const REQUEST_INVALID: &str =
    "The request is missing a required parameter, has one twice, or is malformed.";
