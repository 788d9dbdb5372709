use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::auth::provider::{OpenId, Said};
use crate::secret::Secret;

pub(crate) const ISSUER: &str = "https://id.example.com/realm";

pub(crate) fn settings() -> Settings {
    let mut settings = crate::auth::provider::testing::settings();
    settings.issuer = Some(String::from(ISSUER));
    settings.client_auth = ClientAuth::Basic(Secret::new(String::from("secret"))).into();
    settings.said = Said::default();
    settings.openid = Some(OpenId {
        issuer: String::from(ISSUER),
        algorithms: Vec::new(),
        keep_hint: false,
        required_acr: Vec::new(),
        backchannel_logout: false,
        discovers: true,
    });
    settings
}

/// A sound document of `ISSUER` in which these members are others; null takes one out.
fn document(changes: Value) -> Response<Bytes> {
    let mut members = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
        "jwks_uri": "https://keys.example.net/jwks?v=1",
    });
    for (name, value) in changes.as_object().unwrap() {
        members[name] = value.clone();
    }
    members.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    answer(200, &members.to_string())
}

fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn metadata_is_below_the_issuer() {
    for (issuer, url) in [
        ("https://a.example", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/r/x", "https://a.example/r/x/.well-known/openid-configuration"),
        ("https://a.example/r/", "https://a.example/r/.well-known/openid-configuration"),
    ] {
        assert_eq!(metadata_url(issuer), url);
    }
}

#[test]
fn it_is_asked_for_only_where_something_is_to_be_discovered() {
    let asked = request(&settings()).unwrap();
    assert_eq!(asked.uri(), &*metadata_url(ISSUER));
    assert_eq!(asked.method(), "GET");
    let no_issuer = Settings { issuer: None, ..settings() };
    assert!(request(&no_issuer).is_none());
    let no_openid = Settings { openid: None, ..settings() };
    assert!(request(&no_openid).is_none());
    let no_address = Settings { issuer: text("https://a b"), ..settings() };
    assert!(request(&no_address).is_none());
}

#[test]
fn keys_are_asked_for_where_they_are() {
    let endpoints = read(&document(json!({})), &settings()).unwrap();
    assert_eq!(keys_request(&endpoints).unwrap().uri(), "https://keys.example.net/jwks?v=1");
    assert!(keys_request(&Endpoints::default()).is_none());
}

#[test]
fn every_address_and_promise_is_read() {
    let told = document(json!({
        "userinfo_endpoint": "https://id.example.com/me",
        "pushed_authorization_request_endpoint": "https://id.example.com/par",
        "introspection_endpoint": "https://id.example.com/introspect",
        "revocation_endpoint": "https://id.example.com/revoke",
        "end_session_endpoint": "https://id.example.com/end",
        "require_pushed_authorization_requests": true,
        "authorization_response_iss_parameter_supported": true,
        "code_challenge_methods_supported": ["plain", "S256"],
        "prompt_values_supported": ["none", "login", "select_account"],
    }));
    let endpoints = Endpoints {
        authorize: String::from("https://id.example.com/authorize"),
        token: String::from("https://id.example.com/token"),
        userinfo: text("https://id.example.com/me"),
        jwks: text("https://keys.example.net/jwks?v=1"),
        pushed_authorization: text("https://id.example.com/par"),
        introspection: text("https://id.example.com/introspect"),
        revocation: text("https://id.example.com/revoke"),
        end_session: text("https://id.example.com/end"),
        demands_pushed: true,
        tells_issuer: true,
        offers_accounts: true,
    };
    assert_eq!(read(&told, &settings()), Ok(endpoints));
    let least = read(&document(json!({})), &settings()).unwrap();
    assert!(
        !least.demands_pushed
            && !least.tells_issuer
            && !least.offers_accounts
            && least.userinfo.is_none()
    );
}

#[test]
fn s31_metadata_that_is_not_exactly_right_is_refused() {
    use BadMetadata::{Issuer, Missing, NoS256, Type};
    for (changes, wrong) in [
        (json!({"issuer": null}), Issuer(None)),
        (json!({"issuer": 7}), Issuer(None)),
        (json!({"issuer": format!("{ISSUER}/")}), Issuer(Some(format!("{ISSUER}/")))),
        (
            json!({"issuer": "https://ID.example.com/realm"}),
            Issuer(text("https://ID.example.com/realm")),
        ),
        (json!({"issuer": "x".repeat(9000)}), Issuer(Some("x".repeat(200)))),
        (json!({"authorization_endpoint": null}), Missing("authorization_endpoint")),
        (json!({"token_endpoint": null}), Missing("token_endpoint")),
        (json!({"token_endpoint": ["https://a.example"]}), Type("token_endpoint")),
        (json!({"userinfo_endpoint": false}), Type("userinfo_endpoint")),
        (
            json!({"require_pushed_authorization_requests": "true"}),
            Type("require_pushed_authorization_requests"),
        ),
        (
            json!({"authorization_response_iss_parameter_supported": 1}),
            Type("authorization_response_iss_parameter_supported"),
        ),
        (json!({"code_challenge_methods_supported": ["plain"]}), NoS256),
        (json!({"code_challenge_methods_supported": []}), NoS256),
        (
            json!({"code_challenge_methods_supported": "S256"}),
            Type("code_challenge_methods_supported"),
        ),
    ] {
        assert_eq!(read(&document(changes.clone()), &settings()), Err(wrong), "{changes}");
    }
    let nobody = Settings { issuer: None, ..settings() };
    assert_eq!(read(&document(json!({"issuer": null})), &nobody), Err(Issuer(None)));
}

#[test]
fn only_a_whole_json_object_with_status_200_is_metadata() {
    let sound = document(json!({})).into_body();
    let sound = std::str::from_utf8(&sound).unwrap();
    for status in [201, 204, 206, 301, 302, 307, 404, 500, 503] {
        assert_eq!(
            read(&answer(status, sound), &settings()),
            Err(BadMetadata::Status(status)),
            "{status}"
        );
    }
    let twice = sound.replacen('{', "{\"token_endpoint\":\"https://evil.example\",", 1);
    for (body, wrong) in [
        ("", BadJson::NotJson),
        ("<html>", BadJson::NotJson),
        ("[]", BadJson::NotAnObject),
        (&twice, BadJson::Twice),
    ] {
        assert_eq!(read(&answer(200, body), &settings()), Err(BadMetadata::Json(wrong)), "{body}");
    }
}

#[test]
fn s31_an_address_is_https_and_nothing_but_an_address() {
    let long = |length: usize| {
        let start = "https://a.example/";
        format!("{start}{}", "x".repeat(length - start.len()))
    };
    for (address, sound) in [
        ("https://a.example", true),
        ("https://a.example:8443/x?y=z", true),
        ("https://[2001:db8::1]/token", true),
        (&long(2048), true),
        (&long(2049), false),
        ("", false),
        ("/token", false),
        ("//a.example/token", false),
        ("a.example", false),
        ("ftp://a.example/token", false),
        ("javascript:alert(1)", false),
        ("http://a.example/token", false),
        // The issuer speaks TLS: nothing goes without, not even here.
        ("http://127.0.0.1/token", false),
        ("https://user@a.example/token", false),
        ("https://user:word@a.example/token", false),
        ("https://a.example/token#x", false),
        ("https://a.example/to ken", false),
        ("https://a.example/\r\nSet-Cookie: a=b", false),
        ("https://a.example/\"><script>", false),
        ("https://a.example/\"x", false),
        ("https://a.example\\@evil.example/", false),
        ("https://a.example/\u{e4}", false),
        ("https:///token", false),
        ("https://a..example/token", false),
        ("https://a.example:0/token", false),
        ("https://a.example:99999/token", false),
        (" https://a.example/token", false),
    ] {
        for name in ["token_endpoint", "jwks_uri", "end_session_endpoint"] {
            let read = read(&document(json!({ name: address })), &settings());
            let wrong = (!sound).then_some(BadMetadata::Address(name));
            assert_eq!(read.err(), wrong, "{name}: {address:?}");
        }
    }
}

#[test]
fn s31_plain_http_stays_on_loopback_with_its_issuer() {
    let issuer = "http://localhost:4280";
    let local = Settings { issuer: text(issuer), ..settings() };
    for (address, sound) in [
        ("http://127.0.0.1:4280/jwks", true),
        ("http://[::1]:4280/jwks", true),
        ("http://id.localhost/jwks", true),
        ("https://a.example/jwks", true),
        ("http://a.example/jwks", false),
        ("http://localhost.example/jwks", false),
        ("http://10.0.0.1/jwks", false),
    ] {
        let told = document(json!({"issuer": issuer, "jwks_uri": address}));
        let wrong = (!sound).then_some(BadMetadata::Address("jwks_uri"));
        assert_eq!(read(&told, &local).err(), wrong, "{address}");
    }
}

#[test]
fn what_the_operator_said_is_not_looked_for() {
    let said = Said {
        authorize: text("https://a.example/authorize"),
        token: text("https://a.example/token"),
        userinfo: text(""),
        ..Said::default()
    };
    let settings = Arc::new(Settings { said, ..settings() });
    let told = document(json!({
        "authorization_endpoint": null,
        "token_endpoint": "http://wrong.example",
        "userinfo_endpoint": 7,
    }));
    let endpoints = read(&told, &settings).unwrap();
    let provider = settings.complete(Some(&endpoints)).unwrap();
    assert_eq!(provider.endpoints.authorize, "https://a.example/authorize");
    assert_eq!(provider.endpoints.token, "https://a.example/token");
    assert_eq!(provider.endpoints.userinfo, None);
    assert_eq!(provider.endpoints.jwks, text("https://keys.example.net/jwks?v=1"));
}

#[test]
fn s65_a_client_with_a_certificate_goes_to_the_aliases() {
    let told = |aliases: Value| {
        document(json!({
            "revocation_endpoint": "https://id.example.com/revoke",
            "mtls_endpoint_aliases": aliases,
        }))
    };
    let aliases = json!({
        "token_endpoint": "https://mtls.example.com/token",
        "pushed_authorization_request_endpoint": "https://mtls.example.com/par",
        "introspection_endpoint": "https://mtls.example.com/introspect",
        "userinfo_endpoint": "https://mtls.example.com/me",
        "authorization_endpoint": "https://mtls.example.com/authorize",
        "jwks_uri": "https://mtls.example.com/jwks",
    });
    let mtls = Settings { client_auth: ClientAuth::Mtls.into(), ..settings() };
    let endpoints = read(&told(aliases.clone()), &mtls).unwrap();
    assert_eq!(endpoints.token, "https://mtls.example.com/token");
    assert_eq!(endpoints.pushed_authorization, text("https://mtls.example.com/par"));
    assert_eq!(endpoints.introspection, text("https://mtls.example.com/introspect"));
    assert_eq!(endpoints.userinfo, text("https://mtls.example.com/me"));
    assert_eq!(endpoints.revocation, text("https://id.example.com/revoke"));
    // The browser has no certificate of ours, and keys are for everybody.
    assert_eq!(endpoints.authorize, "https://id.example.com/authorize");
    assert_eq!(endpoints.jwks, text("https://keys.example.net/jwks?v=1"));

    let plain = read(&told(aliases), &settings()).unwrap();
    assert_eq!(plain.token, "https://id.example.com/token");
    assert_eq!(plain.userinfo, None);

    let wrong = BadMetadata::Type("mtls_endpoint_aliases");
    assert_eq!(read(&told(json!("x")), &mtls), Err(wrong));
    let unsafe_alias = json!({"token_endpoint": "http://mtls.example.com/token"});
    assert_eq!(read(&told(unsafe_alias), &mtls), Err(BadMetadata::Address("token_endpoint")));
}

#[test]
fn s9_the_methods_of_pkce_matter_only_where_it_is_spoken() {
    let told = document(json!({"code_challenge_methods_supported": ["plain"]}));
    let mut without = settings();
    without.authorization.pkce = false;
    assert!(read(&told, &without).is_ok());
    assert_eq!(read(&told, &settings()), Err(BadMetadata::NoS256));
}

#[test]
fn an_unlisted_client_authentication_is_told_and_no_error() {
    for (listed, auth, told) in [
        (json!(["client_secret_basic"]), settings().client_auth, false),
        (json!(["client_secret_post"]), settings().client_auth, true),
        (json!([]), ClientAuth::None.into(), true),
        (json!(["self_signed_tls_client_auth"]), ClientAuth::Mtls.into(), false),
        (json!("none"), ClientAuth::None.into(), false),
        (Value::Null, ClientAuth::Mtls.into(), false),
    ] {
        let settings = Settings { client_auth: auth, ..settings() };
        let answer = document(json!({"token_endpoint_auth_methods_supported": listed}));
        assert!(read(&answer, &settings).is_ok());
        assert_eq!(warnings(&answer, &settings).len(), usize::from(told), "{listed}");
    }
}

#[test]
fn the_log_is_told_without_line_breaks() {
    let told = document(json!({"issuer": "https://evil.example\r\nlevel=info"}));
    let wrong = read(&told, &settings()).unwrap_err().to_string();
    assert!(!wrong.contains(['\r', '\n']), "{wrong}");
}
