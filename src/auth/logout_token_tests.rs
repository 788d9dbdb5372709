use super::*;
use crate::auth::jwt::testing::{ED25519, P256, RSA, RSA_2, key_set, merged, segment};
use serde_json::{Value, json};

const NOW: u64 = 1_000_000;
const EXPECTED: Expected<'static> = Expected {
    issuer: "https://id.example",
    client_id: "gate",
    algorithms: &[Algorithm::RS256, Algorithm::ES256],
};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

/// The claims of a sound token, with others over them; a null takes one away.
fn claims(over: Value) -> Value {
    let sound = json!({
        "iss": "https://id.example", "aud": "gate", "sub": "42", "iat": NOW, "exp": NOW + 120,
        "jti": "j-1", "events": { EVENT: {} },
    });
    merged(sound, over)
}

fn keys() -> KeySet {
    key_set(&[RSA.jwk(json!({"kid": "rsa"})), P256.jwk(json!({"kid": "ec"}))])
}

fn read(token: &str, now: u64) -> Result<LogoutToken, BadLogoutToken> {
    judge(&Jwt::parse(token)?, &keys(), &EXPECTED, at(now))
}

fn judged(header: Value, claims: &Value) -> Result<LogoutToken, BadLogoutToken> {
    let header = merged(json!({"kid": "ec", "typ": "logout+jwt"}), header);
    read(&P256.token(header, claims), NOW)
}

fn wrong(over: Value) -> Option<BadLogoutToken> {
    judged(json!({}), &claims(over)).err()
}

fn unfit(name: &'static str) -> Option<BadLogoutToken> {
    Some(BadClaim::Unfit(name).into())
}

fn missing(name: &'static str) -> Option<BadLogoutToken> {
    Some(BadClaim::Missing(name).into())
}

fn mistyped(name: &'static str) -> Option<BadLogoutToken> {
    Some(BadClaim::Type(name).into())
}

#[test]
fn s34_a_token_names_a_session_or_a_person_and_of_both_the_session_counts() {
    let of = |over| judged(json!({}), &claims(over)).unwrap();
    let (session, person) = (
        Whom::ProviderSession { provider: String::from("oidc"), sid: String::from("s-1") },
        Whom::Subject { provider: String::from("oidc"), subject: String::from("42") },
    );
    for (over, whom) in [
        (json!({}), person),
        (json!({"sid": "s-1", "sub": null}), session.clone()),
        (json!({"sid": "s-1"}), session),
    ] {
        let token = of(over.clone());
        assert_eq!(token.jti, "j-1", "{over}");
        assert_eq!(token.whose.at("oidc"), whom, "{over}");
    }
}

#[test]
fn s34_every_claim_must_be_there_fit_and_be_of_its_type() {
    // A null here is a claim taken away; what a null in a token is, `claims.rs` tests.
    for (over, judged) in [
        (json!({}), None),
        (json!({"iss": null}), missing("iss")),
        (json!({"iss": "https://id.example/"}), unfit("iss")),
        (json!({"iss": "https://evil.example"}), unfit("iss")),
        (json!({"iss": ["https://id.example"]}), mistyped("iss")),
        (json!({"aud": null}), unfit("aud")),
        (json!({"aud": []}), unfit("aud")),
        (json!({"aud": "other"}), unfit("aud")),
        (json!({"aud": "gate other"}), unfit("aud")),
        (json!({"aud": 7}), mistyped("aud")),
        (json!({"aud": ["gate", 7]}), mistyped("aud")),
        (json!({"aud": ["gate"]}), None),
        (json!({"aud": ["other", "gate"]}), None),
        (json!({"aud": ["other", "gate"], "azp": "other"}), None),
        (json!({"jti": null}), missing("jti")),
        (json!({"jti": ""}), unfit("jti")),
        (json!({"jti": 7}), mistyped("jti")),
        (json!({"sub": null}), missing("sub")),
        (json!({"sub": ""}), unfit("sub")),
        (json!({"sub": "", "sid": "s-1"}), unfit("sub")),
        (json!({"sub": 42}), mistyped("sub")),
        (json!({"sub": 42, "sid": "s-1"}), mistyped("sub")),
        (json!({"sub": "s".repeat(255)}), None),
        (json!({"sub": "s".repeat(256)}), unfit("sub")),
        (json!({"sid": ""}), unfit("sid")),
        (json!({"sid": 7}), mistyped("sid")),
        (json!({"sid": ["s-1"]}), mistyped("sid")),
        (json!({"sid": "s".repeat(255)}), None),
        (json!({"sid": "s".repeat(256)}), unfit("sid")),
        (json!({"anything": {"else": ["is", "ignored"]}}), None),
    ] {
        assert_eq!(wrong(over.clone()), judged, "{over}");
    }
    for name in ["iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"] {
        let mut claims = claims(json!({}));
        claims[name] = Value::Null;
        assert_eq!(judged(json!({}), &claims).err(), mistyped(name), "{name}");
    }
}

