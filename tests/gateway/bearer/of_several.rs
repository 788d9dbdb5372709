//! Tokens of several providers: each judged by whose it says it is, and nobody where another
//! provider is asked (S26).

use serde_json::json;

use super::with_token;
use crate::harness::*;

struct Scene {
    one: Provider,
    two: Provider,
    asked: Provider,
    app: App,
    gate: Gate,
}

async fn scene() -> Scene {
    let (one, two) = (Provider::openid().await, Provider::openid().await);
    let (asked, app) = (Provider::openid().await, App::start().await);
    asked.describes_itself(&json!({
        "introspection_endpoint": format!("{}/introspect", asked.url()),
    }));
    let verifies = "bearer = { audience = [\"api\"] }";
    let gate = gateway()
        .with_named("one", &one, &[verifies])
        .with_named("two", &two, &[verifies])
        .with_named(
            "asked",
            &asked,
            &["bearer = { introspection = true, audience = [\"opaque\"] }"],
        )
        .with_top("workers = 1")
        .with_route(route("/one", &app).with("provider = \"one\""))
        .with_route(route("/two", &app).with("provider = \"two\""))
        .with_route(public("/open-two", &app).with("provider = \"two\""))
        .with_upstream(&app)
        .start()
        .await;
    Scene { one, two, asked, app, gate }
}

#[tokio::test]
async fn a_token_of_one_is_nobodys_where_two_is_asked() {
    let scene = scene().await;
    // The keys are the same: only what the token says of itself tells them apart.
    let of_one = scene.one.api_token(&json!({}), &json!({}));
    for target in ["/one", "/anywhere"] {
        assert_eq!(scene.gate.send(with_token(target, &of_one)).await.status, 200, "{target}");
        assert_eq!(scene.app.last().header("x-forwarded-user"), Some("42"), "{target}");
    }
    scene.app.forgets();
    let refused = scene.gate.send(with_token("/two", &of_one)).await;
    assert_eq!(refused.status, 401, "S26, also for what another route found out");
    assert!(scene.app.requests().is_empty(), "S26");
    assert_eq!(scene.gate.send(with_token("/open-two", &of_one)).await.status, 200);
    let seen = scene.app.last();
    assert!(seen.header("x-forwarded-user").is_none() && seen.header("authorization").is_none());
    assert_eq!((scene.two.calls("/jwks"), scene.asked.calls("/introspect")), (0, 0));
}

#[tokio::test]
async fn a_token_is_judged_by_the_issuer_that_it_names_and_asked_about_when_it_names_none() {
    let scene = scene().await;
    scene.asked.answers_introspection(&json!({ "active": true, "aud": "opaque", "sub": "opaque" }));
    let forged = json!({ "iss": scene.two.url() });
    let cases = [
        (scene.one.api_token(&json!({}), &json!({})), 200),
        (scene.two.api_token(&json!({}), &json!({})), 200),
        (random_hex(32), 200),
        (Signer::p256("rsa").token(&json!({}), &scene.one.api_claims(&forged)), 401),
        (scene.one.api_token(&json!({}), &json!({ "iss": "https://evil.example" })), 401),
    ];
    for (n, (token, status)) in cases.iter().enumerate() {
        let answer = scene.gate.send(with_token("/anywhere", token)).await;
        assert_eq!(answer.status, *status, "{n}: {}", answer.text());
    }
    assert_eq!(scene.asked.calls("/introspect"), 1, "only about what nobody else can judge");
    let opaque = scene.gate.send(with_token("/two", &random_hex(32))).await;
    assert_eq!(opaque.status, 401);
    assert_eq!(scene.asked.calls("/introspect"), 1, "S26: not asked for another's route");
}
