//! What the app answers, by path.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::app::{Journal, Seen, Unfinished};
use super::{Body, empty, full, secrets};

/// Between two server-sent events.
const EVENT_INTERVAL: Duration = Duration::from_millis(200);

pub(super) async fn answer(
    journal: Arc<Journal>,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let path = request.uri().path().to_owned();
    let streams = matches!(path.as_str(), "/stream" | "/sse" | "/slow" | "/ws");
    if !streams {
        return collected(&journal, &path, request).await;
    }
    let (mut head, body) = request.into_parts();
    journal.seen.lock().unwrap().push(seen(&head, Bytes::new(), HeaderMap::new()));
    match path.as_str() {
        "/stream" => Ok(Response::new(body.map_err(io::Error::other).boxed_unsync())),
        "/sse" => Ok(events(&journal)),
        "/slow" => {
            let mut waiting = Unfinished::new(&journal);
            tokio::time::sleep(Duration::from_millis(number(&head, "ms"))).await;
            waiting.finished = true;
            Ok(Response::new(full("slow")))
        }
        _ => Ok(web_socket(&mut head)),
    }
}

async fn collected(
    journal: &Journal,
    path: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let body = body.to_bytes();
    journal.seen.lock().unwrap().push(seen(&head, body.clone(), trailers));
    if let Some(status) = path.strip_prefix("/status/") {
        let answer = Response::builder().status(status).header("x-app", "yes");
        return Ok(answer.body(full("as you wish")).unwrap());
    }
    Ok(match path {
        "/echo" => Response::new(full(body)),
        "/big" => Response::new(full(vec![b'x'; number(&head, "bytes") as usize])),
        "/set-cookie" => cookies(),
        "/trailers" => trailing(),
        _ => Response::builder()
            .header("x-app", "yes")
            .header("etag", "\"app\"")
            .body(full(format!("app at {path}")))
            .unwrap(),
    })
}

fn seen(head: &http::request::Parts, body: Bytes, trailers: HeaderMap) -> Seen {
    let authorization = head.headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    let assertion = head.headers.get("x-askara-assertion").and_then(|value| value.to_str().ok());
    token.into_iter().chain(assertion).for_each(secrets::note);
    Seen {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: head.headers.clone(),
        body,
        trailers,
    }
}

fn number(head: &http::request::Parts, name: &str) -> u64 {
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let mut pairs = form_urlencoded::parse(query);
    let found = pairs.find(|(key, _)| key == name);
    found.unwrap().1.parse().unwrap()
}

/// The app tries to overwrite and to delete what is not its own (C-29).
fn cookies() -> Response<Body> {
    Response::builder()
        .header("set-cookie", "askara=stolen; Path=/; HttpOnly")
        .header("set-cookie", "__Host-askara=stolen; Path=/; Secure")
        .header("set-cookie", "askara.0=stolen; Path=/")
        .header("set-cookie", "askara-st-AAAAAAAA=stolen; Path=/")
        .header("set-cookie", "askara=; Path=/; Max-Age=0")
        .header("set-cookie", "app=its-own; Path=/; HttpOnly")
        .body(empty())
        .unwrap()
}

fn trailing() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "right".parse().unwrap());
    let frames = [Ok(Frame::data(Bytes::from_static(b"body"))), Ok(Frame::trailers(trailers))];
    Response::builder()
        .header("trailer", "x-checksum")
        .body(StreamBody::new(stream::iter(frames)).boxed_unsync())
        .unwrap()
}

fn events(journal: &Arc<Journal>) -> Response<Body> {
    let listening = Unfinished::new(journal);
    let events = stream::unfold((0, listening), |(n, listening)| async move {
        if n > 0 {
            tokio::time::sleep(EVENT_INTERVAL).await;
        }
        let event = Bytes::from(format!("data: {n}\n\n"));
        Some((Ok(Frame::data(event)), (n + 1, listening)))
    });
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(StreamBody::new(events).boxed_unsync())
        .unwrap()
}

fn web_socket(head: &mut http::request::Parts) -> Response<Body> {
    let Some(key) = head.headers.get("sec-websocket-key") else {
        return Response::builder().status(400).body(empty()).unwrap();
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgrade = head.extensions.remove::<OnUpgrade>().unwrap();
    tokio::spawn(echo(upgrade));
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", accept)
        .body(empty())
        .unwrap()
}

async fn echo(upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let io = TokioIo::new(upgraded);
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if !(message.is_text() || message.is_binary()) {
            continue;
        }
        if socket.send(message).await.is_err() {
            return;
        }
    }
}
