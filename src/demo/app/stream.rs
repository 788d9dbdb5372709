//! The sample app's answers that go on: server-sent events and the WebSocket.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::demo::{listen, pages};

/// Returns an event at once and then one a second, for as long as someone listens.
pub(in crate::demo) fn events() -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let ticks = tokio::time::interval(EVENT_PAUSE);
    let events = stream::unfold((ticks, 1_u64), |(mut ticks, number)| async move {
        ticks.tick().await;
        let time = humantime::format_rfc3339_seconds(listen::clock());
        let event = format!("id: {number}\ndata: {{\"number\":{number},\"time\":\"{time}\"}}\n\n");
        Some((Ok(Frame::data(Bytes::from(event))), (ticks, number + 1)))
    });
    let mut answer = Response::new(StreamBody::new(events).boxed_unsync());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Answers a WebSocket handshake (RFC 6455, section 4.2) and echoes what is sent.
pub(in crate::demo) fn websocket(
    request: &mut Request<Incoming>,
) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let headers = request.headers();
    let is_upgrade = headers
        .get(UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let is_current = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let accept = headers
        .get(SEC_WEBSOCKET_KEY)
        .map(|key| derive_accept_key(key.as_bytes()))
        .and_then(|accept| HeaderValue::from_str(&accept).ok());
    let Some(accept) = accept.filter(|_| is_upgrade && is_current) else {
        return not_a_handshake();
    };

    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        if let Err(error) = echo(upgrade).await {
            tracing::debug!(%error, "demo websocket ended");
        }
    });
    let mut answer = Response::new(Empty::new().boxed_unsync());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

async fn echo(upgrade: OnUpgrade) -> Result<(), Error> {
    let upgraded = upgrade.await.map_err(std::io::Error::other)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    let mut socket: WebSocketStream<TokioIo<Upgraded>> =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    while let Some(message) = socket.next().await {
        let message = message?;
        // Pings and closes are answered by the protocol itself.
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

fn not_a_handshake() -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let mut answer = pages::plain(StatusCode::UPGRADE_REQUIRED, "this path is a WebSocket")
        .map(|body| body.boxed_unsync());
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(ALLOW, HeaderValue::from_static("GET"));
    answer
}

const EVENT_PAUSE: Duration = Duration::from_secs(1);
const MESSAGE_LIMIT: usize = 1024 * 1024;
