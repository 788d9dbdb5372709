//! The ways in which a provider can answer wrongly, or not at all.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use hyper::body::Frame;
use serde_json::Value;

use super::{Body, from_channel, full};

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// A sound beginning, and then a byte now and then.
    Drip(Duration),
    /// A sound beginning, and then a gigabyte.
    Flood,
    /// Nothing for as long as the test may run.
    Hang,
    /// The connection ends without an answer.
    Reset,
}

const BEGINNING: &[u8] =
    br#"{"token_type":"Bearer","expires_in":3600,"access_token":"a.b.c","filler":""#;

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
        Self::redirect_by(302, to)
    }

    pub(crate) fn redirect_by(status: u16, to: &str) -> Self {
        Self::Answer { status, headers: vec![("location", to.to_owned())], body: String::new() }
    }

    pub(super) async fn happen(self) -> Result<Response<Body>, io::Error> {
        match self {
            Self::Answer { status, headers, body } => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(full(body)).unwrap())
            }
            Self::Drip(pause) => Ok(streaming(Bytes::from_static(b"x"), usize::MAX, pause)),
            Self::Flood => {
                let megabyte = Bytes::from(vec![b'x'; 1 << 20]);
                Ok(streaming(megabyte, 1 << 10, Duration::ZERO))
            }
            Self::Hang => std::future::pending().await,
            Self::Reset => Err(io::Error::other("the provider hangs up")),
        }
    }
}

fn streaming(piece: Bytes, times: usize, pause: Duration) -> Response<Body> {
    let (sender, body) = from_channel();
    tokio::spawn(async move {
        let mut piece_or_head = Bytes::from_static(BEGINNING);
        for _ in 0..times {
            if sender.send(Frame::data(piece_or_head)).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
            piece_or_head = piece.clone();
        }
    });
    Response::builder().header("content-type", "application/json").body(body).unwrap()
}
