//! Envoy's questions by gRPC, message by message. (With a real Envoy around them: tests/fronts.)

mod wire;

use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::Frame;
use wire::{CHECK, Question, call, check, framed};

use crate::harness::*;

const LISTED: &str = "trusted_proxies = [\"127.0.0.1\", \"198.51.100.0/24\"]";
const VISITOR: &str = "203.0.113.9";

async fn listening(app: &App, provider: &Provider) -> Gate {
    gateway()
        .with_provider(provider)
        .with_top(LISTED)
        .with_route(public("/public", app))
        .with_route(ruled("/near", r#"{ network = ["203.0.113.0/24"] }"#, app))
        .with_route(route("/read", app).with("methods = [\"GET\"]"))
        .with_route(route("/", app))
        .start()
        .await
}

fn about<'a>(gate: &Gate, path: &'a str, headers: &[(&'a str, &'a str)]) -> Question<'a> {
    let (host, headers) = (gate.authority(), headers.to_vec());
    Question { method: "GET", host, path, headers, source: VISITOR }
}

#[tokio::test]
async fn c38_an_unlisted_peer_is_told_nothing() {
    let (app, provider) = (App::start().await, Provider::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).with_table(LOG).start().await;
    let question = about(&gate, "/public", &[]);
    let (answer, status) = call(&gate, &[], full(framed(&question.to_message()))).await;
    assert_eq!((answer, status.as_str()), (Bytes::new(), "7"), "PERMISSION_DENIED");
    let line = gate.logged("not in trusted_proxies").await;
    assert_eq!(line["field"], CHECK, "the operator is told: {line}");
}

#[tokio::test]
async fn who_has_no_session_is_sent_to_sign_in() {
    let (app, provider) = (App::start().await, Provider::start().await);
    let gate = listening(&app, &provider).await;
    let navigation = [("sec-fetch-mode", "navigate"), ("accept", "text/html")];
    let sent = check(&gate, &about(&gate, "/a?b=//c", &navigation)).await;
    assert_eq!((sent.code, sent.status), (16, 302), "{sent:?}");
    assert!(sent.header("location").unwrap().starts_with(&provider.url()), "{sent:?}");
    assert!(sent.header("set-cookie").unwrap().starts_with("askara-st-"), "{sent:?}");
    let told = check(&gate, &about(&gate, "/a", &[("sec-fetch-mode", "cors")])).await;
    assert_eq!((told.code, told.status), (16, 401), "{told:?}");
    assert!(told.body.contains("/oauth2/start"), "{told:?}");
    assert!(told.header("set-cookie").is_none(), "{told:?}");
    let called = [("content-type", "application/grpc"), ("te", "trailers")];
    let called = check(&gate, &about(&gate, "/a", &called)).await;
    assert_eq!((called.code, called.status), (16, 401), "Envoy makes gRPC of it: {called:?}");
    let open = check(&gate, &about(&gate, "/public/a", &[])).await;
    assert_eq!(open.code, 0, "{open:?}");
    assert!(open.removes("x-forwarded-user") && open.removes("authorization"), "{open:?}");
}

#[tokio::test]
async fn c34_a_yes_names_all_that_the_app_must_not_believe() {
    let (app, provider) = (App::start().await, Provider::start().await);
    let gate = listening(&app, &provider).await;
    let visitor = gate.visitor();
    visitor.login().await;
    let cookie = format!("a=1; {}; b=2", visitor.session_line());
    let headers = [
        ("cookie", cookie.as_str()),
        ("authorization", "Basic forged"),
        ("x-forwarded-user", "forged"),
        ("x.forwarded.email", "forged"),
        ("x_askara_organization", "forged"),
        ("x-auth-request-user", "forged"),
        ("x-forwarded-uri", "/public"),
        ("x-forwarded-for", VISITOR),
        ("x-http-method-override", "DELETE"),
    ];
    let told = check(&gate, &about(&gate, "/read", &headers)).await;
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(told.header("x-forwarded-user"), Some("42"));
    let token = format!("Bearer {}", provider.newest_token());
    assert_eq!(told.header("authorization"), Some(token.as_str()));
    assert_eq!(told.header("cookie"), Some("a=1; b=2"), "S47");
    assert_eq!(told.header("x-auth-request-user"), None);
    for name in [
        "x.forwarded.email",
        "x_askara_organization",
        "x-auth-request-user",
        "x-forwarded-uri",
        "x-forwarded-access-token",
        "x-http-method-override",
    ] {
        assert!(told.removes(name), "{name}: {told:?}");
    }
    for name in ["x-forwarded-user", "authorization", "cookie", "x-forwarded-for"] {
        assert!(!told.removes(name), "{name}: {told:?}");
    }
    assert!(told.added.is_empty(), "{told:?}");
    let alone = [("cookie", cookie.split("; ").nth(1).unwrap())];
    let told = check(&gate, &about(&gate, "/other", &alone)).await;
    assert!(told.header("cookie").is_none() && told.removes("cookie"), "{told:?}");
    assert!(!told.removes("x-http-method-override"), "no rule rests on it: {told:?}");
}

