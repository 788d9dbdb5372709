//! Replicas that share nothing but their keys (sessions.md rule 6): two may spend one refresh
//! token, and then one of them loses.

use futures_util::future::join_all;

use crate::crowd::{Tally, crowd};
use crate::harness::*;
use crate::stage::*;

const LOST_RACE: &str = "askara_gate_refresh_total{outcome=\"lost_race\"}";

/// Signed in with a token that has run out; the next ones live long, and take long enough for
/// every replica to ask for one.
async fn expired(provider: Provider) -> (Stage, Visitor) {
    provider.token_life(2);
    let stage = Plan::of(Alone).start(provider).await;
    let visitor = stage.signed_in(1).await.remove(0);
    wait(3100).await;
    stage.provider.token_life(3600);
    stage.provider.latency(1000);
    (stage, visitor)
}

#[tokio::test]
async fn past_expiry_the_losers_of_a_race_clear_nothing_and_the_browser_goes_on() {
    let (stage, visitor) = expired(Provider::start().await).await;
    let tally = Tally::of(&crowd(&visitor, "/", 90).await);
    assert_eq!(stage.provider.spends_of(&first_spent(&stage)), 3, "every replica has tried");
    assert_eq!((tally.with(200), tally.with(401)), (30, 60), "{tally}");
    assert_eq!(tally.clearing, 0, "rule 8: the winner's cookie may be on its way");
    for _ in 0..3 {
        let answer = visitor.fetch("/").await;
        assert_eq!(answer.status, 200, "rule 6: the winner's cookie counts everywhere");
        assert!(answer.sets("askara").is_none(), "and is the newest");
    }
    assert_eq!(stage.counted_by_all(LOST_RACE).await, 2, "each loser says so");
    let told = |gate: &Gate| gate.output().contains("session.coordination keeps replicas from");
    assert_eq!(stage.gates().filter(|gate| told(gate)).count(), 2, "and what would cure it");
}

#[tokio::test]
async fn a_page_that_loses_the_race_goes_to_the_provider_and_comes_back_signed_in() {
    let (stage, visitor) = expired(Provider::start().await).await;
    let pages = join_all((0..9).map(|_| visitor.open("/page"))).await;
    let tally = Tally::of(&pages);
    assert_eq!((tally.with(200), tally.with(302), tally.clearing), (3, 6, 0), "{tally}");
    stage.provider.latency(0);
    let loser = pages.into_iter().find(Answer::redirects).unwrap();
    assert_eq!(visitor.follow(loser).await.status, 200);
    for _ in 0..3 {
        assert_eq!(visitor.fetch("/").await.status, 200);
    }
}

/// Nothing can be kept here: the provider takes the winner's tokens back as well.
#[tokio::test]
async fn a_provider_that_revokes_the_family_ends_it_past_expiry_and_one_login_is_the_way_out() {
    let provider = Provider::start().await;
    provider.revokes_family_on_reuse();
    let (stage, visitor) = expired(provider).await;
    let tally = Tally::of(&crowd(&visitor, "/", 90).await);
    assert_eq!(tally.other_than_200(), tally.with(401), "{tally}");
    assert!(!stage.provider.honours(&stage.provider.newest_token()));
    signs_in_once(&stage, &visitor).await;
}

#[tokio::test]
async fn and_in_the_early_window_the_crowd_that_set_it_off_is_served_first() {
    let provider = Provider::with_token_life(20).await;
    provider.revokes_family_on_reuse();
    let stage = Plan::of(Alone).session("refresh_at = 0.1").start(provider).await;
    let visitor = stage.signed_in(1).await.remove(0);
    wait(3100).await;
    stage.provider.latency(1000);
    let tally = Tally::of(&crowd(&visitor, "/", 90).await);
    assert_eq!((tally.other_than_200(), tally.clearing), (0, 0), "rule 3: {tally}");
    eventually("every replica's try", || stage.provider.refused_spends() == 2).await;
    // The answers are on their way for a second, and the winner asks then whom it speaks for.
    wait(1500).await;
    signs_in_once(&stage, &visitor).await;
}

/// One navigation brings the person back, without a loop, to a session that the provider honours.
async fn signs_in_once(stage: &Stage, visitor: &Visitor) {
    stage.provider.latency(0);
    stage.provider.token_life(3600);
    let logins = stage.provider.exchanges();
    let mut pages = 0;
    while stage.provider.exchanges() == logins {
        assert_eq!(visitor.navigate("/again").await.status, 200);
        pages += 1;
        assert!(pages <= 3, "a replica serves what the provider has taken back");
    }
    assert_eq!(stage.provider.exchanges(), logins + 1, "no loop");
    for _ in 0..3 {
        assert_eq!(visitor.fetch("/").await.status, 200);
    }
    assert!(stage.provider.honours(&stage.provider.newest_token()));
}

fn first_spent(stage: &Stage) -> String {
    let request = stage.provider.last_token_request();
    request.body["refresh_token"].as_str().unwrap().to_owned()
}
