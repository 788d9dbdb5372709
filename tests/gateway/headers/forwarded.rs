//! What belongs to one hop stays there, and how the request came is told anew (S48, S61).

use super::*;

#[tokio::test]
async fn connection_cannot_nominate_our_headers_away() {
    let scene = scene().await;
    let nominations =
        "X-Forwarded-User, authorization, X-AUTH-REQUEST-EMAIL, x-forwarded-for, cookie, host";
    let request = ask("GET", "/")
        .fetching()
        .header("connection", nominations)
        .header("connection", "x-forwarded-email, x-private")
        .header("x-private", "for the next hop");
    let answer = scene.visitor.send(request).await;
    assert!(matches!(answer.status, 200 | 400), "C-37: {}", answer.status);
    if answer.status == 200 {
        let seen = scene.app.last();
        assert_eq!(seen.header("x-forwarded-user"), Some("42"), "C-37");
        assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"), "C-37");
        assert!(seen.header("authorization").is_some(), "C-37");
        assert!(seen.header("x-forwarded-for").is_some(), "C-37");
        assert_eq!(seen.header("host"), Some(scene.gate.authority().as_str()), "C-37");
        assert_eq!(seen.header("x-private"), None, "S48: for us alone");
    }
}

#[tokio::test]
async fn hop_by_hop_fields_stop_here() {
    let scene = scene().await;
    let request = ask("GET", "/open")
        .header("connection", "keep-alive")
        .header("keep-alive", "timeout=5")
        .header("proxy-connection", "keep-alive")
        .header("proxy-authorization", "Basic canary")
        .header("te", "gzip")
        .header("x-kept", "1");
    assert_eq!(scene.gate.send(request).await.status, 200);
    let seen = scene.app.last();
    for name in ["keep-alive", "proxy-connection", "proxy-authorization"] {
        assert_eq!(seen.header(name), None, "S48: {name}");
    }
    assert_ne!(seen.header("te"), Some("gzip"), "S48");
    assert_eq!(seen.header("x-kept"), Some("1"));
}

#[tokio::test]
async fn the_app_learns_how_the_request_came() {
    let scene = scene().await;
    let request = ask("GET", "/")
        .fetching()
        .header("x-forwarded-for", "203.0.113.9")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "evil.example")
        .header("via", "1.1 earlier");
    scene.visitor.send(request).await;
    let seen = scene.app.last();
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"), "S61: nobody is trusted");
    assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
    assert_eq!(seen.header("x-forwarded-host"), Some(scene.gate.authority().as_str()));
    assert_eq!(seen.header("host"), Some(scene.gate.authority().as_str()));
    let via: Vec<_> = seen.headers.get_all("via").iter().collect();
    assert!(!via.is_empty(), "S49");
    assert!(!format!("{via:?}").contains("127.0.0.1"), "S49: a pseudonym");
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let trusting = "trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]";
    let scene = scene_with(|builder, _| builder.with_top(trusting)).await;
    let request = ask("GET", "/")
        .fetching()
        .header("x-forwarded-user", "canary")
        .header("x-forwarded-for", "198.51.100.1, 203.0.113.9, 10.1.2.3")
        .header("x-forwarded-proto", "https");
    scene.visitor.send(request).await;
    let seen = scene.app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("42"), "trust is for addresses, not identity");
    let chain = seen.header("x-forwarded-for").unwrap();
    assert!(chain.contains("203.0.113.9"), "S62: {chain}");
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"), "S62");
    assert_eq!(seen.header("x-askara-organization"), Some("7"));
}
