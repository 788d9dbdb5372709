//! The beginning and the end as Kubernetes wants them: ready as soon as anybody can be served, and
//! not ready for a while before the door is closed (C-119).

use std::time::{Duration, Instant};

use crate::harness::*;

const SOON: Duration = Duration::from_secs(4);

async fn with_delay(delay: &str) -> (App, Gate) {
    let app = App::start().await;
    let limits = format!("[limits]\ndrain_delay = {delay:?}");
    let gate = gateway().with_route(public("/", &app)).with_table(&limits).with_admin();
    let gate = gate.start().await;
    gate.ready().await;
    (app, gate)
}

/// Waits until both places say that nothing more should be sent here.
async fn until_not_ready(gate: &Gate) {
    for _ in 0..250 {
        let inside = gate.admin("/readyz").await.unwrap().status;
        if inside == 503 && gate.send(ask("GET", "/ready")).await.status == 503 {
            return;
        }
        wait(20).await;
    }
    panic!("ready for five seconds after the signal");
}

#[tokio::test]
async fn c119_after_sigterm_it_is_not_ready_and_goes_on_accepting() {
    let (app, mut gate) = with_delay("60s").await;
    gate.signal("TERM");
    until_not_ready(&gate).await;
    assert_eq!(gate.admin("/healthz").await.unwrap().status, 200, "alive");
    let answer = gate.send(ask("GET", "/")).await;
    assert_eq!(answer.status, 200, "a new connection is served");
    assert_eq!(answer.header("connection"), None, "and kept");

    // What began late is finished as well, once the wait is over.
    let visitor = gate.visitor();
    let slow = tokio::spawn(async move { visitor.get("/slow?ms=900").await.text() });
    eventually("the request at the app", || app.requests().len() == 2).await;
    gate.signal("TERM");
    assert_eq!(slow.await.unwrap(), "slow");
    assert_eq!(gate.exit_code(SOON).await, Some(0));
}

#[tokio::test]
async fn the_wait_is_over_by_itself() {
    let (_app, mut gate) = with_delay("1s").await;
    let begun = Instant::now();
    gate.signal("TERM");
    assert_eq!(gate.exit_code(SOON).await, Some(0));
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_person_who_ends_it_does_not_wait() {
    let (_app, mut gate) = with_delay("60s").await;
    gate.signal("INT");
    assert_eq!(gate.exit_code(SOON).await, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_the_wait_and_a_third_ends_everything() {
    for second in ["TERM", "INT"] {
        let (_app, mut gate) = with_delay("60s").await;
        gate.signal("TERM");
        until_not_ready(&gate).await;
        gate.signal(second);
        assert_eq!(gate.exit_code(SOON).await, Some(0), "{second}");
    }
    let (_app, mut gate) = with_delay("60s").await;
    let _endless = gate.visitor().begin(ask("GET", "/sse")).await;
    gate.signal("TERM");
    until_not_ready(&gate).await;
    gate.signal("TERM");
    eventually("the drain", || gate.output().contains("draining")).await;
    gate.signal("TERM");
    assert_eq!(gate.exit_code(SOON).await, Some(1), "a drain cut short");
}

#[tokio::test]
async fn it_is_ready_and_serves_who_is_signed_in_while_its_provider_is_away() {
    for play in [ASKARA, OIDC] {
        let (provider, app) = (Provider::playing(play).await, App::start().await);
        let before = || gateway().with_provider(&provider).with_upstream(&app).with_admin();
        let key = random_key();
        let first = before().with_keys(&[&key]).start().await;
        let visitor = first.visitor();
        visitor.login().await;
        let port = first.stop();
        provider.goes_away().await;
        let second = before().with_keys(&[&key]).on(port).start().await;
        second.ready().await;
        assert_eq!(second.admin("/readyz").await.unwrap().status, 200);
        assert_eq!(visitor.fetch("/").await.status, 200, "whoever is signed in");
        assert_eq!(second.admin("/readyz").await.unwrap().status, 200);
    }
}
