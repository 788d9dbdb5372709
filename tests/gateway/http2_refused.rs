//! Streams that an HTTP/2 app has not looked at: their requests are sent again (S60; RFC 9113 8.7).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::Reason;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::*;

/// Sends the body of the request back.
async fn echo(mut call: Call) {
    let mut answer = call.respond.send_response(Response::new(()), false).unwrap();
    while let Some(Ok(data)) = call.request.body_mut().data().await {
        let _ = call.request.body_mut().flow_control().release_capacity(data.len());
        answer.send_data(data, false).unwrap();
    }
    answer.send_data(Bytes::new(), true).unwrap();
}

/// Refuses the first `refused` streams with this reason, and echoes the others.
async fn refusing(refused: usize, reason: Reason) -> (H2App, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let app = H2App::start(move |mut call: Call| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if number < refused {
                return call.respond.send_reset(reason);
            }
            echo(call).await;
        }
    })
    .await;
    (app, calls)
}

async fn sent(url: &str, body: Vec<u8>) -> (u16, Bytes) {
    let gate = gateway().with_route(public("/", &url)).start().await;
    let request = Request::post(format!("{}/", gate.base())).body(full(body)).unwrap();
    let answer = http2(&gate).await.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn a_stream_that_is_refused_is_sent_again_with_its_body() {
    let (app, calls) = refusing(2, Reason::REFUSED_STREAM).await;
    let answer = sent(&app.url(), b"the body".to_vec()).await;
    assert_eq!(answer, (200, Bytes::from("the body")));
    assert_eq!((calls.load(Ordering::SeqCst), app.connections()), (3, 1));
}

#[tokio::test]
async fn an_app_that_always_refuses_is_not_asked_for_ever() {
    let (app, calls) = refusing(usize::MAX, Reason::REFUSED_STREAM).await;
    assert_eq!(sent(&app.url(), b"the body".to_vec()).await.0, 502);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_stream_that_was_looked_at_is_not_sent_again() {
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::NO_ERROR] {
        let (app, calls) = refusing(1, reason).await;
        assert_eq!(sent(&app.url(), b"the body".to_vec()).await.0, 502, "{reason:?}");
        assert_eq!(calls.load(Ordering::SeqCst), 1, "S60: {reason:?}");
    }
}

#[tokio::test]
async fn a_request_after_the_last_of_a_goaway_goes_to_another_connection() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("h2c://{}", listener.local_addr().unwrap());
    let app = tokio::spawn(async move {
        let (mut leaving, _) = listener.accept().await.unwrap();
        until_headers(&mut leaving).await;
        let goodbye: [&[u8]; 2] = [&[0, 0, 0, 4, 0, 0, 0, 0, 0], &GOAWAY];
        leaving.write_all(&goodbye.concat()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(socket).await.unwrap();
        while let Some(Ok((request, respond))) = connection.accept().await {
            tokio::spawn(echo(Call { request, respond }));
        }
        drop(leaving);
    });
    let answer = sent(&url, b"the body".to_vec()).await;
    assert_eq!(answer, (200, Bytes::from("the body")));
    app.abort();
}

#[tokio::test]
async fn a_body_that_was_too_long_to_keep_is_not_sent_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let app = H2App::start(move |mut call: Call| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            while let Some(Ok(data)) = call.request.body_mut().data().await {
                let _ = call.request.body_mut().flow_control().release_capacity(data.len());
            }
            call.respond.send_reset(Reason::REFUSED_STREAM);
        }
    })
    .await;
    assert_eq!(sent(&app.url(), vec![b'x'; 200_000]).await.0, 502);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// Reads the preface and the frames up to the first head.
async fn until_headers(socket: &mut TcpStream) {
    let mut preface = [0; 24];
    socket.read_exact(&mut preface).await.unwrap();
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        socket.read_exact(&mut payload).await.unwrap();
        if head[3] == 1 {
            return;
        }
    }
}

/// No stream was processed, and nothing is wrong.
const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
