//! `upstream_connections`: how many connections to a server there are at once, over all workers.

use super::server::Server;
use super::*;

#[tokio::test]
async fn there_are_never_more_connections_than_allowed_and_the_rest_waits_for_its_turn() {
    let a = Server::start("a").await;
    let gate = gateway()
        .with_top("workers = 3")
        .with_table(&app(&[&a.url], "upstream_connections = 2"))
        .start()
        .await;
    let mut waiting = Vec::new();
    for _ in 0..12 {
        let mut line = gate.line().await;
        waiting.push(tokio::spawn(async move { line.send(ask("GET", "/held")).await.status }));
    }
    eventually("as many as may be", || a.heads().len() == 2).await;
    wait(200).await;
    assert_eq!(a.heads().len(), 2, "the others wait");
    a.release();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), 200);
    }
    // Lines of all workers, each of which may have idle connections.
    for _ in 0..20 {
        assert_eq!(gate.send(ask("GET", "/")).await.status, 200);
    }
    assert_eq!(a.heads().len(), 32);
    assert_eq!(a.most(), 2, "idle ones count");
}

#[tokio::test]
async fn who_waits_too_long_is_told_to_come_again() {
    let a = Server::start("a").await;
    let gate = gateway()
        .with_top("workers = 2")
        .with_table(&app(&[&a.url], "upstream_connections = 1"))
        .with_table("[limits]\nconnect = \"1s\"")
        .start()
        .await;
    let mut line = gate.line().await;
    let held = tokio::spawn(async move { line.send(ask("GET", "/held")).await.status });
    eventually("the held request", || a.heads().len() == 1).await;
    let answer = gate.visitor().fetch("/").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    a.release();
    assert_eq!(held.await.unwrap(), 200);
    assert_eq!(gate.send(ask("GET", "/")).await.status, 200, "the place is free again");
}

#[tokio::test]
async fn the_next_server_is_used_while_one_is_full() {
    let (a, b) = (Server::start("a").await, Server::start("b").await);
    let gate = before(&[&a, &b], "upstream_connections = 1").await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut line = gate.line().await;
        held.push(tokio::spawn(async move { line.send(ask("GET", "/held")).await.text() }));
    }
    eventually("both", || (a.heads().len(), b.heads().len()) == (1, 1)).await;
    // Whoever is free first serves those who wait, whoever that is.
    let mut line = gate.line().await;
    let third = tokio::spawn(async move { line.send(ask("GET", "/")).await.text() });
    wait(200).await;
    b.release();
    assert_eq!(third.await.unwrap(), "b");
    assert_eq!((a.most(), b.most()), (1, 1));
    a.release();
    for held in held {
        held.await.unwrap();
    }
}
