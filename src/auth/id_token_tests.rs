use super::*;
use crate::auth::jwt::testing::{ED25519, P384, RSA, RSA_2, key_set, merged};
use crate::secret::Secret;
use serde_json::json;

const NOW: u64 = 1_000_000;
const RS256: &[Algorithm] = &[Algorithm::RS256];

const EXPECTED: Expected<'static> = Expected {
    issuer: "https://id.example",
    client_id: "gate",
    nonce: Some("n-1"),
    access_token: None,
    max_age: None,
    acr: &[],
    algorithms: RS256,
};

const BEFORE: Before<'static> = Before {
    issuer: "https://id.example",
    client_id: "gate",
    subject: "42",
    auth_time: Some(Timestamp::from_unix(NOW - 100)),
};

/// The claims of a sound token, with others over them; a null takes one away.
fn claims(over: Value) -> Value {
    let sound = json!({
        "iss": "https://id.example", "aud": "gate", "sub": "42", "nonce": "n-1",
        "exp": NOW + 300, "iat": NOW,
    });
    merged(sound, over)
}

fn judged(header: Value, claims: &Value, expected: &Expected<'_>) -> Result<IdToken, BadIdToken> {
    let keys = key_set(&[RSA.jwk(json!({"kid": "k"}))]);
    let token = RSA.token(merged(json!({"kid": "k"}), header), claims);
    judge(&Jwt::parse(&token)?, &keys, expected, Timestamp::from_unix(NOW))
}

fn wrong(over: Value, expected: &Expected<'_>) -> Option<BadIdToken> {
    judged(json!({}), &claims(over), expected).err()
}

fn unfit(name: &'static str) -> Option<BadIdToken> {
    Some(BadIdToken::Claim(BadClaim::Unfit(name)))
}

fn missing(name: &'static str) -> Option<BadIdToken> {
    Some(BadIdToken::Claim(BadClaim::Missing(name)))
}

fn mistyped(name: &'static str) -> Option<BadIdToken> {
    Some(BadIdToken::Claim(BadClaim::Type(name)))
}

#[test]
fn a_sound_id_token_says_who_signed_in() {
    let token =
        judged(json!({"typ": "JWT"}), &claims(json!({"auth_time": NOW - 10})), &EXPECTED).unwrap();
    assert_eq!(token.subject, "42");
    assert_eq!(token.auth_time, Some(Timestamp::from_unix(NOW - 10)));
    assert_eq!(token.claims, claims(json!({"auth_time": NOW - 10})));
}

#[test]
fn c85_every_claim_must_fit_and_be_of_its_type() {
    // A null here is a claim taken away; what a null in a token is, `claims.rs` tests.
    for (over, judged) in [
        (json!({}), None),
        (json!({"iss": "https://id.example/"}), unfit("iss")),
        (json!({"iss": "https://ID.example"}), unfit("iss")),
        (json!({"iss": null}), missing("iss")),
        (json!({"iss": ["https://id.example"]}), mistyped("iss")),
        (json!({"aud": ["gate"]}), None),
        (json!({"aud": ["gate", "gate"]}), None),
        (json!({"aud": "other"}), unfit("aud")),
        (json!({"aud": "gate other"}), unfit("aud")),
        (json!({"aud": []}), unfit("aud")),
        (json!({"aud": null}), unfit("aud")),
        (json!({"aud": 7}), mistyped("aud")),
        (json!({"aud": ["gate", 7]}), mistyped("aud")),
        (json!({"aud": ["gate", "other"]}), missing("azp")),
        (json!({"aud": ["gate", "other"], "azp": "gate"}), None),
        (json!({"aud": ["gate", "other"], "azp": "other"}), unfit("azp")),
        (json!({"azp": "gate"}), None),
        (json!({"azp": "other"}), unfit("azp")),
        (json!({"azp": ["gate"]}), mistyped("azp")),
        (json!({"azp": "gate", "aud": "other"}), unfit("aud")),
        (json!({"exp": NOW - 59}), None),
        (json!({"exp": NOW - 60}), Some(BadIdToken::Claim(BadClaim::Expired))),
        (json!({"exp": null}), missing("exp")),
        (json!({"exp": "never"}), mistyped("exp")),
        (json!({"exp": -1}), mistyped("exp")),
        (json!({"iat": null}), missing("iat")),
        (json!({"iat": NOW + 60}), None),
        (json!({"iat": NOW + 61}), Some(BadIdToken::Claim(BadClaim::Ahead("iat")))),
        (json!({"nbf": NOW + 61}), Some(BadIdToken::Claim(BadClaim::Ahead("nbf")))),
        (json!({"sub": null}), missing("sub")),
        (json!({"sub": ""}), unfit("sub")),
        (json!({"sub": 42}), mistyped("sub")),
        (json!({"sub": "s".repeat(255)}), None),
        (json!({"sub": "s".repeat(256)}), unfit("sub")),
    ] {
        assert_eq!(wrong(over.clone(), &EXPECTED), judged, "{over}");
    }
}

