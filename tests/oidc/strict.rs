//! A provider that demands all that it can.

use serde_json::json;

use crate::client_keys::ClientKey;
use crate::harness::{assert_own_page, wait};
use crate::scene::{Plan, plan};

/// PKCE, pushed requests, signed assertions and rotation, none of them optional.
fn strict(key: &ClientKey) -> Plan {
    let plan = plan().without_secret();
    let file = plan.paper("client.pem", &key.private_pem());
    plan.with_settings(|asked| {
        asked.with("pkce", true).with("par", "required").with("rotate", true).with_token_life(2)
    })
    .with_client("token_endpoint_auth_method", "private_key_jwt")
    .with_client("token_endpoint_auth_signing_alg", key.algorithm)
    .with_client("public_key", key.public_pem())
    .with_client("key_id", "client-key")
    .with_line("client_auth = \"private_key_jwt\"")
    .with_line(&format!("client_key = {{ file = {file:?} }}"))
    .with_line("client_key_id = \"client-key\"")
    .with_line("pkce = \"S256\"")
    .with_line("pushed_authorization = \"auto\"")
}

#[tokio::test]
async fn the_strictest_provider_is_content_from_login_to_sign_out() {
    for key in [ClientKey::es256(), ClientKey::rs256()] {
        let scene = strict(&key).start().await;
        let proof = format!("private_key_jwt {}", key.algorithm);
        scene.login().await;
        let seen = scene.provider.seen().await;
        let pushed = seen.last("pushed_authorization_request");
        assert_eq!((&pushed["status"], &pushed["auth"]), (&json!(201), &json!(proof)));
        let pushed = pushed["params"].as_array().unwrap();
        assert!(pushed.contains(&json!("code_challenge")), "{pushed:?}");
        let opened = seen.at("authorization")[0];
        assert_eq!(opened["query"], json!(["client_id", "request_uri"]), "nothing else is shown");

        for round in 1..=2 {
            wait(3100).await;
            assert_eq!(scene.person.visitor.fetch("/").await.status, 200, "round {round}");
        }
        let seen = scene.provider.seen().await;
        assert_eq!((seen.exchanges(), seen.refreshes()), (1, 2), "each refresh with the newest");
        assert!(seen.at("token").iter().all(|call| call["auth"] == proof), "{seen:#?}");

        let end = scene.signs_out().await;
        assert_eq!(end.at.path(), "/oauth2/signed_out");
        assert_own_page(&end.answer);
        assert_eq!(scene.person.visitor.fetch("/").await.status, 401);
        scene.login().await;
        assert_eq!(scene.provider.seen().await.count("login"), 2, "signed out there too");
    }
}

#[tokio::test]
async fn requests_can_be_pushed_without_being_demanded() {
    let scene = plan().with_line("pushed_authorization = \"always\"").start().await;
    scene.login().await;
    let seen = scene.provider.seen().await;
    assert_eq!(seen.count("pushed_authorization_request"), 1);
    assert_eq!(seen.at("authorization")[0]["query"], json!(["client_id", "request_uri"]));
}

#[tokio::test]
async fn nothing_is_pushed_where_it_is_only_possible() {
    let scene = plan().start().await;
    scene.login().await;
    assert_eq!(scene.provider.seen().await.count("pushed_authorization_request"), 0);
}
