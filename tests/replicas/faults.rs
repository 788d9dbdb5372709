//! What a trouble costs in each configuration (sessions.md rules 1, 3, 5 and 6): nothing, save in
//! the cases that nothing can be done about.

use std::time::{Duration, Instant};

use crate::crowd::Tally;
use crate::harness::*;
use crate::scene::{Kind, Outcome, Scene, Trouble, browse};
use crate::stage::*;

const PEOPLE: usize = 4;
const CROWD: usize = 50;

async fn played(configuration: Configuration, kind: Kind, trouble: Trouble) -> Outcome {
    let scene = Scene { configuration, kind, trouble, people: PEOPLE, crowd: CROWD };
    scene.play().await
}

/// Everybody was answered 200 and nobody lost; where replicas agree, no token was spent twice.
async fn costs_nothing(configuration: Configuration, kind: Kind, trouble: Trouble) {
    let what = format!("{configuration:?} {kind:?} {trouble:?}");
    let outcome = played(configuration, kind, trouble).await;
    assert_eq!(outcome.tally.other_than_200(), 0, "{what}: {outcome:?}");
    assert_eq!(outcome.lost, 0, "{what}: {outcome:?}");
    assert_eq!(outcome.spent, PEOPLE, "{what}: {outcome:?}");
    if configuration != Alone {
        assert_eq!(outcome.most_spends, 1, "{what}, rule 1: {outcome:?}");
        assert_eq!(outcome.token_calls, PEOPLE, "{what}: {outcome:?}");
    }
}

#[tokio::test]
async fn in_the_early_window_nobody_notices_a_refresh() {
    tokio::join!(
        costs_nothing(One, Kind::RevokesFamily, Trouble::EarlyWindow),
        costs_nothing(Alone, Kind::Rotates, Trouble::EarlyWindow),
        costs_nothing(Coordinated, Kind::RevokesFamily, Trouble::EarlyWindow),
        costs_nothing(Stored, Kind::RevokesFamily, Trouble::EarlyWindow),
    );
}

#[tokio::test]
async fn a_provider_that_is_away_in_the_early_window_logs_nobody_out() {
    tokio::join!(
        away_in_the_window(One),
        away_in_the_window(Alone),
        away_in_the_window(Coordinated),
        away_in_the_window(Stored),
    );
}

/// On a busy machine a token may run out before the provider is known to be back: that is a 503,
/// and no more.
async fn away_in_the_window(configuration: Configuration) {
    let outcome = played(configuration, Kind::Rotates, Trouble::ProviderDown).await;
    let what = format!("{configuration:?}: {outcome:?}");
    let Outcome { tally, .. } = &outcome;
    let lost_race = if configuration == Alone { tally.with(401) } else { 0 };
    assert_eq!(tally.other_than_200(), tally.with(503) + lost_race, "{what}");
    assert!(tally.other_than_200() * 10 <= tally.all(), "{what}");
    assert_eq!((tally.clearing, outcome.lost), (0, 0), "{what}");
    if configuration != Alone {
        assert_eq!((outcome.token_calls, outcome.most_spends), (PEOPLE, 1), "{what}");
    }
}

/// However long it was away before: people wait for it now.
#[tokio::test]
async fn a_provider_that_comes_back_past_expiry_is_found_within_seconds() {
    let provider = Provider::with_token_life(12).await;
    let mut stage = Plan::of(One).session("refresh_at = 0.1").start(provider).await;
    let people = stage.signed_in(PEOPLE).await;
    stage.provider.goes_away().await;
    let [mut away, mut back, mut then] = std::array::from_fn(|_| Tally::default());
    browse(&people, &mut away, Instant::now() + Duration::from_secs(14)).await;
    assert_eq!((away.other_than_200(), away.clearing), (away.with(503), 0), "rule 5: {away}");
    assert!(away.with(503) > 0, "it is past expiry: {away:?}");
    stage.provider.token_life(3600);
    stage.provider.comes_back();
    browse(&people, &mut back, Instant::now() + Duration::from_secs(3)).await;
    assert_eq!(back.other_than_200(), back.with(503), "{back}");
    browse(&people, &mut then, Instant::now() + Duration::from_secs(1)).await;
    assert_eq!(then.other_than_200(), 0, "{then}");
    assert_eq!(stage.provider.most_spends(), 1);
}

#[tokio::test]
async fn c116_redis_stopped_for_ten_seconds_costs_nothing() {
    tokio::join!(
        costs_nothing(Coordinated, Kind::RevokesFamily, Trouble::RedisStopped),
        costs_nothing(Stored, Kind::RevokesFamily, Trouble::RedisStopped),
    );
}

#[tokio::test]
async fn c114_redis_half_open_for_ten_seconds_costs_nothing() {
    tokio::join!(
        costs_nothing(Coordinated, Kind::RevokesFamily, Trouble::RedisFrozen),
        costs_nothing(Stored, Kind::RevokesFamily, Trouble::RedisFrozen),
    );
}

/// The lease of the one that died runs out first.
#[tokio::test]
async fn a_gateway_killed_before_the_provider_acts_costs_nothing() {
    tokio::join!(
        costs_nothing(Coordinated, Kind::RevokesFamily, Trouble::KilledBefore),
        costs_nothing(Stored, Kind::RevokesFamily, Trouble::KilledBefore),
    );
}

#[tokio::test]
async fn killed_before_the_provider_acts_nobody_is_lost_without_a_store_either() {
    let (one, alone) = tokio::join!(
        played(One, Kind::RevokesFamily, Trouble::KilledBefore),
        played(Alone, Kind::Rotates, Trouble::KilledBefore),
    );
    for outcome in [one, alone] {
        assert_eq!((outcome.lost, outcome.tally.clearing), (0, 0), "{outcome:?}");
    }
}

/// Nothing can be done about it where a token is good for once: the new one went to nobody.
#[tokio::test]
async fn killed_between_answer_and_keeping_a_session_is_lost_to_rotation_only() {
    let (coordinated, stored, forgiven, forgiven_stored) = tokio::join!(
        played(Coordinated, Kind::Rotates, Trouble::KilledBetween),
        played(Stored, Kind::Rotates, Trouble::KilledBetween),
        played(Coordinated, Kind::Forgives, Trouble::KilledBetween),
        played(Stored, Kind::Forgives, Trouble::KilledBetween),
    );
    for outcome in [coordinated, stored] {
        assert_eq!(outcome.lost, PEOPLE, "{outcome:?}");
        assert_eq!(outcome.tally.with(401), outcome.tally.all(), "{outcome:?}");
    }
    for outcome in [forgiven, forgiven_stored] {
        assert_eq!(outcome.tally.other_than_200(), 0, "{outcome:?}");
        assert_eq!((outcome.lost, outcome.most_spends), (0, 2), "{outcome:?}");
    }
}
