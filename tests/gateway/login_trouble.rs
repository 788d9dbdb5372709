//! A provider that fails in the middle of a login: a page, no session, no second try of the code.

use serde_json::json;

use crate::harness::*;

async fn scene() -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_table("[limits]\nprovider = \"1s\"")
        .start()
        .await;
    (provider, app, gate)
}

fn assert_no_session(visitor: &Visitor, answer: &Answer, what: &str) {
    assert_own_page(answer);
    assert!(visitor.session().is_none(), "{what}");
    assert!(!answer.text().contains("canary"), "C-112, {what}: {}", answer.text());
}

#[tokio::test]
async fn c91_to_c93_a_provider_that_answers_nonsense_is_a_bad_gateway() {
    let (provider, _app, gate) = scene().await;
    let faults = [
        Fault::status(500),
        Fault::status(503),
        Fault::status(429),
        Fault::html(),
        Fault::array(),
        Fault::truncated(),
        Fault::huge(),
        Fault::Reset,
        Fault::Hang,
        Fault::body(200, "application/json", ""),
        Fault::body(200, "application/json", "[".repeat(50_000)),
        Fault::json(200, &json!({ "token_type": "Bearer", "expires_in": 3600 })),
        Fault::json(200, &json!({ "token_type": "Bearer", "access_token": "" })),
        Fault::json(200, &json!({ "token_type": "Bearer", "access_token": ["x"] })),
    ];
    for fault in faults {
        let what = format!("{fault:?}").chars().take(120).collect::<String>();
        let visitor = gate.visitor();
        let callback = visitor.consent("/").await;
        let before = provider.exchanges();
        provider.fails_next_token_call(fault);
        let answer = visitor.open(&callback).await;
        assert!(matches!(answer.status, 502..=504), "{}: C-91 to C-93, {what}", answer.status);
        assert_no_session(&visitor, &answer, &what);
        assert_eq!(provider.exchanges() - before, 1, "the code is not sent again: {what}");
    }
}

#[tokio::test]
async fn c94_an_oauth_error_fails_the_login_whatever_its_status() {
    let (provider, _app, gate) = scene().await;
    for status in [200, 400, 401] {
        let visitor = gate.visitor();
        let callback = visitor.consent("/").await;
        provider.fails_next_token_call(Fault::oauth(status, "invalid_grant"));
        let answer = visitor.open(&callback).await;
        assert!(answer.status >= 400, "C-94: {status}");
        assert_no_session(&visitor, &answer, "invalid_grant");
    }
}

#[tokio::test]
async fn an_expired_code_is_a_page_that_offers_to_start_again() {
    let (provider, _app, gate) = scene().await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/page").await;
    provider.fails_next_token_call(Fault::oauth(400, "invalid_grant"));
    let answer = visitor.open(&callback).await;
    assert_no_session(&visitor, &answer, "expired code");
    assert!(answer.text().contains("href=") || answer.text().contains("<form"));
    visitor.login_at("/page").await;
}

#[tokio::test]
async fn c91_a_provider_that_is_away_is_a_page_too() {
    let (provider, _app, gate) = scene().await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/").await;
    drop(provider);
    wait(50).await;
    let answer = visitor.open(&callback).await;
    assert!(matches!(answer.status, 502..=504), "C-91: {}", answer.status);
    assert_no_session(&visitor, &answer, "away");
}

#[tokio::test]
async fn c93_a_redirect_of_the_token_endpoint_is_not_followed() {
    let (provider, _app, gate) = scene().await;
    let thief = RawUpstream::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/").await;
    provider.fails_next_token_call(Fault::redirect(&thief.url()));
    let answer = visitor.open(&callback).await;
    assert!(matches!(answer.status, 502..=504), "C-93: {}", answer.status);
    assert_no_session(&visitor, &answer, "redirect");
    assert_eq!(thief.connections(), 0, "C-93: the secret stays here");
}

#[tokio::test]
async fn c102_a_login_without_an_identity_is_no_login() {
    let (provider, _app, gate) = scene().await;
    let faults = [
        Fault::status(500),
        Fault::status(401),
        Fault::html(),
        Fault::array(),
        Fault::truncated(),
        Fault::Reset,
        Fault::redirect("https://elsewhere.example/me"),
    ];
    for fault in faults {
        let what = format!("{fault:?}");
        let visitor = gate.visitor();
        let callback = visitor.consent("/").await;
        provider.fails_me(fault);
        let answer = visitor.open(&callback).await;
        provider.behaves_again();
        assert!(answer.status >= 400, "C-102, S30: {what}");
        assert_no_session(&visitor, &answer, &what);
    }
}

#[tokio::test]
async fn c96_only_a_bearer_token_is_taken() {
    let (provider, _app, gate) = scene().await;
    for token_type in [Some("DPoP"), Some("mac"), Some(""), None] {
        provider.writes_token_type(token_type);
        let visitor = gate.visitor();
        let answer = visitor.navigate("/").await;
        assert!(answer.status >= 400, "C-96: {token_type:?}");
        assert!(visitor.session().is_none(), "C-96: {token_type:?}");
    }
    provider.writes_token_type(Some("bEaReR"));
    gate.visitor().login().await;
}

#[tokio::test]
async fn c105_no_secret_is_ever_written_to_the_log() {
    let (provider, _app, gate) = scene().await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/").await;
    visitor.open(&callback).await;
    visitor.fetch("/").await;
    visitor.open(&callback).await;
    let session = visitor.session().unwrap();
    let code = callback.split("code=").nth(1).unwrap();
    let code = code.split('&').next().unwrap();
    let token = provider.newest_token();
    let output = gate.output();
    for secret in ["canary-client-secret-8d1f", code, &token, &session] {
        assert!(!output.contains(secret), "C-105");
    }
}
