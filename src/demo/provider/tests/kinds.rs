//! What every kind does, and what each does in its own way.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CALLBACK, FORM, NOW, SECRET, Scene, Seen, basic, form};
use crate::demo::provider::kind::{AccessToken, ClientAuth, TokenBody};
use crate::demo::provider::{Kind, Options, StandIn};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn challenge() -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    format!("&code_challenge={challenge}&code_challenge_method=S256")
}

#[test]
fn every_kind_signs_a_person_in_and_says_who_that_is() {
    for kind in Kind::ALL {
        let mut scene = Scene::playing(kind);
        let page = scene.authorize("");
        assert_eq!(page.status, StatusCode::OK, "{kind}: {}", page.body);
        assert!(page.has("sign-in") && page.body.contains(kind.title()), "{kind}: {}", page.body);
        let page = scene.sign_in(&page);
        let back = scene.consent(&page, "allow");
        assert_eq!(back.parameter("state").as_deref(), Some("s"), "{kind}");
        let (status, answer) = scene.spend(&back.parameter("code").unwrap(), &[], NOW);
        assert_eq!(status, StatusCode::OK, "{kind}: {answer}");
        assert_eq!(answer["refresh_token"].is_string(), kind != Kind::ApiV1, "{kind}");

        let token = answer["access_token"].as_str().unwrap();
        let manner = kind.manner();
        let opaque = manner.access_token == AccessToken::Opaque;
        assert_eq!(token.contains('.'), !opaque, "{kind}");
        if manner.userinfo.is_some() {
            let (status, body) = scene.me(token, NOW);
            assert_eq!(status, StatusCode::OK, "{kind}: {body}");
            let me: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(me[manner.person_id], scene.provider.options.account.id, "{kind}");
            assert_eq!(me["email"], "demo@example.com", "{kind}");
            let late = NOW + scene.provider.options.access_token_life;
            assert_eq!(scene.me(token, late).0, StatusCode::UNAUTHORIZED, "{kind}");
        }
        assert!(scene.authorize("").parameter("code").is_some(), "{kind}: not asked again");
    }
}

#[test]
fn every_kind_tells_the_client_that_the_person_denied() {
    for kind in Kind::ALL {
        let mut scene = Scene::playing(kind);
        let page = scene.authorize("");
        let page = scene.sign_in(&page);
        let back = scene.consent(&page, "deny");
        assert_eq!(back.parameter("error").as_deref(), Some("access_denied"), "{kind}");
        assert_eq!(back.parameter("state").as_deref(), Some("s"), "{kind}");
        let back = scene.ask(&format!("redirect_uri={CALLBACK}&scope=root&state=s"), NOW);
        assert_eq!(back.parameter("error").as_deref(), Some("invalid_scope"), "{kind}");
    }
}

#[test]
fn a_code_lives_as_long_as_its_kind_says() {
    for (kind, seconds) in [
        (Kind::Askara, 60),
        (Kind::ApiV1, 600),
        (Kind::Simplified, 600),
        (Kind::Pockets, 600),
        (Kind::Oidc, 60),
    ] {
        let mut scene = Scene::playing(kind);
        for (age, expected) in [(seconds - 1, Value::Null), (seconds, json!("invalid_grant"))] {
            let code = scene.code("");
            let (_, answer) = scene.spend(&code, &[], NOW + Duration::from_secs(age));
            assert_eq!(answer["error"], expected, "{kind} after {age} s");
        }
    }
}

#[test]
fn a_challenge_wants_its_verifier_and_a_verifier_its_challenge() {
    for kind in Kind::ALL {
        let mut scene = Scene::playing(kind);
        for (more, verifier, expected) in [
            (&*challenge(), &[("code_verifier", VERIFIER)][..], Value::Null),
            (&*challenge(), &[("code_verifier", "other")], json!("invalid_grant")),
            (&*challenge(), &[], json!("invalid_request")),
            ("", &[("code_verifier", VERIFIER)], json!("invalid_grant")),
        ] {
            let code = scene.code(more);
            let (_, answer) = scene.spend(&code, verifier, NOW);
            assert_eq!(answer["error"], expected, "{kind} {verifier:?}: {answer}");
        }
    }
}

