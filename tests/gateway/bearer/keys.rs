//! The provider's keys: changed at will, and never asked for at a client's will (C-86, C-87).

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::json;

use super::{RULES, Scene, scene, scene_with, with_token};
use crate::harness::*;

const BOTH: &str = "[provider.bearer]\naudience = [\"api\"]\nalgorithms = [\"RS256\", \"ES256\"]";

/// Between two questions for keys (C-87), and a little.
const PAUSE: u64 = 30_300;

#[tokio::test]
async fn c86_a_new_key_is_learnt_and_the_old_ones_stay_while_they_are_published() {
    let scene = scene(BOTH).await;
    let old = scene.token(&json!({}));
    assert_eq!(scene.sends(&old).await.status, 200);
    wait(PAUSE).await;
    scene.provider.takes_key(&Signer::p256("second"));
    assert_eq!(scene.sends(&scene.token(&json!({}))).await.status, 200, "C-86");
    assert_eq!(scene.provider.calls("/jwks"), 2, "C-86: once");
    let published = Signer::rsa().token(&json!({ "typ": "at+jwt" }), &claims_of(&old));
    assert_eq!(scene.sends(&published).await.status, 200, "C-86: still published");
    // From here on the provider is away: the keys that are known go on counting.
    scene.provider.fails_at("/jwks", Fault::status(503));
    for _ in 0..3 {
        let fresh = scene.token(&json!({}));
        assert_eq!(scene.sends(&fresh).await.status, 200, "C-86: an outage locks nobody out");
    }
    scene.app.forgets();
    scene.provider.takes_key(&Signer::p256("third"));
    scene.refuses(&scene.token(&json!({})), "C-86: nobody can know it").await;
    assert_eq!(scene.provider.calls("/jwks"), 2, "C-87: not asked again within half a minute");
}

#[tokio::test]
async fn c86_keys_that_were_never_learnt_are_a_503_and_come_later() {
    let provider = Provider::openid().await;
    provider.fails_at("/jwks", Fault::status(500));
    let scene = scene_with(provider, RULES).await;
    let token = scene.token(&json!({}));
    let answer = scene.sends(&token).await;
    assert_eq!(answer.status, 503, "the token may be sound: {}", answer.text());
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.json()["type"], "urn:askara-gate:provider-unavailable");
    let line = scene.gate.logged("an API client's token can't be judged").await;
    assert_eq!(line["level"], "WARN", "{line}");
    for _ in 0..20 {
        assert_eq!(scene.sends(&token).await.status, 503);
    }
    assert_eq!(scene.provider.calls("/jwks"), 1, "C-87: a provider in trouble is not hammered");
    scene.provider.behaves_again();
    wait(5200).await;
    assert_eq!(scene.sends(&token).await.status, 200);
    assert_eq!(scene.provider.calls("/jwks"), 2);
}

/// Sends so many tokens with invented keys, over a few connections; all are refused.
async fn hammer(scene: &Scene, count: usize) {
    let claims = scene.provider.api_claims(&json!({}));
    let signer = Signer::p256("mine");
    // A signature for each would only warm the test's own machine.
    let sound = signer.token(&json!({}), &claims);
    let signature = sound.rsplit_once('.').unwrap().1;
    let lines = (0..4).map(|_| async {
        let mut line = scene.gate.line().await;
        for _ in 0..count / 4 {
            let header = json!({ "alg": "ES256", "kid": random_hex(32), "typ": "at+jwt" });
            let token = format!("{}.{signature}", unsigned(&header, &claims));
            let answer = line.send(with_token("/api", &token)).await;
            assert_eq!(answer.status, 401, "C-87");
        }
    });
    join_all(lines).await;
}

#[tokio::test]
async fn c87_ten_thousand_invented_keys_cost_one_question_and_no_memory() {
    let scene = scene(BOTH).await;
    assert_eq!(scene.sends(&scene.token(&json!({}))).await.status, 200);
    let asked = scene.provider.calls("/jwks");
    hammer(&scene, 4_000).await;
    let before = scene.gate.memory();
    hammer(&scene, 10_000).await;
    let grown = scene.gate.memory().saturating_sub(before);
    assert!(grown < 16 * 1024, "C-87: {grown} KiB");
    let more = scene.provider.calls("/jwks") - asked;
    assert!(more <= 1, "C-87: {more} questions");
    assert_eq!(
        scene.sends(&scene.token(&json!({}))).await.status,
        200,
        "C-87: nobody is locked out"
    );
}

#[tokio::test]
async fn c87_a_key_set_that_is_none_is_refused_whole() {
    let huge = format!("{{\"keys\":[],\"filler\":\"{}\"}}", "x".repeat(600 * 1024));
    let elsewhere = Arc::new(RawUpstream::silent().await);
    let answers = [
        Fault::body(200, "application/json", huge),
        Fault::Flood,
        Fault::html(),
        Fault::array(),
        Fault::truncated(),
        Fault::json(200, &json!({ "keys": "none" })),
        Fault::redirect(&elsewhere.url()),
        Fault::redirect_by(307, &elsewhere.url()),
        Fault::Reset,
    ];
    let all = answers.map(async |fault| {
        let what = format!("C-87: {fault:?}").chars().take(80).collect::<String>();
        let provider = Provider::openid().await;
        provider.fails_at("/jwks", fault);
        let scene = scene_with(provider, RULES).await;
        let answer = scene.sends(&scene.token(&json!({}))).await;
        assert_eq!(answer.status, 503, "{what}");
        assert!(scene.app.requests().is_empty(), "{what}");
        assert_eq!(scene.provider.calls("/jwks"), 1, "{what}");
        assert!(scene.gate.peak_memory() < 128 * 1024, "{what}");
    });
    join_all(all).await;
    assert_eq!(elsewhere.connections(), 0, "C-87: no redirect is followed");
}

#[tokio::test]
async fn c87_of_ten_thousand_keys_a_hundred_count() {
    let provider = Provider::openid().await;
    let keys: Vec<_> =
        (0..3000).map(|n| json!({ "kty": "oct", "kid": n.to_string(), "k": "AAAA" })).collect();
    provider.fails_at("/jwks", Fault::json(200, &json!({ "keys": keys })));
    let scene = scene_with(provider, RULES).await;
    scene.refuses(&scene.token(&json!({})), "C-87: its key is not among them").await;
}