#[tokio::test]
async fn c38_only_envoys_own_words_say_what_is_asked_about() {
    let (app, provider) = (App::start().await, Provider::start().await);
    let gate = listening(&app, &provider).await;
    let spoofed = [("x-forwarded-uri", "/public"), ("x-original-url", "http://a/public")];
    let told = check(&gate, &about(&gate, "/admin", &spoofed)).await;
    assert_ne!(told.code, 0, "{told:?}");
    let open = || about(&gate, "/public", &[]);
    for (asked, why) in [
        (Question { method: "CONNECT", ..open() }, "C-65"),
        (Question { method: "TRACE", ..open() }, "C-65"),
        (Question { path: "*", ..open() }, "no path"),
        (Question { path: "", ..open() }, "no path"),
        (Question { path: "/public#/../admin", ..open() }, "C-45"),
        (Question { path: "/public/../admin", ..open() }, "C-41"),
        (Question { path: CHECK, ..open() }, "C-50"),
        (Question { path: "/oauth2/auth", ..open() }, "C-50"),
        (Question { host: String::new(), ..open() }, "C-63"),
        (Question { headers: vec![(":path", "/public/b")], ..open() }, "two paths"),
    ] {
        let told = check(&gate, &asked).await;
        assert_eq!(told.code, 7, "{why}: {told:?}");
        assert!(matches!(told.status, 400 | 403), "{why}: {told:?}");
    }
    assert_eq!(check(&gate, &open()).await.code, 0, "the rule itself");
}

#[tokio::test]
async fn a_rule_about_addresses_sees_the_visitors() {
    let (app, provider) = (App::start().await, Provider::start().await);
    let gate = listening(&app, &provider).await;
    let visitor = gate.visitor();
    visitor.login().await;
    let line = visitor.session_line();
    for (source, chain, code) in [
        (VISITOR, "", 0),
        ("192.0.2.1", VISITOR, 7),
        ("198.51.100.1", "203.0.113.9, 198.51.100.1", 0),
        ("198.51.100.1", "203.0.113.9, 192.0.2.1, 198.51.100.1", 7),
        ("", "203.0.113.9", 7),
    ] {
        let headers = [("cookie", line.as_str()), ("x-forwarded-for", chain)];
        let told = check(&gate, &Question { source, ..about(&gate, "/near", &headers) }).await;
        assert_eq!(told.code, code, "{source}, {chain}: {told:?}");
    }
}

#[tokio::test]
async fn what_is_no_sound_call_ends_without_a_verdict() {
    let (app, provider) = (App::start().await, Provider::start().await);
    let gate = listening(&app, &provider).await;
    let message = about(&gate, "/public", &[]).to_message();
    let (answer, status) = call(&gate, &[], full(framed(&message))).await;
    assert!(!answer.is_empty() && status == "0", "a sound one");
    let compressed = [&[1][..], &framed(&message)[1..]].concat();
    let gzip = [("grpc-encoding", "gzip")];
    let large = framed(&about(&gate, "/public", &[("x-a", &"a".repeat(200_000))]).to_message());
    for (lines, body, code, what) in [
        (&gzip[..], framed(&message), "12", "compressed as it says"),
        (&[], compressed, "13", "compressed without a word"),
        (&[], framed(&message[..message.len() - 1]), "13", "no message"),
        (&[], framed(b""), "3", "about nothing"),
        (&[], Vec::new(), "13", "nothing"),
        (&[], large, "11", "too large"),
    ] {
        let (answer, status) = call(&gate, lines, full(body)).await;
        assert_eq!((answer, status.as_str()), (Bytes::new(), code), "{what}");
    }
    let script = ask("POST", CHECK).header("content-type", "application/grpc").body("x");
    assert_eq!(gate.send(script).await.status, 404, "HTTP/1.1");
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_it_says() {
    let (app, provider) = (App::start().await, Provider::start().await);
    let gate = listening(&app, &provider).await;
    let (frames, body) = from_channel();
    frames.send(Frame::data(Bytes::from_static(&[0, 0, 0, 0, 9]))).await.unwrap();
    let began = Instant::now();
    let (answer, status) = call(&gate, &[("grpc-timeout", "300m")], body).await;
    assert_eq!((answer, status.as_str()), (Bytes::new(), "4"), "DEADLINE_EXCEEDED");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
