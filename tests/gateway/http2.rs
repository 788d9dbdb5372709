//! HTTP/2 by prior knowledge (C-59, C-62, C-65): the same judgement as over HTTP/1.1.

use crate::harness::*;

async fn scene() -> (App, Gate) {
    let app = App::start().await;
    let gate = gateway().with_route(public("/open", &app)).with_upstream(&app).start().await;
    (app, gate)
}

/// No, in whichever way: an answer of 4xx or 5xx, or the stream's end.
fn refuses(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Answered(status) => *status >= 400,
        Outcome::Refused => true,
        Outcome::Silence => false,
    }
}

#[tokio::test]
async fn a_request_passes_and_speaks_http_1_1_to_the_app() {
    let (app, gate) = scene().await;
    let more = [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3"), ("x-kept", "1")];
    let outcome = Stream::get(&gate, "/open/x?q=%2F", &more).send(&gate).await;
    assert_eq!(outcome, Outcome::Answered(200));
    let seen = app.last();
    assert_eq!(seen.target, "/open/x?q=%2F");
    assert_eq!(seen.header("cookie"), Some("a=1; b=2; c=3"), "C-59: crumbs joined");
    assert_eq!(seen.header("host"), Some(gate.authority().as_str()));
    assert_eq!(seen.header("x-kept"), Some("1"));
}

#[tokio::test]
async fn a_session_counts_over_http2_too() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let session = visitor.session_line();
    let crumbs = [("cookie", "a=1"), ("cookie", session.as_str()), ("cookie", "b=2")];
    let outcome = Stream::get(&gate, "/", &crumbs).send(&gate).await;
    assert_eq!(outcome, Outcome::Answered(200));
    assert_eq!(app.last().header("cookie"), Some("a=1; b=2"), "S47");
    let stranger = Stream::get(&gate, "/", &[("sec-fetch-mode", "cors")]);
    assert_eq!(stranger.send(&gate).await, Outcome::Answered(401));
    let navigation = Stream::get(&gate, "/", &[("sec-fetch-mode", "navigate")]);
    assert_eq!(navigation.send(&gate).await, Outcome::Answered(302));
}

#[tokio::test]
async fn spoofed_headers_and_tricky_paths_fare_no_better() {
    let (app, gate) = scene().await;
    let spoofed = [("x-forwarded-user", "canary"), ("x_forwarded_user", "canary")];
    Stream::get(&gate, "/open", &spoofed).send(&gate).await;
    assert_eq!(app.last().header("x-forwarded-user"), None, "C-34");
    assert_eq!(app.last().header("x_forwarded_user"), None, "C-34");
    app.forgets();
    for path in ["/open/../admin", "/open/%2e%2e/admin", "/open\\x", "/open%00"] {
        let outcome = Stream::get(&gate, path, &[]).send(&gate).await;
        assert!(refuses(&outcome), "C-41: {path} {outcome:?}");
    }
    for path in ["/open/a%2Fb", "//open", "/open;x"] {
        let outcome = Stream::get(&gate, path, &[("sec-fetch-mode", "cors")]);
        assert_eq!(outcome.send(&gate).await, Outcome::Answered(401), "C-42: {path}");
    }
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn authority_and_host_must_agree() {
    let (app, gate) = scene().await;
    let ours = gate.authority();
    let get = |authority: Option<&str>, host: Option<&str>| {
        let mut headers = vec![(":method", "GET"), (":scheme", "http"), (":path", "/open")];
        headers.extend(authority.map(|authority| (":authority", authority)));
        headers.extend(host.map(|host| ("host", host)));
        Stream::new(&headers)
    };
    assert_eq!(get(Some(&ours), Some(&ours)).send(&gate).await, Outcome::Answered(200));
    app.forgets();
    let user = format!("user@{ours}");
    let wrong = [
        (Some(ours.as_str()), Some("evil.example")),
        (Some("evil.example"), Some(ours.as_str())),
        (Some(user.as_str()), None),
        (None, Some("a@b")),
        (None, None),
        (Some(""), None),
        (Some("a:b"), None),
    ];
    for (authority, host) in wrong {
        let outcome = get(authority, host).send(&gate).await;
        assert!(refuses(&outcome), "C-62, C-63: {authority:?} {host:?} {outcome:?}");
    }
    assert!(app.requests().is_empty(), "C-62");
}

#[tokio::test]
async fn pseudo_headers_cannot_carry_a_second_request() {
    let (app, gate) = scene().await;
    let ours = gate.authority();
    let base = |name: &str, value: &str| {
        let mut headers = vec![
            (":method".to_owned(), "GET".to_owned()),
            (":scheme".to_owned(), "http".to_owned()),
            (":authority".to_owned(), ours.clone()),
            (":path".to_owned(), "/open".to_owned()),
        ];
        match headers.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = value.to_owned(),
            None => headers.push((name.to_owned(), value.to_owned())),
        }
        headers
    };
    let wrong = [
        (":method", "GET /open HTTP/1.1\r\nX: y\r\n\r\nGET"),
        (":method", "G ET"),
        (":path", "/open HTTP/1.1\r\nX: y"),
        (":path", "/open x"),
        (":path", ""),
        (":path", "open"),
        (":path", "*"),
        (":authority", "x\r\nX: y"),
        (":authority", "a b"),
        (":scheme", "http\r\n"),
        (":unknown", "x"),
        ("x-line", "a\r\nX: y"),
        ("x-null", "a\0b"),
        ("x\r\ny", "a"),
        ("X-Upper", "a"),
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
        ("", "x"),
    ];
    for (name, value) in wrong {
        let headers = base(name, value);
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let outcome = Stream::new(&headers).send(&gate).await;
        assert!(refuses(&outcome), "C-59: {name:?} {value:?} {outcome:?}");
    }
    let late = [("x", "y"), (":path", "/open")];
    assert!(refuses(&Stream::get(&gate, "/open", &late).send(&gate).await), "C-59: late, doubled");
    assert!(app.requests().is_empty(), "C-59: {:?}", app.targets());
}

