//! Both servers over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use super::*;

async fn provider(kind: Kind) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let callback = "http://127.0.0.1/oauth2/callback".to_owned();
    let options = Options::new(kind, "client".into(), "secret".into(), vec![callback]);
    tokio::spawn(serve_provider(listener, StandIn::new(options).unwrap()));
    address
}

async fn app() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_app(listener));
    address
}

async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

async fn text(answer: Response<Incoming>) -> String {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn get(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).header("host", "demo").body(Full::default()).unwrap()
}

#[tokio::test]
async fn the_provider_answers_on_a_socket() {
    let address = provider(Kind::Askara).await;
    let answer = send(
        address,
        get("/authorize?response_type=code&client_id=client&state=s\
             &redirect_uri=http://127.0.0.1/oauth2/callback"),
    )
    .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(text(answer).await.contains("id=\"sign-in\""));

    let call = Request::post("/oauth2/token")
        .header("content-type", "application/json")
        .body(Full::from(
            r#"{"grant_type":"refresh_token","client_id":"client","client_secret":"wrong"}"#,
        ))
        .unwrap();
    let answer = send(address, call).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(text(answer).await.contains("invalid_client"));
}

#[tokio::test]
async fn the_issuer_is_the_address_that_was_asked() {
    let address = provider(Kind::Oidc).await;
    let request = Request::get("/.well-known/openid-configuration")
        .header("host", address.to_string())
        .body(Full::default())
        .unwrap();
    let metadata = text(send(address, request).await).await;
    assert!(metadata.contains(&format!("\"issuer\":\"http://{address}\"")), "{metadata}");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let body = Full::from(vec![b'a'; 1024 * 1024 + 1]);
    let answer = send(app().await, Request::post("/form").body(body).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_websocket_echoes() {
    let address = app().await;
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) =
        tokio_tungstenite::client_async(format!("ws://{address}/ws"), socket).await.unwrap();
    for message in [Message::text("hello"), Message::binary(vec![0, 255])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();

    let answer = send(address, get("/ws")).await;
    assert_eq!(answer.status(), StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn events_come_one_by_one() {
    let mut answer = send(app().await, get("/events")).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    for number in 1..=2 {
        let frame = tokio::time::timeout(Duration::from_secs(5), answer.frame()).await;
        let data = frame.unwrap().unwrap().unwrap().into_data().unwrap();
        assert!(data.starts_with(format!("id: {number}\ndata: {{").as_bytes()), "{data:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_dropped_ends_its_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve_app(listener));
    let mut answer = send(address, get("/events")).await;
    answer.frame().await.unwrap().unwrap();
    server.abort();
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        while let Some(Ok(_)) = answer.frame().await {}
    });
    ended.await.unwrap();
}
