//! Servers that can't be reached or give no sound answer: requests lose nothing by them where they
//! can't have had an effect, they are left out for a while, and they come back.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::server::Server;
use super::*;

fn url(port: &Port) -> String {
    format!("http://127.0.0.1:{}", port.number)
}

#[tokio::test]
async fn a_server_that_is_killed_costs_no_request() {
    let (a, b) = (Server::start("a").await, Server::start("b").await);
    let gate = before(&[&a, &b], "").await;
    answers(&gate, 20).await;
    assert_eq!((a.heads().len(), b.heads().len()), (10, 10));
    let url = a.url.clone();
    a.kill().await;
    assert_eq!(answers(&gate, 40).await, ["b"; 40], "S60");
    let mut line = gate.line().await;
    for _ in 0..10 {
        assert_eq!(line.send(ask("POST", "/").body("once")).await.text(), "b", "S60");
    }
    until_up(&gate, &url, false).await;
}

#[tokio::test]
async fn a_server_that_refuses_is_left_out_and_comes_back_by_a_trial() {
    let (port, b) = (Port::reserve(), Server::start("b").await);
    let urls = [url(&port), b.url.clone()];
    let urls = urls.each_ref().map(String::as_str);
    let gate = gateway()
        .with_admin()
        .with_top("workers = 1")
        .with_table(&app(&urls, ""))
        .with_table(LOG)
        .start()
        .await;
    let refused =
        format!("askara_gate_upstream_faults_total{{server={:?},fault=\"connect\"}}", urls[0]);
    let begun = Instant::now();
    let mut line = gate.line().await;
    for _ in 0..30 {
        let answer = line.send(ask("POST", "/").body("once")).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "b"), "S60: any method");
    }
    assert_eq!(b.heads().len(), 30);
    until_up(&gate, urls[0], false).await;
    let faults = metric(&gate, &refused).await.unwrap();
    if begun.elapsed() < Duration::from_secs(1) {
        assert_eq!(faults, "3", "after that it was left alone");
    }
    let said = gate.logged("a server of an app fails again and again").await;
    assert_eq!(said["server"], urls[0]);
    let a = Server::on("a", port.listen());
    for _ in 0..500 {
        answers(&gate, 1).await;
        if !a.heads().is_empty() {
            break;
        }
        wait(20).await;
    }
    until_up(&gate, urls[0], true).await;
    let mut names = answers(&gate, 4).await;
    names.sort();
    assert_eq!(names, ["a", "a", "b", "b"]);
    gate.logged("a server of an app answers again").await;
    let times = gate.output().matches("a server of an app fails again and again").count();
    assert_eq!(times, 1, "a change is told once");
}

#[tokio::test]
async fn where_all_are_down_they_are_tried_all_the_same_and_the_first_that_is_back_is_used() {
    let (one, other) = (Port::reserve(), Port::reserve());
    let urls = [url(&one), url(&other)];
    let urls = urls.each_ref().map(String::as_str);
    let gate =
        gateway().with_admin().with_top("workers = 1").with_table(&app(&urls, "")).start().await;
    for _ in 0..5 {
        assert_eq!(gate.visitor().fetch("/").await.status, 502);
    }
    for url in urls {
        until_up(&gate, url, false).await;
    }
    let _back = Server::on("back", other.listen());
    assert_eq!(answers(&gate, 5).await, ["back"; 5], "nobody waits for the time of a trial");
    until_up(&gate, urls[1], true).await;
}

#[tokio::test]
async fn a_server_that_breaks_off_is_left_out_and_one_that_answers_500_is_not() {
    let (a, b) = (Server::start("a").await, Server::start("b").await);
    let gate = before(&[&a, &b], "").await;
    a.answers(500);
    let mut line = gate.line().await;
    for _ in 0..20 {
        line.send(ask("GET", "/").fetching()).await;
    }
    assert_eq!((a.heads().len(), b.heads().len()), (10, 10), "that is an answer of the app");
    until_up(&gate, &a.url, true).await;
    a.answers(0);
    let mut failed = 0;
    for _ in 0..40 {
        let answer = gate.send(ask("POST", "/").fetching().body("once")).await;
        failed += usize::from(answer.status == 502);
    }
    until_up(&gate, &a.url, false).await;
    // Three in a row, and a trial for each second that this may take on a slow machine.
    assert!((3..10).contains(&failed), "{failed}");
    assert_eq!(a.heads().len() - 10, failed, "S60: none of them was sent twice");
}

#[tokio::test]
async fn what_may_have_had_an_effect_is_sent_to_no_other_server() {
    for method in ["POST", "GET"] {
        let (a, b) = (Server::start("a").await, Server::start("b").await);
        let gate = before(&[&a, &b], "").await;
        a.answers(0);
        b.answers(0);
        // Both are on their first connection.
        for _ in 0..2 {
            assert_eq!(gate.send(ask(method, "/").fetching()).await.status, 502);
        }
        assert_eq!((a.heads().len(), b.heads().len()), (1, 1), "S60: {method}");
    }
}

/// A server that ends under the second request of its only connection; how many it was sent.
async fn dying() -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        drop(listener);
        read_head(&mut socket).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ndying";
        socket.write_all(answer).await.unwrap();
        1 + usize::from(read_head(&mut socket).await.is_some())
    });
    (url, task)
}

#[tokio::test]
async fn a_request_under_which_a_server_ends_goes_to_another_one_if_it_may_be_sent_twice() {
    for (method, status) in [("GET", 200), ("POST", 502)] {
        let ((dying, heads), b) = (dying().await, Server::start("b").await);
        let table = app(&[&dying, &b.url], "");
        let gate = gateway().with_top("workers = 1").with_table(&table).start().await;
        let mut line = gate.line().await;
        assert_eq!(line.send(ask("GET", "/")).await.text(), "dying");
        assert_eq!(line.send(ask("GET", "/")).await.text(), "b");
        let answer = line.send(ask(method, "/").fetching()).await;
        assert_eq!(answer.status, status, "S60: {method}");
        assert_eq!(heads.await.unwrap(), 2, "S60: {method}");
        assert_eq!(b.heads().len(), if status == 200 { 2 } else { 1 }, "S60: {method}");
    }
}

#[tokio::test]
async fn a_request_is_tried_three_times_at_most() {
    let ports: Vec<Port> = (0..5).map(|_| Port::reserve()).collect();
    let urls: Vec<String> = ports.iter().map(url).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let gate =
        gateway().with_admin().with_top("workers = 1").with_table(&app(&urls, "")).start().await;
    assert_eq!(gate.send(ask("GET", "/").fetching()).await.status, 502);
    let text = gate.admin("/metrics").await.unwrap().text();
    let faults = text.lines().filter(|line| line.starts_with("askara_gate_upstream_faults_total{"));
    assert_eq!(faults.count(), 3, "S60: {text}");
}
