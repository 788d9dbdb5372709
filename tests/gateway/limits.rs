//! How much one visitor may ask: bodies, rates, what is open at once. Each limit is met, told, and
//! leaves the others alone.

use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::*;

#[tokio::test]
async fn a_body_that_says_it_is_too_large_goes_nowhere() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/small", &app).with("limits = { body_bytes = 1000 }"))
        .with_route(public("/", &app))
        .start()
        .await;
    let post = |path: &str, bytes: usize| gate.send(ask("POST", path).body(vec![b'x'; bytes]));
    let refused = post("/small", 1001).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.json()["type"], "urn:askara-gate:too-large");
    assert!(app.requests().is_empty());
    assert_eq!(post("/small", 1000).await.status, 200);
    assert_eq!(post("/", 5000).await.status, 200);
    let lengths: Vec<_> = app.requests().iter().map(|seen| seen.body.len()).collect();
    assert_eq!(lengths, [1000, 5000]);
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_never_taken_for_a_whole_one() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/", &app))
        .with_table("[limits]\nbody_bytes = 1000")
        .start()
        .await;
    let chunks = |count: usize| {
        let chunk = format!("64\r\n{}\r\n", "x".repeat(100)).repeat(count);
        format!(
            "POST /x HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunk}0\r\n\r\n",
            gate.authority()
        )
    };
    assert_eq!(gate.raw(chunks(11)).await.status(), Some(413));
    assert!(app.requests().is_empty(), "{:?}", app.requests());
    assert_eq!(gate.raw(chunks(10)).await.status(), Some(200));
    assert_eq!(app.last().body.len(), 1000);
}

#[tokio::test]
async fn an_address_may_ask_so_often_and_is_told_when_again() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/", &app))
        .with_route(public("/free", &app).with("limits = { rate_per_address = \"off\" }"))
        .with_route(public("/own", &app).with("limits = { rate_per_address = \"1/h\" }"))
        .with_table("[limits]\nrate_per_address = \"3/h\"")
        .start()
        .await;
    for _ in 0..3 {
        assert_eq!(gate.send(ask("GET", "/")).await.status, 200);
    }
    let refused = gate.send(ask("GET", "/").fetching()).await;
    assert_eq!(refused.status, 429, "C-78");
    let again: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1100..=1200).contains(&again), "{again}");
    assert_eq!(refused.json()["type"], "urn:askara-gate:too-many-requests");
    let page = gate.send(ask("GET", "/").navigating()).await;
    assert_eq!(page.status, 429);
    assert_own_page(&page);
    assert_eq!(gate.send(ask("GET", "/oauth2/userinfo")).await.status, 429, "our own paths too");
    assert_eq!(gate.send(ask("GET", "/ping")).await.status, 200);
    assert_eq!(gate.send(ask("GET", "/own")).await.status, 200, "counted by itself");
    assert_eq!(gate.send(ask("GET", "/own")).await.status, 429);
    assert_eq!(gate.send(ask("GET", "/free")).await.status, 200);
    assert_eq!(app.requests().len(), 5);
}

#[tokio::test]
async fn an_address_is_what_a_trusted_proxy_says_and_nobody_else() {
    let app = App::start().await;
    let limits = "[limits]\nrate_per_address = \"1/h\"";
    let from = |address: &str| ask("GET", "/").header("x-forwarded-for", address);
    let trusting = gateway()
        .with_route(public("/", &app))
        .with_table(limits)
        .with_top("trusted_proxies = [\"127.0.0.1\"]")
        .start()
        .await;
    for (address, status) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("192.0.2.2", 200),
        ("2001:db8::1", 200),
        ("2001:db8::2", 429),
        ("2001:db8:0:1::1", 200),
    ] {
        assert_eq!(trusting.send(from(address)).await.status, status, "{address}");
    }
    let alone = gateway().with_route(public("/", &app)).with_table(limits).start().await;
    assert_eq!(alone.send(from("192.0.2.1")).await.status, 200);
    assert_eq!(alone.send(from("192.0.2.2")).await.status, 429, "C-35: nobody chooses an address");
}

#[tokio::test]
async fn a_session_may_ask_so_often_whatever_another_does() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/", &app))
        .with_route(route("/slow", &app).with("limits = { rate_per_session = \"2/h\", burst = 1 }"))
        .start()
        .await;
    let (one, other) = (gate.visitor(), gate.visitor());
    one.login_at("/").await;
    other.login_at("/").await;
    assert_eq!(one.fetch("/slow?ms=0").await.status, 200);
    assert_eq!(one.fetch("/slow?ms=0").await.status, 429);
    assert_eq!(one.fetch("/").await.status, 200, "the limit is the route's");
    assert_eq!(other.fetch("/slow?ms=0").await.status, 200);
    assert_eq!(gate.visitor().fetch("/slow?ms=0").await.status, 401, "nobody is not counted");
}

#[tokio::test]
async fn what_is_open_of_a_session_counts_until_it_is_over() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_table("[limits]\nconcurrent_per_session = 2")
        .start()
        .await;
    let (one, other) = (gate.visitor(), gate.visitor());
    one.login_at("/").await;
    other.login_at("/").await;
    let mut first = one.begin(ask("GET", "/sse").fetching()).await;
    let second = one.begin(ask("GET", "/sse").fetching()).await;
    assert_eq!(
        (first.status(), second.status()),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    assert!(first.body_mut().frame().await.is_some());
    let refused = one.fetch("/").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(other.fetch("/").await.status, 200);
    drop(first);
    let mut status = 0;
    for _ in 0..250 {
        status = one.fetch("/").await.status;
        if status == 200 {
            break;
        }
        wait(20).await;
    }
    assert_eq!(status, 200, "what is over makes room");
    drop(second);
}

#[tokio::test]
async fn a_web_socket_counts_for_as_long_as_it_is_open() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_table("[limits]\nconcurrent_per_session = 1")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login_at("/").await;
    let mut socket =
        crate::web_socket::open(&gate, Some(&visitor.session_line()), Some(&gate.base()))
            .await
            .unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    assert_eq!(visitor.fetch("/").await.status, 429);
    drop(socket);
    let mut status = 0;
    for _ in 0..250 {
        status = visitor.fetch("/").await.status;
        if status == 200 {
            break;
        }
        wait(20).await;
    }
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_route_has_times_of_its_own() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/slow", &app).with("limits = { response_head = \"300ms\" }"))
        .with_route(public("/", &app))
        .start()
        .await;
    assert_eq!(gate.send(ask("GET", "/slow?ms=20000")).await.status, 504);
    assert_eq!(gate.send(ask("GET", "/slow?ms=0")).await.status, 200);
}
