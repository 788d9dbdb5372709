//! Bodies that stand still (C-73): nobody holds a connection by sending nothing.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::harness::*;

/// An app that answers with the beginning of a body and nothing more; with nothing at all where
/// `answer` is empty.
async fn that_falls_silent(answer: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = socket.read(&mut head).await;
            socket.write_all(answer.as_bytes()).await.unwrap();
            held.push(socket);
        }
    });
    url
}

async fn gate_to(url: &str, route: &str, limits: &str) -> Gate {
    let table = format!("[[route]]\naccess = \"public\"\nupstream = {url:?}\n{route}");
    gateway().with_table(&table).with_table(&format!("[limits]\n{limits}")).start().await
}

#[tokio::test]
async fn a_visitor_who_stops_sending_is_answered_and_the_app_is_free() {
    let url = that_falls_silent("").await;
    for kind in ["text/plain", "application/grpc"] {
        let gate = gate_to(&url, "", "response_head = \"60s\"\nbody_idle = \"1s\"").await;
        let mut socket = gate.connect().await;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: 10\r\n\r\nab",
            gate.authority()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = timeout(Duration::from_secs(20), socket.read_exact(&mut answer)).await;
        assert!(read.is_ok_and(|read| read.is_ok()), "{kind}");
        assert_eq!(&answer, b"HTTP/1.1 400", "{kind}");
    }
}

#[tokio::test]
async fn an_app_that_stops_sending_ends_its_answer_unfinished() {
    let url = that_falls_silent("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab").await;
    for (route, limits) in [("", "stream_idle = \"1s\""), ("limits = { stream_idle = \"1s\" }", "")]
    {
        let gate = gate_to(&url, route, limits).await;
        let mut socket = gate.connect().await;
        let head = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", gate.authority());
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{route}{limits}");
        assert!(answer.ends_with(b"\r\n\r\nab"), "{route}{limits}");
    }
}
