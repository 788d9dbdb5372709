use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CALLBACK, NOW, SECRET, Scene};

fn code_call(code: &str) -> Value {
    json!({
        "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
        "client_id": "client", "client_secret": SECRET,
    })
}

fn refresh_call(token: &Value) -> Value {
    json!({
        "grant_type": "refresh_token", "refresh_token": token,
        "client_id": "client", "client_secret": SECRET,
    })
}

fn with(mut call: Value, name: &str, value: Value) -> Value {
    call[name] = value;
    call
}

#[test]
fn a_code_buys_tokens_of_the_right_look() {
    let mut scene = Scene::new();
    let code = scene.code("");
    let (status, answer) = scene.token(&code_call(&code), NOW);
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(300)));
    assert_eq!(answer["access_token"].as_str().unwrap().split('.').count(), 3);
    let refresh = answer["refresh_token"].as_str().unwrap();
    assert!(refresh.starts_with("def502") && (740..=800).contains(&refresh.len()));
    assert!(refresh.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
}

#[test]
fn a_code_is_good_once_and_for_sixty_seconds() {
    let mut scene = Scene::new();
    for (case, age, spent, expected) in [
        ("fresh", 59, false, StatusCode::OK),
        ("expired", 60, false, StatusCode::BAD_REQUEST),
        ("spent", 0, true, StatusCode::BAD_REQUEST),
    ] {
        let call = code_call(&scene.code(""));
        if spent {
            scene.token(&call, NOW);
        }
        let (status, answer) = scene.token(&call, NOW + Duration::from_secs(age));
        assert_eq!(status, expected, "{case}");
        if expected != StatusCode::OK {
            assert_eq!(answer["error"], "invalid_grant", "{case}");
        }
    }
}

#[test]
fn a_token_call_with_a_fault_is_refused() {
    let mut scene = Scene::new();
    for (name, value, status, error) in [
        ("client_secret", json!("guess"), 401, "invalid_client"),
        ("client_secret", Value::Null, 401, "invalid_client"),
        ("client_id", json!("other"), 401, "invalid_client"),
        ("client_id", Value::Null, 400, "invalid_request"),
        ("redirect_uri", json!("http://evil.test/"), 400, "invalid_grant"),
        ("redirect_uri", Value::Null, 400, "invalid_request"),
        ("code", json!("guess"), 400, "invalid_grant"),
        ("code", Value::Null, 400, "invalid_request"),
        ("code_verifier", json!("unasked"), 400, "invalid_grant"),
        ("grant_type", json!("password"), 400, "unsupported_grant_type"),
        ("grant_type", json!(7), 400, "unsupported_grant_type"),
    ] {
        let call = with(code_call(&scene.code("")), name, value);
        let (seen, answer) = scene.token(&call, NOW);
        assert_eq!((seen.as_u16(), &answer["error"]), (status, &json!(error)), "{call}");
        assert!(answer["error_description"].is_string() && answer["hint"].is_string());
    }
}

#[test]
fn a_token_call_that_is_not_json_has_no_grant_type() {
    let mut scene = Scene::new();
    let call = code_call(&scene.code(""));
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "grant_type=authorization_code"),
        ("text/plain", &*call.to_string()),
        ("application/json", "grant_type=authorization_code"),
    ] {
        let seen = scene.send("POST", "/oauth2/token", kind, body, NOW);
        assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{kind}");
        assert!(seen.body.contains("unsupported_grant_type"), "{kind}: {}", seen.body);
    }
}

#[test]
fn the_challenge_wants_its_verifier() {
    let mut scene = Scene::new();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("verifier"));
    let more = format!("&code_challenge={challenge}&code_challenge_method=S256");
    for (verifier, expected) in [
        (json!("verifier"), Value::Null),
        (json!("other"), json!("invalid_grant")),
        (Value::Null, json!("invalid_request")),
    ] {
        let call = with(code_call(&scene.code(&more)), "code_verifier", verifier);
        assert_eq!(scene.token(&call, NOW).1["error"], expected, "{call}");
    }
}

#[test]
fn a_refresh_token_is_spent_and_the_next_one_lives_on() {
    let mut scene = Scene::new();
    let code = scene.code("");
    let (_, first) = scene.token(&code_call(&code), NOW);
    let call = refresh_call(&first["refresh_token"]);
    let guess = with(call.clone(), "client_secret", json!("guess"));
    assert_eq!(scene.token(&guess, NOW).0, StatusCode::UNAUTHORIZED, "and nothing is spent");

    let (status, second) = scene.token(&call, NOW);
    assert_eq!(status, StatusCode::OK, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (status, again) = scene.token(&call, NOW);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(again["error"], "invalid_grant");
    assert_eq!(again["error_description"], "The refresh token is invalid.");
    let (status, _) = scene.token(&refresh_call(&second["refresh_token"]), NOW);
    assert_eq!(status, StatusCode::OK, "a replay revokes nothing");
}

#[test]
fn me_knows_its_tokens_until_they_expire() {
    let mut scene = Scene::new();
    let code = scene.code("");
    let (_, answer) = scene.token(&code_call(&code), NOW);
    let token = answer["access_token"].as_str().unwrap();
    let (status, body) = scene.me(token, NOW);
    assert_eq!(status, StatusCode::OK);
    let me: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(me["email"], "demo@example.com");
    assert_eq!(me["preferred_username"], "demo");
    assert_eq!(me["organization"]["id"], "42");

    assert_eq!(scene.me("guess", NOW).0, StatusCode::UNAUTHORIZED);
    let late = NOW + Duration::from_secs(300);
    assert_eq!(scene.me(token, late).0, StatusCode::UNAUTHORIZED);
}
