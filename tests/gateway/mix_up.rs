//! Answers that belong to another provider, another person or another request (C-17 to C-19).

use serde_json::json;

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn scene(provider: Provider) -> Scene {
    let app = App::start().await;
    let gate = gateway().with_provider(&provider).with_upstream(&app).with_table(LOG).start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

async fn refused(scene: &Scene, callback: &str, level: &str, what: &str) {
    let answer = scene.visitor.open(callback).await;
    assert_own_page(&answer);
    let page = shown(&answer);
    let told = (page.status, page.heading.as_str());
    assert_eq!(told, (403, heading::LOGIN_FOREIGN), "C-17: {what}");
    assert_eq!(scene.gate.logged(&page.reference).await["level"], level, "C-17: {what}");
    assert_eq!(scene.provider.token_calls(), 0, "C-17: {what}");
    assert!(scene.visitor.session().is_none(), "C-17: {what}");
}

#[tokio::test]
async fn c17_an_answer_of_another_issuer_is_refused_without_a_token_call() {
    let scene = scene(Provider::openid().await).await;
    let own = scene.provider.url();
    let issuers =
        ["https://evil.example".to_owned(), format!("{own}/"), own.to_uppercase(), String::new()];
    for issuer in issuers {
        scene.provider.tells_issuer(Some(&issuer));
        let callback = scene.visitor.consent("/").await;
        refused(&scene, &callback, "WARN", &issuer).await;
        scene.provider.denies("access_denied");
        let callback = scene.visitor.consent("/").await;
        refused(&scene, &callback, "WARN", &format!("an error of {issuer:?}")).await;
        scene.provider.behaves_again();
    }
    scene.provider.tells_issuer(Some(&own));
    scene.visitor.login().await;
    assert_eq!(scene.app.requests().len(), 1);
}

#[tokio::test]
async fn c17_an_answer_without_the_issuer_is_refused_where_the_provider_tells_it() {
    let provider = Provider::openid().await;
    provider.describes_itself(&json!({ "authorization_response_iss_parameter_supported": true }));
    let scene = scene(provider).await;
    let callback = scene.visitor.consent("/").await;
    refused(&scene, &callback, "WARN", "none").await;
    scene.provider.tells_issuer(Some(&scene.provider.url()));
    scene.visitor.login().await;
}

#[tokio::test]
async fn c17_an_attempt_at_one_provider_ends_at_no_other() {
    let (one, two, app) = (Provider::openid().await, Provider::start().await, App::start().await);
    let gate = gateway()
        .with_named("one", &one, &[])
        .with_named("two", &two, &[])
        .with_upstream(&app)
        .start()
        .await;
    for (start, own, other) in [("one", "one", "two"), ("two", "two", "one")] {
        let visitor = gate.visitor();
        let own = format!("{CALLBACK}/{own}");
        let callback = visitor.consent_at(&format!("/oauth2/start?provider={start}"), &own).await;
        let crossed = callback.replace(&own, &format!("{CALLBACK}/{other}"));
        let answer = visitor.open(&crossed).await;
        assert_eq!(shown(&answer).heading, heading::LOGIN_FOREIGN, "C-17, S18: {start}");
        assert_eq!(answer.status, 403, "C-17, S18: {start}");
        assert_eq!(one.token_calls() + two.token_calls(), 0, "C-17, S18: {start}");
        assert!(visitor.session().is_none());
        let again = visitor.open(&callback).await;
        assert_eq!(again.status, 403, "C-17: the attempt is over");
        assert_eq!(one.token_calls() + two.token_calls(), 0);
    }
}

/// The victim's code, in a callback for the attacker's own attempt.
async fn injected(victim: &Visitor, attacker: &Visitor) -> String {
    let query = |callback: &str, name: &str| {
        let query = callback.split_once('?').unwrap().1.to_owned();
        let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        found.unwrap().1.into_owned()
    };
    let (stolen, own) = (victim.consent("/").await, attacker.consent("/").await);
    format!("{CALLBACK}?code={}&state={}", query(&stolen, "code"), query(&own, "state"))
}

#[tokio::test]
async fn c18_a_stolen_code_is_bound_to_the_attempt_that_it_was_given_to() {
    for play in [API_V1, SIMPLIFIED, POCKETS, OIDC] {
        let scene = scene(Provider::playing(play).await).await;
        let attacker = scene.gate.visitor();
        let callback = injected(&scene.visitor, &attacker).await;
        let answer = attacker.open(&callback).await;
        let told = (answer.status, shown(&answer).heading);
        assert_eq!(told, (403, heading::LOGIN_EXPIRED.to_owned()), "C-18: {}", play.kind);
        assert_eq!(scene.provider.token_calls(), 1, "C-18: {}", play.kind);
        assert!(attacker.session().is_none(), "C-18: {}", play.kind);
    }
}

#[tokio::test]
async fn c18_where_nobody_checks_pkce_the_nonce_tells() {
    let scene = scene(Provider::playing(Play { pkce: false, ..OIDC }).await).await;
    scene.provider.ignores_verifiers();
    let attacker = scene.gate.visitor();
    let callback = injected(&scene.visitor, &attacker).await;
    let answer = attacker.open(&callback).await;
    let page = shown(&answer);
    assert_eq!((page.status, page.heading.as_str()), (502, heading::LOGIN_FAILED), "C-18, S28");
    assert!(attacker.session().is_none(), "C-18");
    let line = scene.gate.logged(&page.reference).await;
    assert!(line["error"].as_str().unwrap().contains("nonce"), "{line}");
    scene.visitor.login().await;
}

#[tokio::test]
async fn c19_a_provider_that_dislikes_pkce_is_never_asked_without() {
    let scene = scene(Provider::playing(SIMPLIFIED).await).await;
    let has_pkce = || {
        let asked = scene.provider.last_authorization();
        asked.iter().any(|pair| *pair == ("code_challenge_method".to_owned(), "S256".to_owned()))
    };
    scene.provider.denies("invalid_request");
    let answer = scene.visitor.navigate("/").await;
    assert_eq!((answer.status, shown(&answer).code.as_deref()), (403, Some("invalid_request")));
    assert_eq!((scene.provider.authorizations(), scene.provider.token_calls()), (1, 0), "C-19");
    scene.provider.behaves_again();
    scene.provider.fails_token_calls(Fault::oauth(400, "invalid_request"));
    let answer = scene.visitor.navigate("/").await;
    assert_eq!((answer.status, shown(&answer).code.as_deref()), (502, Some("invalid_request")));
    assert_eq!((scene.provider.authorizations(), scene.provider.token_calls()), (2, 1), "C-19");
    assert!(has_pkce() && scene.provider.last_token_request().body["code_verifier"].is_string());
    scene.provider.behaves_again();
    scene.visitor.login().await;
    assert!(has_pkce(), "C-19, S9");
}
