//! WebSockets as connections: they count, they may be too quiet, and they end with the process.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::*;

async fn before(app: &App, limits: &str) -> Gate {
    gateway()
        .with_admin()
        .with_top("workers = 1")
        .with_route(public("/", app))
        .with_table(&format!("[limits]\n{limits}"))
        .start()
        .await
}

async fn open(gate: &Gate) -> WebSocketStream<TcpStream> {
    let address = format!("ws://{}/ws", gate.authority());
    client_async(address, gate.connect().await).await.unwrap().0
}

async fn echoes(socket: &mut WebSocketStream<TcpStream>, message: &str) {
    socket.send(Message::text(message)).await.unwrap();
    let echo = timeout(Duration::from_secs(2), socket.next()).await.expect("an echo in time");
    assert_eq!(echo.unwrap().unwrap(), Message::text(message));
}

/// The code with which the gateway ends it.
async fn closing(socket: &mut WebSocketStream<TcpStream>) -> Option<u16> {
    match timeout(Duration::from_secs(1), socket.next()).await {
        Ok(Some(Ok(Message::Close(Some(frame))))) => Some(frame.code.into()),
        _ => None,
    }
}

async fn is_over(socket: &mut WebSocketStream<TcpStream>, within: Duration) -> bool {
    matches!(timeout(within, socket.next()).await, Ok(None | Some(Err(_))))
}

#[tokio::test]
async fn a_tunnel_keeps_its_place_among_the_connections() {
    let app = App::start().await;
    let gate = before(&app, "connections = 2").await;
    let (mut one, two) = (open(&gate).await, open(&gate).await);
    let told = gate.admin("/metrics").await.unwrap().text();
    assert!(told.contains("askara_gate_connections 2\n"), "{told}");
    let visitor = gate.visitor();
    let third = tokio::spawn(async move { visitor.get("/").await.status });
    wait(300).await;
    assert!(!third.is_finished(), "there are two places");
    drop(two);
    assert_eq!(third.await.unwrap(), 200);
    echoes(&mut one, "still there").await;
    drop(one);
    for _ in 0..50 {
        let told = gate.admin("/metrics").await.unwrap().text();
        if told.contains("askara_gate_connections 0\n") {
            return;
        }
        wait(20).await;
    }
    panic!("a connection is counted that is gone");
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_ended() {
    let app = App::start().await;
    let gate = before(&app, "stream_idle = \"1s\"").await;
    let mut socket = open(&gate).await;
    for _ in 0..4 {
        wait(500).await;
        echoes(&mut socket, "moving").await;
    }
    let begun = Instant::now();
    assert!(is_over(&mut socket, Duration::from_secs(3)).await, "nothing moved");
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_quiet_tunnel_stands_where_no_limit_is_set() {
    let app = App::start().await;
    let gate = before(&app, "body_idle = \"1s\"\nrequest_head = \"1s\"\nkeep_alive = \"1s\"").await;
    let mut socket = open(&gate).await;
    wait(2500).await;
    echoes(&mut socket, "still there").await;
}

#[tokio::test]
async fn tunnels_live_while_others_are_finished_and_end_cleanly() {
    let app = App::start().await;
    let mut gate = before(&app, "drain = \"4s\"").await;
    let mut socket = open(&gate).await;
    let visitor = gate.visitor();
    let slow = tokio::spawn(async move { visitor.get("/slow?ms=2000").await.status });
    eventually("the request at the app", || app.requests().len() == 2).await;
    gate.signal("TERM");
    wait(1500).await;
    echoes(&mut socket, "while others are finished").await;
    assert_eq!(slow.await.unwrap(), 200);
    assert_eq!(gate.exit_code(Duration::from_secs(3)).await, Some(0), "a clean drain");
    assert_eq!(closing(&mut socket).await, Some(1001), "the gateway goes away");
    assert!(is_over(&mut socket, Duration::from_secs(1)).await);
}

#[tokio::test]
async fn tunnels_are_told_even_where_something_else_never_ends() {
    let app = App::start().await;
    let mut gate = before(&app, "drain = \"4s\"").await;
    let mut socket = open(&gate).await;
    let visitor = gate.visitor();
    let endless = tokio::spawn(async move { visitor.get("/slow?ms=60000").await });
    eventually("the request at the app", || app.requests().len() == 2).await;
    gate.signal("TERM");
    wait(2500).await;
    assert_eq!(closing(&mut socket).await, Some(1001), "the gateway goes away");
    assert_eq!(gate.exit_code(Duration::from_secs(6)).await, Some(1), "it was cut short");
    endless.abort();
}

#[tokio::test]
async fn a_tunnel_that_ends_by_itself_is_not_waited_for() {
    let app = App::start().await;
    let mut gate = before(&app, "drain = \"20s\"").await;
    let socket = open(&gate).await;
    gate.signal("TERM");
    wait(200).await;
    drop(socket);
    assert_eq!(gate.exit_code(Duration::from_secs(3)).await, Some(0));
}
