use super::testing::{ED25519, P256, P384, RSA, RSA_2, key_set, merged, segment};
use super::*;
use crate::auth::jwks::KeySet;
use jsonwebtoken::EncodingKey;
use serde_json::json;

const EVERY: &[Algorithm] = &Algorithm::ALL;
const RS256: &[Algorithm] = &[Algorithm::RS256];

fn verified(token: &str, keys: &KeySet, allowed: &[Algorithm]) -> Result<Claims, BadJwt> {
    keys.verify(&Jwt::parse(token)?, allowed)
}

fn rsa_keys() -> KeySet {
    key_set(&[RSA.jwk(json!({"kid": "k"}))])
}

/// A token that carries the RSA key's signature over this header.
fn under(header: Value) -> String {
    RSA.token(merged(json!({"kid": "k"}), header), &json!({"sub": "42"}))
}

#[test]
fn a_sound_token_of_every_algorithm_gives_its_claims() {
    let keys = key_set(&[
        RSA.jwk(json!({"kid": "rsa", "use": "sig"})),
        P256.jwk(json!({"kid": "p256"})),
        P384.jwk(json!({"kid": "p384"})),
        ED25519.jwk(json!({"kid": "ed"})),
    ]);
    for algorithm in Algorithm::ALL {
        let (signer, kid) = match algorithm {
            Algorithm::ES256 => (&P256, "p256"),
            Algorithm::ES384 => (&P384, "p384"),
            Algorithm::EdDSA => (&ED25519, "ed"),
            _ => (&RSA, "rsa"),
        };
        let token = signer.token_by(algorithm, json!({"kid": kid}), &json!({"sub": "42"}));
        let claims = verified(&token, &keys, &[algorithm]).unwrap();
        assert_eq!(claims.into_value(), json!({"sub": "42"}), "{algorithm:?}");
        assert_eq!(Algorithm::parse(algorithm.as_str()), Some(algorithm));

        let others: Vec<Algorithm> =
            Algorithm::ALL.into_iter().filter(|other| *other != algorithm).collect();
        assert_eq!(verified(&token, &keys, &others), Err(BadJwt::Algorithm), "{algorithm:?}");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let other = format!("{header}.{}.{signature}", segment(r#"{"sub":"43"}"#));
        assert_eq!(verified(&other, &keys, EVERY), Err(BadJwt::Signature), "{algorithm:?}");
    }
}

#[test]
fn the_example_of_rfc_7515_a_3_is_a_sound_token() {
    let keys = key_set(&[json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })]);
    let token = concat!(
        "eyJhbGciOiJFUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt",
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA",
        "pmWQxfKTUJqPP3-Kg6NU1Q",
    );
    let claims = verified(token, &keys, EVERY).unwrap();
    assert_eq!(claims.iss(), Ok(Some("joe")));
}

