//! Which host a request is for (C-62, C-63, C-71): one, well-formed, and never believed for a login.

use crate::harness::*;

async fn scene() -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app))
        .with_upstream(&app)
        .start()
        .await;
    (provider, app, gate)
}

#[tokio::test]
async fn a_request_names_exactly_one_well_formed_host() {
    let (_provider, app, gate) = scene().await;
    let long = format!("Host: {}.example\r\n", "h".repeat(300));
    let heads = [
        "",
        "Host:\r\n",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: user@127.0.0.1\r\n",
        "Host: a:b\r\n",
        "Host: a:99999\r\n",
        "Host: [::1\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: a,b\r\n",
        "Host: \u{e9}.example\r\n",
        &long,
    ];
    for head in heads {
        let request = format!("GET /open HTTP/1.1\r\n{head}Connection: close\r\n\r\n");
        let status = gate.raw(request).await.status();
        assert_eq!(status, Some(400), "C-63: {head:?}");
    }
    assert!(app.requests().is_empty(), "C-63");
}

#[tokio::test]
async fn odd_but_right_spellings_of_our_host_are_fine() {
    let (_provider, app, gate) = scene().await;
    let authority = gate.authority();
    for host in [authority.clone(), "LOCALHOST".to_owned(), "localhost.".to_owned()] {
        let request = format!("GET /open HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let status = gate.raw(request).await.status();
        assert!(matches!(status, Some(200 | 400)), "C-63: {host} {status:?}");
    }
    assert!(!app.requests().is_empty());
}

#[tokio::test]
async fn an_absolute_target_must_agree_with_host() {
    let (_provider, app, gate) = scene().await;
    let evil = format!(
        "GET http://evil.example/open HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        gate.authority()
    );
    let status = gate.raw(evil).await.status();
    assert!(matches!(status, Some(200 | 400 | 421)), "C-62: {status:?}");
    if status == Some(200) {
        let seen = app.last();
        assert_eq!(seen.header("host"), Some("evil.example"), "C-62: never mixed");
    }
    app.forgets();
    let same = format!(
        "GET {0}/open?x HTTP/1.1\r\nHost: {1}\r\nConnection: close\r\n\r\n",
        gate.base(),
        gate.authority()
    );
    assert_eq!(gate.raw(same).await.status(), Some(200));
    assert_eq!(app.targets(), ["/open?x"]);
}

#[tokio::test]
async fn targets_that_are_no_path_are_refused() {
    let (_provider, app, gate) = scene().await;
    let targets = ["open", "*", "?x", "", "http://", "http:///open", "/o\tpen", "ftp://x/open"];
    for target in targets {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            gate.authority()
        );
        let status = gate.raw(request).await.status();
        assert!(matches!(status, Some(400) | None), "C-64: {target:?} {status:?}");
    }
    assert!(app.requests().is_empty(), "C-64");
}

#[tokio::test]
async fn connect_opens_no_tunnel() {
    let (_provider, app, gate) = scene().await;
    let victim = RawUpstream::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let target = victim.url().replace("http://", "");
    let request =
        format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    let answer = gate.raw(request).await;
    let status = answer.status();
    assert!(matches!(status, Some(400 | 404 | 405 | 421 | 501)), "C-65: {status:?}");
    assert_eq!(victim.connections(), 0, "C-65: no SSRF");
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn a_foreign_host_never_starts_a_login() {
    let (provider, app, gate) = scene().await;
    for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example"] {
        let navigation = ask("GET", "/page?x=1").navigating().header("host", host);
        let answer = gate.send(navigation).await;
        assert!((301..=308).contains(&answer.status), "C-71: {}", answer.status);
        assert_eq!(answer.location(), format!("{}/page?x=1", gate.base()), "C-71");
        assert!(answer.set_cookies().is_empty(), "C-71");
        let fetch = ask("GET", "/page").fetching().header("host", host);
        assert_eq!(gate.send(fetch).await.status, 421, "C-71");
    }
    assert_eq!(provider.authorizations(), 0);
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn a_foreign_host_at_our_own_start_gets_no_login_either() {
    let (_provider, _app, gate) = scene().await;
    let start = ask("GET", "/oauth2/start?rd=/x").navigating().header("host", "evil.example");
    let answer = gate.send(start).await;
    if answer.redirects() {
        assert!(answer.location().starts_with(&gate.base()), "C-71: {}", answer.location());
    } else {
        assert!(matches!(answer.status, 400 | 404 | 421), "C-71: {}", answer.status);
    }
    assert!(answer.set_cookies().is_empty(), "C-71");
}

#[tokio::test]
async fn a_public_route_serves_whatever_the_host() {
    let (_provider, app, gate) = scene().await;
    let answer = gate.send(ask("GET", "/open").header("host", "other.example")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.last().header("host"), Some("other.example"));
}

#[tokio::test]
async fn a_forwarded_host_of_a_stranger_changes_nothing() {
    let (_provider, _app, gate) = scene().await;
    let navigation = ask("GET", "/")
        .navigating()
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example;proto=https")
        .header("x-forwarded-prefix", "//evil.example")
        .header("x-forwarded-proto", "https");
    let answer = gate.send(navigation).await;
    assert_eq!(answer.status, 302);
    assert!(!answer.location().contains("evil"), "C-71: {}", answer.location());
}

#[tokio::test]
async fn our_own_trace_in_via_ends_a_loop() {
    let (_provider, app, gate) = scene().await;
    gate.send(ask("GET", "/open")).await;
    let ours = app.last().header("via").unwrap().to_owned();
    app.forgets();
    let answer = gate.send(ask("GET", "/open").header("via", &ours)).await;
    assert!(matches!(answer.status, 502 | 508), "C-66: {}", answer.status);
    assert!(app.requests().is_empty(), "C-66");
}
