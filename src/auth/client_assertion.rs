//! The client's proof by a key of its own: `private_key_jwt` (RFC 7523, OpenID Connect Core 9; S64).
//!
//! Each call makes a new assertion with a `jti` of its own; one is never sent twice, not even when
//! a call is repeated. `now` and the `jti` come in as arguments; the number that ECDSA draws for
//! each signature, and the blinding of RSA, stay inside the library, where they can't go wrong by
//! a caller's dice.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::{Map, Value, json};

use super::jwt::Algorithm;
use super::tokens::to_hex;
use super::{Entropy, Timestamp, draw};
use crate::secret::Secret;

/// The client's private key. It is wiped when dropped, and prints redacted.
pub struct ClientKey {
    algorithm: Algorithm,
    key: EncodingKey,
    kid: Option<String>,
}

/// Why a key is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadClientKey {
    /// No unencrypted PKCS#8 (RFC 5958) in DER.
    NotPkcs8,
    /// Neither RSA nor P-256 nor Ed25519.
    Kind,
    /// Too small, or inconsistent in itself: it can't sign.
    Unsound,
}

impl ClientKey {
    /// Takes a PKCS#8 key in DER: RSA of 2048 bits and more signs RS256, P-256 signs ES256, Ed25519
    /// signs EdDSA. `kid` tells the provider which of the client's keys it is.
    pub fn from_pkcs8(der: &[u8], kid: Option<String>) -> Result<Self, BadClientKey> {
        let (kind, inner) = taken_apart(der).ok_or(BadClientKey::NotPkcs8)?;
        let (algorithm, key) = match kind {
            // The library wants the RSA key as it is inside (RFC 8017 A.1.2).
            RSA => (Algorithm::RS256, EncodingKey::from_rsa_der(inner)),
            P256 => (Algorithm::ES256, EncodingKey::from_ec_der(der)),
            ED25519 => (Algorithm::EdDSA, EncodingKey::from_ed_der(der)),
            _ => return Err(BadClientKey::Kind),
        };
        let key = Self { algorithm, key, kid };
        // The library only looks into the key when it signs: a bad one is found now, not at night.
        key.signature("").ok_or(BadClientKey::Unsound)?;
        Ok(key)
    }

    /// Makes an assertion for one call at `audience`: the issuer, or the token address.
    pub fn sign(
        &self,
        client_id: &str,
        audience: &str,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Secret<String> {
        let mut header = Map::new();
        header.insert(String::from("alg"), Value::from(self.algorithm.as_str()));
        header.insert(String::from("typ"), Value::from("JWT"));
        header.extend(self.kid.as_deref().map(|kid| (String::from("kid"), Value::from(kid))));
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": now.as_unix(),
            "exp": now.plus(LIFE).as_unix(),
            "jti": to_hex(&draw::<16>(entropy)),
        });
        let mut assertion = segment(&Value::Object(header));
        assertion.push('.');
        assertion.push_str(&segment(&claims));
        let signature = self.signature(&assertion).expect("the key signed when it was read");
        assertion.push('.');
        assertion.push_str(&signature);
        Secret::new(assertion)
    }

    fn signature(&self, message: &str) -> Option<String> {
        jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm.spoken()).ok()
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ClientKey");
        shown.field("algorithm", &self.algorithm).field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl fmt::Display for BadClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPkcs8 => "not an unencrypted PKCS#8 key",
            Self::Kind => "neither an RSA nor a P-256 nor an Ed25519 key",
            Self::Unsound => "too small (RSA: 2048 bits), or damaged",
        })
    }
}

impl std::error::Error for BadClientKey {}

fn segment(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The algorithm of a PKCS#8 key, as it is written there, and the key inside (RFC 5958 section 2):
/// a sequence of the version, the algorithm, the key and what may follow.
fn taken_apart(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, after) = element(SEQUENCE, der)?;
    let (_version, rest) = element(INTEGER, body)?;
    let (kind, rest) = element(SEQUENCE, rest)?;
    let (inner, _attributes) = element(OCTET_STRING, rest)?;
    after.is_empty().then_some((kind, inner))
}

/// The content of the DER element at the front (X.690 8.1), and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => {
            let (size, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*size)), rest)
        }
        // No key is that long.
        _ => return None,
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}

/// S64 allows a minute: the time that a call takes, and clocks that differ.
const LIFE: Duration = Duration::from_secs(60);

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// rsaEncryption with its null (RFC 8017 A.1).
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
/// id-ecPublicKey on prime256v1 (RFC 5480 2.1.1).
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
/// id-Ed25519 (RFC 8410 section 3).
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

#[cfg(test)]
#[path = "client_assertion_tests.rs"]
mod tests;
