//! How a WebSocket ends with its session (C-80), byte by byte: whole frames, and one last word.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::*;

const SOON: Duration = Duration::from_secs(1);
const SWITCHING: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
const CONTINUES: u8 = 0;
const TEXT: u8 = 1;
const FIN: u8 = 0x80;

struct Scene {
    app: HeldApp,
    _provider: Provider,
    gate: Gate,
    visitor: Visitor,
}

async fn signed_in() -> Scene {
    let (provider, app) = (Provider::start().await, HeldApp::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/", &app))
        .with_top("workers = 1")
        .start()
        .await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/").await;
    visitor.open(&callback).await;
    Scene { app, _provider: provider, gate, visitor }
}

impl Scene {
    /// Asks for a WebSocket; what comes back is the test's affair.
    async fn ask(&self) -> (TcpStream, TcpStream) {
        let mut browser = self.gate.connect().await;
        let head = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.gate.authority(),
            self.visitor.session_line()
        );
        browser.write_all(head.as_bytes()).await.unwrap();
        let app = self.app.asked().await;
        (browser, app)
    }

    /// A WebSocket, by its two ends.
    async fn open(&self) -> (TcpStream, TcpStream) {
        let (mut browser, mut app) = self.ask().await;
        app.write_all(SWITCHING.as_bytes()).await.unwrap();
        let head = read_head(&mut browser).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        (browser, app)
    }

    async fn sign_out(&self) {
        let request = ask("POST", "/oauth2/sign_out").navigating().same_origin();
        assert!(self.visitor.send(request).await.status < 400);
    }
}

/// A frame of the app's.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[first, 126], &length[..], payload].concat()
}

async fn read(from: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    timeout(SOON, from.read_exact(&mut read)).await.expect("bytes in time").unwrap();
    read
}

/// All that comes until the gateway closes.
async fn rest(from: &mut TcpStream, within: Duration) -> Vec<u8> {
    let mut rest = Vec::new();
    timeout(within, from.read_to_end(&mut rest)).await.expect("an end in time").unwrap();
    rest
}

/// The code of a frame that is a close frame, and nothing besides.
fn code(frame: &[u8]) -> u16 {
    assert_eq!((frame[0], usize::from(frame[1])), (0x88, frame.len() - 2), "{frame:02x?}");
    u16::from_be_bytes([frame[2], frame[3]])
}

#[tokio::test]
async fn both_sides_are_told_and_the_app_by_a_masked_frame() {
    let scene = signed_in().await;
    let mut masks = Vec::new();
    for _ in 0..2 {
        let (mut browser, mut app) = scene.open().await;
        scene.sign_out().await;
        assert_eq!(code(&rest(&mut browser, SOON).await), 1008, "C-80");
        let told = rest(&mut app, SOON).await;
        assert_eq!(told[1] & 0x80, 0x80, "RFC 6455 5.3: {told:02x?}");
        let (mask, payload) = told[2..].split_at(4);
        let plain: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).collect();
        assert_eq!(code(&[&[told[0], told[1] & 0x7f], plain.as_slice()].concat()), 1008, "C-80");
        masks.push(mask.to_vec());
        let callback = scene.visitor.consent("/").await;
        scene.visitor.open(&callback).await;
    }
    assert_ne!(masks[0], masks[1], "RFC 6455 5.3: a mask is random");
}

#[tokio::test]
async fn a_message_may_be_cut_between_its_frames_but_no_frame_is() {
    let scene = signed_in().await;
    let (mut browser, mut app) = scene.open().await;
    let first = frame(TEXT, &[b'a'; 3000]);
    let second = frame(CONTINUES, &[b'b'; 3000]);
    let (begun, left) = second.split_at(1000);
    app.write_all(&[&first, begun].concat()).await.unwrap();
    assert_eq!(read(&mut browser, first.len()).await, first);
    assert_eq!(read(&mut browser, begun.len()).await, begun);
    scene.sign_out().await;
    let third = frame(CONTINUES | FIN, b"never seen");
    app.write_all(&[left, &third].concat()).await.unwrap();
    let rest = rest(&mut browser, SOON).await;
    assert_eq!(rest[..left.len()], *left, "the frame is finished");
    assert_eq!(code(&rest[left.len()..]), 1008, "C-80: and nothing comes but the last word");
}

