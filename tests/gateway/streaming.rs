//! Bodies flow both ways as they come: nothing waits for an end, nothing outlives its reader.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use tokio::time::timeout;

use crate::harness::*;

async fn scene() -> (App, Gate) {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    (app, gate)
}

async fn next_data(body: &mut Incoming) -> Bytes {
    let frame = timeout(Duration::from_secs(2), body.frame()).await;
    let frame = frame.expect("a frame in time").expect("not the end").unwrap();
    frame.into_data().unwrap()
}

#[tokio::test]
async fn an_upload_is_answered_while_it_still_runs() {
    let (_app, gate) = scene().await;
    let (sender, body) = from_channel();
    let visitor = gate.visitor();
    sender.send(Frame::data(Bytes::from("one"))).await.unwrap();
    let response = visitor.begin(ask("POST", "/stream").stream(body)).await;
    let mut answer = response.into_body();
    assert_eq!(next_data(&mut answer).await, "one");
    sender.send(Frame::data(Bytes::from("two"))).await.unwrap();
    assert_eq!(next_data(&mut answer).await, "two");
    drop(sender);
    assert!(answer.frame().await.is_none(), "and ends when it ends");
}

#[tokio::test]
async fn events_arrive_at_once() {
    let (_app, gate) = scene().await;
    let begun = Instant::now();
    let response = gate.visitor().begin(ask("GET", "/sse")).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body();
    for n in 0..3 {
        assert_eq!(next_data(&mut events).await, format!("data: {n}\n\n"));
    }
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_apps_stream() {
    let (app, gate) = scene().await;
    let mut response = gate.visitor().begin(ask("GET", "/sse")).await;
    next_data(response.body_mut()).await;
    assert_eq!(app.abandoned(), 0);
    drop(response);
    eventually("the end of the app's stream", || app.abandoned() == 1).await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_apps_work() {
    let (app, gate) = scene().await;
    let visitor = gate.visitor();
    let waiting = tokio::spawn(async move { visitor.get("/slow?ms=20000").await.status });
    eventually("the request at the app", || !app.requests().is_empty()).await;
    waiting.abort();
    eventually("the end of the app's work", || app.abandoned() == 1).await;
}

#[tokio::test]
async fn a_broken_upload_never_ends_cleanly_at_the_app() {
    use tokio::io::AsyncWriteExt;

    let (app, gate) = scene().await;
    let mut socket = gate.connect().await;
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        gate.authority()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    wait(200).await;
    drop(socket);
    wait(300).await;
    assert!(app.requests().is_empty(), "the app records whole bodies only");
}

#[tokio::test]
async fn large_bodies_pass_both_ways() {
    let (_app, gate) = scene().await;
    let up = vec![b'u'; 8 << 20];
    let answer = gate.send(ask("POST", "/echo").body(up.clone())).await;
    assert!(answer.body == up, "{} bytes of {}", answer.body.len(), up.len());
    let answer = gate.send(ask("GET", "/big?bytes=16777216")).await;
    assert_eq!(answer.body.len(), 16 << 20);
}

#[tokio::test]
async fn a_slow_reader_holds_back_a_fast_app() {
    let (_app, gate) = scene().await;
    let (sender, body) = from_channel();
    let visitor = gate.visitor();
    let chunk = Bytes::from(vec![b'x'; 1 << 20]);
    sender.send(Frame::data(chunk.clone())).await.unwrap();
    // The app echoes; nobody reads the answer, so sooner or later nobody takes more of the upload.
    let _unread = visitor.begin(ask("POST", "/stream").stream(body)).await;
    let mut sent = 1;
    while sent < 64 {
        let frame = Frame::data(chunk.clone());
        match timeout(Duration::from_millis(700), sender.send(frame)).await {
            Ok(sending) => sending.unwrap(),
            Err(_) => break,
        }
        sent += 1;
    }
    assert!(sent < 64, "back-pressure instead of buffering: {sent} MiB went in");
}

#[tokio::test]
async fn trailers_of_the_answer_pass_without_managed_ones() {
    let reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
        Trailer: x-checksum, x-forwarded-user, content-length\r\n\r\n\
        4\r\nbody\r\n0\r\nx-checksum: right\r\nx-forwarded-user: canary\r\ncontent-length: 1\r\n\r\n";
    let upstream = RawUpstream::answering(reply).await;
    let gate = gateway().with_route(public("/", &upstream)).start().await;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n",
        gate.authority()
    );
    let text = gate.raw(request).await.text().to_ascii_lowercase();
    assert!(text.contains("0\r\nx-checksum: right\r\n"), "S58: {text}");
    assert!(!text.contains("canary"), "C-39: {text}");
    assert!(!text.contains("content-length: 1\r\n"), "C-39: {text}");
}

#[tokio::test]
async fn an_apps_own_trailers_arrive() {
    let (_app, gate) = scene().await;
    let request = ask("GET", "/trailers").header("te", "trailers").header("connection", "te");
    let response = gate.visitor().begin(request).await;
    let body = response.into_body().collect().await.unwrap();
    let checksum = body.trailers().and_then(|trailers| trailers.get("x-checksum").cloned());
    assert_eq!(body.to_bytes(), "body");
    assert_eq!(checksum.unwrap(), "right", "S58");
}

#[tokio::test]
async fn trailers_of_the_request_pass_without_managed_ones() {
    let (app, gate) = scene().await;
    let request = format!(
        "POST /echo HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\
         Trailer: x-checksum, x-forwarded-user, transfer-encoding\r\n\r\n5\r\nhello\r\n0\r\n\
         x-checksum: right\r\nx-forwarded-user: canary\r\nX_Forwarded_User: canary\r\nhost: canary\r\n\r\n",
        gate.authority()
    );
    assert_eq!(gate.raw(request).await.status(), Some(200));
    let trailers = app.last().trailers;
    assert_eq!(trailers.get("x-checksum").unwrap(), "right", "S58");
    assert_eq!(trailers.len(), 1, "C-39: {trailers:?}");
    assert_eq!(app.last().header("x-forwarded-user"), None, "C-39");
}
