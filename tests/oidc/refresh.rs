//! Past the access token's expiry, at a provider that rotates and takes reuse for theft.

use futures_util::future::join_all;

use crate::harness::{ask, wait};
use crate::scene::{Scene, plan};

/// Whole seconds are counted, so three are surely past two.
const LIFE: u64 = 2;
const PAST_EXPIRY: u64 = 3100;

/// Signed in with a token that has run out; the next ones live long.
async fn expired() -> Scene {
    let scene = plan().with_settings(|asked| asked.with_token_life(LIFE)).start().await;
    scene.login().await;
    scene.provider.token_life(3600).await;
    wait(PAST_EXPIRY).await;
    scene
}

#[tokio::test]
async fn thirty_parallel_requests_spend_one_refresh_token() {
    let scene = expired().await;
    let line = scene.person.visitor.session_line();
    let requests = (0..30).map(|_| scene.gate.send(ask("GET", "/").fetching().cookie(&line)));
    let answers = join_all(requests).await;
    let ok = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(ok, 30, "C-100");
    assert_eq!(scene.provider.seen().await.refreshes(), 1, "C-100");
    let seen = scene.app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
}

#[tokio::test]
async fn a_session_whose_grant_was_taken_back_ends_and_a_login_mends_it() {
    let scene = expired().await;
    scene.provider.revokes("ada").await;
    assert_eq!(scene.person.visitor.fetch("/").await.status, 401);
    scene.login().await;
    let seen = scene.provider.seen().await;
    assert_eq!((seen.count("login"), seen.count("consent")), (1, 2), "known, but asked again");
}

#[tokio::test]
async fn a_provider_that_does_not_rotate_is_asked_with_the_same_token() {
    let plan = plan().with_settings(|asked| asked.with_token_life(LIFE).with("rotate", false));
    let scene = plan.start().await;
    scene.login().await;
    for round in 1..=2 {
        wait(PAST_EXPIRY).await;
        assert_eq!(scene.person.visitor.fetch("/").await.status, 200, "round {round}");
    }
    assert_eq!(scene.provider.seen().await.refreshes(), 2, "C-97");
}
