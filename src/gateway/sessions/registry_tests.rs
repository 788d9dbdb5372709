use std::time::Duration;

use super::*;
use crate::auth::session::testing::session;
use crate::auth::tokens::Tokens;
use crate::secret::Secret;

fn registry() -> Arc<Registry> {
    Registry::new(RefreshPolicy { at: 0.75, keep_at_most: Duration::from_secs(600) })
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn open(issued: u64, expires: u64) -> Arc<OpenSession> {
    Arc::new(OpenSession::new(session(issued, issued, expires), 0).unwrap())
}

fn next(open: &OpenSession, expires: u64) -> Arc<OpenSession> {
    let tokens = Tokens {
        access: Secret::new(String::from("next")),
        refresh: None,
        issued: open.session.tokens.expires,
        expires: at(expires),
    };
    let renewed = open.session.renewed(tokens, open.session.tokens.expires);
    Arc::new(OpenSession::new(renewed, 0).unwrap())
}

#[test]
fn of_many_that_come_at_once_one_renews_and_the_others_wait() {
    let registry = registry();
    let open = open(0, 100);
    let first = registry.look(&open, at(100));
    assert_eq!(first.step, Step::RenewAndWait);
    assert!(first.flight.is_some());
    let second = registry.look(&open, at(100));
    assert_eq!(second.step, Step::Wait);
    assert!(second.flight.is_none() && second.landing.is_some());
    drop(first);
    assert_eq!(registry.look(&open, at(101)).step, Step::RenewAndWait);
}

#[test]
fn an_old_generation_is_served_with_the_newest_and_the_same_bytes() {
    let registry = registry();
    let open = open(0, 100);
    let newest = next(&open, 200);
    let line = HeaderValue::from_static("askara=next");
    assert!(registry.renewed(Arc::clone(&newest), vec![line.clone()], at(100)));
    for _ in 0..2 {
        let look = registry.look(&open, at(110));
        assert_eq!((look.step, look.newest.session.generation), (Step::Serve, 1));
        let newer = registry.newer(&open.session);
        assert_eq!(newer, Newer::Lines(vec![line.clone()]));
    }
    assert_eq!(registry.newer(&newest.session), Newer::Nothing);
}

#[test]
fn a_successor_is_forgotten_a_minute_after_it_was_shown() {
    let registry = registry();
    let open = open(0, 1000);
    let newest = next(&open, 9000);
    registry.renewed(Arc::clone(&newest), Vec::new(), at(800));
    assert!(registry.look(&newest, at(810)).known);
    assert_eq!(registry.look(&open, at(860)).newest.session.generation, 1);
    assert!(!registry.look(&newest, at(870)).known);
    assert_eq!(registry.look(&open, at(871)).newest.session.generation, 0);
}

#[test]
fn a_session_that_was_signed_out_during_a_refresh_stays_out() {
    let registry = registry();
    let open = open(0, 100);
    let flight = registry.look(&open, at(100)).flight;
    let whom = Whom::Session(open.session.id);
    registry.end(&Ending { whom, before: at(100), until: open.session.ends });
    assert!(!registry.renewed(next(&open, 200), Vec::new(), at(101)));
    drop(flight);
    assert_eq!(registry.look(&open, at(102)).step, Step::End);
    assert_eq!(registry.newer(&open.session), Newer::Revoked);
}

#[test]
fn a_definitive_refusal_serves_until_expiry_and_then_ends() {
    let registry = registry();
    let open = open(0, 100);
    drop(registry.look(&open, at(80)).flight);
    registry.failed(&open, Verdict::Definitive, at(80), 0);
    assert_eq!(registry.look(&open, at(99)).step, Step::Serve);
    assert_eq!(registry.look(&open, at(100)).step, Step::End);
}

#[test]
fn what_becomes_known_moves_the_epoch_and_what_is_over_is_forgotten() {
    let registry = registry();
    let open = open(0, 100);
    let before = registry.epoch();
    assert!(!registry.look(&open, at(10)).known);
    assert_eq!(registry.epoch(), before);
    drop(registry.look(&open, at(80)).flight);
    assert_ne!(registry.epoch(), before);
    assert!(!registry.look(&open, at(10)).known, "a refresh that left nothing behind");
}

#[test]
fn the_end_of_another_flight_ends_this_one_not() {
    let registry = registry();
    let open = open(0, 100);
    let id = open.session.id;
    let flight = registry.look(&open, at(100)).flight.unwrap();
    registry.shard(id).land(id, flight.number + 1);
    assert_eq!(registry.look(&open, at(101)).step, Step::Wait);
    drop(flight);
    assert_eq!(registry.look(&open, at(102)).step, Step::RenewAndWait);
}