#[test]
fn a_second_use_is_refused_and_ends_what_came_of_the_first_except_at_askara() {
    for kind in [Kind::Askara, Kind::Simplified, Kind::Pockets, Kind::Oidc] {
        let mut scene = Scene::playing(kind);
        for again in ["code", "refresh token"] {
            let code = scene.code("");
            let (_, first) = scene.spend(&code, &[], NOW);
            let (status, second) = scene.refresh(&first["refresh_token"], &[]);
            assert_eq!(status, StatusCode::OK, "{kind}: {second}");
            assert_ne!(first["refresh_token"], second["refresh_token"], "{kind}");

            let (status, replayed) = match again {
                "code" => scene.spend(&code, &[], NOW),
                _ => scene.refresh(&first["refresh_token"], &[]),
            };
            assert_eq!(status, StatusCode::BAD_REQUEST, "{kind} {again}");
            assert_eq!(replayed["error"], "invalid_grant", "{kind} {again}");
            let (status, _) = scene.me(second["access_token"].as_str().unwrap(), NOW);
            assert_eq!(status == StatusCode::OK, kind == Kind::Askara, "{kind} {again}");
            let (status, _) = scene.refresh(&second["refresh_token"], &[]);
            assert_eq!(status == StatusCode::OK, kind == Kind::Askara, "{kind} {again}");
        }
    }
}

#[test]
fn api_v1_renews_only_where_that_was_chosen() {
    let (id, secret) = ("client".to_owned(), SECRET.to_owned());
    let mut options = Options::new(Kind::ApiV1, id, secret, vec![CALLBACK.to_owned()]);
    options.refresh_tokens = true;
    let mut scene = Scene { provider: StandIn::new(options).unwrap(), cookie: None };
    let code = scene.code("");
    let (_, answer) = scene.spend(&code, &[], NOW);
    assert_eq!(scene.refresh(&answer["refresh_token"], &[]).0, StatusCode::OK);
    let mut scene = Scene::playing(Kind::ApiV1);
    assert_eq!(scene.refresh(&answer["refresh_token"], &[]).1["error"], "invalid_grant");
}

#[test]
fn a_refresh_may_want_less_and_never_more() {
    let mut scene = Scene::playing(Kind::Simplified);
    let code = scene.code("");
    let (_, answer) = scene.spend(&code, &[], NOW);
    assert_eq!(answer["scope"], "profile photos");
    let (_, answer) = scene.refresh(&answer["refresh_token"], &[("scope", "photos")]);
    assert_eq!(answer["scope"], "photos");
    let (_, answer) = scene.refresh(&answer["refresh_token"], &[]);
    assert_eq!(answer["scope"], "profile photos", "the next may have it all again");
    let (status, answer) = scene.refresh(&answer["refresh_token"], &[("scope", "root")]);
    assert_eq!((status.as_u16(), &answer["error"]), (400, &json!("invalid_scope")));
}

