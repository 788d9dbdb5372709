//! WebSockets: echoed through the gateway, only for people who are signed in, from our own pages.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::*;

async fn scene() -> (App, Gate, Visitor) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    (app, gate, visitor)
}

/// Opens a WebSocket with this cookie and origin; the status is the answer where it is no.
pub(crate) async fn open(
    gate: &Gate,
    cookie: Option<&str>,
    origin: Option<&str>,
) -> Result<WebSocketStream<TcpStream>, u16> {
    let address = format!("ws://{}/ws", gate.authority());
    let mut request = address.into_client_request().unwrap();
    for (name, value) in [("cookie", cookie), ("origin", origin)] {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    match client_async(request, gate.connect().await).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn echoes(socket: &mut WebSocketStream<TcpStream>, message: Message) {
    socket.send(message.clone()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), message);
}

#[tokio::test]
async fn messages_are_echoed_both_small_and_large() {
    let (app, gate, visitor) = scene().await;
    let cookie = visitor.session_line();
    let mut socket = open(&gate, Some(&cookie), Some(&gate.base())).await.unwrap();
    for n in 0..10 {
        echoes(&mut socket, Message::text(format!("message {n}"))).await;
    }
    echoes(&mut socket, Message::binary(vec![7; 300_000])).await;
    let seen = app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("42"));
    assert!(seen.header("authorization").is_some());
    assert_eq!(seen.header("cookie"), None, "S47");
    socket.close(None).await.unwrap();
}

#[tokio::test]
async fn fifty_sockets_echo_at_once() {
    let (_app, gate, visitor) = scene().await;
    let (cookie, origin) = (visitor.session_line(), gate.base());
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(open(&gate, Some(&cookie), Some(&origin)).await.unwrap());
    }
    for (n, socket) in sockets.iter_mut().enumerate() {
        echoes(socket, Message::text(n.to_string())).await;
    }
}

#[tokio::test]
async fn a_socket_without_a_session_is_refused() {
    let (app, gate, _visitor) = scene().await;
    let refused = open(&gate, None, Some(&gate.base())).await.err();
    assert_eq!(refused, Some(401), "C-51");
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn a_socket_from_a_foreign_page_is_refused() {
    let (app, gate, visitor) = scene().await;
    let cookie = visitor.session_line();
    let suffixed = format!("{}.evil.example", gate.base());
    let other_port = "http://127.0.0.1:1";
    for origin in ["https://evil.example", "null", "", other_port, &suffixed] {
        let refused = open(&gate, Some(&cookie), Some(origin)).await.err();
        assert_eq!(refused, Some(403), "C-67: {origin:?}");
    }
    assert!(app.requests().is_empty(), "C-67");
}

#[tokio::test]
async fn a_socket_of_a_program_that_names_no_origin_is_opened() {
    // Every browser sends Origin (RFC 6455 4.1), so whoever sends none is no page of a stranger.
    let (_app, gate, visitor) = scene().await;
    assert!(open(&gate, Some(&visitor.session_line()), None).await.is_ok());
}

#[tokio::test]
async fn a_clear_text_upgrade_to_http2_is_never_passed_on() {
    let (app, gate, visitor) = scene().await;
    let request = ask("GET", "/")
        .header("cookie", &visitor.session_line())
        .header("connection", "Upgrade, HTTP2-Settings")
        .header("upgrade", "h2c")
        .header("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA");
    let answer = gate.send(request).await;
    assert_ne!(answer.status, 101, "C-61");
    for seen in app.requests() {
        assert_eq!(seen.header("upgrade"), None, "C-61");
        assert_eq!(seen.header("http2-settings"), None, "C-61");
    }
}
