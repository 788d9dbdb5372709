use super::*;
use crate::auth::authorization::{Carried, Wishes};
use crate::auth::provider::OpenId;
use crate::auth::provider::testing::{of, provider, settings};
use crate::auth::testing::Counting;
use serde_json::json;

const LIFETIMES: Lifetimes =
    Lifetimes { idle: Duration::from_secs(100), absolute: Duration::from_secs(1000) };

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn begin() -> Begun {
    begin_at(&provider())
}

fn begin_at(provider: &Provider) -> Begun {
    let redirect_uri = String::from("https://app.example.com/oauth2/callback");
    AwaitCallback::begin(provider, redirect_uri, "/deep?a=1", &Asking::default(), moment(1000))
}

fn moment(seconds: u64) -> Moment<'static> {
    Moment { now: at(seconds), entropy: Box::leak(Box::new(Counting(seconds))) }
}

fn parameter(begun: &Begun, name: &str) -> Option<String> {
    let mut pairs = begun.parameters.pairs();
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

fn callback(begun: &Begun, rest: &str) -> Callback {
    let state = parameter(begun, "state").unwrap();
    Callback::parse(&format!("state={state}&{rest}")).unwrap()
}

fn answer(body: &'static str) -> Response<Bytes> {
    let answer = Response::builder().header("content-type", "application/json");
    answer.body(Bytes::from_static(body.as_bytes())).unwrap()
}

/// An OpenID provider that names itself in callbacks.
fn openid() -> Provider {
    let mut settings = settings();
    settings.issuer = Some(String::from("https://issuer"));
    settings.openid = Some(OpenId {
        issuer: String::from("https://issuer"),
        algorithms: Vec::new(),
        keep_hint: false,
        required_acr: Vec::new(),
        backchannel_logout: false,
        discovers: false,
    });
    let mut provider = of(settings);
    provider.endpoints.tells_issuer = true;
    provider
}

#[test]
fn s1_the_authorization_request_says_everything_once() {
    let begun = begin();
    let state = parameter(&begun, "state").unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(&state).unwrap().len(), 32);
    assert_eq!(parameter(&begun, "code_challenge_method").unwrap(), "S256");
    assert_eq!(parameter(&begun, "nonce"), None);
    let Carried::Address(url) = begun.parameters.carried(&provider()) else { panic!() };
    assert!(url.starts_with("http://127.0.0.1:1/authorize?tenant=1&response_type=code&client_id="));
    assert!(url.contains("&scope=profile%20organization&"));
}

#[test]
fn what_operator_and_link_add_never_replaces_what_the_flow_rests_on() {
    let mut settings = settings();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    settings.authorization.params =
        vec![pair("audience", "api"), pair("prompt", "consent"), pair("state", "fixed")];
    settings.authorization.link_params = vec![crate::auth::provider::LinkParam::Prompt];
    settings.authorization.acr_values = vec![String::from("gold"), String::from("silver")];
    settings.authorization.max_age = Some(Duration::from_secs(3600));
    let provider = of(settings);
    let link = Wishes::read("prompt=login", &provider.settings.authorization.link_params);
    let asking = Asking { link, ..Asking::default() };
    let begun = AwaitCallback::begin(&provider, String::new(), "/", &asking, moment(1));
    for (name, value) in [
        ("audience", "api"),
        ("prompt", "login"),
        ("acr_values", "gold silver"),
        ("max_age", "3600"),
    ] {
        assert_eq!(parameter(&begun, name).unwrap(), value, "{name}");
    }
    assert_eq!(begun.parameters.pairs().filter(|(name, _)| *name == "state").count(), 1);
    assert_ne!(parameter(&begun, "state").unwrap(), "fixed");
}

#[test]
fn s8_the_verifier_answers_the_challenge_and_stays_out_of_the_url() {
    let begun = begin();
    let challenge = parameter(&begun, "code_challenge").unwrap();
    let said: Vec<String> = begun.parameters.pairs().map(|(_, value)| value.to_owned()).collect();
    let callback = callback(&begun, "code=c0de");
    let waiting = begun.attempt.accept(callback, &provider(), at(1001)).ok().unwrap();
    let request = waiting.request(&provider(), moment(1001));
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let verifier = body["code_verifier"].as_str().unwrap();
    assert_eq!(verifier.len(), 43);
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), challenge);
    assert!(!said.iter().any(|value| value == verifier));
    assert_eq!(body["code"], "c0de");
    assert_eq!(body["redirect_uri"], "https://app.example.com/oauth2/callback");
}

