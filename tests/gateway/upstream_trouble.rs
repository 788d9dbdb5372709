//! An upstream that is down, slow or talking nonsense (C-53, C-60): an answer, never a hang.

use crate::harness::*;

async fn before(upstream: &RawUpstream) -> Gate {
    gateway()
        .with_route(public("/", upstream))
        .with_table("[limits]\nresponse_head = \"1s\"")
        .start()
        .await
}

const PLAIN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn an_upstream_that_is_down_is_a_502() {
    let gate = gateway().with_route(public("/", &"http://127.0.0.1:1")).start().await;
    let page = gate.visitor().open("/").await;
    assert_eq!(page.status, 502);
    assert_own_page(&page);
    assert!(!page.text().contains("127.0.0.1:1"), "no address of the inside: {}", page.text());
    let problem = gate.visitor().fetch("/").await;
    assert_eq!(problem.status, 502);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem.json()["status"], 502);
    assert_eq!(problem.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn an_upstream_that_is_silent_is_a_504() {
    let upstream = RawUpstream::silent().await;
    let gate = before(&upstream).await;
    let (page, problem) = (gate.visitor(), gate.visitor());
    let (page, problem) = tokio::join!(page.open("/"), problem.fetch("/"));
    assert_eq!(page.status, 504);
    assert_own_page(&page);
    assert_eq!(problem.status, 504);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn nonsense_is_a_502() {
    let nonsense = [
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\ncanary",
        "HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 099 What\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 600 What\r\ncontent-length: 0\r\n\r\n",
        "canary canary canary\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 7\r\n\r\ncanary",
        "HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\ncanary",
        "HTTP/1.1 200 OK\r\ncontent-length: +6\r\n\r\ncanary",
        "HTTP/1.1 200 OK\r\nbad name: x\r\ncontent-length: 6\r\n\r\ncanary",
        "HTTP/1.1 200 OK\r\nx: a\r\n folded\r\ncontent-length: 6\r\n\r\ncanary",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 6\r\n\r\ncanary",
        "",
    ];
    for reply in nonsense {
        let upstream = RawUpstream::closing_after(reply).await;
        let gate = before(&upstream).await;
        let answer = gate.visitor().fetch("/").await;
        assert_eq!(answer.status, 502, "C-53, C-60: {reply:?}");
        assert!(!answer.text().contains("canary"), "{reply:?}");
    }
}

#[tokio::test]
async fn contradictory_framing_is_cleaned_or_refused_and_never_reused() {
    let contradictory = [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ncanary",
        "HTTP/1.1 204 No Content\r\ncontent-length: 6\r\n\r\ncanary",
        "HTTP/1.1 304 Not Modified\r\n\r\ncanary",
    ];
    for reply in contradictory {
        let upstream = RawUpstream::answering(reply).await;
        let gate = before(&upstream).await;
        let mut line = gate.line().await;
        let first = line.send(ask("GET", "/")).await;
        if first.status < 500 {
            let chunked = first.header("transfer-encoding").is_some();
            assert!(!(chunked && first.header("content-length").is_some()), "C-53: {reply:?}");
        }
        assert!(!first.text().contains("canary"), "C-53: {reply:?}");
        let second = gate.visitor().fetch("/").await;
        assert!(!second.text().contains("canary"), "C-53: {reply:?}");
        assert_eq!(upstream.connections(), 2, "C-53: never reused: {reply:?}");
    }
}

#[tokio::test]
async fn a_body_after_head_is_nobodys() {
    let reply = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ncanary";
    let upstream = RawUpstream::answering(reply).await;
    let gate = before(&upstream).await;
    let mut line = gate.line().await;
    let answer = line.send(ask("HEAD", "/")).await;
    assert!(matches!(answer.status, 200 | 502), "C-53");
    assert!(answer.body.is_empty());
    wait(50).await;
    let next = gate.visitor().fetch("/").await;
    assert!(matches!((next.status, next.text().as_str()), (200, "canary") | (502, _)), "C-53");
    assert_eq!(upstream.connections(), 2, "C-53: never reused");
}

#[tokio::test]
async fn a_sound_upstream_connection_is_reused() {
    let upstream = RawUpstream::answering(PLAIN).await;
    let gate = before(&upstream).await;
    let mut line = gate.line().await;
    for _ in 0..5 {
        assert_eq!(line.send(ask("GET", "/")).await.text(), "ok");
    }
    assert!(upstream.connections() <= 2, "{} connections", upstream.connections());
    assert_eq!(upstream.heads().len(), 5);
}

#[tokio::test]
async fn an_answer_cut_short_never_ends_cleanly() {
    let cut = [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ];
    for reply in cut {
        let upstream = RawUpstream::closing_after(reply).await;
        let gate = before(&upstream).await;
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", gate.authority());
        let answer = gate.raw(request).await;
        let text = answer.text();
        assert!(!text.ends_with("0\r\n\r\n"), "S59: {reply:?}");
        assert!(answer.closed, "S59: {reply:?}");
        let whole = text.contains("content-length: 4\r\n");
        assert!(!whole, "S59: {reply:?}");
    }
}

#[tokio::test]
async fn an_answer_to_an_upgrade_that_is_no_upgrade_opens_no_tunnel() {
    let replies = [
        PLAIN,
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ];
    for reply in replies {
        let upstream = RawUpstream::answering(reply).await;
        let gate = before(&upstream).await;
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
            gate.authority()
        );
        let answer = gate.raw(request).await;
        assert_ne!(answer.status(), None, "{reply:?}");
        assert!(!answer.statuses().contains(&101), "C-60, S55: {reply:?}");
        let heads = upstream.heads().join("");
        assert!(!heads.contains("Host: x\r\n"), "C-60: nothing went through raw: {heads}");
    }
}

#[tokio::test]
async fn interim_answers_are_bounded_and_never_final() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n";
    let upstream = RawUpstream::answering(format!("{hints}{hints}{PLAIN}")).await;
    let gate = before(&upstream).await;
    let request =
        format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", gate.authority());
    let answer = gate.raw(request).await;
    assert_eq!(answer.status(), Some(200), "S51: {}", answer.text());
    let flood = RawUpstream::answering(hints.repeat(50_000)).await;
    let gate = before(&flood).await;
    let status = gate.visitor().fetch("/").await.status;
    assert!(matches!(status, 502 | 504), "C-60: {status}");
}

#[tokio::test]
async fn a_post_is_never_sent_twice() {
    let upstream = RawUpstream::closing_after("").await;
    let gate = before(&upstream).await;
    let answer = gate.visitor().send(ask("POST", "/pay").fetching().body("once")).await;
    assert_eq!(answer.status, 502);
    assert_eq!(upstream.heads().len(), 1, "S60");
}
