//! Apps that answer before they were sent everything, and requests whose method hides their body.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use crate::harness::*;

const TOO_LARGE: &str = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno";

async fn before(upstream: &RawUpstream) -> Gate {
    // One worker, so that everybody meets the same connections.
    gateway().with_top("workers = 1").with_route(public("/", upstream)).start().await
}

#[tokio::test]
async fn a_stalled_upload_that_was_answered_holds_nobody_up() {
    let begun =
        ["Content-Length: 100\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"];
    for upload in begun {
        let upstream = RawUpstream::answering(TOO_LARGE).await;
        let gate = before(&upstream).await;
        let mut stalled = gate.connect().await;
        let head = format!("POST / HTTP/1.1\r\nHost: {}\r\n", gate.authority());
        stalled.write_all(format!("{head}{upload}").as_bytes()).await.unwrap();
        assert_eq!(read_all(&mut stalled).await.status(), Some(413));
        let begun = Instant::now();
        assert_eq!(gate.visitor().get("/").await.status, 413, "C-60");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(upstream.connections(), 2, "S60: the first still carries the upload");
    }
}

#[tokio::test]
async fn a_whole_upload_leaves_a_connection_for_the_next() {
    let upstream = RawUpstream::answering(TOO_LARGE).await;
    let gate = before(&upstream).await;
    let mut line = gate.line().await;
    line.send(ask("POST", "/").body("hello")).await;
    line.send(ask("GET", "/")).await;
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_get_keeps_a_body_whose_length_nobody_told() {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    let request = format!(
        "GET /echo HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         5\r\nhello\r\n0\r\n\r\n",
        gate.authority()
    );
    let answer = gate.raw(request).await;
    assert!(answer.text().ends_with("hello"), "{}", answer.text());
    app.forgets();
    let stream = Stream::get(&gate, "/echo", &[]).with_data(b"hello");
    assert_eq!(stream.send(&gate).await, Outcome::Answered(200));
    assert_eq!(&app.last().body[..], b"hello");
    assert_eq!(gate.send(ask("GET", "/echo")).await.body.len(), 0);
    assert_eq!(app.last().header("transfer-encoding"), None, "no body, no framing");
}
