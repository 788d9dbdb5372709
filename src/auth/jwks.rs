//! The keys that a provider signs with (RFC 7517), and which of them may have signed a token.
//!
//! What a key may do is fixed when the set is read, by its type, its curve and its `alg`; a token
//! only chooses among that (C-83, RFC 8725 3.1). A key that is not understood is passed over: a
//! provider may publish keys for others too.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::json::{self, BadJson};
use super::jwt::{Algorithm, BadJwt, Jwt, MAX_TEXT};

/// The keys of a provider. An empty set is sound: a provider that takes all its keys back says so.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Clone, Debug)]
struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Why an answer is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadKeySet {
    /// Longer than [`MAX_KEY_SET`].
    TooLong,
    Json(BadJson),
    /// There is no list `keys`.
    NoKeys,
}

impl KeySet {
    /// Reads a key set; of its list, the first hundred keys count (C-87).
    pub fn read(bytes: &[u8]) -> Result<Self, BadKeySet> {
        if bytes.len() > MAX_KEY_SET {
            return Err(BadKeySet::TooLong);
        }
        let object = json::object(bytes).map_err(BadKeySet::Json)?;
        let Some(Value::Array(keys)) = object.get("keys") else { return Err(BadKeySet::NoKeys) };
        let keys = keys.iter().take(MAX_KEYS).filter_map(Value::as_object).filter_map(Key::read);
        Ok(Self { keys: keys.collect() })
    }

    /// How many keys are of use.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is of use.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Gives a token's claims once a key of the set proves them, by an algorithm that is allowed.
    pub fn verify(&self, jwt: &Jwt<'_>, allowed: &[Algorithm]) -> Result<Claims, BadJwt> {
        if !allowed.contains(&jwt.algorithm()) {
            return Err(BadJwt::Algorithm);
        }
        let candidates = self.candidates(jwt.kid(), jwt.algorithm())?;
        // Without a `kid` only the signature tells that the one key there was has been replaced.
        let unproven = if jwt.kid().is_some() { BadJwt::Signature } else { BadJwt::UnknownKey };
        jwt.proven_by(&candidates).ok_or(unproven)
    }

    /// The keys that may have signed a token with this header.
    fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<&DecodingKey>, BadJwt> {
        let is_named = |key: &&Key| kid.is_none() || key.kid.as_deref() == kid;
        let fits = |key: &&Key| key.algorithms.contains(&algorithm);
        let fitting = self.keys.iter().filter(is_named).filter(fits);
        let fitting: Vec<&DecodingKey> = fitting.map(|key| &key.key).collect();
        match (kid, fitting.len()) {
            (Some(_), 0) if self.keys.iter().any(|key| is_named(&key)) => Err(BadJwt::Algorithm),
            (_, 0) => Err(BadJwt::UnknownKey),
            (None, 2..) => Err(BadJwt::AmbiguousKey),
            _ => Ok(fitting),
        }
    }
}

impl Key {
    /// Reads a key; none when it is not for us.
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        // A private key in a public place is everybody's: what it signs proves nothing.
        if PRIVATE.iter().any(|name| jwk.contains_key(*name)) || !is_for_signatures(jwk) {
            return None;
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().filter(|kid| kid.len() <= MAX_TEXT)?.to_owned()),
        };
        let (algorithms, key) = match (text(jwk, "kty")?, text(jwk, "crv")) {
            ("RSA", _) => (RSA, rsa_key(jwk)?),
            ("EC", Some("P-256")) => (P256, ec_key(jwk, 32)?),
            ("EC", Some("P-384")) => (P384, ec_key(jwk, 48)?),
            ("OKP", Some("Ed25519")) => (ED25519, ed_key(jwk)?),
            _ => return None,
        };
        let algorithms = match jwk.get("alg") {
            None => algorithms.to_vec(),
            Some(alg) => {
                let alg = Algorithm::parse(alg.as_str()?)?;
                vec![*algorithms.iter().find(|algorithm| **algorithm == alg)?]
            }
        };
        Some(Self { kid, algorithms, key })
    }
}

impl fmt::Display for BadKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the key set is too long"),
            Self::Json(wrong) => wrong.fmt(f),
            Self::NoKeys => f.write_str("the answer has no list `keys`"),
        }
    }
}

impl std::error::Error for BadKeySet {}

/// RFC 7517 4.2 and 4.3: what is said of the use must allow to verify.
fn is_for_signatures(jwk: &Map<String, Value>) -> bool {
    let is_sig = jwk.get("use").is_none_or(|usage| usage == "sig");
    let may_verify = jwk.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|list| list.iter().any(|item| item == "verify"))
    });
    is_sig && may_verify
}

/// Below 2048 bits a modulus is within reach of an attacker; above 8192 it is made to cost us.
fn rsa_key(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let (modulus, exponent) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let (modulus, exponent) = (without_zeros(&modulus), without_zeros(&exponent));
    let bits = modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    // Whoever raises to the power of one signs everything.
    let is_sound = (1..=4).contains(&exponent.len())
        && exponent.last().is_some_and(|last| last % 2 == 1)
        && exponent != [1];
    ((2048..=8192).contains(&bits) && is_sound)
        .then(|| DecodingKey::from_rsa_raw_components(modulus, exponent))
}

fn ec_key(jwk: &Map<String, Value>, size: usize) -> Option<DecodingKey> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    // Uncompressed (SEC 1, 2.3.3); that the point is on the curve is checked with each signature.
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    (x.len() == size && y.len() == size).then(|| DecodingKey::from_ec_der(&point))
}

fn ed_key(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let x = bytes(jwk, "x")?;
    (x.len() == 32).then(|| DecodingKey::from_ed_der(&x))
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name)?.as_str()
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok()
}

/// Some providers write numbers with a sign byte.
fn without_zeros(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[first..]
}

/// The longest key set that is read, in bytes.
pub const MAX_KEY_SET: usize = 512 * 1024;
const MAX_KEYS: usize = 100;

/// The private members of RFC 7518 section 6, and the secret of a symmetric key.
const PRIVATE: [&str; 8] = ["d", "dp", "dq", "k", "oth", "p", "q", "qi"];

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];
const P256: &[Algorithm] = &[Algorithm::ES256];
const P384: &[Algorithm] = &[Algorithm::ES384];
const ED25519: &[Algorithm] = &[Algorithm::EdDSA];

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
