//! The provider itself does what the other tests rely on.

use serde_json::{Value, json};

use crate::form::Form;
use crate::harness::ask;
use crate::openid_provider::{OpenIdProvider, Settings, settings};
use crate::party::{Party, Pkce, Proof, REDIRECT, SCOPES, opened, value_of};

const SECRET: &str = "canary-client-secret-8d1f";

fn client() -> Value {
    json!({
        "client_id": "party",
        "client_secret": SECRET,
        "redirect_uris": [REDIRECT],
        "post_logout_redirect_uris": [format!("{REDIRECT}/out")],
    })
}

async fn party_of(settings: Settings) -> (OpenIdProvider, Party) {
    let provider = OpenIdProvider::start(settings.with_client(client())).await;
    let party = Party::meet(&provider, "party", Proof::Basic(SECRET.to_owned())).await;
    (provider, party)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

#[tokio::test]
async fn its_metadata_says_what_it_can() {
    let (provider, party) = party_of(settings().with("par", "required")).await;
    let metadata = &party.metadata;
    assert_eq!(metadata["issuer"], provider.issuer());
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "end_session_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "pushed_authorization_request_endpoint",
    ] {
        let address = party.endpoint(endpoint);
        assert_eq!(address.origin(), provider.origin().origin(), "{endpoint}");
    }
}

#[tokio::test]
async fn a_person_signs_in_on_its_pages() {
    let (provider, party) = party_of(settings()).await;
    let (person, pkce) = (party.person("ada"), Pkce::new());
    let wishes = [
        ("state", "a state"),
        ("nonce", "a nonce"),
        ("code_challenge", &pkce.challenge),
        ("code_challenge_method", "S256"),
    ];
    let back = party.asks(&person, &wishes).await;
    assert_eq!(value_of(&back, "state"), "a state");
    assert_eq!(value_of(&back, "iss"), provider.issuer(), "RFC 9207");

    let answer = party.redeems(&back, &pkce.verifier).await.json();
    let (header, claims) = opened(text(&answer, "id_token"));
    assert_eq!(header["alg"], "RS256");
    assert_eq!((&claims["sub"], &claims["nonce"]), (&json!("ada"), &json!("a nonce")));
    assert!(claims.get("email").is_none(), "told at userinfo: {claims}");
    let told = party.get("userinfo_endpoint", Some(text(&answer, "access_token"))).await.json();
    assert_eq!(told["email"], "ada@example.com");
    assert_eq!(told["groups"], json!(["engineers", "admins"]));

    let seen = provider.seen().await;
    assert_eq!((seen.count("login"), seen.count("consent"), seen.exchanges()), (1, 1, 1));
    party.signs_in(&person, &[]).await;
    assert_eq!(provider.seen().await.count("login"), 1, "it knows the person now");
}

#[tokio::test]
async fn whoever_asks_is_signed_in_at_once_if_it_is_to_be_so() {
    let asked = settings().with("login", "auto").with("account", "eve");
    let (_provider, party) = party_of(asked.with("claims_in_id_token", true)).await;
    let answer = party.signs_in(&party.person("ada"), &[]).await;
    let (_, claims) = opened(text(&answer, "id_token"));
    assert_eq!((&claims["sub"], &claims["email"]), (&json!("eve"), &json!("eve@example.com")));
}

#[tokio::test]
async fn a_person_may_say_no() {
    let (_provider, party) = party_of(settings()).await;
    let back = party.asks(&party.person("ada").who_refuses(), &[]).await;
    assert_eq!(value_of(&back, "error"), "access_denied");
}

