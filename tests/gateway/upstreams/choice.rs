//! The server with the fewest requests that are not over is asked next.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::server::Server;
use super::*;

#[tokio::test]
async fn servers_with_nothing_to_do_take_turns() {
    let servers = [Server::start("a").await, Server::start("b").await, Server::start("c").await];
    let gate = before(&servers.each_ref(), "").await;
    answers(&gate, 12).await;
    for server in &servers {
        assert_eq!(server.heads().len(), 4);
    }
}

#[tokio::test]
async fn a_server_that_holds_a_request_gets_no_other_until_it_is_answered() {
    let (a, b) = (Server::start("a").await, Server::start("b").await);
    let gate = before(&[&a, &b], "").await;
    let mut line = gate.line().await;
    let held = tokio::spawn(async move { line.send(ask("GET", "/held")).await.text() });
    eventually("the held request", || a.heads().len() + b.heads().len() == 1).await;
    let (holder, other) = if b.heads().is_empty() { (&a, "b") } else { (&b, "a") };
    assert_eq!(answers(&gate, 6).await, [other; 6]);
    holder.release();
    held.await.unwrap();
    let mut names = answers(&gate, 6).await;
    names.sort();
    assert_eq!(names, ["a", "a", "a", "b", "b", "b"]);
}

#[tokio::test]
async fn an_answer_that_still_comes_counts_and_so_does_a_web_socket_as_long_as_it_lives() {
    let (a, b) = (App::start().await, App::start().await);
    let (first, second) = (a.url(), b.url());
    let gate =
        gateway().with_top("workers = 1").with_table(&app(&[&first, &second], "")).start().await;
    for stream in [true, false] {
        a.forgets();
        b.forgets();
        let (mut socket, mut events) = (None, None);
        if stream {
            let mut line = gate.line().await;
            events = Some((line.begin(ask("GET", "/sse")).await.unwrap(), line));
        } else {
            let address = format!("ws://{}/ws", gate.authority());
            let (mut opened, _) = client_async(address, gate.connect().await).await.unwrap();
            opened.send(Message::text("hello")).await.unwrap();
            assert_eq!(opened.next().await.unwrap().unwrap(), Message::text("hello"));
            socket = Some(opened);
        }
        let (holder, other) = if b.requests().is_empty() { (&a, &b) } else { (&b, &a) };
        assert_eq!(holder.requests().len(), 1);
        for _ in 0..5 {
            assert_eq!(gate.send(ask("GET", "/")).await.status, 200);
        }
        assert_eq!((holder.requests().len(), other.requests().len()), (1, 5));
        drop((socket, events));
        // The end of it is noticed a moment later.
        for _ in 0..250 {
            if holder.requests().len() > 1 {
                break;
            }
            gate.send(ask("GET", "/")).await;
            wait(10).await;
        }
        assert!(holder.requests().len() > 1, "what is over counts no more");
    }
}
