//! Who an id_token speaks of, at a login and at a refresh (S28 to S30, S32).

use serde_json::{Value, json};

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn scene(lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let mut builder = gateway().with_provider(&provider).with_upstream(&app).with_table(LOG);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

impl Scene {
    /// A login that the provider's answer spoils.
    async fn fails(&self, title: &str, why: &str, what: &str) {
        let answer = self.visitor.navigate("/").await;
        assert_own_page(&answer);
        let page = shown(&answer);
        assert_eq!((page.status, page.heading.as_str()), (502, title), "{what}");
        assert!(self.visitor.session().is_none(), "{what}");
        assert!(self.app.requests().is_empty(), "{what}");
        let line = self.gate.logged(&page.reference).await;
        assert_eq!(line["message"], "login failed: the provider's answer can't be used", "{what}");
        assert!(line["error"].as_str().unwrap().contains(why), "{what}: {line}");
    }
}

#[tokio::test]
async fn s29_an_id_token_that_is_not_for_us_signs_nobody_in() {
    let scene = scene(&[]).await;
    let now = unix_now();
    let cases = [
        (json!({ "iss": "https://evil.example" }), "iss"),
        (json!({ "iss": null }), "iss"),
        (json!({ "aud": "another-client" }), "aud"),
        (json!({ "aud": null }), "aud"),
        (json!({ "aud": ["gate-under-test", "another-client"] }), "azp"),
        (json!({ "azp": "another-client" }), "azp"),
        (json!({ "exp": now - 61 }), "Expired"),
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": "never" }), "exp"),
        (json!({ "iat": null }), "iat"),
        (json!({ "iat": now + 120 }), "iat"),
        (json!({ "nonce": null }), "nonce"),
        (json!({ "nonce": "another" }), "nonce"),
        (json!({ "sub": null }), "sub"),
        (json!({ "sub": "" }), "sub"),
        (json!({ "sub": 42 }), "sub"),
        (json!({ "at_hash": "AAAA" }), "at_hash"),
        (json!({ "events": {} }), "Kind"),
    ];
    for (changes, why) in cases {
        scene.provider.writes_id_token(&changes);
        scene.fails(heading::LOGIN_FAILED, why, &format!("S28, S29: {changes}")).await;
    }
    scene
        .provider
        .writes_id_token(&json!({ "aud": ["gate-under-test"], "azp": "gate-under-test" }));
    scene.visitor.login().await;
}

#[tokio::test]
async fn an_id_token_that_is_none_signs_nobody_in() {
    let scene = scene(&[]).await;
    let claims = json!({ "sub": "42", "aud": "gate-under-test", "iss": scene.provider.url() });
    let own = Signer::p256("rsa");
    let tokens = [
        (json!(null), "NoIdToken"),
        (json!(""), "NoIdToken"),
        (json!("a.b.c"), "Segments"),
        (json!(format!("{}.", unsigned(&json!({ "alg": "none" }), &claims))), "Segments"),
        (
            json!(hmac_token(b"canary-client-secret-8d1f", &json!({ "alg": "HS256" }), &claims)),
            "Algorithm",
        ),
        (json!(own.token(&json!({}), &claims)), "Algorithm"),
        (json!(own.token(&json!({ "alg": "RS256" }), &claims)), "Signature"),
    ];
    for (token, why) in tokens {
        scene.provider.writes_token_answer(&json!({ "id_token": token }));
        scene.fails(heading::LOGIN_FAILED, why, &format!("{token:.50}")).await;
    }
}

#[tokio::test]
async fn s30_userinfo_speaks_of_the_same_person_or_the_login_fails() {
    let scene = scene(&[]).await;
    for me in [
        json!({ "sub": "43" }),
        json!({ "sub": null }),
        json!({ "id": "42" }),
        json!({ "sub": 42 }),
    ] {
        scene.provider.fails_me(Fault::json(200, &me));
        scene.fails(heading::LOGIN_FAILED, "OtherPerson", &format!("S30: {me}")).await;
    }
    for fault in [Fault::array(), Fault::html(), Fault::status(500), Fault::status(401)] {
        let what = format!("S30: {fault:?}");
        scene.provider.fails_me(fault);
        scene.fails(heading::PROVIDER_UNAVAILABLE, "Userinfo", &what).await;
    }
    scene.provider.behaves_again();
    scene.visitor.login().await;
}

#[tokio::test]
async fn what_was_asked_of_the_sign_in_must_be_told() {
    let scene = scene(&["max_age = \"10m\"", "required_acr = [\"urn:high\"]"]).await;
    let now = unix_now();
    for (changes, why) in [
        (json!({ "acr": "urn:high" }), "auth_time"),
        (json!({ "acr": "urn:high", "auth_time": now - 900 }), "TooOld"),
        (json!({ "acr": "urn:high", "auth_time": now.to_string() }), "auth_time"),
        (json!({ "auth_time": now }), "acr"),
        (json!({ "acr": "urn:low", "auth_time": now }), "acr"),
    ] {
        scene.provider.writes_id_token(&changes);
        scene.fails(heading::LOGIN_FAILED, why, &format!("S29: {changes}")).await;
    }
    scene.provider.writes_id_token(&json!({ "acr": "urn:high", "auth_time": now - 60 }));
    scene.visitor.login().await;
}

#[tokio::test]
async fn a_signature_counts_by_the_algorithms_that_the_operator_names() {
    let scene = scene(&["id_token_algorithms = [\"ES256\"]"]).await;
    scene.fails(heading::LOGIN_FAILED, "Algorithm", "RS256").await;
    let other = self::scene(&["id_token_algorithms = [\"RS256\", \"ES256\"]"]).await;
    other.provider.takes_key(&Signer::p256("second"));
    other.visitor.login().await;
}

/// Signed in, and the token has run out; what comes next is changed.
async fn renewing(change: impl Fn(&Provider)) -> Scene {
    let scene = scene(&[]).await;
    scene.provider.token_life(2);
    scene.visitor.login().await;
    scene.app.forgets();
    wait(2200).await;
    scene.provider.token_life(3600);
    change(&scene.provider);
    scene
}

#[tokio::test]
async fn s32_a_refresh_that_speaks_of_somebody_else_ends_the_session() {
    let changes: [fn(&Provider); 4] = [
        // However slow the userinfo address is: what the id_token proves counts.
        |provider| {
            provider.writes_id_token(&json!({ "sub": "43" }));
            provider.fails_me(Fault::Hang);
        },
        |provider| provider.names_subject("43"),
        |provider| provider.writes_id_token(&json!({ "sub": "43" })),
        |provider| provider.fails_me(Fault::json(200, &json!({ "sub": "43" }))),
    ];
    let all = changes.map(async |change| {
        let scene = renewing(change).await;
        let line = scene.visitor.session_line();
        let answer = scene.visitor.fetch("/").await;
        assert_eq!(answer.status, 401, "S32, C-102");
        assert!(scene.app.requests().is_empty(), "S32");
        let again = scene.gate.send(ask("GET", "/").fetching().cookie(&line)).await;
        assert_eq!(again.status, 401, "it is over for good");
        let line = scene.gate.logged("the session is ended").await;
        assert_eq!(line["level"], "ERROR", "{line}");
        assert!(line["why"].as_str().unwrap().contains("another person"), "{line}");
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn s32_a_refresh_that_says_less_keeps_the_claims_of_before() {
    let changes: [fn(&Provider); 5] = [
        |provider| provider.writes_token_answer(&json!({ "id_token": null })),
        // A gateway before the provider speaks so; that it says no `sub` is no clear word.
        |provider| provider.fails_me(Fault::json(200, &json!({ "error": "server_error" }))),
        |provider| provider.writes_id_token(&json!({ "nonce": null, "email": null })),
        |provider| provider.fails_me(Fault::status(500)),
        |provider| {
            provider.writes_token_answer(&json!({ "id_token": null }));
            provider.fails_me(Fault::html());
        },
    ];
    let all = changes.map(async |change| {
        let scene = renewing(change).await;
        assert_eq!(scene.visitor.fetch("/").await.status, 200, "S32, rule 7");
        let seen = scene.app.last();
        assert_eq!(seen.header("x-forwarded-user"), Some("42"));
        assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn access_tokens_are_verified_where_the_keys_are_known() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line(&format!("jwks_url = \"{}/jwks\"", provider.url()))
        .with_upstream(&app)
        .with_table(LOG)
        .start()
        .await;
    let visitor = gate.visitor();
    // What this provider gives is signed by nobody.
    let answer = visitor.navigate("/").await;
    let page = shown(&answer);
    assert_eq!((page.status, page.heading.as_str()), (502, heading::LOGIN_FAILED));
    let line = gate.logged(&page.reference).await;
    assert!(line["error"].as_str().unwrap().contains("AccessToken"), "{line}");
    assert!(visitor.session().is_none());
    provider.gives_opaque_tokens();
    visitor.login().await;
    let opaque = Value::from(format!("Bearer {}", provider.newest_token()));
    assert_eq!(json!(app.last().header("authorization")), opaque, "one that is no JWT is taken");
}
