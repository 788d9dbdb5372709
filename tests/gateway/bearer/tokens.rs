//! What makes a token one of ours, and everything that does not (C-82 to C-85, C-88, C-89).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::{RULES, scene, with_token};
use crate::harness::*;

#[tokio::test]
async fn a_sound_token_is_served_without_a_session() {
    let scene = scene(RULES).await;
    let token = scene.token(&json!({ "email": "robot@example.com", "groups": ["machines"] }));
    let answer = scene.sends(&token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.set_cookies().is_empty(), "a token is no session");
    let seen = scene.app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("42"));
    assert_eq!(seen.header("x-forwarded-email"), Some("robot@example.com"));
    assert_eq!(seen.header("x-forwarded-groups"), Some("machines"));
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {token}").as_str()));
    for more in [json!({ "aud": ["other", "api"] }), json!({ "exp": unix_now() as f64 + 9.5 })] {
        assert_eq!(scene.sends(&scene.token(&more)).await.status, 200, "{more}");
    }
    assert_eq!(scene.provider.calls("/jwks"), 1);
    assert_eq!(scene.provider.token_calls() + scene.provider.me_calls(), 0);
}

#[tokio::test]
async fn c82_a_token_that_nobody_signed_is_refused() {
    let scene = scene(RULES).await;
    let claims = scene.provider.api_claims(&json!({}));
    for alg in ["none", "None", "NONE", "", "HS256", "rs256"] {
        let signed = unsigned(&json!({ "alg": alg, "kid": "rsa", "typ": "at+jwt" }), &claims);
        for signature in ["", "AA", "c2lnbmF0dXJl"] {
            scene.refuses(&format!("{signed}.{signature}"), &format!("C-82: {alg:?}")).await;
        }
        scene.refuses(&signed, &format!("C-82: {alg:?}, two segments")).await;
    }
    let sound = scene.token(&json!({}));
    let (signed, signature) = sound.rsplit_once('.').unwrap();
    scene.refuses(&format!("{signed}."), "C-82: an empty signature").await;
    scene.refuses(&format!("{signed}.{}", &signature[..200]), "C-82: half a signature").await;
    let (header, _) = signed.split_once('.').unwrap();
    let other =
        URL_SAFE_NO_PAD.encode(scene.provider.api_claims(&json!({ "sub": "1" })).to_string());
    scene.refuses(&format!("{header}.{other}.{signature}"), "C-82: other claims").await;
    let no_alg = unsigned(&json!({ "kid": "rsa" }), &claims);
    scene.refuses(&format!("{no_alg}.{signature}"), "C-82: no alg").await;
    assert_eq!(scene.sends(&sound).await.status, 200);
}

#[tokio::test]
async fn c83_the_public_key_is_no_shared_secret() {
    let scene = scene(RULES).await;
    let claims = scene.provider.api_claims(&json!({}));
    let pem = Signer::rsa().public_pem();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let jwk = Signer::rsa().jwk();
    let secrets = [
        pem.as_bytes().to_vec(),
        pem.trim_end().as_bytes().to_vec(),
        STANDARD.decode(base64).unwrap(),
        URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap(),
        jwk.to_string().into_bytes(),
        Vec::new(),
    ];
    for (n, secret) in secrets.iter().enumerate() {
        let header = json!({ "alg": "HS256", "kid": "rsa", "typ": "at+jwt" });
        scene.refuses(&hmac_token(secret, &header, &claims), &format!("C-83: {n}")).await;
    }
    for alg in ["PS256", "RS384", "ES256", "EdDSA"] {
        let token = scene.provider.api_token(&json!({ "alg": alg }), &json!({}));
        scene.refuses(&token, &format!("C-83: {alg}")).await;
    }
}

#[tokio::test]
async fn c84_a_token_does_not_choose_its_own_key() {
    let scene = scene(RULES).await;
    let thief = RawUpstream::silent().await;
    let (url, own) = (thief.url(), Signer::p256("rsa"));
    let claims = scene.provider.api_claims(&json!({}));
    let long = "k".repeat(10_000);
    let headers = [
        json!({ "jwk": own.jwk() }),
        json!({ "jku": format!("{url}/jwks") }),
        json!({ "x5u": format!("{url}/cert") }),
        json!({ "x5c": ["MIIB"] }),
        json!({ "kid": "../../../dev/null" }),
        json!({ "kid": "' OR 1=1 --" }),
        json!({ "kid": format!("{url}/key") }),
        json!({ "kid": long }),
        json!({ "kid": 7 }),
        json!({ "kid": null }),
    ];
    for header in headers {
        let what = format!("C-84: {header:.60}");
        scene
            .refuses(&own.token(&merged(json!({ "typ": "at+jwt" }), &header), &claims), &what)
            .await;
    }
    // With the provider's own signature, and a demand that nobody here fulfils.
    let demands =
        [json!({ "crit": ["exp"] }), json!({ "b64": false }), json!({ "enc": "A256GCM" })];
    for header in demands {
        let token = scene.provider.api_token(&header, &json!({}));
        scene.refuses(&token, &format!("C-84: {header}")).await;
    }
    assert_eq!(thief.connections(), 0, "C-84: nothing of a token is called");
    let token = scene.provider.api_token(&json!({ "jku": format!("{url}/jwks") }), &json!({}));
    assert_eq!(scene.sends(&token).await.status, 200, "a sound one is read without it");
    assert_eq!(thief.connections(), 0, "C-84");
}

