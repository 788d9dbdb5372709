//! The gateway shows the provider who it is, in each way that there is.

use crate::client_keys::{Authority, ClientKey, Identity};
use crate::scene::{Plan, plan};

/// Signs in, and holds that the provider saw the gateway so.
async fn is_seen_as(plan: Plan, how: &str) {
    let scene = plan.start().await;
    scene.login().await;
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("ada"), "{how}");
    let seen = scene.provider.seen().await;
    assert_eq!(seen.exchanges(), 1, "{how}");
    assert_eq!(seen.last("token")["auth"], how);
}

#[tokio::test]
async fn a_secret_of_any_characters_goes_into_the_header_or_into_the_body() {
    for (line, method) in [("basic", "client_secret_basic"), ("body", "client_secret_post")] {
        let plan = plan()
            .with_secret("a:b c+d%")
            .with_client("token_endpoint_auth_method", method)
            .with_line(&format!("client_auth = {line:?}"));
        is_seen_as(plan, method).await;
    }
}

#[tokio::test]
async fn a_public_client_has_only_its_challenge() {
    let plan = plan()
        .without_secret()
        .with_client("token_endpoint_auth_method", "none")
        .with_line("client_auth = \"none\"")
        .with_line("pkce = \"S256\"");
    is_seen_as(plan, "none").await;
}

#[tokio::test]
async fn an_assertion_is_signed_with_a_key_of_each_kind() {
    for key in ClientKey::of_each_kind() {
        let plan = plan().without_secret();
        let file = plan.paper("client.pem", &key.private_pem());
        let plan = plan
            .with_client("token_endpoint_auth_method", "private_key_jwt")
            .with_client("token_endpoint_auth_signing_alg", key.algorithm)
            .with_client("public_key", key.public_pem())
            .with_client("key_id", "client-key")
            .with_line("client_auth = \"private_key_jwt\"")
            .with_line(&format!("client_key = {{ file = {file:?} }}"))
            .with_line("client_key_id = \"client-key\"");
        is_seen_as(plan, &format!("private_key_jwt {}", key.algorithm)).await;
    }
}

#[tokio::test]
async fn a_certificate_is_shown_whether_an_authority_vouches_for_it_or_not() {
    let authority = Authority::new();
    let (vouched, own) = (authority.vouch_for("gate.test"), Identity::self_signed("gate.test"));
    let by_name = certified(&authority, &vouched)
        .with_client("token_endpoint_auth_method", "tls_client_auth")
        .with_client("tls_client_auth_san_dns", "gate.test");
    is_seen_as(by_name, "tls_client_auth").await;
    let by_itself = certified(&authority, &own)
        .with_client("token_endpoint_auth_method", "self_signed_tls_client_auth")
        .with_client("certificate", own.certificate.as_str());
    is_seen_as(by_itself, "self_signed_tls_client_auth").await;
}

fn certified(authority: &Authority, shown: &Identity) -> Plan {
    let plan = plan().without_secret().with_settings(|asked| asked.over_tls(authority));
    let believed = plan.paper("ca.pem", &authority.pem());
    let certificate = plan.paper("client.crt", &shown.certificate);
    let key = plan.paper("client.key", &shown.key);
    plan.with_line(&format!("ca_file = {believed:?}"))
        .with_line("client_auth = \"mtls\"")
        .with_line(&format!("client_certificate = {certificate:?}"))
        .with_line(&format!("client_certificate_key = {key:?}"))
}
