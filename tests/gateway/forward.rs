//! An ordinary request and its answer pass unchanged.

use crate::harness::*;

async fn scene() -> (App, Gate) {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    (app, gate)
}

#[tokio::test]
async fn method_target_headers_and_body_arrive_as_they_were_sent() {
    let (app, gate) = scene().await;
    let body = vec![0xff; 100_000];
    let request = ask("PUT", "/echo?q=%2F&q=2")
        .header("content-type", "application/x-odd")
        .header("x-twice", "1")
        .header("x-twice", "2")
        .header("accept-encoding", "br")
        .header("if-none-match", "\"etag\"")
        .body(body.clone());
    let answer = gate.send(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, body);
    let seen = app.last();
    assert_eq!(seen.method, "PUT");
    assert_eq!(seen.target, "/echo?q=%2F&q=2");
    assert_eq!(seen.header("content-type"), Some("application/x-odd"));
    assert_eq!(seen.header("accept-encoding"), Some("br"));
    assert_eq!(seen.header("content-length"), Some("100000"));
    let twice: Vec<_> = seen.headers.get_all("x-twice").iter().collect();
    assert_eq!(twice, ["1", "2"]);
    assert!(!seen.names().contains("transfer-encoding"));
}

#[tokio::test]
async fn the_apps_answer_passes_whatever_its_status() {
    let (_app, gate) = scene().await;
    for status in [200, 201, 204, 301, 304, 400, 401, 403, 404, 418, 500, 503] {
        let answer = gate.send(ask("GET", &format!("/status/{status}"))).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-app"), Some("yes"), "{status}");
        let bodiless = matches!(status, 204 | 304);
        assert_eq!(answer.body.is_empty(), bodiless, "{status}");
    }
}

#[tokio::test]
async fn the_apps_headers_pass_and_hop_by_hop_ones_do_not() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-hop, keep-alive\r\n\
        X-Hop: canary\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n\
        Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-App: yes\r\nContent-Security-Policy: default-src *\r\n\r\nok";
    let upstream = RawUpstream::answering(reply).await;
    let gate = gateway().with_route(public("/", &upstream)).start().await;
    let answer = gate.send(ask("GET", "/")).await;
    assert_eq!(answer.text(), "ok");
    assert_eq!(answer.header("x-app"), Some("yes"));
    assert_eq!(answer.header("content-security-policy"), Some("default-src *"));
    assert_eq!(answer.set_cookies().len(), 2, "S44: never folded");
    for hop in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.header(hop), None, "S48: {hop}");
    }
}

#[tokio::test]
async fn head_has_the_headers_and_no_body() {
    let (app, gate) = scene().await;
    let mut line = gate.line().await;
    let answer = line.send(ask("HEAD", "/big?bytes=5000")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-length"), Some("5000"));
    assert!(answer.body.is_empty());
    assert_eq!(app.last().method, "HEAD");
    assert_eq!(line.send(ask("GET", "/")).await.status, 200, "the connection goes on");
}

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    let (app, gate) = scene().await;
    let mut line = gate.line().await;
    for n in 0..20 {
        let answer = line.send(ask("POST", "/echo").body(format!("body {n}"))).await;
        assert_eq!(answer.text(), format!("body {n}"));
    }
    assert_eq!(app.requests().len(), 20);
}

#[tokio::test]
async fn an_unauthenticated_upload_is_refused_before_it_is_read() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let request = format!(
        "POST /echo HTTP/1.1\r\nHost: {}\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n",
        gate.authority()
    );
    let answer = gate.raw(request).await;
    assert_eq!(answer.statuses().first(), Some(&401), "S51: never 100 and then no");
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn a_client_that_expects_100_gets_it_before_it_sends() {
    use tokio::io::AsyncWriteExt;

    let (app, gate) = scene().await;
    let mut socket = gate.connect().await;
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: {}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        gate.authority()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let interim = read_all(&mut socket).await;
    assert_eq!(interim.statuses(), [100], "{}", interim.text());
    socket.write_all(b"hello").await.unwrap();
    let answer = read_all(&mut socket).await;
    assert_eq!(answer.statuses(), [200]);
    assert!(answer.text().ends_with("hello"));
    assert_eq!(&app.last().body[..], b"hello");
}

#[tokio::test]
async fn two_upstreams_are_never_confused() {
    let (one, two) = (App::start().await, App::start().await);
    let gate =
        gateway().with_route(public("/one", &one)).with_route(public("/two", &two)).start().await;
    let mut line = gate.line().await;
    for _ in 0..10 {
        line.send(ask("GET", "/one")).await;
        line.send(ask("GET", "/two")).await;
    }
    assert_eq!(one.targets(), ["/one"; 10]);
    assert_eq!(two.targets(), ["/two"; 10]);
}
