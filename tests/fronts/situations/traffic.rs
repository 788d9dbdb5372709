//! What goes through a front beside small pages.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::body::Frame;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::front::Front;
use crate::harness::{Body, Visitor, ask, from_channel, full};
use crate::stage::Stage;

const LENGTH: usize = 300_000;

pub(crate) async fn a_post_arrives_whole(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let sent = content();
    for body in [full(sent.clone()), chunked(&sent)] {
        stage.app.forgets();
        let answer = visitor.send(ask("POST", "/echo?a=1").fetching().stream(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.body == sent, "the bytes differ");
        let seen = stage.app.last();
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/echo?a=1"));
        assert!(seen.body == sent, "the bytes differ");
        assert_eq!(stage.app.requests().len(), 1, "C-124: the gateway is asked without it");
    }
}

pub(crate) async fn a_post_without_a_session_gets_401(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.visitor();
    let sent: Vec<u8> = content().into_iter().take(front.manners.refused_body).collect();
    for asked in [ask("POST", "/echo").fetching(), ask("PUT", "/echo"), ask("POST", "/echo")] {
        let method = asked.method.clone();
        let answer = visitor.send(asked.body(sent.clone())).await;
        assert!(front.manners.turns_away(answer.status), "{method}: {}", answer.status);
        assert!(answer.set_cookies().is_empty());
    }
    let asked = ask("POST", "/echo").fetching().stream(chunked(&sent));
    assert!(front.manners.turns_away(visitor.send(asked).await.status), "C-124: chunked");
    assert!(stage.app.requests().is_empty());
}

pub(crate) async fn a_socket_echoes_for_who_is_signed_in(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let mut socket = opened(&stage, Some(&visitor), &stage.base()).await.unwrap();
    for message in [Message::text("ça va ?"), Message::binary(vec![7; 100_000])] {
        socket.send(message.clone()).await.unwrap();
        let echo = timeout(Duration::from_secs(10), socket.next()).await.expect("an echo");
        assert_eq!(echo.unwrap().unwrap(), message);
    }
    let user = format!("{}user", front.manners.identity);
    assert_eq!(stage.app.last().header(&user), Some("42"));
}

pub(crate) async fn a_socket_without_a_session_is_refused(front: &Front) {
    let stage = Stage::of(front).await;
    let refused = opened(&stage, None, &stage.base()).await.err();
    assert!(refused.is_some_and(|status| front.manners.turns_away(status)), "C-51: {refused:?}");
    let visitor = stage.signed_in().await;
    let refused = opened(&stage, Some(&visitor), "https://elsewhere.example").await.err();
    assert_eq!(refused, Some(403), "C-67: a page of another site");
    assert!(stage.app.requests().is_empty());
}

/// In one of HTTP/2 a visitor could send the app any request, and the front would not see it.
pub(crate) async fn c60_no_other_tunnel_is_opened_to_the_app(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    stage.app.forgets();
    for connection in ["Upgrade, HTTP2-Settings", "Upgrade"] {
        for target in ["/public/page", "/page"] {
            let asked = ask("GET", target)
                .header("connection", connection)
                .header("upgrade", "h2c")
                .header("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA");
            let answer = visitor.send(asked).await;
            assert_ne!(answer.status, 101, "{target} {connection}");
        }
    }
    for seen in stage.app.requests() {
        for name in ["upgrade", "http2-settings"] {
            assert_eq!(seen.header(name), None, "{}", seen.target);
        }
    }
}

/// The status, where the answer is no.
async fn opened(
    stage: &Stage,
    visitor: Option<&Visitor>,
    origin: &str,
) -> Result<WebSocketStream<TlsStream<TcpStream>>, u16> {
    let address = format!("wss://{}/ws", stage.authority());
    let mut request = address.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("origin", origin.parse().unwrap());
    headers.insert("sec-fetch-mode", "websocket".parse().unwrap());
    if let Some(session) = visitor.and_then(Visitor::session) {
        headers.insert("cookie", format!("__Host-askara={session}").parse().unwrap());
    }
    match client_async(request, stage.connect().await).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// A body whose length nobody tells.
fn chunked(bytes: &[u8]) -> Body {
    let (sender, body) = from_channel();
    sender.try_send(Frame::data(bytes.to_vec().into())).unwrap();
    body
}

/// Bytes that repeat in no length that a buffer has.
fn content() -> Vec<u8> {
    (0_u32..).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).take(LENGTH).collect()
}
