//! The end of the process (C-119): what runs is finished, nothing new begins, nothing takes forever.

use std::time::{Duration, Instant};

use crate::harness::*;

const SOON: Duration = Duration::from_secs(3);

async fn with_public_app() -> (App, Gate) {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).with_admin().start().await;
    (app, gate)
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    for signal in ["TERM", "INT"] {
        let (app, mut gate) = with_public_app().await;
        let visitor = gate.visitor();
        let slow = tokio::spawn(async move { visitor.get("/slow?ms=900").await });
        eventually("the request at the app", || !app.requests().is_empty()).await;
        gate.signal(signal);
        let answer = slow.await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "slow"), "{signal}");
        assert_eq!(answer.header("connection"), Some("close"), "{signal}");
        assert_eq!(gate.exit_code(SOON).await, Some(0), "{signal}: a clean drain");
    }
}

#[tokio::test]
async fn an_idle_gateway_ends_at_once_whoever_is_connected() {
    let (_app, mut gate) = with_public_app().await;
    let mut idle = gate.line().await;
    assert_eq!(idle.send(ask("GET", "/")).await.status, 200);
    let _silent = gate.connect().await;
    gate.signal("TERM");
    assert_eq!(gate.exit_code(SOON).await, Some(0));
}

#[tokio::test]
async fn new_connections_are_refused_and_readiness_says_so() {
    let (app, mut gate) = with_public_app().await;
    gate.ready().await;
    assert_eq!(gate.admin("/readyz").await.unwrap().status, 200);
    assert_eq!(gate.admin("/healthz").await.unwrap().status, 200);
    assert_eq!(gate.admin("/metrics").await.unwrap().status, 200);
    let visitor = gate.visitor();
    let slow = tokio::spawn(async move { visitor.get("/slow?ms=1200").await.status });
    eventually("the request at the app", || !app.requests().is_empty()).await;
    gate.signal("TERM");
    wait(300).await;
    assert!(!gate.accepts().await, "nothing new");
    assert_eq!(gate.admin("/readyz").await.unwrap().status, 503, "draining");
    assert_eq!(gate.admin("/healthz").await.unwrap().status, 200, "alive");
    assert_eq!(slow.await.unwrap(), 200);
    assert_eq!(gate.exit_code(SOON).await, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let (_app, mut gate) = with_public_app().await;
    let _endless = gate.visitor().begin(ask("GET", "/sse")).await;
    gate.signal("TERM");
    wait(400).await;
    gate.signal("TERM");
    let begun = Instant::now();
    assert_eq!(gate.exit_code(SOON).await, Some(1), "a drain cut short");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_drain_has_a_deadline() {
    let app = App::start().await;
    let mut gate = gateway()
        .with_route(public("/", &app))
        .with_table("[limits]\ndrain = \"1s\"")
        .start()
        .await;
    let _endless = gate.visitor().begin(ask("GET", "/sse")).await;
    let begun = Instant::now();
    gate.signal("TERM");
    assert_eq!(gate.exit_code(SOON).await, Some(1), "a drain cut short");
    assert!(begun.elapsed() > Duration::from_millis(800), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_upload_in_flight_is_finished() {
    use bytes::Bytes;
    use hyper::body::Frame;

    let (_app, mut gate) = with_public_app().await;
    let (sender, body) = from_channel();
    sender.send(Frame::data(Bytes::from("one "))).await.unwrap();
    let response = gate.visitor().begin(ask("POST", "/stream").stream(body)).await;
    gate.signal("TERM");
    wait(300).await;
    sender.send(Frame::data(Bytes::from("two"))).await.unwrap();
    drop(sender);
    assert_eq!(Answer::read(response).await.text(), "one two");
    assert_eq!(gate.exit_code(SOON).await, Some(0));
}

/// A session whose token has run out, before a provider that takes its time.
async fn refreshing() -> (Provider, App, Gate, Visitor) {
    let (provider, app) = (Provider::with_token_life(2).await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    wait(PAST_EXPIRY).await;
    provider.token_life(3600);
    provider.latency(800);
    (provider, app, gate, visitor)
}

#[tokio::test]
async fn a_refresh_in_flight_reaches_its_browser() {
    let (provider, _app, mut gate, visitor) = refreshing().await;
    let before = visitor.session();
    let tab = visitor.clone();
    let waiting = tokio::spawn(async move { tab.fetch("/").await.status });
    eventually("the token call", || provider.refreshes() == 1).await;
    gate.signal("TERM");
    assert_eq!(waiting.await.unwrap(), 200, "C-119");
    assert_ne!(visitor.session(), before, "the new cookie arrived");
    assert_eq!(gate.exit_code(SOON).await, Some(0));
}

#[tokio::test]
async fn a_refresh_whose_browser_left_is_waited_for() {
    let (provider, _app, mut gate, visitor) = refreshing().await;
    let leaving = tokio::spawn(async move { visitor.fetch("/").await.status });
    eventually("the token call", || provider.refreshes() == 1).await;
    leaving.abort();
    let begun = Instant::now();
    gate.signal("TERM");
    assert_eq!(gate.exit_code(SOON).await, Some(0), "rule 2");
    assert!(begun.elapsed() > Duration::from_millis(400), "rule 2: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_second_process_takes_over_without_a_lost_request() {
    let app = App::start().await;
    let mut old = gateway().with_route(public("/", &app)).start().await;
    let young = gateway().with_route(public("/", &app)).on(old.port()).start().await;
    let visitors: Vec<_> = (0..4)
        .map(|_| {
            let visitor = young.visitor();
            tokio::spawn(async move {
                for _ in 0..60 {
                    assert_eq!(visitor.get("/").await.status, 200);
                    wait(10).await;
                }
            })
        })
        .collect();
    wait(200).await;
    old.signal("TERM");
    for visitor in visitors {
        visitor.await.expect("no request is lost");
    }
    assert_eq!(old.exit_code(SOON).await, Some(0));
}
