//! WebSockets over HTTP/2 (RFC 8441): the rules are those of an upgrade.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::harness::*;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

const SOON: Duration = Duration::from_secs(2);

async fn scene() -> (App, Gate, Visitor) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app))
        .with_upstream(&app)
        .with_table("[limits]\nbody_idle = \"1s\"\nkeep_alive = \"1s\"")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    (app, gate, visitor)
}

/// Asks for a WebSocket at this path, with this cookie and origin.
async fn asked(
    gate: &Gate,
    path: &str,
    cookie: Option<&str>,
    origin: Option<&str>,
) -> Response<Incoming> {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("{}{path}", gate.base()))
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13");
    for (name, value) in [("cookie", cookie), ("origin", origin)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let mut sender = http2(gate).await;
    // The setting that allows it comes with the first answer at the latest.
    let ping = Request::get(format!("{}/ping", gate.base())).body(empty()).unwrap();
    assert_eq!(sender.send_request(ping).await.unwrap().status(), 200);
    sender.send_request(request.body(empty()).unwrap()).await.unwrap()
}

async fn open(gate: &Gate, visitor: &Visitor) -> Socket {
    let (cookie, origin) = (visitor.session_line(), gate.base());
    let mut answer = asked(gate, "/ws", Some(&cookie), Some(&origin)).await;
    assert_eq!(answer.status(), 200);
    for of_http1 in ["connection", "upgrade", "sec-websocket-accept"] {
        assert!(!answer.headers().contains_key(of_http1), "{of_http1}");
    }
    let upgraded = hyper::upgrade::on(&mut answer).await.unwrap();
    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await
}

async fn echoes(socket: &mut Socket, message: Message) {
    socket.send(message.clone()).await.unwrap();
    let echo = timeout(SOON, socket.next()).await.expect("an echo in time");
    assert_eq!(echo.unwrap().unwrap(), message);
}

#[tokio::test]
async fn messages_are_echoed_both_small_and_large() {
    let (app, gate, visitor) = scene().await;
    let mut socket = open(&gate, &visitor).await;
    for n in 0..10 {
        echoes(&mut socket, Message::text(format!("message {n}"))).await;
    }
    echoes(&mut socket, Message::binary(vec![7; 300_000])).await;
    let seen = app.last();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/ws"));
    assert_eq!(seen.header("connection"), Some("upgrade"));
    assert_eq!(seen.header("upgrade"), Some("websocket"));
    assert_eq!(seen.header("sec-websocket-version"), Some("13"));
    assert_eq!(seen.header("x-forwarded-user"), Some("42"));
    assert_eq!(seen.header("cookie"), None, "S47");
    socket.close(None).await.unwrap();
}

#[tokio::test]
async fn a_quiet_socket_keeps_its_connection() {
    let (_app, gate, visitor) = scene().await;
    let mut socket = open(&gate, &visitor).await;
    wait(3500).await;
    echoes(&mut socket, Message::text("longer than keep_alive and body_idle")).await;
}

#[tokio::test]
async fn c80_a_socket_ends_with_its_session() {
    let (_app, gate, visitor) = scene().await;
    let mut socket = open(&gate, &visitor).await;
    echoes(&mut socket, Message::text("before")).await;
    visitor.send(ask("POST", "/oauth2/sign_out").navigating().same_origin()).await;
    let said = timeout(SOON, socket.next()).await.expect("C-80: within a second");
    let Some(Ok(Message::Close(Some(frame)))) = said else { panic!("C-80: {said:?}") };
    assert_eq!(u16::from(frame.code), 1008);
}

#[tokio::test]
async fn c67_a_socket_needs_a_session_and_a_page_of_ours() {
    let (app, gate, visitor) = scene().await;
    let cookie = visitor.session_line();
    assert_eq!(asked(&gate, "/ws", None, Some(&gate.base())).await.status(), 401, "C-51");
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let answer = asked(&gate, "/ws", Some(&cookie), Some(origin)).await;
        assert_eq!(answer.status(), 403, "C-67: {origin}");
    }
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn c60_only_an_agreement_looks_like_one() {
    let (app, gate, _visitor) = scene().await;
    assert_eq!(asked(&gate, "/open", None, None).await.status(), 502, "a page of the app's");
    assert_eq!(app.last().header("upgrade"), Some("websocket"));
    assert_eq!(asked(&gate, "/open/../x", None, None).await.status(), 400);
    assert_eq!(asked(&gate, "/ping", None, None).await.status(), 405, "a page of ours");
    assert_eq!(asked(&gate, "/status/418", None, None).await.status(), 401);
}

#[tokio::test]
async fn c60_an_app_that_has_not_read_our_key_is_not_joined() {
    for accept in ["", "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"] {
        let upstream = RawUpstream::answering(format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n{accept}\r\n"
        ))
        .await;
        let gate = gateway().with_route(public("/", &upstream)).start().await;
        assert_eq!(asked(&gate, "/ws", None, None).await.status(), 502, "{accept:?}");
    }
}
