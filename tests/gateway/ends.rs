//! Streams end with the session that they were opened with (C-80): WebSockets by close code 1008,
//! event streams as if the app had ended them. Everything else goes on.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::*;

type Socket = WebSocketStream<TcpStream>;

const SOON: Duration = Duration::from_secs(1);

struct Scene {
    app: App,
    provider: Provider,
    gate: Gate,
    visitor: Visitor,
}

async fn scene_with(provider: Provider, session: &str) -> Scene {
    let app = App::start().await;
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_session(session)
        .with_admin()
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    Scene { app, provider, gate, visitor }
}

async fn signed_in() -> Scene {
    scene_with(Provider::start().await, "").await
}

/// Signs out in another tab.
async fn sign_out(visitor: &Visitor) {
    let answer = visitor.send(ask("POST", "/oauth2/sign_out").navigating().same_origin()).await;
    assert!(answer.status < 400, "{}", answer.text());
}

async fn open(gate: &Gate, visitor: &Visitor) -> Socket {
    let mut request = format!("ws://{}/ws", gate.authority()).into_client_request().unwrap();
    request.headers_mut().insert("cookie", visitor.session_line().parse().unwrap());
    client_async(request, gate.connect().await).await.unwrap().0
}

async fn echoes(socket: &mut Socket, message: &str) {
    socket.send(Message::text(message)).await.unwrap();
    let echo = timeout(SOON, socket.next()).await.expect("an echo in time");
    assert_eq!(echo.unwrap().unwrap(), Message::text(message));
}

/// The code with which the gateway ends a WebSocket, and nothing after it.
async fn closing<I>(socket: &mut WebSocketStream<I>) -> u16
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let said = timeout(SOON, socket.next()).await.expect("C-80: within a second");
    let Some(Ok(Message::Close(Some(frame)))) = said else { panic!("C-80: {said:?}") };
    let end = timeout(SOON, socket.next()).await.expect("the end of the connection");
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
    frame.code.into()
}

async fn listen(visitor: &Visitor) -> Incoming {
    let mut events = visitor.begin(ask("GET", "/sse")).await.into_body();
    assert_eq!(next(&mut events).await, "data: 0\n\n");
    events
}

async fn next(body: &mut Incoming) -> Bytes {
    let frame = timeout(SOON, body.frame()).await.expect("a piece in time");
    frame.expect("not the end").unwrap().into_data().unwrap()
}

/// Waits for the end of a body, which has to be a clean one.
async fn ends(body: Incoming, within: Duration) {
    let rest = timeout(within, body.collect()).await.expect("C-80: the stream ends");
    rest.expect("C-80: with its last chunk, as a whole one does");
}

#[tokio::test]
async fn signing_out_in_another_tab_ends_web_sockets_and_event_streams() {
    let scene = signed_in().await;
    let mut sockets =
        [open(&scene.gate, &scene.visitor).await, open(&scene.gate, &scene.visitor).await];
    let events = listen(&scene.visitor).await;
    for socket in &mut sockets {
        echoes(socket, "before").await;
    }
    let told = scene.gate.admin("/metrics").await.unwrap().text();
    assert!(told.contains("askara_gate_streams 3\n"), "{told}");
    sign_out(&scene.visitor).await;
    for socket in &mut sockets {
        assert_eq!(closing(socket).await, 1008, "C-80");
    }
    ends(events, SOON).await;
    eventually("the end of the app's stream", || scene.app.abandoned() == 1).await;
    let told = scene.gate.admin("/metrics").await.unwrap().text();
    assert!(told.contains("askara_gate_streams 0\n"), "{told}");
}