#[tokio::test]
async fn a_code_needs_its_verifier_and_a_challenge_can_be_demanded() {
    let (_provider, party) = party_of(settings().with("pkce", true)).await;
    let person = party.person("ada");
    let back = party.asks(&person, &[]).await;
    assert_eq!(value_of(&back, "error"), "invalid_request");
    let pkce = Pkce::new();
    let wishes = [("code_challenge", &*pkce.challenge), ("code_challenge_method", "S256")];
    let back = party.asks(&person, &wishes).await;
    let refused = party.redeems(&back, &Pkce::new().verifier).await;
    assert_eq!(refused.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn requests_can_have_to_be_pushed() {
    let (provider, party) = party_of(settings().with("par", "required")).await;
    let person = party.person("ada");
    let back = party.asks(&person, &[]).await;
    assert_eq!(value_of(&back, "error"), "invalid_request");
    // The client names itself in the request too, however it proves itself (RFC 9126 2.1).
    let fields = [
        ("client_id", "party"),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", SCOPES),
    ];
    let pushed = party.call("pushed_authorization_request_endpoint", &fields).await;
    assert_eq!(pushed.status, 201, "RFC 9126 2.2: {}", pushed.text());
    let pushed = pushed.json();
    let request = party.request(&[("request_uri", text(&pushed, "request_uri"))]);
    let end = person.goes_until(&request, |next| next.as_str().starts_with(REDIRECT)).await;
    let back = end.at.query_pairs().into_owned().collect();
    assert_eq!(party.redeems(&back, "").await.status, 200);
    let seen = provider.seen().await;
    assert_eq!(seen.last("pushed_authorization_request")["auth"], "client_secret_basic");
    assert_eq!(seen.last("authorization")["query"], json!(["client_id", "request_uri"]));
}

#[tokio::test]
async fn refresh_tokens_rotate_and_an_old_one_ends_all() {
    let (provider, party) = party_of(settings()).await;
    let first = party.signs_in(&party.person("ada"), &[]).await;
    let second = party.refreshes(text(&first, "refresh_token")).await.json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(party.refreshes(text(&first, "refresh_token")).await.status, 400);
    let newest = party.refreshes(text(&second, "refresh_token")).await;
    assert_eq!(newest.json()["error"], "invalid_grant", "the whole grant is gone");
    assert_eq!(provider.seen().await.refreshes(), 3);
}

#[tokio::test]
async fn lifetimes_change_and_grants_are_taken_back() {
    let (provider, party) = party_of(settings().with_token_life(7)).await;
    let person = party.person("ada");
    assert_eq!(party.signs_in(&person, &[]).await["expires_in"], 7);
    provider.token_life(70).await;
    let answer = party.signs_in(&person, &[]).await;
    assert_eq!(answer["expires_in"], 70);
    provider.revokes("ada").await;
    assert_eq!(party.refreshes(text(&answer, "refresh_token")).await.status, 400);
}

#[tokio::test]
async fn what_is_revoked_is_not_active_any_more() {
    let (provider, party) = party_of(settings()).await;
    let answer = party.signs_in(&party.person("ada"), &[]).await;
    let token = text(&answer, "access_token");
    let active = party.call("introspection_endpoint", &[("token", token)]).await.json();
    assert_eq!((&active["active"], &active["sub"]), (&json!(true), &json!("ada")));
    let revoked = party.call("revocation_endpoint", &[("token", token)]).await;
    assert_eq!(revoked.status, 200);
    let active = party.call("introspection_endpoint", &[("token", token)]).await.json();
    assert_eq!(active["active"], false);
    let seen = provider.seen().await;
    assert_eq!((seen.count("revocation"), seen.count("introspection")), (1, 2));
}

#[tokio::test]
async fn signing_out_there_leads_back_and_the_next_login_is_asked_for_again() {
    let (provider, party) = party_of(settings()).await;
    let person = party.person("ada");
    let answer = party.signs_in(&person, &[]).await;
    let out = format!("{REDIRECT}/out");
    let mut address = party.endpoint("end_session_endpoint");
    address
        .query_pairs_mut()
        .append_pair("id_token_hint", text(&answer, "id_token"))
        .append_pair("post_logout_redirect_uri", &out)
        .append_pair("state", "bye");
    let end = person.goes_until(&address, |next| next.as_str().starts_with(&out)).await;
    assert_eq!(end.at.as_str(), format!("{out}?state=bye"), "{}", end.answer.text());
    party.signs_in(&person, &[]).await;
    let seen = provider.seen().await;
    assert_eq!((seen.count("end_session"), seen.count("login")), (1, 2));
}

#[tokio::test]
async fn an_answer_can_come_as_a_form() {
    let (provider, party) = party_of(settings()).await;
    let wishes = [("response_mode", "form_post"), ("response_type", "code")];
    let mut all = wishes.to_vec();
    all.extend([("redirect_uri", REDIRECT), ("scope", SCOPES), ("state", "a \"state\" & more")]);
    let request = party.request(&all);
    let person = party.person("ada");
    let end = person.goes_until(&request, |next| next.as_str().starts_with(REDIRECT)).await;
    assert_eq!(end.at.as_str(), REDIRECT, "nothing in the address");
    let form = Form::first_of(&end.answer.text()).unwrap();
    assert_eq!(value_of(&form.fields, "state"), "a \"state\" & more");
    assert_eq!(value_of(&form.fields, "iss"), provider.issuer());
    assert_eq!(party.redeems(&form.fields, "").await.status, 200);
}

#[tokio::test]
async fn its_keys_are_replaced_and_what_it_knows_stays() {
    let (provider, party) = party_of(settings()).await;
    let key_ids = async || {
        let set = party.get("jwks_uri", None).await.json();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| text(key, "kid").to_owned()).collect::<Vec<_>>()
    };
    let before = key_ids().await;
    let answer = party.signs_in(&party.person("ada"), &[]).await;
    provider.adds_keys().await;
    let both = key_ids().await;
    assert!(both.len() == 6 && before.iter().all(|kid| both.contains(kid)), "{both:?}");
    provider.replaces_keys().await;
    let after = key_ids().await;
    assert!(after.len() == 3 && !after.iter().any(|kid| both.contains(kid)), "{after:?}");
    let answer = party.refreshes(text(&answer, "refresh_token")).await.json();
    let (header, _) = opened(text(&answer, "id_token"));
    assert!(after.contains(&text(&header, "kid").to_owned()), "{header}");
    assert_eq!(provider.seen().await.count("jwks"), 3);
}

#[tokio::test]
async fn what_it_saw_holds_no_secrets() {
    let (provider, party) = party_of(settings()).await;
    let answer = party.signs_in(&party.person("ada"), &[]).await;
    let seen = format!("{:?}", provider.seen().await);
    for secret in [SECRET, text(&answer, "access_token"), text(&answer, "refresh_token")] {
        assert!(!seen.contains(secret), "{seen}");
    }
}

#[tokio::test]
async fn it_ends_with_whoever_started_it() {
    let provider = OpenIdProvider::start(settings()).await;
    let mut line = crate::harness::Line::open(provider.origin(), None).await.unwrap();
    assert_eq!(line.send(ask("GET", "/_seen")).await.status, 200);
    assert_eq!(provider.abandoned().await, Some(0));
}