#[test]
fn s28_a_nonce_comes_back_as_it_was_sent_or_the_token_is_refused() {
    let none_sent = Expected { nonce: None, ..EXPECTED };
    for (over, expected, judged) in [
        (json!({}), &EXPECTED, None),
        (json!({"nonce": null}), &EXPECTED, missing("nonce")),
        (json!({"nonce": ""}), &EXPECTED, unfit("nonce")),
        (json!({"nonce": "n-2"}), &EXPECTED, unfit("nonce")),
        (json!({"nonce": "n-1 "}), &EXPECTED, unfit("nonce")),
        (json!({"nonce": ["n-1"]}), &EXPECTED, mistyped("nonce")),
        (json!({"nonce": null}), &none_sent, None),
        (json!({}), &none_sent, unfit("nonce")),
    ] {
        assert_eq!(wrong(over.clone(), expected), judged, "{over}");
    }
}

#[test]
fn at_hash_ties_the_access_token_to_the_id_token() {
    // By another program: openssl dgst -binary of the token, cut in half.
    let (sha256, sha384, sha512) = (
        "oFYf1knNtrqnhAVfBRuteQ",
        "SeGOaEgS6QNKbB7vkLM3y8nujeY4Ple3",
        "kyd4-h3ZoV2sH212kLKbcOnCBajStKQ38Ae_bfT-PFI",
    );
    let access = Secret::new(String::from("access"));
    let expected = Expected { access_token: Some(&access), algorithms: &EVERY_HASH, ..EXPECTED };
    let keys = key_set(&[
        RSA.jwk(json!({"kid": "rsa"})),
        P384.jwk(json!({"kid": "p384"})),
        ED25519.jwk(json!({"kid": "ed"})),
    ]);
    for (signer, kid, algorithm, fitting) in [
        (&RSA, "rsa", Algorithm::RS256, sha256),
        (&RSA, "rsa", Algorithm::PS384, sha384),
        (&RSA, "rsa", Algorithm::RS512, sha512),
        (&P384, "p384", Algorithm::ES384, sha384),
        (&ED25519, "ed", Algorithm::EdDSA, sha512),
    ] {
        for (at_hash, judged) in [
            (json!(fitting), None),
            (json!(null), None),
            (json!(fitting.to_lowercase()), unfit("at_hash")),
            (json!(format!("{fitting}==")), unfit("at_hash")),
            (json!(""), unfit("at_hash")),
            (json!(7), mistyped("at_hash")),
        ] {
            let claims = claims(json!({"at_hash": at_hash}));
            let token = signer.token_by(algorithm, json!({"kid": kid}), &claims);
            let now = Timestamp::from_unix(NOW);
            let found = judge(&Jwt::parse(&token).unwrap(), &keys, &expected, now);
            assert_eq!(found.err(), judged, "{algorithm:?} {at_hash}");
        }
        for other in [sha256, sha384, sha512].iter().filter(|other| **other != fitting) {
            let token =
                signer.token_by(algorithm, json!({"kid": kid}), &claims(json!({"at_hash": other})));
            let now = Timestamp::from_unix(NOW);
            let found = judge(&Jwt::parse(&token).unwrap(), &keys, &expected, now);
            assert_eq!(found.err(), unfit("at_hash"));
        }
    }
}

const EVERY_HASH: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::PS384, Algorithm::RS512, Algorithm::ES384, Algorithm::EdDSA];

