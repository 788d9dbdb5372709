//! The early window (sessions.md rule 3): the token still holds, so nobody waits and nothing breaks.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::harness::*;

/// A token of twenty seconds that is due after one, and surely after two.
const LIFE: u64 = 20;
const REFRESH_AT: &str = "refresh_at = 0.05";
const DUE: u64 = 2100;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

/// Signed in, and the refresh is due.
async fn due() -> Scene {
    let (provider, app) = (Provider::with_token_life(LIFE).await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_session(REFRESH_AT)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    wait(DUE).await;
    provider.token_life(3600);
    Scene { provider, app, gate, visitor }
}

impl Scene {
    async fn fetched(&self, cookie: &str) -> Answer {
        self.gate.send(ask("GET", "/").fetching().cookie(cookie)).await
    }

    async fn until_refreshed(&self, calls: usize) {
        eventually("the refresh", || self.provider.refreshes() >= calls).await;
        wait(100).await;
    }
}

#[tokio::test]
async fn nobody_waits_for_a_slow_refresh() {
    let scene = due().await;
    scene.provider.latency(1200);
    let (old, line) = (scene.provider.newest_token(), scene.visitor.session_line());
    let begun = Instant::now();
    assert_eq!(scene.fetched(&line).await.status, 200);
    assert!(begun.elapsed() < Duration::from_millis(700), "rule 3: {:?}", begun.elapsed());
    let sent = scene.app.last();
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {old}").as_str()));
    wait(1500).await;
    let answer = scene.fetched(&line).await;
    assert!(answer.sets("askara").is_some(), "rule 3: the next response carries it");
    assert_eq!(scene.provider.refreshes(), 1);
    let successor = format!("askara={}", answer.sets("askara").unwrap().value);
    scene.fetched(&successor).await;
    let new = scene.provider.newest_token();
    assert_ne!(new, old);
    let sent = scene.app.last();
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {new}").as_str()));
}

#[tokio::test]
async fn parallel_requests_refresh_once() {
    let scene = due().await;
    scene.provider.latency(200);
    let line = scene.visitor.session_line();
    let answers = join_all((0..50).map(|_| scene.fetched(&line))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "rule 3");
    scene.until_refreshed(1).await;
    wait(300).await;
    assert_eq!(scene.fetched(&line).await.status, 200);
    assert_eq!(scene.provider.refreshes(), 1, "rule 1");
}

#[tokio::test]
async fn a_provider_that_fails_logs_nobody_out() {
    let faults = [
        Fault::status(503),
        Fault::status(429),
        Fault::html(),
        Fault::truncated(),
        Fault::Reset,
        Fault::oauth(400, "temporarily_unavailable"),
        Fault::oauth(401, "invalid_client"),
    ];
    let all = faults.map(|fault| async move {
        let what = format!("{fault:?}");
        let scene = due().await;
        scene.provider.fails_token_calls(fault);
        let line = scene.visitor.session_line();
        let answers = join_all((0..50).map(|_| scene.fetched(&line))).await;
        for answer in &answers {
            assert_eq!(answer.status, 200, "C-99: {what}");
            assert!(answer.sets("askara").is_none(), "rule 5: {what}");
        }
        scene.until_refreshed(1).await;
        let answer = scene.fetched(&line).await;
        assert_eq!(answer.status, 200, "C-99: {what}");
        assert!(!answer.clears("askara"), "rule 5: {what}");
        let calls = scene.provider.refreshes();
        assert!(calls <= 3, "back-off, one probe at a time: {calls} calls, {what}");
    });
    join_all(all).await;
}

#[tokio::test]
async fn a_definitive_no_while_the_token_holds_is_served_and_not_asked_again() {
    let scene = due().await;
    scene.provider.fails_token_calls(Fault::oauth(400, "invalid_grant"));
    let line = scene.visitor.session_line();
    assert_eq!(scene.fetched(&line).await.status, 200, "C-98");
    scene.until_refreshed(1).await;
    for _ in 0..5 {
        let answer = scene.fetched(&line).await;
        assert_eq!(answer.status, 200, "C-98");
        assert!(!answer.clears("askara"), "C-98");
        wait(50).await;
    }
    assert_eq!(scene.provider.refreshes(), 1, "C-98: it stops refreshing");
}

#[tokio::test]
async fn the_client_may_leave_before_the_refresh_is_done() {
    let scene = due().await;
    scene.provider.latency(500);
    let line = scene.visitor.session_line();
    assert_eq!(scene.fetched(&line).await.status, 200);
    wait(900).await;
    assert_eq!(scene.provider.refreshes(), 1);
    let answers = join_all((0..5).map(|_| scene.fetched(&line))).await;
    let mut cookies: Vec<_> =
        answers.iter().map(|answer| answer.sets("askara").expect("the successor").value).collect();
    cookies.dedup();
    assert_eq!(cookies.len(), 1, "rule 4: the same bytes");
    assert_eq!(scene.provider.refreshes(), 1);
}

#[tokio::test]
async fn another_subject_ends_the_session_in_the_window_too() {
    let scene = due().await;
    scene.provider.names_subject("666");
    let line = scene.visitor.session_line();
    scene.fetched(&line).await;
    scene.until_refreshed(1).await;
    assert_eq!(scene.fetched(&line).await.status, 401, "rule 7");
    let users = scene.app.requests().into_iter();
    assert!(
        users
            .filter_map(|seen| seen.header("x-forwarded-user").map(str::to_owned))
            .all(|user| user == "42")
    );
}

#[tokio::test]
async fn before_the_window_nothing_is_asked() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    for _ in 0..10 {
        let answer = visitor.fetch("/").await;
        assert_eq!(answer.status, 200);
        assert!(answer.set_cookies().is_empty(), "no Set-Cookie on every response");
    }
    assert_eq!(provider.token_calls(), 1);
}
