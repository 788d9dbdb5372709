//! What a token means where everyone may pass, beside a cookie, and where it is the app's business.

use serde_json::json;

use super::{RULES, scene, with_token};
use crate::harness::*;

#[tokio::test]
async fn on_a_public_route_a_bad_token_is_nobody() {
    let scene = scene(RULES).await;
    let visitor = scene.gate.visitor();
    visitor.login().await;
    for token in ["x", &scene.token(&json!({ "exp": 1 })), &scene.token(&json!({ "aud": "no" }))] {
        scene.app.forgets();
        // The session of a cookie that comes along does not stand in for it.
        let request = with_token("/open", token).cookie(&visitor.session_line());
        assert_eq!(scene.gate.send(request).await.status, 200);
        let seen = scene.app.last();
        assert!(seen.header("x-forwarded-user").is_none(), "{:?}", seen.headers);
        assert!(seen.header("authorization").is_none(), "what was not believed is not passed on");
    }
    let answer = scene.gate.send(with_token("/open", &scene.token(&json!({})))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("42"));
}

#[tokio::test]
async fn beside_a_cookie_the_token_says_who_it_is() {
    let scene = scene(RULES).await;
    let visitor = scene.gate.visitor();
    visitor.login().await;
    let cookie = visitor.session_line();
    let robot = scene.token(&json!({ "sub": "robot" }));
    let answer = scene.gate.send(with_token("/api", &robot).cookie(&cookie)).await;
    assert_eq!(answer.status, 200);
    let seen = scene.app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("robot"));
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {robot}").as_str()));
    assert!(seen.header("cookie").is_none(), "S47");
    scene.app.forgets();
    let bad = with_token("/api", &scene.token(&json!({ "exp": 1 }))).cookie(&cookie);
    assert_eq!(scene.gate.send(bad).await.status, 401, "the cookie does not stand in");
    assert!(scene.app.requests().is_empty());
    let other = ask("GET", "/api").fetching().header("authorization", "Basic YTpi").cookie(&cookie);
    assert_eq!(scene.gate.send(other).await.status, 200, "no token at all: the cookie counts");
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("42"));
}

#[tokio::test]
async fn where_authorization_is_passed_the_token_is_the_apps_business() {
    let scene = scene(RULES).await;
    let visitor = scene.gate.visitor();
    visitor.login().await;
    let cookie = visitor.session_line();
    for token in ["x".to_owned(), scene.token(&json!({ "sub": "robot" }))] {
        scene.app.forgets();
        let answer = scene.gate.send(with_token("/own", &token)).await;
        assert_eq!(answer.status, 401, "a token alone is no session here");
        assert!(scene.app.requests().is_empty());
        for target in ["/own", "/open-own"] {
            let answer = scene.gate.send(with_token(target, &token).cookie(&cookie)).await;
            assert_eq!(answer.status, 200, "{target}");
            let seen = scene.app.last();
            assert_eq!(seen.header("authorization"), Some(format!("Bearer {token}").as_str()));
            assert_eq!(seen.header("x-forwarded-user"), Some("42"), "{target}");
        }
    }
    assert_eq!(scene.provider.calls("/jwks"), 1, "that was the login's");
}

#[tokio::test]
async fn a_navigation_with_a_bad_token_is_no_login() {
    let scene = scene(RULES).await;
    let answer = scene.gate.send(with_token("/api", "x").navigating()).await;
    assert_eq!(answer.status, 401, "{:?}", answer.headers);
    assert!(answer.set_cookies().is_empty());
    assert_eq!(scene.provider.authorizations(), 0);
}

#[tokio::test]
async fn a_token_that_allows_too_little_is_a_403_that_names_what_is_needed() {
    let rules = format!("{RULES}\nscopes = [\"things.read\", \"things.admin\"]");
    let scene = scene(&rules).await;
    for claims in [json!({}), json!({ "scope": null }), json!({ "scope": "things.administrator" })]
    {
        let answer = scene.sends(&scene.token(&claims)).await;
        assert_eq!(answer.status, 403, "{claims}");
        let challenge = r#"Bearer realm="askara-gate", error="insufficient_scope", scope="things.read things.admin""#;
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{claims}");
        assert_eq!(answer.json()["type"], "urn:askara-gate:not-allowed", "{claims}");
    }
    assert!(scene.app.requests().is_empty());
    for claims in [
        json!({ "scope": "things.admin other things.read" }),
        json!({ "scope": null, "scp": ["things.admin", "things.read"] }),
        json!({ "scope": "things.read", "scopes": ["things.admin"] }),
    ] {
        assert_eq!(scene.sends(&scene.token(&claims)).await.status, 200, "{claims}");
    }
}

#[tokio::test]
async fn without_the_table_a_token_is_nothing() {
    let scene = scene("").await;
    let answer = scene.sends(&scene.token(&json!({}))).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["type"], "urn:askara-gate:sign-in-needed");
    assert!(scene.app.requests().is_empty());
    assert_eq!(scene.provider.calls("/jwks"), 0);
}