#[test]
fn the_redirect_address_is_said_as_the_provider_wants_it() {
    for (in_request, in_call, said) in
        [(true, true, true), (true, false, false), (false, true, false)]
    {
        let mut settings = settings();
        settings.authorization.send_redirect_uri = in_request;
        settings.token.redirect_uri = in_call;
        let provider = of(settings);
        let begun = begin_at(&provider);
        assert_eq!(parameter(&begun, "redirect_uri").is_some(), in_request);
        let callback = callback(&begun, "code=x");
        let waiting = begun.attempt.accept(callback, &provider, at(1001)).ok().unwrap();
        let body = waiting.request(&provider, moment(1001)).into_body();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.get("redirect_uri").is_some(), said, "{in_request} {in_call}");
    }
}

/// A provider whose metadata promises nothing, and whose operator demands it (S17).
fn naming() -> Provider {
    let mut settings = settings();
    settings.issuer = Some(String::from("https://issuer"));
    settings.authorization.requires_issuer = true;
    of(settings)
}

#[test]
fn c17_a_callback_names_the_issuer_that_was_asked() {
    for (provider, rest, error) in [
        (openid(), "code=x&iss=https://issuer", None),
        (openid(), "code=x", Some(LoginError::Issuer)),
        (openid(), "error=access_denied", Some(LoginError::Issuer)),
        (openid(), "code=x&iss=https://issuer/", Some(LoginError::Issuer)),
        (openid(), "code=x&iss=https://evil", Some(LoginError::Issuer)),
        (naming(), "code=x", Some(LoginError::Issuer)),
        (naming(), "code=x&iss=https://issuer", None),
        (provider(), "code=x", None),
        (provider(), "code=x&iss=https://unknown", None),
    ] {
        let begun = begin_at(&provider);
        let callback = callback(&begun, rest);
        assert_eq!(begun.attempt.accept(callback, &provider, at(1001)).err(), error, "{rest}");
    }
}