#[tokio::test]
async fn c85_a_claim_that_is_missing_wrong_or_of_another_type_is_a_refusal() {
    let rules = format!("{RULES}\nclients = [\"robot\", \"spider\"]");
    let scene = scene(&rules).await;
    let now = unix_now();
    let wrong = [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": format!("{}/", scene.provider.url()) }),
        json!({ "iss": null }),
        json!({ "iss": [scene.provider.url()] }),
        json!({ "aud": "gate-under-test" }),
        json!({ "aud": null }),
        json!({ "aud": [] }),
        json!({ "aud": ["other"] }),
        json!({ "aud": { "api": true } }),
        json!({ "aud": "api api" }),
        json!({ "client_id": "evil" }),
        json!({ "client_id": null }),
        json!({ "azp": "evil" }),
        json!({ "exp": null }),
        json!({ "exp": now - 61 }),
        json!({ "exp": 0 }),
        json!({ "exp": -1 }),
        json!({ "exp": "never" }),
        json!({ "exp": (now + 300).to_string() }),
        json!({ "exp": [now + 300] }),
        json!({ "exp": true }),
        json!({ "exp": 1e300 }),
        json!({ "nbf": now + 120 }),
        json!({ "nbf": "0" }),
        json!({ "iat": now + 120 }),
        json!({ "cnf": { "jkt": "x" } }),
    ];
    for claims in wrong {
        scene.refuses(&scene.token(&claims), &format!("C-85: {claims}")).await;
    }
    // A number that no reader can hold.
    let claims = scene.provider.api_claims(&json!({})).to_string();
    let (before, after) = claims.split_once("\"exp\":").unwrap();
    let after = after.split_once([',', '}']).unwrap().1;
    let endless = format!("{before}\"exp\":1e400,{after}");
    let header = json!({ "alg": "RS256", "kid": "rsa", "typ": "at+jwt" });
    let signed = format!(
        "{}.{}.AA",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(endless)
    );
    scene.refuses(&signed, "C-85: 1e400").await;
    assert_eq!(scene.sends(&scene.token(&json!({ "azp": "spider" }))).await.status, 200);
}

#[tokio::test]
async fn c88_another_kind_of_token_is_no_access_token() {
    let scene = scene(RULES).await;
    let visitor = scene.gate.visitor();
    visitor.login().await;
    scene.app.forgets();
    let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let kinds = [
        (json!({ "typ": "logout+jwt" }), json!({ "events": events })),
        (json!({ "typ": "JWT" }), json!({ "events": events })),
        (json!({ "typ": "JWT" }), json!({ "nonce": "n" })),
        (json!({ "typ": "JWT" }), json!({ "at_hash": "h" })),
        (json!({ "typ": "JWT" }), json!({ "token_use": "id" })),
        (json!({ "typ": "JWT" }), json!({ "typ": "Refresh" })),
        (json!({ "typ": "rt+jwt" }), json!({})),
        (json!({ "typ": "dpop+jwt" }), json!({})),
        (json!({ "typ": "" }), json!({})),
    ];
    for (header, claims) in kinds {
        let token = scene.provider.api_token(&header, &claims);
        scene.refuses(&token, &format!("C-88: {header} {claims}")).await;
    }
    for token in scene.provider.secrets() {
        // The id_token, access token, refresh token and code of a real session, for another client.
        if token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._=/+".contains(&byte)) {
            scene.refuses(&token, "C-88: a token of a session").await;
        }
    }
    let forgiven = scene.provider.api_token(&json!({ "typ": null }), &json!({}));
    assert_eq!(scene.sends(&forgiven).await.status, 200);
}

#[tokio::test]
async fn c89_a_string_that_is_there_proves_nothing() {
    let scene = scene(RULES).await;
    let long = "a".repeat(16 * 1024);
    for token in ["x", "a.b.c", "a.b", "..", "undefined", &random_hex(64), &long] {
        scene.refuses(token, &format!("C-89: {token:.20}")).await;
    }
    let sound = scene.token(&json!({}));
    // Not what it should be, where it should be: not even a token.
    let malformed = [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer a b".to_owned(),
        "Bearer \"x\"".to_owned(),
        format!("Bearer {sound}, Bearer {sound}"),
        format!("Bearer {}", "a".repeat(16 * 1024 + 1)),
        format!("Bearer: {sound}"),
    ];
    for value in malformed {
        let request = ask("GET", "/api").fetching().header("authorization", &value);
        let answer = scene.gate.send(request).await;
        assert_eq!(answer.status, 400, "C-89: {value:.40}");
        assert!(answer.header("www-authenticate").unwrap().contains("invalid_request"));
    }
    let twice = with_token("/api", &sound).header("authorization", &format!("Bearer {sound}"));
    assert_eq!(scene.gate.send(twice).await.status, 400, "C-89: two lines");
    // Where it should not be: it is not there.
    let basic = ask("GET", "/api").fetching().header("authorization", "Basic YTpi");
    assert_eq!(scene.gate.send(basic).await.status, 401, "C-89");
    for target in ["token", "access_token", "bearer"] {
        let request = ask("GET", &format!("/api?{target}={sound}")).fetching();
        assert_eq!(scene.gate.send(request).await.status, 401, "C-89, S24: {target}");
    }
    let post = ask("POST", "/api")
        .fetching()
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("access_token={sound}"));
    assert_eq!(scene.gate.send(post).await.status, 401, "C-89, S24");
    assert!(scene.app.requests().is_empty(), "C-89");
    for scheme in ["bearer", "BEARER"] {
        let request = ask("GET", "/api").header("authorization", &format!("{scheme}  {sound}"));
        assert_eq!(scene.gate.send(request).await.status, 200, "{scheme}");
    }
}
