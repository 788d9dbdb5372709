//! Keys that sign tokens: those of the provider, those of the client, and those of an attacker.

use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::{sign, verify};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::{Value, json};

pub(crate) struct Signer {
    kid: String,
    algorithm: Algorithm,
    key: EncodingKey,
    jwk: Value,
    pair: KeyPair,
}

/// An RSA key takes a while to make: one is for all providers.
static RSA: LazyLock<Arc<Signer>> =
    LazyLock::new(|| Arc::new(Signer::new("rsa", Algorithm::RS256)));
static CLIENT: LazyLock<Signer> = LazyLock::new(|| Signer::new("client", Algorithm::ES256));

impl Signer {
    pub(crate) fn rsa() -> Arc<Self> {
        Arc::clone(&RSA)
    }

    pub(crate) fn p256(kid: &str) -> Arc<Self> {
        Arc::new(Self::new(kid, Algorithm::ES256))
    }

    /// The key of the client under test.
    pub(super) fn client() -> &'static Self {
        &CLIENT
    }

    fn new(kid: &str, algorithm: Algorithm) -> Self {
        let of_rsa = algorithm == Algorithm::RS256;
        let kind = if of_rsa { &PKCS_RSA_SHA256 } else { &PKCS_ECDSA_P256_SHA256 };
        let pair = KeyPair::generate_for(kind).unwrap();
        let der = pair.serialize_der();
        // What stands before the key inside is as long for every RSA key of 2048 bits.
        let key = match of_rsa {
            true => EncodingKey::from_rsa_der(&der[26..]),
            false => EncodingKey::from_ec_der(&der),
        };
        let jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        let jwk = merged(jwk, &json!({ "alg": null, "kid": kid }));
        Self { kid: kid.to_owned(), algorithm, key, jwk, pair }
    }

    pub(crate) fn jwk(&self) -> Value {
        self.jwk.clone()
    }

    pub(super) fn private_pem(&self) -> String {
        self.pair.serialize_pem()
    }

    pub(crate) fn public_pem(&self) -> String {
        self.pair.public_key_pem()
    }

    /// A token with this key's signature, its header changed by `header`.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let own = json!({ "alg": format!("{:?}", self.algorithm), "kid": self.kid, "typ": "JWT" });
        let signed = unsigned(&merged(own, header), claims);
        let signature = sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    /// Whether a token has this key's signature.
    pub(super) fn signed(&self, token: &str) -> bool {
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let jwk: Jwk = serde_json::from_value(self.jwk.clone()).unwrap();
        let key = DecodingKey::from_jwk(&jwk).unwrap();
        verify(signature, signed.as_bytes(), &key, self.algorithm).unwrap_or(false)
    }
}

/// A token whose "signature" is an HMAC under some text.
pub(crate) fn hmac_token(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = unsigned(header, claims);
    let key = EncodingKey::from_secret(secret);
    format!("{signed}.{}", sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap())
}

/// Header and claims, and no signature.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let segment = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", segment(header), segment(claims))
}

/// The claims of a token, whoever signed it.
pub(crate) fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three segments");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The members of both; the second wins, and a null takes a member away.
pub(crate) fn merged(mut one: Value, other: &Value) -> Value {
    let members = one.as_object_mut().unwrap();
    for (name, value) in other.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    one
}
