//! What each kind brings along, and what the configuration makes of it.

use std::time::Duration;

use super::*;
use crate::auth::provider::{
    AuthorizeMethod, ClientAuth, LinkParam, Pushed, ResponseMode, TokenBody,
};

const ADDRESSES: &str = r#"
authorize_url = "https://provider.example/authorize"
token_url = "https://provider.example/token"
"#;

const SECRET: &str = r#"client_secret = { env = "SECRET" }"#;

fn kind(kind: &str, lines: &str) -> Arc<Settings> {
    let addresses = match kind {
        "askara" => "",
        "oidc" => "issuer = \"https://provider.example\"",
        _ => ADDRESSES,
    };
    settings(&format!("kind = \"{kind}\"\n{SECRET}\n{addresses}\n{lines}"))
}

#[test]
fn every_kind_brings_its_own_manner() {
    let post = AuthorizeMethod::Form { also: Vec::new() };
    let get = AuthorizeMethod::Redirect;
    let (json, form) = (TokenBody::Json, TokenBody::Form);
    for (name, method, body, basic, pkce, again, scopes) in [
        ("askara", &get, json, false, false, true, "profile organization"),
        ("api-v1", &get, form, false, true, true, ""),
        ("simplified", &get, form, true, true, true, ""),
        ("pockets", &post, form, false, true, false, "pockets.read"),
        ("oidc", &get, form, true, true, true, "openid profile email"),
    ] {
        let settings = kind(name, "");
        let authorization = &settings.authorization;
        assert_eq!(settings.name, name);
        assert_eq!(&authorization.method, method, "{name}");
        assert_eq!((settings.token.body, settings.token.redirect_uri), (body, again), "{name}");
        assert_eq!(
            matches!(*settings.client_auth.current(), ClientAuth::Basic(_)),
            basic,
            "{name}"
        );
        assert_eq!((authorization.pkce, authorization.scopes.join(" ")), (pkce, scopes.to_owned()));
        assert_eq!(settings.openid.is_some(), name == "oidc", "{name}");
        assert!(!settings.identity.user.is_empty(), "{name}");
    }
}

#[test]
fn every_property_can_be_overridden() {
    let settings = kind(
        "pockets",
        r#"
title = " Purse "
authorize_method = "get"
authorize_params = { audience = "https://api.example", prompt = "consent" }
link_params = ["login_hint", "ui_locales"]
response_mode = "form_post"
pushed_authorization = "always"
pushed_authorization_url = "https://provider.example/par"
scopes = ["a b", "c"]
token_body = "json"
client_auth = "basic"
pkce = "off"
token_redirect_uri = true
redirect_path = "/callback"
acr_values = ["urn:loa:2"]
token_life = "2m"
token_type_optional = true
any_content_type = true
identity = { user = "me:/number" }
"#,
    );
    let authorization = &settings.authorization;
    assert_eq!(settings.title, "Purse");
    assert_eq!(authorization.method, AuthorizeMethod::Redirect);
    let params: Vec<_> =
        authorization.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(params, ["audience=https://api.example", "prompt=consent"]);
    assert_eq!(authorization.link_params, [LinkParam::LoginHint, LinkParam::UiLocales]);
    assert_eq!(authorization.response_mode, ResponseMode::FormPost);
    assert_eq!(authorization.pushed, Pushed::Always);
    assert_eq!(authorization.scopes, ["a", "b", "c"]);
    assert_eq!(authorization.redirect_path, "/callback");
    assert_eq!(authorization.acr_values, ["urn:loa:2"]);
    assert!(!authorization.pkce && settings.token.redirect_uri);
    assert_eq!((settings.token.body, settings.token.life.as_secs()), (TokenBody::Json, 120));
    assert!(settings.token.type_optional && settings.token.any_content_type);
    assert_eq!(settings.identity.user.len(), 1);
}

#[test]
fn only_an_openid_provider_discovers_and_only_what_it_needs_to() {
    let jwks = "jwks_url = \"https://provider.example/jwks\"";
    for (name, lines, discovers) in [
        ("askara", String::new(), false),
        ("simplified", String::from("issuer = \"https://provider.example\""), false),
        ("oidc", String::new(), true),
        ("oidc", ADDRESSES.to_owned(), true),
        ("oidc", jwks.to_owned(), true),
        ("oidc", format!("{ADDRESSES}{jwks}"), false),
    ] {
        let settings = kind(name, &lines);
        assert_eq!(settings.discovers(), discovers, "{name} {lines}");
        // What discovers nothing must do without.
        assert!(discovers || settings.complete(None).is_some(), "{name} {lines}");
    }
}

#[test]
fn an_empty_address_switches_one_off() {
    for (lines, userinfo, verifies) in [
        ("", Some("https://api.askara.ai/me"), false),
        ("userinfo_url = \"\"\njwks_url = \"\"", None, false),
        ("jwks_url = \"https://provider.example/jwks\"", Some("https://api.askara.ai/me"), true),
    ] {
        let settings = kind("askara", lines);
        let provider = settings.complete(None).unwrap();
        assert_eq!(provider.endpoints.userinfo.as_deref(), userinfo, "{lines}");
        assert_eq!(settings.verify_access_token, verifies, "{lines}");
    }
    let oidc = kind("oidc", "jwks_url = \"https://provider.example/jwks\"");
    assert!(!oidc.verify_access_token, "an OpenID provider's access token is not ours to read");
}

#[test]
fn what_openid_adds_is_read() {
    let settings = kind(
        "oidc",
        "max_age = \"1h\"\nrequire_iss = true\nrequired_acr = [\"urn:loa:2\"]\nid_token_hint = true\nid_token_algorithms = [\"ES256\", \"RS256\"]",
    );
    let openid = settings.openid.as_ref().unwrap();
    assert_eq!(settings.authorization.max_age, Some(Duration::from_secs(3600)));
    assert!(settings.authorization.requires_issuer);
    assert_eq!(settings.issuer.as_ref(), Some(&openid.issuer));
    assert_eq!(openid.required_acr, ["urn:loa:2"]);
    assert_eq!((openid.keep_hint, openid.algorithms.len()), (true, 2));
    assert_eq!(kind("oidc", "").openid.as_ref().unwrap().algorithms.len(), 1);
}

#[test]
fn a_redirect_address_that_is_not_sent_is_not_said_again() {
    assert!(!kind("askara", "send_redirect_uri = false").token.redirect_uri);
}

#[test]
fn pushing_that_nobody_asks_for_is_a_warning() {
    let url = "pushed_authorization_url = \"https://provider.example/par\"";
    for (lines, warnings) in [
        (url.to_owned(), 1),
        (format!("{url}\npushed_authorization = \"off\""), 0),
        (format!("{url}\npushed_authorization = \"always\""), 0),
        (String::from("pushed_authorization_url = \"\""), 0),
    ] {
        let config = load(&file(&format!("{SECRET}\n{lines}")), &[], &[]).unwrap();
        assert_eq!(config.warnings.len(), warnings, "{lines} {:?}", config.warnings);
    }
}
