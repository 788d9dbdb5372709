//! Lines of a head (C-56, C-57, C-61, C-72), and what may follow one request on a connection.

use super::*;

#[tokio::test]
async fn malformed_header_lines_are_refused() {
    let scene = scene().await;
    let malformed: [&[u8]; 9] = [
        b"X: a\r\n folded\r\n",
        b"X : a\r\n",
        b"X\t: a\r\n",
        b": a\r\n",
        b"no colon\r\n",
        b"X: a\rb\r\n",
        b"X: a\0b\r\n",
        b"X\0: a\r\n",
        b"X(: a\r\n",
    ];
    for line in malformed {
        let answer = scene.get(line).await;
        scene.assert_refused(&answer, &format!("C-56, C-57: {:?}", String::from_utf8_lossy(line)));
    }
    let early = format!("GET /first HTTP/1.1\r\n X: y\r\nHost: {}\r\n\r\n", scene.gate.authority());
    let answer = scene.gate.raw(early).await;
    scene.assert_refused(&answer, "C-56: a space before the first header");
}

#[tokio::test]
async fn bare_line_feeds_are_made_whole_or_refused() {
    let scene = scene().await;
    let request = format!("GET /first HTTP/1.1\nHost: {}\nX-A: b\n\n", scene.gate.authority());
    let answer = scene.gate.raw(request).await;
    assert!(matches!(answer.status(), Some(200 | 400)), "C-57: {:?}", answer.status());
}

#[tokio::test]
async fn too_much_head_is_refused() {
    let scene = scene().await;
    let many: String = (0..300).map(|n| format!("X-{n}: y\r\n")).collect();
    let wide = format!("X: {}\r\n", "y".repeat(80 << 10));
    let huge = format!("X: {}\r\n", "y".repeat(1 << 20));
    for headers in [many, wide, huge] {
        let answer = scene.get(headers.as_bytes()).await;
        scene.assert_refused(&answer, &format!("C-56, C-72: {} bytes", headers.len()));
    }
    let target = "t".repeat(80 << 10);
    let request = format!("GET /{target} HTTP/1.1\r\nHost: {}\r\n\r\n", scene.gate.authority());
    let status = scene.gate.raw(request).await.status();
    assert!(matches!(status, Some(400 | 414 | 431) | None), "C-72: {status:?}");
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let scene = scene().await;
    let host = scene.gate.authority();
    let request: String = [201, 202, 203]
        .map(|status| format!("GET /status/{status} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
        .concat();
    assert_eq!(scene.gate.raw(request).await.statuses(), [201, 202, 203]);
    assert_eq!(scene.app.targets(), ["/status/201", "/status/202", "/status/203"]);
}

#[tokio::test]
async fn an_unread_body_is_never_taken_for_a_request() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/smuggled", &app))
        .with_upstream(&app)
        .start()
        .await;
    let refused = [
        format!("POST /protected HTTP/1.1\r\nHost: {}\r\n", gate.authority()),
        format!("POST /oauth2/nothing-here HTTP/1.1\r\nHost: {}\r\n", gate.authority()),
        format!("GET / HTTP/1.1\r\nHost: {}\r\n", gate.authority()),
    ];
    for head in refused {
        let body = "GET /smuggled HTTP/1.1\r\nHost: x.example\r\n\r\n";
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let answer = gate.raw(request).await;
        assert_eq!(answer.statuses().len(), 1, "C-61, S53: {head:?}");
        assert!(app.requests().is_empty(), "C-61: {head:?}");
    }
}

#[tokio::test]
async fn a_protocol_that_is_not_spoken_here_is_refused() {
    let scene = scene().await;
    let host = scene.gate.authority();
    let lines = [
        format!("GET /first HTTP/3.0\r\nHost: {host}\r\n\r\n"),
        format!("GET /first HTTP/1.1 x\r\nHost: {host}\r\n\r\n"),
        format!("GET /first\r\nHost: {host}\r\n\r\n"),
        "\u{16}\u{3}\u{1}\0\u{5}hello\r\n\r\n".to_owned(),
        "SSH-2.0-OpenSSH\r\n\r\n".to_owned(),
    ];
    for line in lines {
        let status = scene.gate.raw(&line).await.status();
        assert!(matches!(status, Some(400 | 505) | None), "{line:?}: {status:?}");
    }
    assert!(scene.app.requests().is_empty());
    let old = format!("GET /first HTTP/1.0\r\nHost: {host}\r\n\r\n");
    let answer = scene.gate.raw(old).await;
    assert_eq!(answer.status(), Some(200));
    assert!(answer.closed, "HTTP/1.0 closes");
}
