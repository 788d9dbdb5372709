use super::*;
use crate::auth::jwt::Jwt;
use crate::auth::jwt::testing::{ED25519, P256, P384, RSA, RSA_2, key_set, segment};
use serde_json::json;

const EVERY: &[Algorithm] =
    &[Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

fn verdict(token: &str, keys: &KeySet) -> Result<(), BadJwt> {
    keys.verify(&Jwt::parse(token).unwrap(), EVERY).map(drop)
}

fn claims() -> Value {
    json!({"sub": "42"})
}

#[test]
fn c86_a_key_counts_for_as_long_as_it_is_published() {
    let (old, new) = (RSA.jwk(json!({"kid": "1"})), RSA_2.jwk(json!({"kid": "2"})));
    let of_old = RSA.token(json!({"kid": "1"}), &claims());
    let of_new = RSA_2.token(json!({"kid": "2"}), &claims());
    for (keys, old_counts, new_counts) in [
        (vec![old.clone()], Ok(()), Err(BadJwt::UnknownKey)),
        (vec![old, new.clone()], Ok(()), Ok(())),
        (vec![new], Err(BadJwt::UnknownKey), Ok(())),
        (vec![], Err(BadJwt::UnknownKey), Err(BadJwt::UnknownKey)),
    ] {
        let keys = key_set(&keys);
        assert_eq!((verdict(&of_old, &keys), verdict(&of_new, &keys)), (old_counts, new_counts));
    }
}

#[test]
fn c86_a_provider_without_kids_may_change_its_key_too() {
    let token = RSA_2.token(json!({}), &claims());
    for (keys, judged) in [
        (vec![RSA.jwk(json!({}))], Err(BadJwt::UnknownKey)),
        (vec![RSA_2.jwk(json!({}))], Ok(())),
        (vec![RSA_2.jwk(json!({"kid": "1"}))], Ok(())),
        (vec![P256.jwk(json!({})), RSA_2.jwk(json!({}))], Ok(())),
        (vec![P256.jwk(json!({}))], Err(BadJwt::UnknownKey)),
        (vec![RSA_2.jwk(json!({"alg": "PS256"}))], Err(BadJwt::UnknownKey)),
        (vec![RSA.jwk(json!({})), RSA_2.jwk(json!({}))], Err(BadJwt::AmbiguousKey)),
        (
            vec![RSA.jwk(json!({"kid": "1"})), RSA_2.jwk(json!({"kid": "2"}))],
            Err(BadJwt::AmbiguousKey),
        ),
        (vec![RSA.jwk(json!({"alg": "PS256"})), RSA_2.jwk(json!({}))], Ok(())),
    ] {
        assert_eq!(verdict(&token, &key_set(&keys)), judged, "{keys:?}");
    }
}

#[test]
fn of_several_keys_with_one_name_each_that_fits_is_tried() {
    let same = json!({"kid": "same"});
    let keys = key_set(&[
        P256.jwk(same.clone()),
        RSA.jwk(same.clone()),
        RSA_2.jwk(same.clone()),
        ED25519.jwk(same.clone()),
    ]);
    for signer in [&RSA, &RSA_2, &P256, &ED25519] {
        assert_eq!(verdict(&signer.token(same.clone(), &claims()), &keys), Ok(()));
    }
    // No key of that name is on this curve.
    assert_eq!(verdict(&P384.token(same, &claims()), &keys), Err(BadJwt::Algorithm));
    // A key without a name is nobody's who is named.
    let nameless = key_set(&[RSA.jwk(json!({}))]);
    let named = RSA.token(json!({"kid": "same"}), &claims());
    assert_eq!(verdict(&named, &nameless), Err(BadJwt::UnknownKey));
}

/// Reads a set of this key and a sound one: what is not understood does no harm beside it.
fn is_taken(jwk: &Value) -> bool {
    key_set(&[jwk.clone(), P384.jwk(json!({"kid": "beside"}))]).len() == 2
}

fn number(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn only_rsa_keys_that_are_sound_and_for_signatures_are_taken() {
    let modulus = |bits: usize| {
        let mut bytes = vec![0xa5; bits.div_ceil(8)];
        bytes[0] = 0xff >> ((8 - bits % 8) % 8);
        number(&bytes)
    };
    for (taken, jwk) in [
        (true, RSA.jwk(json!({}))),
        (true, RSA.jwk(json!({"use": "sig", "key_ops": ["sign", "verify"], "alg": "PS512"}))),
        (true, RSA.jwk(json!({"kid": "", "x5c": ["x"], "unknown": {}}))),
        (false, RSA.jwk(json!({"use": "enc"}))),
        (false, RSA.jwk(json!({"use": 7}))),
        (false, RSA.jwk(json!({"use": "sig", "key_ops": ["encrypt"]}))),
        (false, RSA.jwk(json!({"key_ops": "verify"}))),
        (false, RSA.jwk(json!({"key_ops": []}))),
        (false, RSA.jwk(json!({"alg": "RSA-OAEP"}))),
        (false, RSA.jwk(json!({"alg": "HS256"}))),
        (false, RSA.jwk(json!({"alg": "none"}))),
        (false, RSA.jwk(json!({"alg": "ES256"}))),
        (false, RSA.jwk(json!({"alg": 7}))),
        (false, RSA.jwk(json!({"kid": 7}))),
        (false, RSA.jwk(json!({"kid": "k".repeat(257)}))),
        (false, RSA.jwk(json!({"d": "AQAB"}))),
        (false, RSA.jwk(json!({"kty": "rsa"}))),
        (false, RSA.jwk(json!({"n": null}))),
        (false, RSA.jwk(json!({"n": ""}))),
        (false, RSA.jwk(json!({"n": "a b"}))),
        (true, RSA.jwk(json!({"n": modulus(2048)}))),
        (false, RSA.jwk(json!({"n": modulus(2047)}))),
        (false, RSA.jwk(json!({"n": modulus(1024)}))),
        (true, RSA.jwk(json!({"n": modulus(8192)}))),
        (false, RSA.jwk(json!({"n": modulus(8193)}))),
        (false, RSA.jwk(json!({"n": number(&[0; 256])}))),
        (true, RSA.jwk(json!({"e": number(&[3])}))),
        (true, RSA.jwk(json!({"e": number(&[0, 1, 0, 1])}))),
        (false, RSA.jwk(json!({"e": number(&[1])}))),
        (false, RSA.jwk(json!({"e": number(&[2])}))),
        (false, RSA.jwk(json!({"e": number(&[1, 0, 0, 0, 1])}))),
        (false, RSA.jwk(json!({"e": number(&[])}))),
    ] {
        assert_eq!(is_taken(&jwk), taken, "{jwk}");
    }
}

#[test]
fn only_curves_that_are_spoken_are_taken_and_no_shared_secrets() {
    let x = P256.jwk(json!({}))["x"].clone();
    for (taken, jwk) in [
        (true, P256.jwk(json!({"alg": "ES256"}))),
        (false, P256.jwk(json!({"d": "AQAB"}))),
        (false, P256.jwk(json!({"alg": "ES384"}))),
        (false, P256.jwk(json!({"crv": "P-384"}))),
        (false, P256.jwk(json!({"crv": "P-521"}))),
        (false, P256.jwk(json!({"crv": "secp256k1"}))),
        (false, P256.jwk(json!({"crv": null}))),
        (false, P256.jwk(json!({"y": null}))),
        (false, P256.jwk(json!({"y": number(&[1; 31])}))),
        (true, P384.jwk(json!({"alg": "ES384"}))),
        (true, ED25519.jwk(json!({"alg": "EdDSA"}))),
        (false, ED25519.jwk(json!({"crv": "Ed448"}))),
        (false, ED25519.jwk(json!({"crv": "X25519"}))),
        (false, ED25519.jwk(json!({"x": number(&[1; 33])}))),
        (false, json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"})),
        (false, json!({"kty": "oct", "k": "c2VjcmV0"})),
        (false, json!({"kty": "AKP", "pub": "AA", "alg": "ML-DSA-44"})),
        (false, json!({"crv": "P-256", "x": x, "y": x})),
        (false, json!({})),
        (false, json!("RSA")),
        (false, json!(null)),
    ] {
        assert_eq!(is_taken(&jwk), taken, "{jwk}");
    }
}

#[test]
fn a_modulus_with_a_sign_byte_is_the_same_key() {
    let n = URL_SAFE_NO_PAD.decode(RSA.jwk(json!({}))["n"].as_str().unwrap()).unwrap();
    let padded = URL_SAFE_NO_PAD.encode([&[0], n.as_slice()].concat());
    let keys = key_set(&[RSA.jwk(json!({"n": padded}))]);
    assert_eq!(verdict(&RSA.token(json!({}), &claims()), &keys), Ok(()));
}

#[test]
fn a_point_that_is_not_on_the_curve_proves_nothing() {
    let off = URL_SAFE_NO_PAD.encode([1; 32]);
    let keys = key_set(&[P256.jwk(json!({"kid": "k", "x": off, "y": off}))]);
    let token = P256.token(json!({"kid": "k"}), &claims());
    assert_eq!(verdict(&token, &keys), Err(BadJwt::Signature));
}

#[test]
fn c87_c92_a_key_set_is_bounded_and_strict() {
    use BadJson::{NotAnObject, NotJson, Twice};
    for (body, wrong) in [
        ("", BadKeySet::Json(NotJson)),
        ("<html>", BadKeySet::Json(NotJson)),
        ("[]", BadKeySet::Json(NotAnObject)),
        (r#"{"keys":[],"keys":[]}"#, BadKeySet::Json(Twice)),
        (r#"{"keys":[{"kid":"a","kid":"b"}]}"#, BadKeySet::Json(Twice)),
        ("{}", BadKeySet::NoKeys),
        (r#"{"keys":{}}"#, BadKeySet::NoKeys),
        (r#"{"keys":null}"#, BadKeySet::NoKeys),
        (r#"{"error":"x"}"#, BadKeySet::NoKeys),
        (&" ".repeat(MAX_KEY_SET + 1), BadKeySet::TooLong),
    ] {
        assert_eq!(KeySet::read(body.as_bytes()).unwrap_err(), wrong, "{body:.40}");
    }
    assert!(KeySet::read(br#"{"keys":[]}"#).unwrap().is_empty());

    let many: Vec<Value> =
        (0..1000).map(|kid| ED25519.jwk(json!({"kid": kid.to_string()}))).collect();
    let keys = key_set(&many);
    assert_eq!(keys.len(), MAX_KEYS);
    assert_eq!(verdict(&ED25519.token(json!({"kid": "99"}), &claims()), &keys), Ok(()));
    let beyond = ED25519.token(json!({"kid": "100"}), &claims());
    assert_eq!(verdict(&beyond, &keys), Err(BadJwt::UnknownKey));
}

#[test]
fn c83_a_symmetric_key_of_the_set_signs_nothing() {
    let secret = "c2VjcmV0";
    let keys = key_set(&[json!({"kty": "oct", "k": secret, "kid": "k", "alg": "RS256"})]);
    let token = format!("{}.{}.AA", segment(r#"{"alg":"RS256","kid":"k"}"#), segment("{}"));
    assert_eq!(verdict(&token, &keys), Err(BadJwt::UnknownKey));
}
