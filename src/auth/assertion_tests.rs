use serde_json::json;

use super::*;
use crate::auth::claim_source::Word;
use crate::auth::testing::Counting;
use crate::secret::{SealKey, Secret};

const DAY: u64 = 24 * 3600;
const KNOWN_KEY: &str = "3acd4f84ece3d619";

fn ring(keys: &[u8], scope: &str) -> KeyRing {
    let keys: Vec<SealKey> = keys.iter().map(|&byte| Secret::new([byte; 32])).collect();
    KeyRing::new(&keys, scope).unwrap()
}

fn settings(algorithm: SigningAlgorithm) -> AssertionSettings {
    AssertionSettings {
        algorithm,
        issuer: String::from("https://app.example.com"),
        life: Duration::from_secs(60),
        rotate_every: Duration::from_secs(30 * DAY),
    }
}

fn seeds(keys: &[u8], scope: &str, settings: &AssertionSettings, period: Period) -> Vec<[u8; 32]> {
    let seeds = settings.seeds(&ring(keys, scope), period);
    seeds.iter().map(|seed| *seed.expose()).collect()
}

#[test]
fn replicas_derive_the_same_keys_and_nobody_else_does() {
    let es256 = settings(SigningAlgorithm::Es256);
    let here = seeds(&[1, 2], "app.example.com", &es256, Period(7));
    assert_eq!(here, seeds(&[1, 2], "app.example.com", &es256, Period(7)));
    let swapped = seeds(&[2, 1], "app.example.com", &es256, Period(7));
    assert_eq!([here[1], here[0]], swapped[..], "the order of the ring only chooses who signs");
    let longer = AssertionSettings { rotate_every: Duration::from_secs(DAY), ..es256.clone() };
    for other in [
        seeds(&[1, 2], "other.example.com", &es256, Period(7)),
        seeds(&[1, 2], "app.example.com", &es256, Period(8)),
        seeds(&[1, 2], "app.example.com", &longer, Period(7)),
        seeds(&[1, 2], "app.example.com", &settings(SigningAlgorithm::EdDsa), Period(7)),
    ] {
        assert!(other.iter().all(|seed| !here.contains(seed)));
    }
}

#[test]
fn a_known_key_stays_what_it_was() {
    let es256 = settings(SigningAlgorithm::Es256);
    let seed = seeds(&[1], "app.example.com", &es256, Period(7))[0];
    // Otherwise replicas of two versions would not verify what the other signs.
    assert_eq!(to_hex(&Sha256::digest(seed)[..8]), KNOWN_KEY);
}

#[test]
fn a_key_is_published_a_whole_period_before_and_after_it_signs() {
    let settings = settings(SigningAlgorithm::Es256);
    let at = |day: u64| settings.period(Timestamp::from_unix(day * DAY));
    for day in [30, 45, 59, 60, 61, 3000] {
        let signing = at(day);
        for looked_at in [day - 30, day - 1, day, day + 1, day + 30] {
            assert!(at(looked_at).published().contains(&signing), "{day} {looked_at}");
        }
        assert!(!at(day + 61).published().contains(&signing), "it goes at some time");
    }
    assert_eq!((at(29), at(30), at(59), at(60)), (Period(0), Period(1), Period(1), Period(2)));
}

#[test]
fn a_private_key_is_a_number_that_the_curve_has() {
    let one = std::array::from_fn(|at| u8::from(at == 31));
    let mut below = P256_ORDER;
    below[31] -= 1;
    for (seed, fits) in [
        ([0; 32], false),
        (one, true),
        (below, true),
        (P256_ORDER, false),
        ([0xff; 32], false),
        ([0x7f; 32], true),
    ] {
        assert_eq!(SigningAlgorithm::Es256.takes(&seed), fits, "{seed:x?}");
        assert!(SigningAlgorithm::EdDsa.takes(&seed));
    }
    // What does not fit is drawn anew, and the next is another one.
    let ring = ring(&[1], "app.example.com");
    let first = *ring.seeds(&[b"x"], |_| true)[0].expose();
    let second = *ring.seeds(&[b"x"], |seed| *seed != first)[0].expose();
    assert_ne!(first, second);
    assert_eq!(second, *ring.seeds(&[b"x"], |seed| *seed != first)[0].expose());
}