#[tokio::test]
async fn the_length_must_be_the_bodys() {
    let (app, gate) = scene().await;
    let ours = gate.authority();
    let post = |length: &str| {
        Stream::new(&[
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", &ours),
            (":path", "/open"),
            ("content-length", length),
        ])
    };
    assert_eq!(post("5").with_data(b"hello").send(&gate).await, Outcome::Answered(200));
    assert_eq!(&app.last().body[..], b"hello");
    app.forgets();
    for length in ["4", "6", "+5", "0", "x"] {
        let outcome = post(length).with_data(b"hello").send(&gate).await;
        assert!(refuses(&outcome), "C-59, S57: {length} {outcome:?}");
    }
    assert!(refuses(&post("5").send(&gate).await), "C-59: a length and no body");
    wait(200).await;
    assert!(app.requests().is_empty(), "S57: no whole request at the app");
}

#[tokio::test]
async fn connect_opens_no_tunnel() {
    let (app, gate) = scene().await;
    let plain = Stream::new(&[(":method", "CONNECT"), (":authority", "127.0.0.1:1")]);
    let outcome = plain.send(&gate).await;
    assert!(refuses(&outcome), "C-65: {outcome:?}");
    let ours = gate.authority();
    for protocol in ["nonsense", "connect-udp"] {
        let extended = Stream::new(&[
            (":method", "CONNECT"),
            (":protocol", protocol),
            (":scheme", "http"),
            (":authority", &ours),
            (":path", "/open"),
        ]);
        let outcome = extended.send(&gate).await;
        assert!(refuses(&outcome), "C-65: {protocol} {outcome:?}");
    }
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn a_scheme_that_is_not_the_connections_does_not_fool_the_app() {
    let (app, gate) = scene().await;
    let ours = gate.authority();
    let headers =
        [(":method", "GET"), (":scheme", "https"), (":authority", &ours), (":path", "/open")];
    let outcome = Stream::new(&headers).send(&gate).await;
    if outcome == Outcome::Answered(200) {
        assert_eq!(app.last().header("x-forwarded-proto"), Some("http"));
    } else {
        assert!(refuses(&outcome), "{outcome:?}");
    }
}