#[test]
fn s34_a_token_is_of_this_time() {
    let expired = || Some(BadClaim::Expired.into());
    let ahead = |name| Some(BadClaim::Ahead(name).into());
    for (over, judged) in [
        (json!({"iat": null}), missing("iat")),
        (json!({"iat": "1000000"}), mistyped("iat")),
        (json!({"iat": -1}), mistyped("iat")),
        (json!({"iat": NOW + 60}), None),
        (json!({"iat": NOW + 61}), ahead("iat")),
        (json!({"iat": NOW - 360}), None),
        (json!({"iat": NOW - 361}), Some(BadLogoutToken::TooOld)),
        (json!({"iat": NOW - 361, "exp": null}), Some(BadLogoutToken::TooOld)),
        (json!({"iat": NOW - 86_400, "exp": NOW + 86_400}), Some(BadLogoutToken::TooOld)),
        (json!({"exp": null}), None),
        (json!({"exp": NOW - 59}), None),
        (json!({"exp": NOW - 60}), expired()),
        (json!({"exp": "never"}), mistyped("exp")),
        (json!({"exp": -1}), mistyped("exp")),
        (json!({"nbf": NOW + 60}), None),
        (json!({"nbf": NOW + 61}), ahead("nbf")),
        (json!({"nbf": "0"}), mistyped("nbf")),
    ] {
        assert_eq!(wrong(over.clone()), judged, "{over}");
    }
}

#[test]
fn s34_what_was_used_is_remembered_until_no_clock_would_take_it() {
    let sound = |iat| P256.token(json!({"kid": "ec"}), &claims(json!({"iat": iat, "exp": null})));
    // The first replica's clock is behind the provider's, the second one's behind the first's.
    let earliest = sound(NOW + CLOCK_SKEW.as_secs());
    assert!(read(&earliest, NOW).is_ok());
    let forgotten = NOW + REMEMBERED.as_secs() - CLOCK_SKEW.as_secs();
    assert!(read(&earliest, forgotten).is_ok(), "the very last moment");
    assert_eq!(read(&earliest, forgotten + 1).unwrap_err(), BadLogoutToken::TooOld);
}

#[test]
fn s34_the_event_is_told_as_an_object_in_an_object() {
    for (events, judged) in [
        (json!({EVENT: {}}), None),
        (json!({EVENT: {"more": 1}}), None),
        (json!({EVENT: {}, "urn:other": 7}), None),
        (json!({}), unfit("events")),
        (json!({"urn:other": {}}), unfit("events")),
        (json!({EVENT.to_uppercase(): {}}), unfit("events")),
        (json!({EVENT: true}), mistyped("events")),
        (json!({EVENT: null}), mistyped("events")),
        (json!({EVENT: []}), mistyped("events")),
        (json!({EVENT: ""}), mistyped("events")),
        (json!([EVENT]), mistyped("events")),
        (json!(EVENT), mistyped("events")),
        (json!(7), mistyped("events")),
    ] {
        let mut claims = claims(json!({}));
        claims["events"] = events.clone();
        assert_eq!(judged_err(&claims), judged, "{events}");
    }
    assert_eq!(wrong(json!({"events": null})), missing("events"));
}

fn judged_err(claims: &Value) -> Option<BadLogoutToken> {
    judged(json!({}), claims).err()
}

#[test]
fn s34_a_nonce_in_any_form_is_a_refusal() {
    for nonce in [json!("n-1"), json!(""), json!(7), json!(null), json!({}), json!([])] {
        let mut claims = claims(json!({}));
        claims["nonce"] = nonce.clone();
        assert_eq!(judged_err(&claims), Some(BadLogoutToken::Nonce), "{nonce}");
    }
}

