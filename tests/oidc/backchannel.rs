//! Somebody signs out at the provider, and the provider ends the sessions here (OpenID Connect
//! Back-Channel Logout 1.0; S34).

use serde_json::json;

use crate::harness::{Redis, ask};
use crate::person::Person;
use crate::scene::{Plan, Scene, plan};

/// Replicas that share what has ended: without that the configuration is refused.
fn told(by_session: bool, redis: &Redis) -> Plan {
    let plan = plan().told_of_sign_outs(by_session).with_line("backchannel_logout = true");
    plan.with_session(&redis.coordination())
}

impl Scene {
    /// Goes to the provider alone, and signs out there.
    async fn signs_out_at_the_provider(&self, person: &Person) {
        let end = person.goes_to(&self.provider.origin().join("/session/end").unwrap()).await;
        assert_eq!(end.answer.status, 200, "{}: {}", end.at, end.answer.text());
        assert_eq!(end.at.origin(), self.provider.origin().origin());
    }

    async fn status_for(&self, person: &Person) -> u16 {
        person.visitor.fetch("/").await.status
    }

    /// Whether the gateway took what the provider told it, each time.
    async fn heard(&self) -> Vec<bool> {
        let seen = self.provider.seen().await;
        let calls = seen.at("backchannel_logout").into_iter();
        calls.map(|call| call["heard"] == json!(true)).collect()
    }
}

#[tokio::test]
async fn the_session_that_began_there_ends_and_no_other() {
    let redis = Redis::start();
    let scene = told(true, &redis).start().await;
    let elsewhere = scene.person("ada");
    scene.login().await;
    scene.login_of(&elsewhere).await;
    let line = scene.person.visitor.session_line();
    scene.signs_out_at_the_provider(&scene.person).await;
    assert_eq!(scene.heard().await, [true]);
    assert_eq!(scene.status_for(&scene.person).await, 401);
    let copy = ask("GET", "/").fetching().cookie(&line);
    assert_eq!(scene.gate.send(copy).await.status, 401, "a copy of the cookie neither");
    assert_eq!(scene.status_for(&elsewhere).await, 200, "another session at the provider");
    scene.login().await;
    assert_eq!(scene.provider.seen().await.count("login"), 3, "asked again");
}

#[tokio::test]
async fn all_sessions_of_the_person_end_where_the_provider_names_none() {
    let redis = Redis::start();
    let scene = told(false, &redis).start().await;
    let (elsewhere, eve) = (scene.person("ada"), scene.person("eve"));
    scene.login().await;
    scene.login_of(&elsewhere).await;
    scene.login_of(&eve).await;
    scene.signs_out_at_the_provider(&scene.person).await;
    assert_eq!(scene.heard().await, [true]);
    assert_eq!(scene.status_for(&scene.person).await, 401);
    assert_eq!(scene.status_for(&elsewhere).await, 401);
    assert_eq!(scene.status_for(&eve).await, 200);
}

#[tokio::test]
async fn a_sign_out_that_begins_here_comes_back_from_the_provider_and_is_no_error() {
    let redis = Redis::start();
    let scene = told(true, &redis).start().await;
    scene.login().await;
    let end = scene.signs_out().await;
    assert_eq!(end.at.path(), "/oauth2/signed_out");
    assert_eq!(scene.heard().await, [true]);
    scene.login().await;
    assert_eq!(scene.status_for(&scene.person).await, 200);
}

#[tokio::test]
async fn a_gateway_that_is_not_to_listen_hears_nothing() {
    let scene = plan().told_of_sign_outs(true).start().await;
    scene.login().await;
    scene.signs_out_at_the_provider(&scene.person).await;
    assert_eq!(scene.heard().await, [false]);
    assert_eq!(scene.status_for(&scene.person).await, 200);
}