#[test]
fn a_client_proves_itself_in_the_one_way_of_its_kind() {
    let right = basic("client", SECRET);
    let unencoded = format!("Basic {}", STANDARD.encode(format!("client:{SECRET}")));
    let both = [("client_id", "client"), ("client_secret", SECRET)];
    let mut scenes = scenes();
    for (header, fields, by_body, by_basic) in [
        (&*right, &[][..], "invalid_client", ""),
        ("", &both, "", "invalid_client"),
        (&*right, &both, "invalid_client", "invalid_client"),
        (&*right, &[("client_id", "client")], "invalid_client", ""),
        (&*right, &[("client_id", "other")], "invalid_client", "invalid_client"),
        (&*basic("client", "guess"), &[], "invalid_client", "invalid_client"),
        (&*basic("other", SECRET), &[], "invalid_client", "invalid_client"),
        (&*unencoded, &[], "invalid_client", "invalid_client"),
        ("Basic nonsense", &[], "invalid_client", "invalid_client"),
        ("Bearer token", &[], "invalid_client", "invalid_client"),
        ("", &[("client_id", "client")], "invalid_client", "invalid_client"),
        ("", &[("client_id", "other"), both[1]], "invalid_client", "invalid_client"),
        ("", &[], "invalid_request", "invalid_client"),
    ] {
        for kind in [Kind::ApiV1, Kind::Simplified, Kind::Pockets, Kind::Oidc] {
            let scene = of(&mut scenes, kind);
            let is_basic = kind.manner().client_auth == ClientAuth::Basic;
            let expected = if is_basic { by_basic } else { by_body };
            let seen = post(scene, header, fields, FORM);
            let answer: Value = serde_json::from_str(&seen.body).unwrap();
            let case = format!("{kind} {header} {fields:?}: {answer}");
            assert_eq!(answer["error"].as_str().unwrap_or_default(), expected, "{case}");
            let unauthorized = seen.status == StatusCode::UNAUTHORIZED;
            assert_eq!(unauthorized, expected == "invalid_client", "{case}");
            let challenged = seen.challenge.starts_with("Basic realm=");
            assert_eq!(challenged, unauthorized && is_basic, "{case}");
        }
    }
}

#[test]
fn a_token_call_that_is_no_form_is_refused() {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.manner().token_body == TokenBody::Form) {
        let proof = [("client_id", "client"), ("client_secret", SECRET)];
        let (header, fields) = match kind.manner().client_auth {
            ClientAuth::Basic => (basic("client", SECRET), &[][..]),
            ClientAuth::Body => (String::new(), &proof[..]),
        };
        let mut scene = Scene::playing(kind);
        for (content_type, expected) in [
            ("application/json", 400),
            ("text/plain", 400),
            ("", 400),
            ("Application/X-WWW-Form-Urlencoded; charset=utf-8", 200),
        ] {
            let seen = post(&mut scene, &header, fields, content_type);
            assert_eq!(seen.status.as_u16(), expected, "{kind} {content_type}: {}", seen.body);
            let refused = seen.body.contains("invalid_request") && !seen.body.contains("hint");
            assert_eq!(refused, expected == 400, "{kind} {content_type}");
        }
        for (body, error) in [
            ("", "invalid_request"),
            ("code=a&code=b", "invalid_request"),
            ("grant_type=password", "unsupported_grant_type"),
        ] {
            let seen = scene.send("POST", kind.manner().token, FORM, body, NOW);
            assert!(seen.body.contains(error), "{kind} {body}: {}", seen.body);
        }
    }
}

#[test]
fn a_redirect_address_is_named_where_the_kind_wants_it() {
    let named = format!("redirect_uri={CALLBACK}");
    let registered = [("redirect_uri", CALLBACK)];
    let evil = [("redirect_uri", "http://evil.test/")];
    let mut scenes = scenes();
    for (kind, first, then, expected) in [
        (Kind::ApiV1, &*named, &registered[..], ""),
        (Kind::ApiV1, &*named, &[], "invalid_request"),
        (Kind::ApiV1, &*named, &evil, "invalid_grant"),
        (Kind::ApiV1, "", &[], "not registered"),
        (Kind::Simplified, &*named, &registered, ""),
        (Kind::Simplified, &*named, &[], "invalid_request"),
        (Kind::Simplified, &*named, &evil, "invalid_grant"),
        (Kind::Simplified, "", &[], ""),
        (Kind::Simplified, "", &evil, "invalid_grant"),
        (Kind::Simplified, "redirect_uri=http://evil.test/", &[], "not registered"),
        (Kind::Pockets, &*named, &[], ""),
        (Kind::Pockets, &*named, &evil, ""),
        (Kind::Pockets, "", &[], "not registered"),
        (Kind::Oidc, &*named, &[], "invalid_request"),
        (Kind::Oidc, "", &[], "not registered"),
    ] {
        let scene = of(&mut scenes, kind);
        let seen = scene.ask(&format!("{first}&state=s"), NOW);
        let seen = scene.allowed(seen);
        let said = match seen.parameter("code") {
            Some(code) => {
                let call = [&[("grant_type", "authorization_code"), ("code", &*code)], then];
                let (_, answer) = scene.call(&call.concat(), NOW);
                answer["error"].as_str().unwrap_or_default().to_owned()
            }
            None => seen.body,
        };
        let matches = if expected.is_empty() { said.is_empty() } else { said.contains(expected) };
        assert!(matches, "{kind} {first} {then:?}: {said}");
    }
}

