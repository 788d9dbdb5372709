//! Tokens that the provider is asked about (RFC 7662; S11).

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Scene, scene_with, with_token};
use crate::harness::*;

const ASKS: &str = "[provider.bearer]\nintrospection = true\ncache = \"1s\"\naudience = [\"api\"]";

async fn scene(rules: &str) -> Scene {
    let provider = Provider::openid().await;
    provider.describes_itself(&json!({
        "introspection_endpoint": format!("{}/introspect", provider.url()),
    }));
    scene_with(provider, rules).await
}

fn active(more: &Value) -> Value {
    merged(json!({ "active": true, "sub": "robot", "aud": "api", "client_id": "c" }), more)
}

impl Scene {
    async fn status_of(&self, answer: &Value) -> u16 {
        self.provider.answers_introspection(answer);
        self.sends(&random_hex(32)).await.status
    }
}

#[tokio::test]
async fn s11_only_the_boolean_true_is_a_yes() {
    let scene = scene(ASKS).await;
    for no in [json!(false), json!("true"), json!(1), json!(null), json!([true]), json!("yes")] {
        let answer = merged(active(&json!({})), &json!({ "active": no }));
        assert_eq!(scene.status_of(&answer).await, 401, "{answer}");
    }
    let null = json!({ "active": Value::Null, "sub": "robot", "aud": "api" });
    assert_eq!(scene.status_of(&null).await, 401);
    for wrong in [
        json!({ "exp": 1 }),
        json!({ "exp": "never" }),
        json!({ "aud": "other" }),
        json!({ "aud": null }),
        json!({ "iss": "https://evil.example" }),
        json!({ "token_type": "refresh_token" }),
        json!({ "cnf": {} }),
        json!({ "sub": null }),
    ] {
        assert_eq!(scene.status_of(&active(&wrong)).await, 401, "{wrong}");
    }
    assert!(scene.app.requests().is_empty());
    assert_eq!(scene.status_of(&active(&json!({}))).await, 200);
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("robot"));
    assert_eq!(scene.provider.calls("/jwks"), 0);
}

#[tokio::test]
async fn s11_the_question_has_the_clients_proof() {
    let scene = scene(ASKS).await;
    scene.provider.answers_introspection(&active(&json!({})));
    assert_eq!(scene.sends("opaque-token").await.status, 200);
    let [asked] = scene.provider.posted("/introspect").try_into().unwrap();
    assert!(asked.authorization.starts_with("Basic "));
    assert_eq!(asked.body, json!({ "token": "opaque-token", "token_type_hint": "access_token" }));
}

#[tokio::test]
async fn s11_what_was_said_is_believed_for_a_moment_and_for_that_token_alone() {
    let scene = scene(ASKS).await;
    scene.provider.answers_introspection(&active(&json!({})));
    for _ in 0..5 {
        assert_eq!(scene.sends("one").await.status, 200);
    }
    assert_eq!(scene.provider.calls("/introspect"), 1, "cached");
    assert_eq!(scene.sends("other").await.status, 200);
    assert_eq!(scene.provider.calls("/introspect"), 2, "by the token");
    scene.provider.answers_introspection(&json!({ "active": false }));
    assert_eq!(scene.sends("one").await.status, 200, "still believed");
    wait(1100).await;
    assert_eq!(scene.sends("one").await.status, 401, "no longer than `cache`");
    assert_eq!(scene.provider.calls("/introspect"), 3);
    assert_eq!(scene.sends("one").await.status, 401);
    assert_eq!(scene.provider.calls("/introspect"), 3, "a no is remembered for a moment too");
}

#[tokio::test]
async fn s11_a_provider_that_cannot_say_is_a_503_and_that_is_remembered_for_a_second() {
    let scene = scene(ASKS).await;
    scene.provider.answers_introspection(&active(&json!({})));
    let faults = [Fault::status(500), Fault::html(), Fault::array(), Fault::Reset];
    for (number, fault) in faults.into_iter().enumerate() {
        scene.provider.fails_at("/introspect", fault);
        let what = format!("token-{number}");
        let before = scene.provider.calls("/introspect");
        let answer = scene.sends(&what).await;
        assert_eq!(answer.status, 503, "{what}");
        assert_eq!(scene.sends(&what).await.status, 503, "{what}");
        assert!(scene.provider.calls("/introspect") <= before + 1, "{what}");
        assert!(answer.header("retry-after").is_some(), "{what}");
        assert!(answer.header("www-authenticate").is_some_and(|told| !told.contains("error")));
    }
    assert!(scene.app.requests().is_empty());
    scene.provider.behaves_again();
    wait(1100).await;
    assert_eq!(scene.sends("token-0").await.status, 200);
}

#[tokio::test]
async fn s11_too_little_is_a_403() {
    let scene = scene(&format!("{ASKS}\nscopes = [\"things.read\"]")).await;
    let answer = active(&json!({ "scope": "things.write" }));
    assert_eq!(scene.status_of(&answer).await, 403);
    let challenge = scene.sends("again").await;
    assert!(challenge.header("www-authenticate").unwrap().contains(r#"scope="things.read""#));
    assert_eq!(scene.status_of(&active(&json!({ "scope": "things.read" }))).await, 200);
}

#[tokio::test]
async fn s11_a_crowd_with_one_token_is_one_question() {
    let scene = scene(&ASKS.replace("1s", "1m")).await;
    scene.provider.answers_introspection(&active(&json!({})));
    let all = (0..40).map(|_| scene.gate.send(with_token("/api", "one")));
    assert!(join_all(all).await.iter().all(|answer| answer.status == 200));
    assert_eq!(scene.sends("one").await.status, 200);
    assert_eq!(scene.provider.calls("/introspect"), 1);
}

#[tokio::test]
async fn what_is_open_to_everyone_does_not_wait_for_an_answer_about_a_token() {
    let scene = scene(ASKS).await;
    scene.provider.fails_at("/introspect", Fault::Hang);
    let open = scene.gate.send(with_token("/open", "one"));
    let closed = scene.gate.send(with_token("/api", "one"));
    let first = futures_util::future::select(Box::pin(open), Box::pin(closed)).await;
    let futures_util::future::Either::Left((answer, _)) = first else {
        panic!("the closed route answered before the open one");
    };
    assert_eq!(answer.status, 200);
    assert_eq!(scene.app.last().header("x-forwarded-user"), None);
}
