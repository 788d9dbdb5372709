//! Crowds of requests past expiry (C-100, over replicas): one refresh token is spent once,
//! whoever is asked, and nobody is lost. A round is one session whose token has run out, and 200
//! requests of its browser at the same time.

use crate::crowd::{Tally, crowd};
use crate::harness::*;
use crate::stage::*;

/// Whole seconds are counted, so three are surely past two.
const LIFE: u64 = 2;
const PAST_EXPIRY: u64 = 3100;
const CROWD: usize = 200;
/// Sessions run out together, and are asked for one after another.
const PEOPLE: usize = 20;

async fn rounds(configuration: Configuration, provider: Provider, rotations: usize) {
    provider.token_life(LIFE);
    provider.tells_logins_apart();
    let stage = Plan::of(configuration).start(provider).await;
    let people = stage.signed_in(PEOPLE).await;
    for rotation in 1..=rotations {
        wait(PAST_EXPIRY).await;
        for (number, visitor) in people.iter().enumerate() {
            let round = format!("{configuration:?}, rotation {rotation} of visitor {number}");
            let tally = Tally::of(&crowd(visitor, &format!("/{number}"), CROWD).await);
            assert_eq!(tally.with(200), CROWD, "C-100, {round}: {tally}");
        }
        stage.assert_own_identity();
    }
    let provider = &stage.provider;
    assert_eq!(provider.most_spends(), 1, "rule 1: {configuration:?}");
    assert_eq!(provider.refused_spends(), 0, "{configuration:?}");
    assert_eq!(provider.spent_tokens(), provider.refreshes(), "one call for each rotation");
    assert!(provider.refreshes() >= rotations * PEOPLE, "{} refreshes", provider.refreshes());
    assert_in_turn(&stage).await;
}

async fn assert_in_turn(stage: &Stage) {
    let replicas = stage.gates().count();
    let mut shares = Vec::new();
    for number in 0..replicas {
        shares.push(stage.counted(number, "askara_gate_requests_total{class=\"2xx\"}").await);
    }
    let fair = shares.iter().sum::<u64>() / replicas as u64;
    assert!(shares.iter().all(|share| *share > fair / 2), "nginx asks in turn: {shares:?}");
}

#[tokio::test]
async fn c100_one_process_renews_once_for_a_crowd_behind_nginx() {
    let provider = Provider::start().await;
    provider.revokes_family_on_reuse();
    rounds(One, provider, 1).await;
}

/// A hundred rounds for each way to share and each kind of provider.
const ROTATIONS: usize = 5;

#[tokio::test]
async fn c100_coordinated_replicas_renew_once_for_each_crowd() {
    rounds(Coordinated, Provider::start().await, ROTATIONS).await;
}

#[tokio::test]
async fn c100_replicas_with_sessions_in_redis_renew_once_for_each_crowd() {
    rounds(Stored, Provider::start().await, ROTATIONS).await;
}

#[tokio::test]
async fn c100_coordinated_replicas_never_make_a_provider_revoke_a_family() {
    let provider = Provider::start().await;
    provider.revokes_family_on_reuse();
    rounds(Coordinated, provider, ROTATIONS).await;
}

#[tokio::test]
async fn c100_replicas_with_sessions_in_redis_never_make_a_provider_revoke_a_family() {
    let provider = Provider::start().await;
    provider.revokes_family_on_reuse();
    rounds(Stored, provider, ROTATIONS).await;
}
