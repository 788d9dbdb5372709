//! gRPC calls: refused in words that gRPC clients understand, as patient as their clients, and over
//! with their session (C-80).

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::harness::*;

const SOON: Duration = Duration::from_secs(1);

/// Begins its answer, or waits first, and then sends back what comes for as long as it comes; the
/// channel is told when nobody asks any more.
async fn service() -> (H2App, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel(8);
    let app = H2App::start(move |mut call: Call| {
        let tell = tell.clone();
        async move {
            let path = call.request.uri().path();
            if path == "/late" {
                wait(2500).await;
            }
            if path != "/never" {
                let head = Response::builder().header("content-type", "application/grpc+proto");
                let head = head.body(()).unwrap();
                let Ok(mut answer) = call.respond.send_response(head, false) else { return };
                while let Some(Ok(data)) = call.request.body_mut().data().await {
                    let _ = answer.send_data(data, false);
                }
            }
            let _ = std::future::poll_fn(|context| call.respond.poll_reset(context)).await;
            let _ = tell.send(()).await;
        }
    })
    .await;
    (app, told)
}

fn call(gate: &Gate, path: &str, cookie: &str, body: Body) -> Request<Body> {
    Request::post(format!("{}{path}", gate.base()))
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .header("cookie", cookie)
        .body(body)
        .unwrap()
}

async fn trailers(answer: &mut Response<Incoming>) -> HeaderMap {
    let frame = timeout(SOON, answer.body_mut().frame()).await.expect("C-80: within a second");
    frame.expect("an end with words").unwrap().into_trailers().expect("trailers")
}

async fn signed_in(app: &H2App, session: &str) -> (Provider, Gate, Visitor) {
    let provider = Provider::start().await;
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", app))
        .with_route(route("/", app))
        .with_session(session)
        .start()
        .await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/").await;
    visitor.open(&callback).await;
    (provider, gate, visitor)
}

async fn sign_out(visitor: &Visitor) {
    let answer = visitor.send(ask("POST", "/oauth2/sign_out").navigating().same_origin()).await;
    assert!(answer.status < 400, "{}", answer.text());
}

#[tokio::test]
async fn a_call_without_a_session_is_told_where_to_sign_in() {
    let (app, _told) = service().await;
    let gate = gateway().with_route(route("/", &app)).start().await;
    let answer = http2(&gate).await.send_request(call(&gate, "/", "", full("x"))).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    assert_eq!(answer.headers()["grpc-status"], "16", "UNAUTHENTICATED");
    let message = answer.headers()["grpc-message"].to_str().unwrap();
    assert!(message.contains(&format!("{}/oauth2/start", gate.base())), "{message}");
    assert!(!answer.headers().contains_key("set-cookie"));
    assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
    assert_eq!(app.connections(), 0);
}

#[tokio::test]
async fn a_call_to_an_app_that_is_away_is_told_so() {
    let gate = gateway().with_route(public("/", &"h2c://127.0.0.1:1")).start().await;
    let answer = http2(&gate).await.send_request(call(&gate, "/", "", empty())).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["grpc-status"]),
        (200, &"14".parse().unwrap())
    );
    let script = ask("POST", "/").header("content-type", "application/grpc").body("x");
    assert_eq!(gate.send(script).await.status, 502, "whoever takes no trailers is no such client");
    let web = Request::post(gate.base()).header("content-type", "application/grpc-web");
    let answer = http2(&gate).await.send_request(web.body(empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 502, "to a browser's script it is a request like any other");
}

#[tokio::test]
async fn a_call_may_be_silent_for_longer_than_a_request() {
    let (app, _told) = service().await;
    let gate = gateway()
        .with_route(public("/", &app))
        .with_table("[limits]\nresponse_head = \"1s\"\nbody_idle = \"1s\"")
        .start()
        .await;
    let mut sender = http2(&gate).await;
    let (frames, body) = from_channel();
    let mut answer = sender.send_request(call(&gate, "/late", "", body)).await.unwrap();
    assert_eq!(answer.status(), 200, "its client says how long it waits");
    wait(1500).await;
    frames.send(Frame::data(Bytes::from("still there"))).await.unwrap();
    let echo = timeout(SOON, answer.body_mut().frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(echo.into_data().unwrap(), "still there");
    let plain = Request::get(format!("{}/late", gate.base())).body(empty()).unwrap();
    assert_eq!(sender.send_request(plain).await.unwrap().status(), 504);
}

#[tokio::test]
async fn c80_a_call_ends_with_its_session() {
    let (app, mut told) = service().await;
    let (_provider, gate, visitor) = signed_in(&app, "").await;
    let mut sender = http2(&gate).await;
    let cookie = visitor.session_line();
    let (frames, body) = from_channel();
    let mut answer = sender.send_request(call(&gate, "/", &cookie, body)).await.unwrap();
    let (open_frames, body) = from_channel();
    let mut open = sender.send_request(call(&gate, "/open", "", body)).await.unwrap();
    let (_never_frames, body) = from_channel();
    let never = tokio::spawn(sender.send_request(call(&gate, "/never", &cookie, body)));
    frames.send(Frame::data(Bytes::from("one"))).await.unwrap();
    let echo = timeout(SOON, answer.body_mut().frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(echo.into_data().unwrap(), "one");

    sign_out(&visitor).await;
    let words = trailers(&mut answer).await;
    assert_eq!(words["grpc-status"], "16");
    timeout(SOON, told.recv()).await.expect("the app is told, though the visitor goes on").unwrap();
    let never = timeout(SOON, never).await.expect("one that has no answer yet").unwrap().unwrap();
    assert_eq!(never.headers()["grpc-status"], "16");
    timeout(SOON, told.recv()).await.expect("the app is told of that, too").unwrap();
    open_frames.send(Frame::data(Bytes::from("two"))).await.unwrap();
    let echo = timeout(SOON, open.body_mut().frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(echo.into_data().unwrap(), "two", "nobody's goes on");
    drop(frames);
}

#[tokio::test]
async fn a_call_goes_on_for_as_long_as_the_grace_says() {
    let (app, _told) = service().await;
    let (_provider, gate, visitor) = signed_in(&app, "stream_grace = \"2s\"").await;
    let (frames, body) = from_channel();
    let mut sender = http2(&gate).await;
    let request = call(&gate, "/", &visitor.session_line(), body);
    let mut answer = sender.send_request(request).await.unwrap();
    let ended = Instant::now();
    sign_out(&visitor).await;
    frames.send(Frame::data(Bytes::from("last words"))).await.unwrap();
    let echo = timeout(SOON, answer.body_mut().frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(echo.into_data().unwrap(), "last words");
    let end = timeout(SOON * 5, answer.body_mut().frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(end.into_trailers().unwrap()["grpc-status"], "16");
    assert!(ended.elapsed() >= Duration::from_millis(1900), "{:?}", ended.elapsed());
}