#[test]
fn a_key_is_named_as_rfc_8037_and_rfc_7638_name_it() {
    // RFC 8037 A.3.
    let bytes = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let key = PublicKey::of_bytes(SigningAlgorithm::EdDsa, &bytes).unwrap();
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(
        key.jwk(),
        json!({
            "alg": "EdDSA", "crv": "Ed25519", "kid": key.kid(), "kty": "OKP", "use": "sig",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        })
    );
    let point: Vec<u8> = std::iter::once(4).chain([1; 32]).chain([2; 32]).collect();
    let key = PublicKey::of_bytes(SigningAlgorithm::Es256, &point).unwrap();
    let jwk = key.jwk();
    assert_eq!((&jwk["kty"], &jwk["crv"]), (&json!("EC"), &json!("P-256")));
    assert_eq!((jwk["x"].as_str().unwrap().len(), jwk["y"].as_str().unwrap().len()), (43, 43));
    assert!(PublicKey::of_bytes(SigningAlgorithm::Es256, &point[1..]).is_none());
    assert!(PublicKey::of_bytes(SigningAlgorithm::EdDsa, &point).is_none());
}

#[test]
fn an_assertion_says_who_for_whom_and_for_how_long() {
    let settings = settings(SigningAlgorithm::Es256);
    let identity = Identity {
        user: String::from("42"),
        email: Some(String::from("ada@example.com")),
        groups: vec![String::from("staff")],
        organization: Some(String::from("7")),
        ..Identity::default()
    };
    let rules = AssertionRules {
        audience: None,
        claims: vec![
            (String::from("mail"), ClaimSource::Word(Word::Email)),
            (String::from("groups"), ClaimSource::Word(Word::Groups)),
            (String::from("name"), ClaimSource::Word(Word::Name)),
        ],
    };
    let assertion = Assertion {
        rules: &rules,
        route: "wiki.example.com/",
        identity: &identity,
        provider: "staff",
        tells_provider: false,
        session: Some(SessionId::from_bytes([0xab; 16])),
    };
    let now = Timestamp::from_unix(1000);
    let told = |assertion: Assertion<'_>| -> (Value, Value) {
        let input = settings.signing_input(assertion, "key", now, &mut Counting(1));
        let (header, claims) = input.split_once('.').unwrap();
        let read =
            |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (read(header), read(claims))
    };
    let (header, claims) = told(assertion);
    assert_eq!(header, json!({ "alg": "ES256", "kid": "key", "typ": "askara-assertion+jwt" }));
    let jti = to_hex(&draw::<16>(&mut Counting(1)));
    assert_eq!(
        claims,
        json!({
            "iss": "https://app.example.com", "aud": "wiki.example.com/", "sub": "42",
            "organization": "7", "sid": "abababababababab", "iat": 1000, "exp": 1060, "jti": jti,
            "mail": "ada@example.com", "groups": ["staff"]
        })
    );
    let audience = Some(String::from("wiki"));
    let rules = AssertionRules { audience, claims: Vec::new() };
    let (_, claims) =
        told(Assertion { rules: &rules, tells_provider: true, session: None, ..assertion });
    assert_eq!((&claims["aud"], &claims["provider"]), (&json!("wiki"), &json!("staff")));
    assert_eq!(claims.get("sid"), None);
    assert_eq!(settings.reuse_until(now), Timestamp::from_unix(1030));
}

#[test]
fn no_assertion_lives_longer_than_a_minute_whatever_the_settings_say() {
    let hour =
        AssertionSettings { life: Duration::from_secs(3600), ..settings(SigningAlgorithm::EdDsa) };
    assert_eq!(hour.reuse_until(Timestamp::from_unix(0)), Timestamp::from_unix(30));
}