#[tokio::test]
async fn a_frame_that_does_not_come_to_its_end_keeps_nobody() {
    let scene = signed_in().await;
    let (mut browser, mut app) = scene.open().await;
    let half = &frame(TEXT, &[b'a'; 3000])[..1000];
    app.write_all(half).await.unwrap();
    assert_eq!(read(&mut browser, half.len()).await, half);
    scene.sign_out().await;
    let within = Duration::from_secs(3);
    assert!(rest(&mut browser, within).await.is_empty(), "it would be read as its payload");
    assert_eq!(rest(&mut app, SOON).await[0], 0x88, "the other way was free");
}

#[tokio::test]
async fn an_app_that_never_stops_sending_is_stopped() {
    let scene = signed_in().await;
    let (mut browser, mut app) = scene.open().await;
    let flood = tokio::spawn(async move {
        let frame = frame(TEXT | FIN, &[b'x'; 1500]);
        while app.write_all(&frame).await.is_ok() {}
    });
    read(&mut browser, 100_000).await;
    let reading = async { rest(&mut browser, Duration::from_secs(5)).await };
    let (read, ()) = tokio::join!(reading, scene.sign_out());
    // It began somewhere, and ends at the end of a frame.
    assert_eq!(code(&read[read.len() - 25..]), 1008, "C-80");
    assert_eq!((read.len() - 25 + 100_000) % 1504, 0, "whole frames");
    timeout(Duration::from_secs(5), flood).await.expect("the app's connection is closed").unwrap();
}

#[tokio::test]
async fn a_visitor_who_never_stops_sending_reads_the_last_word() {
    let scene = signed_in().await;
    let (browser, mut app) = scene.open().await;
    let (mut reader, mut writer) = browser.into_split();
    let masked = [&[0x82, 0x80 | 126, 0x03, 0xe8, 0, 0, 0, 0], &[b'x'; 1000][..]].concat();
    let flood = tokio::spawn(async move { while writer.write_all(&masked).await.is_ok() {} });
    read(&mut app, 100_000).await;
    let taking = tokio::spawn(async move { rest(&mut app, Duration::from_secs(5)).await });
    scene.sign_out().await;
    let mut last = vec![0; 25];
    timeout(SOON, reader.read_exact(&mut last)).await.expect("a last word").expect("C-80");
    assert_eq!(code(&last), 1008, "C-80");
    let taken = taking.await.unwrap();
    assert_eq!(taken[taken.len() - 29], 0x88, "the app has its own, after whole frames");
    assert_eq!((100_000 + taken.len() - 29) % 1008, 0);
    timeout(Duration::from_secs(5), flood).await.expect("nobody takes it for ever").unwrap();
}

#[tokio::test]
async fn a_stream_that_the_app_grants_after_the_sign_out_ends_at_once() {
    let scene = signed_in().await;
    let (mut browser, mut app) = scene.ask().await;
    scene.sign_out().await;
    app.write_all(SWITCHING.as_bytes()).await.unwrap();
    read_head(&mut browser).await.expect("it was let through before");
    assert_eq!(code(&rest(&mut browser, SOON).await), 1008, "C-80");
}

#[tokio::test]
async fn pictures_that_follow_one_another_end_too_and_what_was_granted_late_at_once() {
    let scene = signed_in().await;
    let mut late = scene.ask().await;
    let (mut browser, mut app) = scene.ask().await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
        Content-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n4\r\n--x\n\r\n";
    app.write_all(head.as_bytes()).await.unwrap();
    read_head(&mut browser).await.unwrap();
    assert_eq!(read(&mut browser, 9).await, b"4\r\n--x\n\r\n");
    scene.sign_out().await;
    assert_eq!(read(&mut browser, 5).await, b"0\r\n\r\n", "C-80: the last chunk");
    assert!(rest(&mut app, SOON).await.is_empty(), "the app's connection is closed");
    late.1.write_all(head.as_bytes()).await.unwrap();
    read_head(&mut late.0).await.unwrap();
    assert_eq!(read(&mut late.0, 5).await, b"0\r\n\r\n", "C-80: nothing but the last chunk");
}