#[test]
fn s28_an_openid_request_carries_a_nonce_and_wants_an_id_token() {
    let provider = openid();
    let begun = begin_at(&provider);
    assert_eq!(parameter(&begun, "nonce").unwrap().len(), 43);
    let callback = callback(&begun, "code=x&iss=https://issuer");
    let waiting = begun.attempt.accept(callback, &provider, at(1001)).ok().unwrap();
    let tokens = answer(r#"{"access_token":"a","token_type":"Bearer","expires_in":60}"#);
    let ended = waiting.accept(&tokens, &provider, at(1002));
    assert_eq!(ended.err(), Some(LoginError::NoIdToken));
}

#[test]
fn an_attempt_survives_its_cookie_and_its_time_but_no_longer() {
    for (now, error) in [
        (1000, None),
        (1600, None),
        (1601, Some(LoginError::Expired)),
        (941, None),
        (939, Some(LoginError::Expired)),
    ] {
        let begun = begin();
        let callback = callback(&begun, "code=x");
        let attempt = AwaitCallback::from_bytes(&begun.attempt.to_bytes()).unwrap();
        assert_eq!(attempt.accept(callback, &provider(), at(now)).err(), error, "at {now}");
    }
    assert!(AwaitCallback::from_bytes(b"").is_none());
}

#[test]
fn c12_a_callback_of_another_attempt_is_foreign() {
    let other = Callback::parse("state=somebody-else&code=x").unwrap();
    assert_eq!(
        begin().attempt.accept(other, &provider(), at(1001)).err(),
        Some(LoginError::Foreign)
    );
}

#[test]
fn s18_a_code_goes_to_no_other_provider() {
    let mut other = settings();
    other.name = String::from("other");
    let other = of(other);
    let begun = begin();
    let callback = callback(&begun, "code=x");
    assert_eq!(begun.attempt.accept(callback, &other, at(1001)).err(), Some(LoginError::Foreign));
}

#[test]
fn c21_a_denial_ends_the_attempt_with_a_code_and_no_text() {
    for (said, read) in [
        ("access_denied", "access_denied"),
        ("%3Cscript%3E", "unknown_error"),
        ("", "unknown_error"),
    ] {
        let begun = begin();
        let callback = callback(&begun, &format!("error={said}&error_description=%3Cb%3E"));
        let error = begun.attempt.accept(callback, &provider(), at(1001)).err();
        assert_eq!(error, Some(LoginError::Denied(ErrorCode::parse(read))));
    }
}

#[test]
fn a_session_begins_with_what_the_provider_told() {
    let begun = begin();
    let callback = callback(&begun, "code=x");
    let body = r#"{"access_token":"e30.eyJzdWIiOiJ0In0.AA","token_type":"Bearer","expires_in":60}"#;
    let waiting = begun.attempt.accept(callback, &provider(), at(1001)).ok().unwrap();
    let waiting = judged(waiting.accept(&answer(body), &provider(), at(1002)).ok().unwrap());
    let request = waiting.request(&provider()).unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer e30.eyJzdWIiOiJ0In0.AA");
    let me = answer(r#"{"id":42}"#);
    let (session, goal) = waiting.accept(Some(&me), &provider(), LIFETIMES, moment(1003)).unwrap();
    assert_eq!((session.identity.user.as_str(), goal.return_to.as_str()), ("42", "/deep?a=1"));
    assert_eq!((session.tokens.expires, session.ends), (at(1062), at(2003)));
}

#[test]
fn the_providers_name_of_its_session_is_kept_where_it_may_end_ours() {
    for (ends, claims, kept) in [
        (true, json!({"sid": "s-1"}), Some("s-1")),
        (true, json!({}), None),
        (true, json!({"sid": 7}), None),
        (true, json!({"sid": "s".repeat(256)}), None),
        (false, json!({"sid": "s-1"}), None),
    ] {
        let mut provider = openid();
        let mut settings = settings();
        settings.openid = provider.settings.openid.clone();
        settings.openid.as_mut().unwrap().backchannel_logout = ends;
        provider.settings = std::sync::Arc::new(settings);
        let begun = begin_at(&provider);
        let callback = callback(&begun, "code=x&iss=https://issuer");
        let tokens = r#"{"access_token":"a","token_type":"Bearer","expires_in":60,"id_token":"i"}"#;
        let waiting = begun.attempt.accept(callback, &provider, at(1001)).ok().unwrap();
        let waiting = waiting.accept(&answer(tokens), &provider, at(1002)).ok().unwrap();
        let id_token = Some(IdToken {
            subject: String::from("42"),
            auth_time: None,
            acr: None,
            claims: claims.clone(),
        });
        let proven = Proven { id_token, token_claims: None, judged: true };
        let me = answer(r#"{"id":42,"sub":"42"}"#);
        let (session, _) =
            waiting.proven(proven).accept(Some(&me), &provider, LIFETIMES, moment(1003)).unwrap();
        assert_eq!(session.sid.as_deref(), kept, "{ends} {claims:.40}");
        assert_eq!(session.subject.as_deref(), Some("42"));
    }
}

fn judged(waiting: AwaitProof) -> AwaitIdentity {
    let proven = waiting.judge(&provider(), &KeySet::default(), at(1002)).unwrap();
    waiting.proven(proven)
}

#[test]
fn c102_a_person_that_cannot_be_described_is_not_let_in() {
    let me = |status: u16, body: &'static str| {
        Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap()
    };
    for (told, error) in [
        (me(500, ""), LoginError::Userinfo(UserinfoFailure::Status(500))),
        (me(200, "[]"), LoginError::Userinfo(UserinfoFailure::NotAnObject)),
        (me(200, "{}"), LoginError::NoUser),
    ] {
        let tokens = answer(r#"{"access_token":"opaque","token_type":"Bearer","expires_in":60}"#);
        let begun = begin();
        let callback = callback(&begun, "code=x");
        let waiting = begun.attempt.accept(callback, &provider(), at(1001)).ok().unwrap();
        let waiting = judged(waiting.accept(&tokens, &provider(), at(1002)).ok().unwrap());
        let ended = waiting.accept(Some(&told), &provider(), LIFETIMES, moment(1003));
        assert_eq!(ended.err(), Some(error));
    }
}
