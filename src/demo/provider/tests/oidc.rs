//! OpenID Connect: what a client can find out, the id token, revocation.

use std::time::Duration;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CALLBACK, FORM, NOW, SECRET, Scene, basic};
use crate::demo::provider::Kind;

fn read(scene: &mut Scene, path: &str) -> Value {
    let seen = scene.send("GET", path, "", "", NOW);
    assert_eq!(seen.status, StatusCode::OK, "{path}");
    serde_json::from_str(&seen.body).unwrap()
}

/// Returns the claims of a token, verified by the key that the address of discovery leads to.
fn verified(scene: &mut Scene, token: &str) -> Value {
    let metadata = read(scene, "/.well-known/openid-configuration");
    let jwks = metadata["jwks_uri"].as_str().unwrap().strip_prefix("http://op.test").unwrap();
    let jwks = read(scene, jwks);
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]);
    let part = |name: &str| decoded(key.unwrap()[name].as_str().unwrap());
    assert_eq!((&header["alg"], key.unwrap()["kty"].as_str()), (&json!("RS256"), Some("RSA")));
    PublicKeyComponents { n: part("n"), e: part("e") }
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decoded(signature))
        .unwrap();
    serde_json::from_slice(&decoded(payload)).unwrap()
}

#[test]
fn discovery_leads_to_paths_that_answer() {
    let mut scene = Scene::playing(Kind::Oidc);
    let metadata = read(&mut scene, "/.well-known/openid-configuration");
    assert_eq!(metadata["issuer"], "http://op.test");
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["client_secret_basic"]));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    for (name, method, expected) in [
        ("authorization_endpoint", "GET", 400),
        ("token_endpoint", "POST", 400),
        ("userinfo_endpoint", "GET", 401),
        ("jwks_uri", "GET", 200),
        ("revocation_endpoint", "POST", 401),
        ("end_session_endpoint", "GET", 400),
    ] {
        let path = metadata[name].as_str().unwrap().strip_prefix("http://op.test").unwrap();
        let seen = scene.send(method, path, FORM, "", NOW);
        assert_eq!(seen.status.as_u16(), expected, "{name} {path}");
    }
}

#[test]
fn every_way_back_says_who_answers() {
    let mut scene = Scene::playing(Kind::Oidc);
    let none = scene.authorize("&prompt=none");
    let page = scene.authorize("");
    let page = scene.sign_in(&page);
    let denied = scene.consent(&page, "deny");
    let seen = scene.authorize("");
    let allowed = scene.allowed(seen);
    for (seen, name) in [(none, "error"), (denied, "error"), (allowed, "code")] {
        assert!(seen.parameter(name).is_some(), "{}", seen.location);
        assert_eq!(seen.parameter("iss").as_deref(), Some("http://op.test"), "{}", seen.location);
    }
    let seen = Scene::new().authorize("&prompt=none");
    assert_eq!((seen.parameter("error").is_some(), seen.parameter("iss")), (true, None));
}

#[test]
fn the_id_token_says_all_that_the_gateway_checks() {
    let mut scene = Scene::playing(Kind::Oidc);
    scene.code("");
    let later = NOW + Duration::from_secs(50);
    let rest = format!("redirect_uri={CALLBACK}&scope=openid+profile&nonce=n-1");
    let code = scene.ask(&rest, later).parameter("code").unwrap();
    let (_, answer) = scene.spend(&code, &[], later);
    let access_token = answer["access_token"].as_str().unwrap();
    let claims = verified(&mut scene, answer["id_token"].as_str().unwrap());
    let hash = &Sha256::digest(access_token)[..16];
    let subject = scene.provider.options.account.id.clone();
    assert_eq!(
        claims,
        json!({
            "iss": "http://op.test", "sub": subject, "aud": "client", "nonce": "n-1",
            "iat": 50, "exp": 350, "auth_time": 0, "at_hash": URL_SAFE_NO_PAD.encode(hash),
        })
    );
    let (_, me) = scene.me(access_token, later);
    assert_eq!(serde_json::from_str::<Value>(&me).unwrap()["sub"], subject);
    assert_eq!(verified(&mut scene, access_token)["iss"], "http://op.test");

    let (_, renewed) = scene.refresh(&answer["refresh_token"], &[]);
    let renewed = verified(&mut scene, renewed["id_token"].as_str().unwrap());
    assert_eq!((&renewed["nonce"], &renewed["sub"]), (&Value::Null, &claims["sub"]));
    assert_eq!((&renewed["auth_time"], &renewed["iat"]), (&json!(0), &json!(0)));
}

#[test]
fn without_openid_there_is_no_id_token_and_nothing_to_learn_of_the_person() {
    let mut scene = Scene::playing(Kind::Oidc);
    let seen = scene.ask(&format!("redirect_uri={CALLBACK}&scope=profile"), NOW);
    let code = scene.allowed(seen).parameter("code").unwrap();
    let (_, answer) = scene.spend(&code, &[], NOW);
    assert_eq!(answer["id_token"], Value::Null);
    let (status, _) = scene.me(answer["access_token"].as_str().unwrap(), NOW);
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[test]
fn max_age_asks_a_person_who_signed_in_too_long_ago() {
    let mut scene = Scene::playing(Kind::Oidc);
    scene.code("");
    let later = NOW + Duration::from_secs(100);
    let mut asked = |more: &str| {
        let rest = format!("redirect_uri={CALLBACK}&scope=openid+profile{more}");
        scene.ask(&rest, later).has("sign-in")
    };
    for (more, expected) in [("", false), ("&max_age=100", false), ("&max_age=99", true)] {
        assert_eq!(asked(more), expected, "{more}");
    }
}

#[test]
fn a_token_that_is_given_back_is_worth_nothing() {
    let proof = basic("client", SECRET);
    let mut scene = Scene::playing(Kind::Oidc);
    for (token, access_after, refresh_after) in [
        ("access_token", StatusCode::UNAUTHORIZED, StatusCode::OK),
        ("refresh_token", StatusCode::UNAUTHORIZED, StatusCode::BAD_REQUEST),
        ("id_token", StatusCode::OK, StatusCode::OK),
    ] {
        let code = scene.code("");
        let (_, answer) = scene.spend(&code, &[], NOW);
        let given = format!("token_type_hint=other&token={}", answer[token].as_str().unwrap());
        let headers = [("content-type", FORM), ("authorization", proof.as_str())];
        let seen = scene.send("POST", "/revoke", FORM, &given, NOW);
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{token}: whose client is unknown");
        assert!(seen.challenge.starts_with("Basic "));
        let seen = scene.send_with("POST", "/revoke", &headers, "", NOW);
        assert_eq!(seen.status, StatusCode::BAD_REQUEST);

        let seen = scene.send_with("POST", "/revoke", &headers, &given, NOW);
        assert_eq!((seen.status, seen.body.as_str()), (StatusCode::OK, ""), "{token}");
        let (status, _) = scene.me(answer["access_token"].as_str().unwrap(), NOW);
        assert_eq!(status, access_after, "{token}");
        assert_eq!(scene.refresh(&answer["refresh_token"], &[]).0, refresh_after, "{token}");
    }
}
