//! A connection that an app closes under a request (S60): one more try, if nothing was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::*;

const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An app that says `last` to the second request of each connection, and closes.
async fn closing_with(last: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(twice(socket, last, Arc::clone(&counted)));
        }
    });
    (url, asked)
}

async fn twice(mut socket: TcpStream, last: &[u8], asked: Arc<AtomicUsize>) {
    for reply in [PLAIN, last] {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = socket.read_u8().await else { return };
            head.push(byte);
        }
        asked.fetch_add(1, Ordering::SeqCst);
        socket.write_all(reply).await.unwrap();
    }
}

/// Asks twice; how the second request was answered, and how often the app was asked.
async fn second(method: &str, last: &'static [u8]) -> (u16, usize) {
    let (url, asked) = closing_with(last).await;
    let gate =
        gateway().with_top("workers = 1").with_route(public("/", &url.as_str())).start().await;
    let mut line = gate.line().await;
    assert_eq!(line.send(ask("GET", "/")).await.status, 200);
    let answer = line.send(ask(method, "/").fetching()).await;
    (answer.status, asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_request_without_an_answer_is_sent_once_more() {
    assert_eq!(second("GET", b"").await, (200, 3), "S60");
}

#[tokio::test]
async fn a_request_that_was_answered_in_part_is_not() {
    for part in [&b"H"[..], b"HTTP/1.1 200 OK\r\nx: ", b"canary\r\n\r\n", b"\r\n"] {
        assert_eq!(second("GET", part).await, (502, 2), "S60: {part:?}");
    }
}

#[tokio::test]
async fn a_request_with_an_effect_is_not() {
    assert_eq!(second("POST", b"").await, (502, 2), "S60");
}
