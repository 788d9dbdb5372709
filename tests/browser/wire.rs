//! HTTP and JSON as WebDriver speaks them, one connection for each command.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// A browser's first start on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(120);

/// A way to one server on loopback that waits for each answer; it works in `Drop` too.
pub(crate) struct Wire {
    port: u16,
    runtime: Runtime,
}

impl Wire {
    pub(crate) fn to(port: u16) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { port, runtime }
    }

    /// Sends a WebDriver command and returns the `value` of its answer.
    pub(crate) fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = match method {
            "POST" => body.to_string(),
            _ => String::new(),
        };
        let (status, text) =
            self.exchange(method, path, body).map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_slice(&text).unwrap_or(json!({}));
        let value = answer["value"].take();
        if status.is_success() {
            return Ok(value);
        }
        let said = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let message = said("message");
        let first_line = message.lines().next().unwrap_or_default();
        Err(format!("{status} {}: {first_line}", said("error")))
    }

    /// Returns the status of a plain GET.
    pub(crate) fn status(&self, path: &str) -> Option<StatusCode> {
        Some(self.exchange("GET", path, String::new()).ok()?.0)
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes), Box<dyn Error>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", format!("127.0.0.1:{}", self.port))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        self.runtime.block_on(async {
            let whole = async {
                let socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
                let (mut sender, connection) = handshake(TokioIo::new(socket)).await?;
                tokio::spawn(connection);
                let answer = sender.send_request(request).await?;
                let status = answer.status();
                Ok((status, answer.into_body().collect().await?.to_bytes()))
            };
            timeout(PATIENCE, whole).await?
        })
    }
}
