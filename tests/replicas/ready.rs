//! Readiness where there is a store (C-113), and what a store that is away means for browsers
//! that nobody knows yet, for sessions after the time of grace, and when it has lost everything.

use crate::harness::*;
use crate::stage::*;

async fn ready(stage: &Stage, number: usize) -> u16 {
    stage.gate(number).admin("/readyz").await.unwrap().status
}

/// Waits until every replica knows that the store is there, or that it is not.
async fn until_known(stage: &Stage, there: bool) {
    let replicas = if there { stage.gates().count() as u64 } else { 0 };
    for _ in 0..250 {
        if stage.counted_by_all("askara_gate_store_up").await == replicas {
            return;
        }
        wait(20).await;
    }
    panic!("not every replica knows whether the store is there: {there}");
}

#[tokio::test]
async fn c113_before_the_store_was_reached_nothing_is_ready_and_later_loss_changes_nothing() {
    for configuration in [Coordinated, Stored] {
        let plan = Plan::of(configuration).before_redis();
        let mut stage = plan.start(Provider::start().await).await;
        wait(500).await;
        for number in 0..3 {
            assert_eq!(ready(&stage, number).await, 503, "C-113, {configuration:?}");
        }
        stage.redis().start_again();
        for number in 0..3 {
            let mut status = 0;
            for _ in 0..250 {
                status = ready(&stage, number).await;
                if status == 200 {
                    break;
                }
                wait(20).await;
            }
            assert_eq!(status, 200, "C-113, {configuration:?}");
        }
        let visitor = stage.signed_in(1).await.remove(0);
        for _ in 0..3 {
            assert_eq!(visitor.fetch("/").await.status, 200);
        }
        stage.redis().shut_down();
        for number in 0..3 {
            assert_eq!(visitor.fetch("/").await.status, 200, "{configuration:?}");
            assert_eq!(ready(&stage, number).await, 200, "C-113, {configuration:?}");
        }
    }
}

#[tokio::test]
async fn without_the_store_a_login_waits_and_with_coordination_it_does_not() {
    for configuration in [Coordinated, Stored] {
        let mut stage = Plan::of(configuration).start(Provider::start().await).await;
        stage.redis().shut_down();
        let visitor = stage.visitor();
        if configuration == Coordinated {
            visitor.login().await;
            assert_eq!(visitor.fetch("/").await.status, 200);
            continue;
        }
        until_known(&stage, false).await;
        for _ in 0..6 {
            let page = visitor.open("/").await;
            assert_eq!(page.status, 503, "nobody is sent away to come back to nothing");
            assert!(page.header("retry-after").is_some());
            assert_own_page(&page);
        }
        stage.redis().start_again();
        until_known(&stage, true).await;
        visitor.login().await;
        assert_eq!(visitor.fetch("/").await.status, 200, "by itself");
    }
}

#[tokio::test]
async fn after_the_time_of_grace_stored_sessions_are_unavailable_and_come_back() {
    let plan = Plan::of(Stored).session("store_grace = \"3s\"");
    let mut stage = plan.start(Provider::start().await).await;
    let visitor = stage.signed_in(1).await.remove(0);
    for _ in 0..6 {
        assert_eq!(visitor.fetch("/").await.status, 200);
    }
    let logins = stage.provider.authorizations();
    stage.redis().shut_down();
    let mut statuses = Vec::new();
    // Memory is trusted for five seconds, and the time of grace begins with the first fault.
    for _ in 0..60 {
        let answer = visitor.fetch("/").await;
        assert!(matches!(answer.status, 200 | 503), "C-116: {}", answer.status);
        assert!(answer.set_cookies().is_empty(), "rule 5");
        assert_eq!(answer.header("retry-after").is_some(), answer.status == 503);
        statuses.push(answer.status);
        wait(200).await;
    }
    assert_eq!(statuses[0], 200, "from memory");
    assert_eq!(statuses[57..], [503; 3], "every replica, at last");
    assert_eq!(visitor.open("/").await.status, 503, "no login storm");
    stage.redis().start_again();
    until_known(&stage, true).await;
    for _ in 0..6 {
        assert_eq!(visitor.fetch("/").await.status, 200, "the same session");
    }
    assert_eq!(stage.provider.authorizations(), logins);
}

#[tokio::test]
async fn c115_a_store_that_lost_everything_makes_people_sign_in_once() {
    let mut stage = Plan::of(Stored).start(Provider::start().await).await;
    let visitor = stage.signed_in(1).await.remove(0);
    stage.redis().lose_everything();
    // What is in memory is looked up again after five seconds.
    let mut refused = None;
    for _ in 0..100 {
        let answer = visitor.fetch("/").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
        wait(100).await;
    }
    let refused = refused.expect("C-115: anonymous at last");
    assert_eq!(refused.status, 401);
    let exchanges = stage.provider.exchanges();
    visitor.login_at("/again").await;
    assert_eq!(stage.provider.exchanges(), exchanges + 1, "once, and no loop");
    for _ in 0..6 {
        assert_eq!(visitor.fetch("/").await.status, 200, "C-115");
    }
}

#[tokio::test]
async fn c115_what_only_coordinates_may_lose_everything_at_any_time() {
    let provider = Provider::with_token_life(2).await;
    provider.revokes_family_on_reuse();
    let mut stage = Plan::of(Coordinated).start(provider).await;
    let visitor = stage.signed_in(1).await.remove(0);
    for _ in 0..2 {
        wait(3100).await;
        stage.redis().lose_everything();
        for _ in 0..6 {
            assert_eq!(visitor.fetch("/").await.status, 200, "C-115");
        }
    }
    assert_eq!(stage.provider.most_spends(), 1);
}