#[test]
fn c82_without_a_signature_there_is_no_token() {
    let keys = rsa_keys();
    let payload = segment(r#"{"sub":"42"}"#);
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "rs256", "RS256 "] {
        let header = segment(&json!({"alg": alg, "kid": "k"}).to_string());
        for signature in ["", "AA", &segment("signature")] {
            let token = format!("{header}.{payload}.{signature}");
            let wrong = if signature.is_empty() { BadJwt::Segments } else { BadJwt::Algorithm };
            assert_eq!(verified(&token, &keys, EVERY), Err(wrong), "{alg} {signature}");
        }
    }
    for header in [
        json!({"kid": "k"}),
        json!({"alg": null, "kid": "k"}),
        json!({"alg": 7, "kid": "k"}),
        json!({"alg": ["RS256"], "kid": "k"}),
        json!({"Alg": "RS256", "kid": "k"}),
    ] {
        let token = format!("{}.{payload}.AA", segment(&header.to_string()));
        assert_eq!(verified(&token, &keys, EVERY), Err(BadJwt::Algorithm), "{header}");
    }
    let header = segment(r#"{"alg":"RS256","kid":"k"}"#);
    for (signature, wrong) in
        [("", BadJwt::Segments), ("AA", BadJwt::Signature), (&segment("x"), BadJwt::Signature)]
    {
        let token = format!("{header}.{payload}.{signature}");
        assert_eq!(verified(&token, &keys, EVERY), Err(wrong), "{signature}");
    }
}

#[test]
fn c83_a_public_key_is_never_a_shared_secret() {
    let keys = rsa_keys();
    let jwk = RSA.jwk(json!({}));
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let pem = RSA.spki_pem.as_str();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    for (secret, name) in [
        (pem.as_bytes(), "PEM"),
        (pem.trim_end().as_bytes(), "PEM without its last line break"),
        (&der, "DER"),
        (&modulus, "modulus"),
        (jwk["n"].as_str().unwrap().as_bytes(), "modulus as text"),
        (jwk.to_string().as_bytes(), "JWK"),
        (b"", "nothing"),
    ] {
        let header = segment(r#"{"alg":"HS256","kid":"k","typ":"JWT"}"#);
        let signed = format!("{header}.{}", segment(r#"{"sub":"42"}"#));
        let signature = jsonwebtoken::crypto::sign(
            signed.as_bytes(),
            &EncodingKey::from_secret(secret),
            jsonwebtoken::Algorithm::HS256,
        );
        let token = format!("{signed}.{}", signature.unwrap());
        assert_eq!(verified(&token, &keys, EVERY), Err(BadJwt::Algorithm), "{name}");
    }
}

#[test]
fn c83_the_key_says_what_it_signs_whatever_the_header_says() {
    let claims = json!({"sub": "42"});
    let ps256 = RSA.token_by(Algorithm::PS256, json!({"kid": "k"}), &claims);
    let rs256 = RSA.token(json!({"kid": "k"}), &claims);
    let rs256_said_ps256 = RSA.token(json!({"kid": "k", "alg": "PS256"}), &claims);
    let es256_said_es384 = P256.token(json!({"kid": "k", "alg": "ES384"}), &claims);
    let rs256_said_es256 = RSA.token(json!({"kid": "k", "alg": "ES256"}), &claims);
    let of_any = key_set(&[RSA.jwk(json!({"kid": "k"}))]);
    let of_rs256 = key_set(&[RSA.jwk(json!({"kid": "k", "alg": "RS256"}))]);
    let of_p256 = key_set(&[P256.jwk(json!({"kid": "k"}))]);
    let (rs_ps, ps_rs) =
        ([Algorithm::RS256, Algorithm::PS256], [Algorithm::PS256, Algorithm::RS256]);
    for allowed in [&rs_ps, &ps_rs] {
        for (token, keys, wrong) in [
            (&rs256, &of_any, None),
            (&ps256, &of_any, None),
            (&rs256, &of_rs256, None),
            (&ps256, &of_rs256, Some(BadJwt::Algorithm)),
            (&rs256_said_ps256, &of_rs256, Some(BadJwt::Algorithm)),
            (&rs256_said_ps256, &of_any, Some(BadJwt::Signature)),
        ] {
            assert_eq!(verified(token, keys, allowed).err(), wrong, "{allowed:?}");
        }
    }
    for (token, keys) in
        [(&es256_said_es384, &of_p256), (&rs256, &of_p256), (&rs256_said_es256, &of_any)]
    {
        assert_eq!(verified(token, keys, EVERY), Err(BadJwt::Algorithm));
    }
    assert_eq!(verified(&rs256, &of_any, &[]), Err(BadJwt::Algorithm));
}

#[test]
fn c84_what_a_header_demands_is_refused_and_what_it_offers_is_not_read() {
    let keys = rsa_keys();
    let evil = RSA_2.jwk(json!({"kid": "k"}));
    for header in [
        json!({"crit": ["exp"]}),
        json!({"crit": []}),
        json!({"crit": false}),
        json!({"b64": false}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"b64": "true"}),
        json!({"enc": "A256GCM"}),
    ] {
        assert_eq!(verified(&under(header.clone()), &keys, RS256), Err(BadJwt::Unsupported));
    }
    for header in [
        json!({"jku": "https://evil.example/jwks"}),
        json!({"x5u": "https://evil.example/cert"}),
        json!({"jwk": evil}),
        json!({"x5c": ["MIIB"]}),
        json!({"b64": true, "cty": "x", "x5t": 7}),
    ] {
        verified(&under(header.clone()), &keys, RS256).unwrap();
        // The attacker's own key in the attacker's own header.
        let token = RSA_2.token(merged(json!({"kid": "k"}), header), &json!({"sub": "42"}));
        assert_eq!(verified(&token, &keys, RS256), Err(BadJwt::Signature));
    }
    let jwe = format!("{}.e30.e30.e30.AA", segment(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#));
    assert_eq!(verified(&jwe, &keys, RS256), Err(BadJwt::Segments));
}

#[test]
fn c84_a_kid_is_a_name_and_nothing_else() {
    let keys = rsa_keys();
    let long = "k".repeat(10 * 1024);
    for (kid, wrong) in [
        (json!("../../../dev/null"), BadJwt::UnknownKey),
        (json!("k' OR '1'='1"), BadJwt::UnknownKey),
        (json!("https://evil.example/k"), BadJwt::UnknownKey),
        (json!("k\u{0}"), BadJwt::UnknownKey),
        (json!("K"), BadJwt::UnknownKey),
        (json!(""), BadJwt::UnknownKey),
        (json!("k".repeat(256)), BadJwt::UnknownKey),
        (json!("k".repeat(257)), BadJwt::Header),
        (json!(long), BadJwt::Header),
        (json!(7), BadJwt::Header),
        (json!(["k"]), BadJwt::Header),
        (json!({"k": 1}), BadJwt::Header),
    ] {
        let token = RSA.token(json!({"kid": kid}), &json!({"sub": "42"}));
        assert_eq!(verified(&token, &keys, RS256), Err(wrong), "{kid:.40}");
    }
}

#[test]
fn c92_a_token_has_one_reading_or_none() {
    let keys = rsa_keys();
    let sound = under(json!({}));
    let parts: Vec<&str> = sound.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let good = r#"{"alg":"RS256","kid":"k"}"#;
    for (token, wrong) in [
        (String::new(), BadJwt::Segments),
        (String::from("opaque"), BadJwt::Segments),
        (String::from(".."), BadJwt::Segments),
        (format!("{header}.{payload}"), BadJwt::Segments),
        (format!("{sound}."), BadJwt::Segments),
        (format!("{sound}.{signature}"), BadJwt::Segments),
        (format!(".{payload}.{signature}"), BadJwt::Segments),
        (format!("{header}..{signature}"), BadJwt::Segments),
        (format!("{sound}="), BadJwt::Segments),
        (format!("{sound}\n"), BadJwt::Segments),
        (format!(" {sound}"), BadJwt::Segments),
        (format!("{header}.{payload}+.{signature}"), BadJwt::Segments),
        (format!("{}.{payload}.{signature}", segment("no JSON")), BadJwt::Header),
        (format!("{}.{payload}.{signature}", segment("[]")), BadJwt::Header),
        (
            format!("{}.{payload}.{signature}", segment(r#"{"alg":"none","alg":"RS256"}"#)),
            BadJwt::Header,
        ),
        (format!("{}.{payload}.{signature}", segment(&format!("\u{feff}{good}"))), BadJwt::Header),
        (
            format!("{}.{payload}.{signature}", segment(r#"{"alg":"RS256","typ":7}"#)),
            BadJwt::Header,
        ),
        (format!("{header}.{}.{signature}", segment("no JSON")), BadJwt::Payload),
        (format!("{header}.{}.{signature}", segment(r#"["sub"]"#)), BadJwt::Payload),
        (format!("{header}.{}.{signature}", segment(r#"{"sub":"a","sub":"b"}"#)), BadJwt::Payload),
        (format!("{header}.{}.{signature}", segment(r#"{"exp":1e400}"#)), BadJwt::Payload),
        (format!("{header}.{payload}.{}", "A".repeat(MAX_TOKEN)), BadJwt::TooLong),
    ] {
        assert_eq!(verified(&token, &keys, RS256), Err(wrong), "{token:.80}");
    }
    // The last letter of a signature of 256 bytes has four bits that mean nothing.
    let last = signature.chars().last().unwrap();
    let next = char::from(u8::try_from(u32::from(last)).unwrap() + 1);
    let twin = format!("{}{next}", &sound[..sound.len() - 1]);
    assert_eq!(verified(&twin, &keys, RS256), Err(BadJwt::Segments));
    verified(&sound, &keys, RS256).unwrap();
}

#[test]
fn neither_a_token_nor_a_refusal_shows_what_the_token_says() {
    let token = RSA.token(json!({"kid": "canary"}), &json!({"sub": "canary"}));
    let jwt = Jwt::parse(&token).unwrap();
    let shown = format!("{jwt:?} {:?}", rsa_keys().verify(&jwt, RS256));
    assert!(!shown.contains("canary") && !shown.contains(&token[..20]), "{shown}");
    assert_eq!(BadJwt::UnknownKey.to_string(), "the token's key is not known");
}

proptest::proptest! {
    #[test]
    fn no_text_brings_the_reader_down(text in r"(.{0,40}\.){0,4}.{0,40}", payload in ".{0,80}") {
        let header = segment(r#"{"alg":"RS256"}"#);
        for token in [&text, &format!("{header}.{}.AA", segment(&payload))] {
            if let Ok(jwt) = Jwt::parse(token) {
                proptest::prop_assert!(KeySet::default().verify(&jwt, EVERY).is_err());
            }
        }
    }
}
