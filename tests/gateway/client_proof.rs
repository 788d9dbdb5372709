//! How the gateway proves to the provider that it is the client it says (S3, S64).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::harness::*;

const KEY: Play = Play { proof: Proof::Key, ..OIDC };

fn header_of(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

#[tokio::test]
async fn s64_every_call_has_an_assertion_of_its_own_that_is_soon_over() {
    let (provider, app) = (Provider::playing(KEY).await, App::start().await);
    let url = provider.url();
    provider.describes_itself(&json!({
        "revocation_endpoint": format!("{url}/revoke"),
        "introspection_endpoint": format!("{url}/introspect"),
        "pushed_authorization_request_endpoint": format!("{url}/par"),
        "require_pushed_authorization_requests": true,
    }));
    provider.token_life(2);
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("client_key_id = \"key-7\"")
        .with_upstream(&app)
        .with_table("[provider.bearer]\nintrospection = true\naudience = [\"api\"]")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let mut requests = vec![provider.last_token_request()];
    wait(2200).await;
    assert_eq!(visitor.fetch("/").await.status, 200);
    requests.push(provider.last_token_request());
    let asking = ask("GET", "/").header("authorization", "Bearer opaque");
    assert_eq!(gate.send(asking).await.status, 401);
    visitor.send(ask("POST", "/oauth2/sign_out").navigating().same_origin()).await;
    eventually("both tokens are taken back", || provider.posted("/revoke").len() == 2).await;
    for path in ["/par", "/introspect", "/revoke"] {
        requests.extend(provider.posted(path));
    }
    let mut names = BTreeSet::new();
    for request in &requests {
        let body = &request.body;
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(body["client_assertion_type"], kind, "RFC 7523 2.2");
        assert_eq!(body["client_id"], "gate-under-test");
        assert!(body.get("client_secret").is_none() && request.authorization.is_empty(), "S3");
        let assertion = body["client_assertion"].as_str().unwrap();
        assert_eq!(header_of(assertion), json!({ "alg": "ES256", "typ": "JWT", "kid": "key-7" }));
        let claims = claims_of(assertion);
        assert_eq!((&claims["iss"], &claims["sub"]), (&body["client_id"], &body["client_id"]));
        assert_eq!(claims["aud"], url, "S64: the issuer");
        let (iat, exp) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
        assert!(exp > iat && exp - iat <= 60 && iat.abs_diff(unix_now()) < 10, "S64: {claims}");
        let jti = claims["jti"].as_str().unwrap();
        assert!(jti.len() >= 22, "S64: {jti}");
        assert!(names.insert(jti.to_owned()), "S64: {jti} twice");
    }
    assert_eq!(names.len(), 6, "login, refresh, pushed, introspected, revoked twice");
}

#[tokio::test]
async fn s64_the_audience_is_the_one_that_the_operator_says() {
    for (play, line, audience) in [
        (
            KEY,
            "client_assertion_audience = \"https://other.example/token\"",
            Some("https://other.example/token"),
        ),
        (Play { proof: Proof::Key, ..SIMPLIFIED }, "pkce = \"S256\"", None),
    ] {
        let (provider, app) = (Provider::playing(play).await, App::start().await);
        let gate = gateway()
            .with_provider(&provider)
            .with_provider_line(line)
            .with_upstream(&app)
            .start()
            .await;
        gate.visitor().login().await;
        let body = provider.last_token_request().body;
        let claims = claims_of(body["client_assertion"].as_str().unwrap());
        let token = format!("{}{}", provider.url(), play.token);
        assert_eq!(claims["aud"], audience.unwrap_or(&token), "{line}");
    }
}

#[tokio::test]
async fn s3_basic_has_its_parts_encoded_first() {
    let (provider, app) = (Provider::playing(SIMPLIFIED).await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("client_id = \"gate: a/b é\"")
        .with_provider_line("client_secret = \"s:e%c r&t+é\"")
        .with_upstream(&app)
        .start()
        .await;
    gate.visitor().navigate("/").await;
    let request = provider.last_token_request();
    let encoded = STANDARD.encode("gate%3A+a%2Fb+%C3%A9:s%3Ae%25c+r%26t%2B%C3%A9");
    assert_eq!(request.authorization, format!("Basic {encoded}"), "RFC 6749 2.3.1");
    let body = request.body.as_object().unwrap();
    assert!(!body.contains_key("client_secret") && !body.contains_key("client_id"), "S3");
    assert_eq!(provider.exchanges(), 1, "S3: one way, and no other after it");
}

#[tokio::test]
async fn s3_a_proof_that_is_refused_is_not_tried_in_another_way() {
    for play in ROWS {
        let (provider, app) = (Provider::playing(play).await, App::start().await);
        provider.forgets_the_client();
        let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
        gate.visitor().navigate("/").await;
        assert_eq!(provider.exchanges(), 1, "S3: {}", play.kind);
    }
}

#[tokio::test]
async fn a_public_client_has_pkce_and_no_secret() {
    let (provider, app) =
        (Provider::playing(Play { proof: Proof::None, ..OIDC }).await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    gate.visitor().login().await;
    let request = provider.last_token_request();
    assert!(request.authorization.is_empty());
    let names: Vec<&String> = request.body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["client_id", "code", "code_verifier", "grant_type", "redirect_uri"]);
}
