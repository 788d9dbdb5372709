//! The ways in which a provider can answer wrongly, or not at all.

use std::io;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Nothing for as long as the test may run.
    Hang,
    /// The connection ends without an answer.
    Reset,
}

impl Fault {
    pub(crate) fn status(status: u16) -> Self {
        Self::body(status, "text/plain", "no")
    }

    pub(crate) fn body(status: u16, kind: &str, body: impl Into<String>) -> Self {
        Self::Answer { status, headers: vec![("content-type", kind.to_owned())], body: body.into() }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::body(status, "application/json", value.to_string())
    }

    pub(crate) fn oauth(status: u16, error: &str) -> Self {
        let description = "canary-description";
        Self::json(status, &serde_json::json!({ "error": error, "error_description": description }))
    }

    pub(crate) fn html() -> Self {
        Self::body(200, "text/html", "<html><h1>canary-provider-page</h1></html>")
    }

    pub(crate) fn array() -> Self {
        Self::body(200, "application/json", "[1, 2, 3]")
    }

    pub(crate) fn truncated() -> Self {
        let half = r#"{"token_type":"Bearer","access_to"#;
        Self::body(200, "application/json", half)
    }

    pub(crate) fn huge() -> Self {
        let filler = "x".repeat(1 << 20);
        let body = format!(
            r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"a.b.c","filler":"{filler}"}}"#
        );
        Self::body(200, "application/json", body)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::Answer {
            status: 302,
            headers: vec![("location", to.to_owned())],
            body: String::new(),
        }
    }

    pub(super) async fn happen(self) -> Result<Response<Full<Bytes>>, io::Error> {
        match self {
            Self::Answer { status, headers, body } => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(Full::from(body)).unwrap())
            }
            Self::Hang => std::future::pending().await,
            Self::Reset => Err(io::Error::other("the provider hangs up")),
        }
    }
}
