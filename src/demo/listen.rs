//! Connections of the demo's servers, their request bodies, and the clock.

use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::pages;

/// Answers every connection of `listener` by `answer`, each in a task of its own; dropping the
/// future ends the connections too.
pub(super) async fn serve<Answer, Answering, Content>(listener: TcpListener, answer: Answer)
where
    Answer: Fn(Request<Incoming>) -> Answering + Clone + Send + 'static,
    Answering: Future<Output = Result<Response<Content>, Infallible>> + Send + 'static,
    Content: Body + Send + 'static,
    Content::Data: Send,
    Content::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut connections = JoinSet::new();
    loop {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "demo connection not accepted");
                // Out of descriptors: trying again at once would only spin.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}

        let answer = answer.clone();
        connections.spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(socket), service_fn(answer))
                .with_upgrades();
            if let Err(error) = connection.await {
                tracing::debug!(%error, "demo connection ended");
            }
        });
    }
}

/// Returns the request with its whole body, or the answer to one that is too long or broken off.
pub(super) async fn collected(
    request: Request<Incoming>,
) -> Result<Request<Bytes>, Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Ok(Request::from_parts(head, body.to_bytes())),
        Err(_) => {
            Err(pages::plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or incomplete"))
        }
    }
}

/// Returns the time now: the one place where the demo reads a clock.
#[expect(clippy::disallowed_methods, reason = "the demo's one clock")]
pub(super) fn clock() -> SystemTime {
    SystemTime::now()
}

/// More than any form of the demo needs, and too little to fill memory with.
const BODY_LIMIT: usize = 1024 * 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
