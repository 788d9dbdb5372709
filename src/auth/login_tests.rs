use super::*;
use crate::auth::provider::testing::provider;
use crate::auth::testing::Counting;

const LIFETIMES: Lifetimes =
    Lifetimes { idle: Duration::from_secs(100), absolute: Duration::from_secs(1000) };

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn begin() -> Begun {
    let redirect_uri = String::from("https://app.example.com/oauth2/callback");
    AwaitCallback::begin(&provider(), redirect_uri, "/deep?a=1", at(1000), &mut Counting(1))
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?').unwrap().1;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn callback(begun: &Begun, rest: &str) -> Callback {
    let state = parameter(&begun.authorize_url, "state").unwrap();
    Callback::parse(&format!("state={state}&{rest}")).unwrap()
}

#[test]
fn s1_the_authorization_request_says_everything_once() {
    let url = begin().authorize_url;
    assert!(url.starts_with("http://127.0.0.1:1/authorize?tenant=1&response_type=code&client_id="));
    assert!(url.contains("&scope=profile%20organization&"));
    let state = parameter(&url, "state").unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(&state).unwrap().len(), 32);
    assert_eq!(parameter(&url, "code_challenge_method").unwrap(), "S256");
}

#[test]
fn s8_the_verifier_answers_the_challenge_and_stays_out_of_the_url() {
    let begun = begin();
    let challenge = parameter(&begun.authorize_url, "code_challenge").unwrap();
    let url = begun.authorize_url.clone();
    let callback = callback(&begun, "code=c0de");
    let request =
        begun.attempt.accept(callback, &provider(), at(1001)).ok().unwrap().request(&provider());
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let verifier = body["code_verifier"].as_str().unwrap();
    assert_eq!(verifier.len(), 43);
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), challenge);
    assert!(!url.contains(verifier));
    assert_eq!(body["code"], "c0de");
    assert_eq!(body["redirect_uri"], "https://app.example.com/oauth2/callback");
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
    let other = Provider { name: String::from("other"), ..provider() };
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
fn c20_and_c22_a_callback_is_well_formed_or_none() {
    let long = format!("state=a&code={}", "x".repeat(MAX_CODE + 1));
    for (query, bad) in [
        ("", BadCallback::Missing),
        ("code=x", BadCallback::Missing),
        ("state=&code=x", BadCallback::Missing),
        ("state=a", BadCallback::Missing),
        ("state=a&state=b&code=x", BadCallback::Duplicate),
        ("state=a&code=x&code=y", BadCallback::Duplicate),
        ("state=a&code=x&iss=p&iss=q", BadCallback::Duplicate),
        ("state=a&error=x&error=y", BadCallback::Duplicate),
        ("state=a&code=x&error=y", BadCallback::Contradiction),
        ("state=a&code=", BadCallback::Malformed),
        ("state=a&code=%00", BadCallback::Malformed),
        ("state=a&code=x%0d%0a", BadCallback::Malformed),
        (&long, BadCallback::Malformed),
    ] {
        assert_eq!(Callback::parse(query).err(), Some(bad), "{query:.60}");
    }
    assert!(Callback::parse("state=a&code=x&session_state=y&z&z").is_ok());
}

#[test]
fn a_session_begins_with_what_the_provider_told() {
    let begun = begin();
    let callback = callback(&begun, "code=x");
    let body = r#"{"access_token":"e30.eyJzdWIiOiJ0In0.AA","token_type":"Bearer","expires_in":60}"#;
    let ok = |body: &'static str| Response::new(Bytes::from_static(body.as_bytes()));
    let waiting = begun.attempt.accept(callback, &provider(), at(1001)).ok().unwrap();
    let waiting = waiting.accept(&ok(body), at(1002)).ok().unwrap();
    let request = waiting.request(&provider()).unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer e30.eyJzdWIiOiJ0In0.AA");
    let me = ok(r#"{"id":42}"#);
    let (session, return_to) =
        waiting.accept(Some(&me), &provider(), LIFETIMES, at(1003), &mut Counting(5)).unwrap();
    assert_eq!((session.identity.user.as_str(), return_to.as_str()), ("42", "/deep?a=1"));
    assert_eq!((session.tokens.expires, session.ends), (at(1062), at(2003)));
}

#[test]
fn c102_a_person_that_cannot_be_described_is_not_let_in() {
    let me = |status: u16, body: &'static str| {
        Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap()
    };
    for (answer, error) in [
        (me(500, ""), LoginError::Userinfo(UserinfoFailure::Status(500))),
        (me(200, "[]"), LoginError::Userinfo(UserinfoFailure::NotAnObject)),
        (me(200, "{}"), LoginError::NoUser),
    ] {
        let tokens = Response::new(Bytes::from_static(
            br#"{"access_token":"opaque","token_type":"Bearer","expires_in":60}"#,
        ));
        let begun = begin();
        let callback = callback(&begun, "code=x");
        let waiting = begun.attempt.accept(callback, &provider(), at(1001)).ok().unwrap();
        let waiting = waiting.accept(&tokens, at(1002)).ok().unwrap();
        let ended =
            waiting.accept(Some(&answer), &provider(), LIFETIMES, at(1003), &mut Counting(5));
        assert_eq!(ended.err(), Some(error));
    }
}