#[test]
fn s29_what_was_asked_of_the_sign_in_must_have_happened() {
    let hour = Expected { max_age: Some(Duration::from_secs(3600)), ..EXPECTED };
    let at_once = Expected { max_age: Some(Duration::ZERO), ..EXPECTED };
    let longest = Expected { max_age: Some(Duration::MAX), ..EXPECTED };
    let levels = [String::from("gold"), String::from("silver")];
    let level = Expected { acr: &levels, ..EXPECTED };
    for (over, expected, judged) in [
        (json!({}), &hour, missing("auth_time")),
        (json!({"auth_time": NOW - 3660}), &hour, None),
        (json!({"auth_time": NOW - 3661}), &hour, Some(BadIdToken::TooOld)),
        (json!({"auth_time": NOW - 61}), &at_once, Some(BadIdToken::TooOld)),
        (json!({"auth_time": NOW - 60}), &at_once, None),
        (json!({"auth_time": 0}), &longest, None),
        (json!({"auth_time": "now"}), &hour, mistyped("auth_time")),
        (json!({"auth_time": "now"}), &EXPECTED, mistyped("auth_time")),
        (json!({"auth_time": NOW + 60}), &hour, None),
        (
            json!({"auth_time": NOW + 61}),
            &hour,
            Some(BadIdToken::Claim(BadClaim::Ahead("auth_time"))),
        ),
        (json!({"acr": "bronze"}), &EXPECTED, None),
        (json!({"acr": "silver"}), &level, None),
        (json!({"acr": "bronze"}), &level, unfit("acr")),
        (json!({"acr": "gold silver"}), &level, unfit("acr")),
        (json!({"acr": ["gold"]}), &level, mistyped("acr")),
        (json!({}), &level, missing("acr")),
    ] {
        assert_eq!(wrong(over.clone(), expected), judged, "{over}");
    }
}

#[test]
fn c88_no_other_kind_of_token_signs_anybody_in() {
    for (header, over) in [
        (json!({"typ": "at+jwt"}), json!({})),
        (json!({"typ": "application/at+jwt"}), json!({})),
        (json!({"typ": "logout+jwt"}), json!({})),
        (json!({"typ": "secevent+jwt"}), json!({})),
        (json!({}), json!({"events": {}})),
        (json!({}), json!({"typ": "Bearer"})),
        (json!({}), json!({"typ": "Refresh"})),
        (json!({}), json!({"typ": "Logout"})),
        (json!({}), json!({"token_use": "access"})),
    ] {
        let found = judged(header.clone(), &claims(over.clone()), &EXPECTED);
        assert_eq!(found.err(), Some(BadIdToken::Kind), "{header} {over}");
    }
    for over in [json!({"typ": "ID"}), json!({"token_use": "id"})] {
        judged(json!({}), &claims(over), &EXPECTED).unwrap();
    }
}

#[test]
fn the_signature_comes_first_and_an_unknown_key_is_told_apart() {
    let keys = key_set(&[RSA.jwk(json!({"kid": "k"}))]);
    let now = Timestamp::from_unix(NOW);
    for (kid, judged, newer) in
        [("k", BadJwt::Signature, false), ("other", BadJwt::UnknownKey, true)]
    {
        let token = RSA_2.token(json!({"kid": kid}), &claims(json!({"iss": "evil"})));
        let found = judge(&Jwt::parse(&token).unwrap(), &keys, &EXPECTED, now).unwrap_err();
        assert_eq!((found, found.wants_newer_keys()), (BadIdToken::Jwt(judged), newer));
    }
}

#[test]
fn s32_a_renewed_token_speaks_of_the_same_sign_in() {
    let keys = key_set(&[RSA.jwk(json!({"kid": "k"}))]);
    let then = NOW - 100;
    for (over, judged) in [
        (json!({"auth_time": then}), None),
        (json!({"auth_time": then as f64 + 0.5}), None),
        (json!({"auth_time": then, "nonce": null}), None),
        (json!({}), None),
        (json!({"auth_time": then + 1}), unfit("auth_time")),
        (json!({"auth_time": NOW}), unfit("auth_time")),
        (json!({"auth_time": "then"}), mistyped("auth_time")),
        (json!({"sub": "43"}), unfit("sub")),
        (json!({"sub": null}), missing("sub")),
        (json!({"iss": "https://other.example"}), unfit("iss")),
        (json!({"aud": "other"}), unfit("aud")),
        (json!({"azp": "other"}), unfit("azp")),
        (json!({"exp": NOW - 60}), Some(BadIdToken::Claim(BadClaim::Expired))),
        (json!({"iat": null}), missing("iat")),
        (json!({"events": {}}), Some(BadIdToken::Kind)),
    ] {
        let token = RSA.token(json!({"kid": "k"}), &claims(over.clone()));
        let jwt = Jwt::parse(&token).unwrap();
        let found = judge_renewed(&jwt, &keys, &BEFORE, RS256, Timestamp::from_unix(NOW));
        let kept = found.as_ref().ok().map(|token| token.auth_time.map(Timestamp::as_unix));
        assert_eq!(found.err(), judged, "{over}");
        assert_eq!(kept, judged.is_none().then_some(Some(then)), "{over}");
    }
    let unknown = Before { auth_time: None, ..BEFORE };
    let token = RSA.token(json!({"kid": "k"}), &claims(json!({"auth_time": then})));
    let jwt = Jwt::parse(&token).unwrap();
    assert!(judge_renewed(&jwt, &keys, &unknown, RS256, Timestamp::from_unix(NOW)).is_ok());
}
