//! Health checks: what the process itself asks the servers.

use std::time::{Duration, Instant};

use super::server::Server;
use super::*;

const CHECKS: &str = "upstream_health = { path = \"/healthz\", interval = \"100ms\", \
                      unhealthy_after = 2, healthy_after = 2 }";

#[tokio::test]
async fn a_server_that_says_it_is_ill_gets_no_requests_until_it_is_well() {
    let (a, b) = (Server::start("a").await, Server::start("b").await);
    let gate = before(&[&a, &b], CHECKS).await;
    until_up(&gate, &a.url, true).await;
    assert!(answers(&gate, 4).await.contains(&"a".to_owned()));
    a.is_well(500);
    until_up(&gate, &a.url, false).await;
    assert_eq!(answers(&gate, 10).await, ["b"; 10]);
    a.is_well(200);
    until_up(&gate, &a.url, true).await;
    assert!(answers(&gate, 4).await.contains(&"a".to_owned()));
    let output = gate.output();
    assert_eq!(output.matches("fails its health checks").count(), 1, "{output}");
    assert_eq!(output.matches("passes its health checks again").count(), 1, "{output}");
}

#[tokio::test]
async fn a_server_that_is_ill_at_the_start_is_left_out_by_the_first_check() {
    let (a, b) = (Server::start("a").await, Server::start("b").await);
    a.is_well(503);
    let lines = CHECKS.replace("100ms", "1h");
    let gate = before(&[&a, &b], &lines).await;
    until_up(&gate, &a.url, false).await;
    assert_eq!(answers(&gate, 6).await, ["b"; 6]);
    assert_eq!((a.checks().len(), b.checks().len()), (1, 1));
}

#[tokio::test]
async fn where_all_are_ill_they_are_asked_all_the_same() {
    let (a, b) = (Server::start("a").await, Server::start("b").await);
    a.is_well(500);
    b.is_well(500);
    let gate = before(&[&a, &b], CHECKS).await;
    for url in [&a.url, &b.url] {
        until_up(&gate, url, false).await;
    }
    answers(&gate, 4).await;
    assert_eq!((a.heads().len(), b.heads().len()), (2, 2));
}

#[tokio::test]
async fn a_check_is_made_in_nobodys_name_once_for_all_workers_and_not_while_draining() {
    let a = Server::start("a").await;
    let begun = Instant::now();
    let mut gate =
        gateway().with_top("workers = 4").with_table(&app(&[&a.url], CHECKS)).start().await;
    eventually("some checks", || a.checks().len() >= 3).await;
    let (checks, most) = (a.checks(), begun.elapsed().as_millis() / 100 + 1);
    assert!((checks.len() as u128) <= most, "{} checks, {most} intervals", checks.len());
    let host = a.url.strip_prefix("http://").unwrap();
    let expected =
        format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nuser-agent: askara-gate\r\n\r\n");
    assert_eq!(checks[0], expected);
    let mut line = gate.line().await;
    let held = tokio::spawn(async move { line.send(ask("GET", "/held")).await.status });
    eventually("the held request", || a.heads().len() == 1).await;
    gate.signal("TERM");
    while gate.accepts().await {
        wait(20).await;
    }
    // One may have been on its way.
    wait(200).await;
    let checks = a.checks().len();
    wait(500).await;
    assert_eq!(a.checks().len(), checks);
    a.release();
    assert_eq!(held.await.unwrap(), 200);
    assert_eq!(gate.exit_code(Duration::from_secs(10)).await, Some(0));
}