#[test]
fn a_path_takes_the_methods_of_its_kind() {
    let mut scenes = scenes();
    for (kind, method, path, expected) in [
        (Kind::Askara, "POST", "/authorize", 405),
        (Kind::Askara, "GET", "/.well-known/openid-configuration", 404),
        (Kind::Askara, "POST", "/revoke", 404),
        (Kind::ApiV1, "POST", "/oauth/authorize", 405),
        (Kind::ApiV1, "GET", "/oauth/token", 405),
        (Kind::ApiV1, "GET", "/oauth/userinfo", 404),
        (Kind::ApiV1, "GET", "/authorize", 404),
        (Kind::Simplified, "POST", "/oauth/authorize", 405),
        (Kind::Simplified, "POST", "/oauth/userinfo", 405),
        (Kind::Simplified, "GET", "/oauth/authorize/style.css", 200),
        (Kind::Pockets, "GET", "/api/oauth2/authorize", 405),
        (Kind::Pockets, "HEAD", "/api/oauth2/authorize", 405),
        (Kind::Pockets, "GET", "/api/oauth2/token", 405),
        (Kind::Pockets, "GET", "/api/oauth2/authorize/consent", 405),
        (Kind::Pockets, "GET", "/api/me", 401),
        (Kind::Oidc, "GET", "/.well-known/openid-configuration", 200),
        (Kind::Oidc, "POST", "/jwks", 405),
        (Kind::Oidc, "GET", "/revoke", 405),
        (Kind::Oidc, "POST", "/userinfo", 401),
        (Kind::Oidc, "GET", "/authorize", 400),
        (Kind::Oidc, "POST", "/authorize", 400),
    ] {
        let seen = of(&mut scenes, kind).send(method, path, FORM, "", NOW);
        assert_eq!(seen.status.as_u16(), expected, "{kind} {method} {path}");
    }
    for kind in Kind::ALL {
        let seen = of(&mut scenes, kind).send("GET", "/", "", "", NOW);
        assert!(seen.body.contains(kind.title()), "{kind}: {}", seen.body);
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    assert!("Askara".parse::<Kind>().is_err());
}

#[test]
fn a_posted_authorization_request_is_a_form_and_its_query_counts_for_nothing() {
    let request = format!("response_type=code&client_id=client&redirect_uri={CALLBACK}");
    for kind in [Kind::Pockets, Kind::Oidc] {
        let mut scene = Scene::playing(kind);
        let path = kind.manner().authorize.path;
        for (path, content_type, body, expected) in [
            (path.to_owned(), FORM, &*request, 200),
            (path.to_owned(), "application/json", &*request, 400),
            (format!("{path}?{request}"), FORM, "", 400),
        ] {
            let seen = scene.send("POST", &path, content_type, body, NOW);
            assert_eq!(seen.status.as_u16(), expected, "{kind} {path} {content_type}");
        }
    }
}

/// One scene of every kind: making a key takes its time.
fn scenes() -> [Scene; 5] {
    Kind::ALL.map(Scene::playing)
}

fn of(scenes: &mut [Scene], kind: Kind) -> &mut Scene {
    scenes.iter_mut().find(|scene| scene.provider.options.kind == kind).unwrap()
}

/// Spends a new code with this `Authorization` header, these fields and this content type.
fn post(scene: &mut Scene, header: &str, fields: &[(&str, &str)], content_type: &str) -> Seen {
    let code = scene.code("");
    let mut all = BTreeMap::from([
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ]);
    all.extend(fields.iter().copied());
    let mut headers = vec![("content-type", content_type)];
    if !header.is_empty() {
        headers.push(("authorization", header));
    }
    let path = scene.provider.manner.token;
    scene.send_with("POST", path, &headers, &form(&all), NOW)
}
