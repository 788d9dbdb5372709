//! HTTP/2 visitors that ask and take nothing, or ask later (C-73).

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::harness::*;

async fn with_app() -> (App, Gate) {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/", &app))
        .with_table("[limits]\nbody_idle = \"1s\"\nrequest_head = \"1s\"")
        .start()
        .await;
    (app, gate)
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up_and_its_connection_lives_on() {
    let (app, gate) = with_app().await;
    let mut connection = Connection::open(&gate).await;
    connection.begin(Stream::get(&gate, "/sse", &[]).with_window(0)).await;
    assert_eq!(connection.outcome().await, Outcome::Answered(200));
    assert_eq!(app.abandoned(), 0);
    assert_eq!(connection.outcome().await, Outcome::Refused, "C-73: the stream is reset");
    eventually("the end of the app's stream", || app.abandoned() == 1).await;
    connection.begin(Stream::get(&gate, "/status/204", &[])).await;
    assert_eq!(connection.outcome().await, Outcome::Answered(204), "the others go on");
}

#[tokio::test]
async fn an_answer_of_which_only_the_beginning_is_taken_is_given_up() {
    let (app, gate) = with_app().await;
    let mut connection = Connection::open(&gate).await;
    connection.begin(Stream::get(&gate, "/sse", &[]).with_window(12)).await;
    assert_eq!(connection.outcome().await, Outcome::Answered(200));
    assert_eq!(connection.outcome().await, Outcome::Refused, "C-73");
    eventually("the end of the app's stream", || app.abandoned() == 1).await;
}

#[tokio::test]
async fn an_answer_that_is_taken_slowly_arrives_whole() {
    let (_app, gate) = with_app().await;
    let socket = TokioIo::new(gate.connect().await);
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(20_000)
        .handshake(socket)
        .await
        .unwrap();
    tokio::spawn(connection);
    let target = format!("{}/big?bytes=300000", gate.base());
    let request = http::Request::get(target).body(empty()).unwrap();
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let (mut taken, begun) = (0, Instant::now());
    while let Some(frame) = body.frame().await {
        let data = frame.expect("C-73: whoever takes it keeps it").into_data().unwrap();
        taken += data.len();
        wait(50).await;
    }
    assert_eq!(taken, 300_000);
    assert!(begun.elapsed() > Duration::from_secs(2), "it takes longer than body_idle");
}

#[tokio::test]
async fn an_app_that_is_quiet_is_waited_for() {
    let reply = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 0\n\n";
    let upstream = RawUpstream::answering(reply).await;
    let gate = gateway()
        .with_route(public("/", &upstream))
        .with_table("[limits]\nbody_idle = \"1s\"")
        .start()
        .await;
    let mut connection = Connection::open(&gate).await;
    connection.begin(Stream::get(&gate, "/", &[])).await;
    assert_eq!(connection.outcome().await, Outcome::Answered(200));
    let later = connection.outcome_within(Duration::from_secs(3)).await;
    assert_eq!(later, Outcome::Silence, "the stream stands");
}

#[tokio::test]
async fn a_connection_that_is_made_ahead_may_wait_for_its_first_request() {
    let (_app, gate) = with_app().await;
    let mut connection = Connection::open(&gate).await;
    wait(2000).await;
    connection.begin(Stream::get(&gate, "/", &[])).await;
    assert_eq!(connection.outcome().await, Outcome::Answered(200));
}