#[test]
fn c88_another_kind_of_token_is_no_logout_token() {
    let kind = Some(BadLogoutToken::Kind);
    for (header, over, judged_as) in [
        (json!({"typ": null}), json!({}), None),
        (json!({"typ": "JWT"}), json!({}), None),
        (json!({"typ": "application/logout+jwt"}), json!({}), None),
        (json!({}), json!({"typ": "Logout"}), None),
        (json!({"typ": "at+jwt"}), json!({}), kind),
        (json!({"typ": "secevent+jwt"}), json!({}), kind),
        (json!({"typ": ""}), json!({}), kind),
        (json!({"typ": "ID"}), json!({}), kind),
        (json!({}), json!({"typ": "Bearer"}), kind),
        (json!({}), json!({"typ": "ID"}), kind),
        (json!({}), json!({"typ": "Refresh"}), kind),
        (json!({}), json!({"token_use": "id"}), kind),
        (json!({}), json!({"token_use": "access"}), kind),
        (json!({}), json!({"at_hash": "x"}), kind),
        (json!({}), json!({"c_hash": "x"}), kind),
        (json!({"typ": "JWT"}), json!({"events": null}), missing("events")),
    ] {
        let read = judged(header.clone(), &claims(over.clone())).err();
        assert_eq!(read, judged_as, "{header} {over}");
    }
}

#[test]
fn c82_and_c83_only_the_providers_own_signature_counts() {
    use BadJwt::{Algorithm, Segments, Signature, UnknownKey};
    let claims = claims(json!({}));
    let none = format!("{}.{}.", segment(r#"{"alg":"none"}"#), segment(&claims.to_string()));
    let hmac = format!("{}.{}.AA", segment(r#"{"alg":"HS256"}"#), segment(&claims.to_string()));
    let sound = P256.token(json!({"kid": "ec"}), &claims);
    let cut = &sound[..sound.rfind('.').unwrap() + 21];
    for (token, bad) in [
        (none, Segments),
        (none_with_signature(&claims), Algorithm),
        (hmac, Algorithm),
        (RSA_2.token(json!({"kid": "rsa"}), &claims), Signature),
        (RSA_2.token(json!({"kid": "newer"}), &claims), UnknownKey),
        (RSA.token(json!({"kid": "ec"}), &claims), Algorithm),
        (ED25519.token(json!({"kid": "ed"}), &claims), Algorithm),
        (cut.to_owned(), Signature),
        (String::from("a.b"), Segments),
        (String::new(), Segments),
    ] {
        assert_eq!(read(&token, NOW), Err(bad.into()), "{token:.40}");
        assert_eq!(BadLogoutToken::from(bad).wants_newer_keys(), bad == UnknownKey);
    }
    assert!(read(&sound, NOW).is_ok());
    assert!(read(&RSA.token(json!({"kid": "rsa"}), &claims), NOW).is_ok());
}

fn none_with_signature(claims: &Value) -> String {
    format!("{}.{}.AA", segment(r#"{"alg":"none"}"#), segment(&claims.to_string()))
}

#[test]
fn an_id_tokens_sid_is_kept_when_it_is_one() {
    let long = "s".repeat(255);
    for (claims, sid) in [
        (json!({"sid": "s-1"}), Some("s-1")),
        (json!({"sid": long}), Some(long.as_str())),
        (json!({"sid": "s".repeat(256)}), None),
        (json!({"sid": ""}), None),
        (json!({"sid": 7}), None),
        (json!({"sid": null}), None),
        (json!({}), None),
    ] {
        assert_eq!(sid_of(&claims), sid, "{claims}");
    }
}

#[test]
fn the_provider_is_told_what_was_wrong_in_words_that_an_error_may_have() {
    for (bad, said) in [
        (BadJwt::Signature.into(), "the token's signature does not fit"),
        (BadClaim::Unfit("aud").into(), "aud is not the one asked for"),
        (BadLogoutToken::Kind, "the token is no logout token"),
        (BadLogoutToken::Nonce, "the token has a nonce"),
        (BadLogoutToken::TooOld, "the token was issued too long ago"),
    ] {
        let told = BadLogoutToken::to_string(&bad);
        assert_eq!(told, said);
        // RFC 6749 5.2.
        assert!(told.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte)));
    }
}
