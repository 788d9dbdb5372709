//! Keys and tokens for tests: as a provider makes them, and as an attacker would.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
};
use serde_json::{Value, json};

use super::Algorithm;
use crate::auth::jwks::KeySet;

/// A key of a provider.
pub(crate) struct Signer {
    pub(crate) pkcs8: Vec<u8>,
    /// As a certificate would hold it.
    pub(crate) spki_pem: String,
    algorithm: Algorithm,
    key: EncodingKey,
    jwk: Value,
}

/// Of 2048 bits.
pub(crate) static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::new(Algorithm::RS256));
/// Another one.
pub(crate) static RSA_2: LazyLock<Signer> = LazyLock::new(|| Signer::new(Algorithm::RS256));
pub(crate) static P256: LazyLock<Signer> = LazyLock::new(|| Signer::new(Algorithm::ES256));
pub(crate) static P384: LazyLock<Signer> = LazyLock::new(|| Signer::new(Algorithm::ES384));
pub(crate) static ED25519: LazyLock<Signer> = LazyLock::new(|| Signer::new(Algorithm::EdDSA));

impl Signer {
    fn new(algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            Algorithm::ES384 => &PKCS_ECDSA_P384_SHA384,
            Algorithm::EdDSA => &PKCS_ED25519,
            _ => &PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(kind).unwrap();
        let pkcs8 = pair.serialize_der();
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_der(&pkcs8),
            Algorithm::EdDSA => EncodingKey::from_ed_der(&pkcs8),
            // What stands before the key inside is as long for every key of 2048 bits.
            _ => EncodingKey::from_rsa_der(&pkcs8[26..]),
        };
        let jwk = match algorithm {
            Algorithm::EdDSA => {
                let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
            _ => {
                let jwk = Jwk::from_encoding_key(&key, algorithm.spoken()).unwrap();
                merged(serde_json::to_value(jwk).unwrap(), json!({"alg": null}))
            }
        };
        Self { spki_pem: pair.public_key_pem(), pkcs8, algorithm, key, jwk }
    }

    /// The public key, with further members.
    pub(crate) fn jwk(&self, members: Value) -> Value {
        merged(self.jwk.clone(), members)
    }

    /// A token by the key's own algorithm.
    pub(crate) fn token(&self, header: Value, claims: &Value) -> String {
        self.token_by(self.algorithm, header, claims)
    }

    /// A token by an algorithm that the key can do; `header` may say another one.
    pub(crate) fn token_by(&self, algorithm: Algorithm, header: Value, claims: &Value) -> String {
        let header = merged(json!({"alg": algorithm.as_str()}), header);
        let signed = format!("{}.{}", segment(&header.to_string()), segment(&claims.to_string()));
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, algorithm.spoken()).unwrap();
        format!("{signed}.{signature}")
    }
}

/// A segment with this text.
pub(crate) fn segment(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A set of these keys.
pub(crate) fn key_set(jwks: &[Value]) -> KeySet {
    KeySet::read(json!({"keys": jwks}).to_string().as_bytes()).unwrap()
}

/// An object with the members of both; the second wins, and a null takes a member away.
pub(crate) fn merged(mut one: Value, other: Value) -> Value {
    let Value::Object(other) = other else { panic!("no object") };
    let members = one.as_object_mut().unwrap();
    for (name, value) in other {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    one
}
