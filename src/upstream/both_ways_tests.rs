use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

const SOON: Duration = Duration::from_secs(5);
const MASK: [u8; 4] = [1, 2, 3, 4];

/// Both peers of a tunnel, and the tunnel between them.
struct Scene {
    visitor: DuplexStream,
    app: DuplexStream,
    over: oneshot::Sender<()>,
    tunnel: JoinHandle<()>,
}

fn open() -> Scene {
    // What is read in one piece from the app is written in many to the visitor.
    let ((visitor, near), (app, far)) = (duplex(64), duplex(4096));
    let (over, told) = oneshot::channel();
    let tunnel = tokio::spawn(async move {
        let mut tunnel = BothWays::new(near, far);
        tokio::select! {
            biased;
            _ = told => {}
            () = tunnel.carry(None) => return,
        }
        tunnel.end(Reason::SessionEnded, MASK).await;
    });
    Scene { visitor, app, over, tunnel }
}

/// A text frame of an app's, all of one letter.
fn frame(letter: u8, payload: usize) -> Vec<u8> {
    let mut frame = vec![0x81, 126];
    frame.extend((payload as u16).to_be_bytes());
    frame.extend(vec![letter; payload]);
    frame
}

async fn read(from: &mut DuplexStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    timeout(SOON, from.read_exact(&mut read)).await.expect("bytes in time").unwrap();
    read
}

async fn rest(from: &mut DuplexStream) -> Vec<u8> {
    let mut rest = Vec::new();
    timeout(SOON, from.read_to_end(&mut rest)).await.expect("an end in time").unwrap();
    rest
}

#[tokio::test]
async fn bytes_go_both_ways_whatever_they_are_and_each_way_ends_alone() {
    let Scene { mut visitor, mut app, over: _over, tunnel } = open();
    visitor.write_all(b"\x88 no frames").await.unwrap();
    assert_eq!(read(&mut app, 11).await, b"\x88 no frames");
    visitor.shutdown().await.unwrap();
    assert!(rest(&mut app).await.is_empty());
    let large = vec![7; 10_000];
    let (_, read) = tokio::join!(
        async {
            app.write_all(&large).await.unwrap();
            app.shutdown().await.unwrap();
        },
        rest(&mut visitor)
    );
    assert_eq!(read, large);
    timeout(SOON, tunnel).await.expect("both ways are over").unwrap();
}

#[tokio::test]
async fn an_end_between_frames_tells_both_sides_at_once() {
    let Scene { mut visitor, mut app, over, tunnel } = open();
    app.write_all(&frame(b'a', 200)).await.unwrap();
    assert_eq!(read(&mut visitor, 204).await, frame(b'a', 200));
    over.send(()).unwrap();
    assert_eq!(rest(&mut visitor).await, Reason::SessionEnded.to_client());
    assert_eq!(rest(&mut app).await, Reason::SessionEnded.to_server(MASK));
    // What still comes is taken, and goes nowhere, until both sides have gone.
    app.write_all(&frame(b'b', 1000)).await.unwrap();
    visitor.write_all(b"still there").await.unwrap();
    drop((visitor, app));
    timeout(SOON, tunnel).await.expect("nobody is waited for").unwrap();
}

#[tokio::test]
async fn a_frame_on_its_way_is_finished_and_the_next_one_is_not_begun() {
    let Scene { mut visitor, mut app, over, tunnel: _tunnel } = open();
    let sent = frame(b'a', 200);
    app.write_all(&sent[..50]).await.unwrap();
    assert_eq!(read(&mut visitor, 50).await, sent[..50]);
    over.send(()).unwrap();
    assert_eq!(rest(&mut app).await, Reason::SessionEnded.to_server(MASK), "the other way is free");
    app.write_all(&[&sent[50..], &frame(b'b', 300)].concat()).await.unwrap();
    let expected = [&sent[50..], &Reason::SessionEnded.to_client()].concat();
    assert_eq!(rest(&mut visitor).await, expected);
}

#[tokio::test]
async fn a_frame_that_is_never_finished_is_cut_without_a_word() {
    let Scene { mut visitor, mut app, over, tunnel } = open();
    app.write_all(&frame(b'a', 200)[..50]).await.unwrap();
    read(&mut visitor, 50).await;
    over.send(()).unwrap();
    assert!(rest(&mut visitor).await.is_empty(), "a close frame would be read as its payload");
    assert!(!tunnel.is_finished(), "it is shut, and not only let go of");
    assert_eq!(rest(&mut app).await, Reason::SessionEnded.to_server(MASK));
    timeout(SOON, tunnel).await.expect("a side that stays is not waited for").unwrap();
}

#[tokio::test]
async fn frames_that_wait_for_a_slow_visitor_are_not_begun_after_the_end() {
    let Scene { mut visitor, mut app, over, tunnel: _tunnel } = open();
    let (first, second) = (frame(b'a', 200), frame(b'b', 200));
    let both = [first.as_slice(), &second].concat();
    let flood = tokio::spawn(async move {
        app.write_all(&both).await.unwrap();
        app
    });
    // Both frames are in the tunnel when it ends, and a part of the first one is out.
    assert_eq!(read(&mut visitor, 10).await, first[..10]);
    let mut app = timeout(SOON, flood).await.expect("the tunnel takes both").unwrap();
    over.send(()).unwrap();
    assert_eq!(rest(&mut app).await, Reason::SessionEnded.to_server(MASK));
    let expected = [&first[10..], &Reason::SessionEnded.to_client()].concat();
    assert_eq!(rest(&mut visitor).await, expected);
}

#[tokio::test]
async fn nothing_follows_a_close_frame_of_the_sides_own() {
    let Scene { mut visitor, mut app, over, tunnel: _tunnel } = open();
    app.write_all(&Reason::GoingAway.to_client()).await.unwrap();
    assert_eq!(read(&mut visitor, 4).await, Reason::GoingAway.to_client());
    over.send(()).unwrap();
    assert!(rest(&mut visitor).await.is_empty(), "RFC 6455 5.5.1");
    assert_eq!(rest(&mut app).await, Reason::SessionEnded.to_server(MASK));
}

#[tokio::test]
async fn a_side_that_is_gone_does_not_keep_the_other_from_its_end() {
    let Scene { mut visitor, app, over, tunnel } = open();
    visitor.write_all(&[0x82, 0x85]).await.unwrap();
    let mut app = app;
    read(&mut app, 2).await;
    visitor.shutdown().await.unwrap();
    rest(&mut app).await;
    over.send(()).unwrap();
    assert_eq!(rest(&mut visitor).await, Reason::SessionEnded.to_client());
    drop((visitor, app));
    timeout(SOON, tunnel).await.expect("both are gone").unwrap();
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_over_and_one_that_moves_is_not() {
    let ((mut visitor, near), (mut app, far)) = (duplex(64), duplex(64));
    let mut tunnel = BothWays::new(near, far);
    let carried = tokio::spawn(async move { tunnel.carry(Some(Duration::from_secs(1))).await });
    let begun = Instant::now();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        app.write_all(b"x").await.unwrap();
        assert_eq!(read(&mut visitor, 1).await, b"x");
    }
    timeout(SOON, carried).await.expect("it is over").unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(2600), "{:?}", begun.elapsed());
}
