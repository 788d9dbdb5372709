//! Apps behind HTTP/2 that fall silent or leave, and what visitors say where nobody looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use hyper::ext::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::harness::*;

async fn that_says_ok() -> H2App {
    H2App::start(|mut call: Call| async move {
        while call.request.body_mut().data().await.is_some() {}
        let mut body = call.respond.send_response(Response::new(()), false).unwrap();
        body.send_data(Bytes::from("ok"), true).unwrap();
    })
    .await
}

fn open_to(servers: &[&str]) -> String {
    format!("[[route]]\naccess = \"public\"\nupstream = {servers:?}")
}

#[tokio::test]
async fn c39_what_an_operator_states_no_visitor_says_behind_a_body() {
    let (heard, mut hears) = mpsc::channel(1);
    let app = H2App::start(move |mut call: Call| {
        let heard = heard.clone();
        async move {
            while call.request.body_mut().data().await.is_some() {}
            let trailers = call.request.body_mut().trailers().await.unwrap();
            heard.send(trailers.unwrap_or_default()).await.unwrap();
            let _ = call.respond.send_response(Response::new(()), true);
        }
    })
    .await;
    let stated = r#"request_headers = { "X-Remote-User" = "nobody" }"#;
    let gate = gateway().with_route(public("/", &app).with(stated)).start().await;
    let (frames, body) = from_channel();
    let mut line = http2(&gate).await;
    let request = Request::post(format!("{}/x", gate.base())).body(body).unwrap();
    let sending = tokio::spawn(async move { line.send_request(request).await });
    frames.send(Frame::data(Bytes::from("a"))).await.unwrap();
    let mut trailers = HeaderMap::new();
    for name in ["x-remote-user", "x_remote_user", "x-forwarded-user", "x-own"] {
        trailers.insert(name, "root".parse().unwrap());
    }
    frames.send(Frame::trailers(trailers)).await.unwrap();
    drop(frames);
    let names: Vec<String> = hears.recv().await.unwrap().keys().map(ToString::to_string).collect();
    assert_eq!(names, ["x-own"]);
    let answer = sending.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.unwrap();
}

#[tokio::test]
async fn a_websocket_for_an_app_of_http2_alone_is_refused_and_speaks_against_no_server() {
    let (one, other) = (that_says_ok().await, that_says_ok().await);
    let table = open_to(&[&one.url(), &other.url()]);
    let gate = gateway().with_admin().with_table(&table).start().await;
    for _ in 0..5 {
        let head = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            gate.authority()
        );
        assert_eq!(gate.raw(head).await.status(), Some(502));
    }
    let told = gate.admin("/metrics").await.unwrap().text();
    let down = told
        .lines()
        .any(|line| line.starts_with("askara_gate_upstream_up{") && line.ends_with(" 0"));
    assert!(!down, "{told}");
    assert!(!told.contains("askara_gate_upstream_faults_total{"), "{told}");
}

#[tokio::test]
async fn a_websocket_over_http2_has_one_key_whatever_the_visitor_says() {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    let mut line = http2(&gate).await;
    let ping = Request::get(format!("{}/ping", gate.base())).body(empty()).unwrap();
    assert_eq!(line.send_request(ping).await.unwrap().status(), 200);
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("{}/ws", gate.base()))
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let answer = line.send_request(request.body(empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_request_that_a_leaving_server_refused_goes_to_another_one() {
    let other = that_says_ok().await;
    let leaving = that_leaves().await;
    let table = open_to(&[&leaving, &other.url()]);
    let gate = gateway().with_top("workers = 1").with_table(&table).start().await;
    let mut line = gate.line().await;
    for number in 0..6 {
        let answer = line.send(ask("GET", "/").fetching()).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.text());
    }
}

/// Answers one request; says farewell at the next, which it has not looked at, and is gone.
async fn that_leaves() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("h2c://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        drop(listener);
        let mut preface = [0; 24];
        socket.read_exact(&mut preface).await.unwrap();
        // SETTINGS.
        socket.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        let mut asked = 0;
        let mut head = [0; 9];
        while socket.read_exact(&mut head).await.is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            socket.read_exact(&mut payload).await.unwrap();
            match (head[3], head[4] & 1) {
                // SETTINGS, to be acknowledged.
                (4, 0) => socket.write_all(&[0, 0, 0, 4, 1, 0, 0, 0, 0]).await.unwrap(),
                (1, _) if asked == 0 => {
                    asked = 1;
                    // HEADERS with END_HEADERS and END_STREAM: `:status: 200`.
                    let mut answer = vec![0, 0, 1, 1, 5];
                    answer.extend_from_slice(&head[5..9]);
                    answer.push(0x88);
                    socket.write_all(&answer).await.unwrap();
                }
                // GOAWAY after the first stream.
                (1, _) => {
                    let farewell = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
                    socket.write_all(&farewell).await.unwrap();
                }
                _ => {}
            }
        }
    });
    url
}

#[tokio::test]
async fn a_connection_that_died_without_a_word_gets_one_request_and_no_more() {
    let opened = Arc::new(AtomicUsize::new(0));
    let url = that_dies_once(Arc::clone(&opened)).await;
    let gate = gateway()
        .with_top("workers = 1")
        .with_table(&open_to(&[&url]))
        .with_table("[limits]\nresponse_head = \"2s\"")
        .start()
        .await;
    let mut line = gate.line().await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        // The first connection has to be dead before it is asked again.
        wait(400).await;
        statuses.push(line.send(ask("GET", "/").fetching()).await.status);
    }
    assert_eq!(statuses, [200, 504, 200, 200]);
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

/// Its first connection answers one request and hangs; the others go on.
async fn that_dies_once(opened: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("h2c://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let first = opened.fetch_add(1, Ordering::SeqCst) == 0;
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let _ = respond.send_response(Response::new(()), true);
                    if first {
                        let flushed = std::future::poll_fn(|cx| connection.poll_closed(cx));
                        let _ = tokio::time::timeout(Duration::from_millis(200), flushed).await;
                        std::future::pending::<()>().await;
                    }
                }
            });
        }
    });
    url
}