#[tokio::test]
async fn an_event_stream_over_http2_ends_cleanly_too() {
    let scene = signed_in().await;
    let socket = TokioIo::new(scene.gate.connect().await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), socket).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(format!("{}/sse", scene.gate.base()))
        .header("cookie", scene.visitor.session_line())
        .body(empty())
        .unwrap();
    let mut events = sender.send_request(request).await.unwrap().into_body();
    assert_eq!(next(&mut events).await, "data: 0\n\n");
    sign_out(&scene.visitor).await;
    ends(events, SOON).await;
    assert!(sender.ready().await.is_ok(), "its connection goes on");
}

#[tokio::test]
async fn over_tls_the_last_word_arrives_as_well() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).over_tls().start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connector = TlsConnector::from(gate.tls_offering(&[b"http/1.1"]));
    let stream = connector.connect(name, gate.connect().await).await.unwrap();
    let mut request = format!("ws://{}/ws", gate.authority()).into_client_request().unwrap();
    let cookie = format!("__Host-{}", visitor.session_line());
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    let mut socket = client_async(request, stream).await.unwrap().0;
    sign_out(&visitor).await;
    assert_eq!(closing(&mut socket).await, 1008, "C-80");
}

#[tokio::test]
async fn what_is_no_stream_and_whom_it_does_not_concern_goes_on() {
    let scene = signed_in().await;
    let other = scene.gate.visitor();
    other.login().await;
    let (mut socket, mut events) = (open(&scene.gate, &other).await, listen(&other).await);
    let (sender, body) = from_channel();
    sender.send(Frame::data(Bytes::from("one"))).await.unwrap();
    let download = scene.visitor.begin(ask("POST", "/stream").stream(body)).await;
    let mut download = download.into_body();
    assert_eq!(next(&mut download).await, "one");
    sign_out(&scene.visitor).await;
    sender.send(Frame::data(Bytes::from("two"))).await.unwrap();
    assert_eq!(next(&mut download).await, "two", "an ordinary download of the same session");
    drop(sender);
    ends(download, SOON).await;
    echoes(&mut socket, "another session's").await;
    next(&mut events).await;
}

#[tokio::test]
async fn streams_without_a_session_are_nobodys_to_end() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/", &app))
        .with_route(route("/mine", &app))
        .with_session("max_age = \"2s\"")
        .with_admin()
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login_at("/mine").await;
    let (mut of_nobody, _) =
        client_async(format!("ws://{}/ws", gate.authority()), gate.connect().await).await.unwrap();
    let mut events = listen(&gate.visitor()).await;
    let told = gate.admin("/metrics").await.unwrap().text();
    assert!(told.contains("askara_gate_streams 0\n"), "{told}");
    // On a route for everyone too, the app was told who is there.
    let mut of_somebody = open(&gate, &visitor).await;
    sign_out(&visitor).await;
    assert_eq!(closing(&mut of_somebody).await, 1008, "C-80");
    wait(2500).await;
    echoes(&mut of_nobody, "still there").await;
    next(&mut events).await;
}

#[tokio::test]
async fn the_absolute_end_of_a_session_is_the_end_of_its_streams() {
    let scene = scene_with(Provider::start().await, "max_age = \"3s\"").await;
    let begun = Instant::now();
    let (mut socket, events) =
        (open(&scene.gate, &scene.visitor).await, listen(&scene.visitor).await);
    echoes(&mut socket, "before").await;
    ends(events, Duration::from_secs(5)).await;
    assert_eq!(closing(&mut socket).await, 1008, "C-80");
    assert!(begun.elapsed() > Duration::from_millis(1500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_session_that_a_refresh_ends_takes_its_streams_along() {
    let provider = Provider::openid().await;
    provider.token_life(2);
    let scene = scene_with(provider, "").await;
    let (mut socket, events) =
        (open(&scene.gate, &scene.visitor).await, listen(&scene.visitor).await);
    wait(2200).await;
    scene.provider.names_subject("43");
    assert_eq!(scene.visitor.fetch("/").await.status, 401, "S32");
    assert_eq!(closing(&mut socket).await, 1008, "C-80");
    ends(events, SOON).await;
}
