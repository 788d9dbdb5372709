//! The provider tells clients apart in each way that the other tests rely on.

use serde_json::{Value, json};

use crate::client_keys::{Authority, ClientKey, Identity};
use crate::openid_provider::{OpenIdProvider, settings};
use crate::party::{Party, Proof, REDIRECT, opened};

const ODD_SECRET: &str = "a:b c+d%";

fn client(more: Value) -> Value {
    let mut client = json!({ "client_id": "party", "redirect_uris": [REDIRECT] });
    client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client
}

/// Signs in, refreshes, and says how the provider saw the client.
async fn seen_as(provider: &OpenIdProvider, party: &Party) -> Value {
    let answer = party.signs_in(&party.person("ada"), &[]).await;
    let answer = party.refreshes(answer["refresh_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = provider.seen().await;
    assert_eq!((seen.exchanges(), seen.refreshes()), (1, 1));
    seen.last("token")["auth"].clone()
}

#[tokio::test]
async fn a_secret_of_any_characters_comes_in_the_header_or_in_the_body() {
    for method in ["client_secret_basic", "client_secret_post"] {
        let proof = match method {
            "client_secret_basic" => Proof::Basic,
            _ => Proof::Post,
        };
        let metadata = json!({ "client_secret": ODD_SECRET, "token_endpoint_auth_method": method });
        let provider = OpenIdProvider::start(settings().with_client(client(metadata))).await;
        let party = Party::meet(&provider, "party", proof(ODD_SECRET.to_owned())).await;
        assert_eq!(seen_as(&provider, &party).await, method);
        let stranger = Party::meet(&provider, "party", proof("a:b c d%".to_owned())).await;
        assert_eq!(stranger.refreshes("x").await.status, 401, "{method}");
    }
}

#[tokio::test]
async fn a_public_client_shows_nothing_but_must_use_a_challenge() {
    let metadata = json!({ "token_endpoint_auth_method": "none" });
    let provider = OpenIdProvider::start(settings().with_client(client(metadata))).await;
    let party = Party::meet(&provider, "party", Proof::Nothing).await;
    assert_eq!(seen_as(&provider, &party).await, "none");
    let back = party.asks(&party.person("ada"), &[]).await;
    assert!(back.contains(&("error".to_owned(), "invalid_request".to_owned())), "{back:?}");
}

#[tokio::test]
async fn a_client_signs_with_a_key_of_each_kind() {
    for key in ClientKey::of_each_kind() {
        let (algorithm, stranger) = (key.algorithm, ClientKey::es256());
        let metadata = json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": algorithm,
            "public_key": key.public_pem(),
            "key_id": "client-key",
        });
        let provider = OpenIdProvider::start(settings().with_client(client(metadata))).await;
        let party = Party::meet(&provider, "party", Proof::Assertion(key)).await;
        let seen = seen_as(&provider, &party).await;
        assert_eq!(seen, format!("private_key_jwt {algorithm}"));
        let stranger = Party::meet(&provider, "party", Proof::Assertion(stranger)).await;
        assert_eq!(stranger.refreshes("x").await.status, 401, "{algorithm}");
    }
}

#[tokio::test]
async fn a_client_shows_a_certificate() {
    let authority = Authority::new();
    let (vouched, other) = (authority.vouch_for("gate.test"), authority.vouch_for("evil.test"));
    let own = Identity::self_signed("gate.test");
    let by_name = json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "gate.test",
    });
    let by_itself = json!({
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "certificate": own.certificate,
    });
    for (metadata, good, bad) in [(by_name, &vouched, &other), (by_itself, &own, &vouched)] {
        let method = metadata["token_endpoint_auth_method"].clone();
        let settings = settings().with_client(client(metadata)).over_tls(&authority);
        let provider = OpenIdProvider::start(settings).await;
        let with = async |shown| {
            let tls = Some(authority.believed_by(shown));
            Party::meet_over(&provider, "party", Proof::Nothing, tls).await
        };
        assert_eq!(seen_as(&provider, &with(Some(good)).await).await, method);
        for shown in [Some(bad), None] {
            assert_eq!(with(shown).await.refreshes("x").await.status, 401, "{method}");
        }
    }
}

#[tokio::test]
async fn tokens_for_an_api_are_jwts_or_opaque() {
    let metadata = json!({
        "client_secret": "canary-client-secret-8d1f",
        "grant_types": ["authorization_code", "client_credentials"],
    });
    let provider = OpenIdProvider::start(settings().with_client(client(metadata))).await;
    let proof = Proof::Basic("canary-client-secret-8d1f".to_owned());
    let party = Party::meet(&provider, "party", proof).await;

    let (header, claims) = opened(&party.token_for("https://api.test", "read").await);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("RS256")));
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("https://api.test"), &json!("party")));
    let api = [("resource", "https://api.test"), ("scope", "openid read")];
    let answer = party.signs_in(&party.person("ada"), &api).await;
    let (_, claims) = opened(answer["access_token"].as_str().unwrap());
    assert_eq!((&claims["sub"], &claims["scope"]), (&json!("ada"), &json!("read")));
    assert_eq!(claims["email"], "ada@example.com");

    let no_scope_of_it = [("resource", "https://api.test")];
    let answer = party.signs_in(&party.person("eve"), &no_scope_of_it).await;
    let (_, claims) = opened(answer["access_token"].as_str().unwrap());
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("eve"), &json!("https://api.test")));

    let opaque = party.token_for("https://opaque.test", "read").await;
    assert!(!opaque.contains('.'), "{opaque}");
    let told = party.call("introspection_endpoint", &[("token", &opaque)]).await.json();
    assert_eq!((&told["active"], &told["aud"]), (&json!(true), &json!("https://opaque.test")));
}

#[tokio::test]
async fn an_id_token_is_signed_as_the_client_wishes_and_says_how_strong_a_login_was() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let metadata = json!({
            "client_secret": "canary-client-secret-8d1f",
            "id_token_signed_response_alg": algorithm,
        });
        let settings = settings().with_client(client(metadata)).with("acr", "urn:test:weak");
        let provider = OpenIdProvider::start(settings).await;
        let proof = Proof::Post("canary-client-secret-8d1f".to_owned());
        let party = Party::meet(&provider, "party", proof).await;
        let wishes = [("acr_values", "urn:test:strong")];
        let answer = party.signs_in(&party.person("ada"), &wishes).await;
        let (header, claims) = opened(answer["id_token"].as_str().unwrap());
        assert_eq!((&header["alg"], &claims["acr"]), (&json!(algorithm), &json!("urn:test:weak")));
    }
}
