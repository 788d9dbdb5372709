use super::*;
use crate::auth::CLOCK_SKEW;
use crate::auth::jwt::Jwt;
use crate::auth::jwt::testing::{ED25519, P256, P384, RSA, key_set};
use crate::auth::testing::Counting;
use base64::engine::general_purpose::STANDARD;

const NOW: u64 = 1_000_000;

fn decoded(segment: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

#[test]
fn s64_an_assertion_says_who_to_whom_and_for_a_minute() {
    let now = Timestamp::since_epoch(Duration::from_millis(NOW * 1000 + 900));
    for (signer, algorithm) in
        [(&RSA, Algorithm::RS256), (&P256, Algorithm::ES256), (&ED25519, Algorithm::EdDSA)]
    {
        let key = ClientKey::from_pkcs8(&signer.pkcs8, Some(String::from("k"))).unwrap();
        let assertion = key.sign("gate", "https://id.example", now, &mut Counting(1));
        let text = assertion.expose();
        let keys = key_set(&[signer.jwk(json!({"kid": "k"}))]);
        let claims = keys.verify(&Jwt::parse(text).unwrap(), &[algorithm]).unwrap();
        claims.check_times(now, Duration::ZERO).unwrap();

        let segments: Vec<&str> = text.split('.').collect();
        let header = json!({"alg": algorithm.as_str(), "kid": "k", "typ": "JWT"});
        assert_eq!(decoded(segments[0]), header);
        let mut claims = decoded(segments[1]);
        let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
        let jti = jti.as_str().unwrap();
        assert!(jti.len() == 32 && jti.bytes().all(|byte| byte.is_ascii_hexdigit()), "{jti}");
        let rest = json!({
            "iss": "gate", "sub": "gate", "aud": "https://id.example",
            "iat": NOW, "exp": NOW + 60,
        });
        assert_eq!(claims, rest);
    }
}

#[test]
fn s64_no_two_assertions_are_alike_and_a_kid_is_said_only_if_there_is_one() {
    let key = ClientKey::from_pkcs8(&P256.pkcs8, None).unwrap();
    let mut entropy = Counting(1);
    let now = Timestamp::from_unix(NOW);
    let mut jtis: Vec<String> = Vec::new();
    for _ in 0..10 {
        let assertion = key.sign("gate", "aud", now, &mut entropy);
        let segments: Vec<&str> = assertion.expose().split('.').collect();
        assert_eq!(decoded(segments[0]), json!({"alg": "ES256", "typ": "JWT"}));
        jtis.push(decoded(segments[1])["jti"].as_str().unwrap().to_owned());
    }
    jtis.sort_unstable();
    jtis.dedup();
    assert_eq!(jtis.len(), 10);
    assert!(LIFE <= CLOCK_SKEW);
}

#[test]
fn only_sound_keys_of_the_three_kinds_are_taken() {
    let sound = |der: &[u8]| ClientKey::from_pkcs8(der, None).map(drop);
    let changed = |der: &[u8], at: usize, byte: u8| {
        let mut der = der.to_vec();
        der[at] = byte;
        der
    };
    let rsa = &RSA.pkcs8;
    let longer = [rsa.as_slice(), &[0]].concat();
    let hollow = b"\x30\x10\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x04\x04\x02\x00\x00";
    for (der, judged) in [
        (b"".to_vec(), Err(BadClientKey::NotPkcs8)),
        (b"-----BEGIN PRIVATE KEY-----".to_vec(), Err(BadClientKey::NotPkcs8)),
        (vec![0x30], Err(BadClientKey::NotPkcs8)),
        (vec![0x30, 0x80, 0, 0], Err(BadClientKey::NotPkcs8)),
        (vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff], Err(BadClientKey::NotPkcs8)),
        (rsa[..rsa.len() - 1].to_vec(), Err(BadClientKey::NotPkcs8)),
        (longer, Err(BadClientKey::NotPkcs8)),
        // The key inside without what wraps it (RFC 8017), which is another format.
        (rsa[26..].to_vec(), Err(BadClientKey::NotPkcs8)),
        (P384.pkcs8.clone(), Err(BadClientKey::Kind)),
        (hollow.to_vec(), Err(BadClientKey::Unsound)),
        (changed(rsa, 100, rsa[100] ^ 1), Err(BadClientKey::Unsound)),
        (STANDARD.decode(RSA_1024).unwrap(), Err(BadClientKey::Unsound)),
        // As openssl writes it: without the public key.
        (STANDARD.decode(ED25519_ALONE).unwrap(), Ok(())),
    ] {
        assert_eq!(sound(&der), judged, "{:02x?}", &der[..der.len().min(32)]);
    }
    for cut in 0..P256.pkcs8.len() {
        assert!(sound(&P256.pkcs8[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn a_key_prints_nothing_of_itself() {
    let key = ClientKey::from_pkcs8(&ED25519.pkcs8, Some(String::from("k"))).unwrap();
    assert_eq!(format!("{key:?}"), r#"ClientKey { algorithm: EdDSA, kid: Some("k"), .. }"#);
    assert_eq!(BadClientKey::NotPkcs8.to_string(), "not an unencrypted PKCS#8 key");
}

/// A key for nothing, and too small for anything.
const RSA_1024: &str = "\
    MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALMmVIW/DU0/UAw5u+lEFvSavOv440pU8An83Z/3eh\
    FM8onid2kE4sQoCFPPWkoMdl8T2PBvY2DGtiSm1PxHw5ppwIMNknYziGjhmTDukEqGIddSPdv4OLpNmGlR+3Czxe3q\
    1LtjVmHEAE6tG0ZqVZuSuirAG79rk8CKzJ7xWbPfAgMBAAECgYAktutFibT5KsuF5eMb2Cd4M6oaFiTGnAehlF/7I6\
    Wxm/psxavBKw4qMyYZvvn7CPjNXWztQXa1Y6P6ePJXTYHJcLGc6KOqKvLC8LlUKrIvZZ3TtbrO8HQkOMhOyqktC6Zr\
    HptdR/Gh7v+sN38o/5I3seYArtZdkgm91Hq+noQkuQJBANYsICXjpgA7QdritpWjBpJLgM2YXPaJmoKBOGNQyukML6\
    X1ki3YlDbqk2A+U3SL8EQ3+/OHpRZfopPdf4HxySUCQQDWIzG+VHiCzbeDg9sKS8i7G/p3BwjO4vmAoXG4GOrjnA0y\
    lWZA5CP1d5CBpzVaQD0dy8OMpioRqqzWRc66giOzAkEAkA7qKNIxLGKvbz2jto8Lsoeawa/EiAgSp8mnVhZYBd2uhy\
    DhDHlraGzsaIZDuFcQa7KEhFAvGReG0ZLhW1R5CQJACk1dKkwEFD7zckdYtXEZ8i6RaUKUYOe4m0CpKPNB8btjQyi+\
    56ZSOJANCr/RqEro5dMU0GJ6KaltcU2geYajUwJAOLdpVvDLx2ZLmi33RGUpaioNYiCiqwtWJffpVC/b76pjwnHF9C\
    lB5yt8E/hxEAPU2feCeyDIYSg+zYh5+FU/EA==";
/// A key for nothing.
const ED25519_ALONE: &str = "MC4CAQAwBQYDK2VwBCIEILY2y0Hg068/7eU84qG8hUuQs4jEmn3aoBos216+wGSh";
