//! What the gateway vouches for by its signature: a JWT for the app (RFC 7519), verified by the
//! keys at `/oauth2/jwks`.
//!
//! 1. Signing keys are derived from the keys of the session ring, so that replicas share them
//!    without a word: of each ring key one for every period of `rotate_every`. The first ring key
//!    signs, with the key of the period that is.
//! 2. Published are the keys of the period before, of this one and of the next, of every ring key.
//!    So a verifier knows a key for a whole period before it is signed with, and a ring key that
//!    is put second is known before it is put first.
//! 3. The header says by its `typ` what this is, so that it is taken for no id_token and no access
//!    token (RFC 8725 3.11).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::claim_source::{Claim, ClaimSource};
use super::identity::Identity;
use super::seal::KeyRing;
use super::session::SessionId;
use super::tokens::to_hex;
use super::{Entropy, Timestamp, draw};
use crate::secret::SigningSeed;

/// What a route's assertion says beside who it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssertionRules {
    /// Whom it is for; none: the route, by its name.
    pub audience: Option<String>,
    pub claims: Vec<(String, ClaimSource)>,
}

/// How assertions are signed.
#[derive(Clone, Debug)]
pub struct AssertionSettings {
    pub algorithm: SigningAlgorithm,
    pub issuer: String,
    /// At most [`LONGEST_LIFE`].
    pub life: Duration,
    pub rotate_every: Duration,
}

/// The signatures that are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 (RFC 7518 3.4).
    Es256,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

/// A stretch of time in which the same key signs, by its number since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(u64);

/// A public key, as verifiers get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: SigningAlgorithm,
    /// The coordinates: x and y, or x alone.
    coordinates: Vec<String>,
}

/// Whom an assertion is about, and for whom it is.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    pub rules: &'a AssertionRules,
    pub route: &'a str,
    pub identity: &'a Identity,
    /// Who vouches, and whether the app has to know because there are several.
    pub provider: &'a str,
    pub tells_provider: bool,
    /// None for an API client.
    pub session: Option<SessionId>,
}

impl AssertionRules {
    pub(super) fn claims(&self) -> impl Iterator<Item = &ClaimSource> {
        self.claims.iter().map(|(_, source)| source)
    }
}

impl AssertionSettings {
    /// The period that `now` is in.
    pub fn period(&self, now: Timestamp) -> Period {
        Period(now.as_unix() / self.rotate_every.as_secs().max(1))
    }

    /// What the private keys of a period are made of, that of the first ring key first.
    pub fn seeds(&self, ring: &KeyRing, period: Period) -> Vec<SigningSeed> {
        let rotation = self.rotate_every.as_secs().to_be_bytes();
        let number = period.0.to_be_bytes();
        let parts = [self.algorithm.name().as_bytes(), &rotation, &number];
        ring.seeds(&parts, |seed| self.algorithm.takes(seed))
    }

    /// The claims and the header of an assertion that is made now, ready to be signed with the key
    /// `kid`.
    pub fn signing_input(
        &self,
        assertion: Assertion<'_>,
        kid: &str,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> String {
        let header = json!({ "alg": self.algorithm.name(), "kid": kid, "typ": TYP });
        let mut claims = assertion.told();
        let mut state = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        state("iss", Value::from(self.issuer.as_str()));
        state("iat", Value::from(now.as_unix()));
        state("exp", Value::from(now.as_unix() + self.life.min(LONGEST_LIFE).as_secs()));
        state("jti", Value::from(to_hex(&draw::<16>(entropy))));
        format!("{}.{}", segment(&header), segment(&Value::Object(claims)))
    }

    /// Until when an assertion that is made now is used again: an app is left at least half of its
    /// life to look at it.
    pub fn reuse_until(&self, now: Timestamp) -> Timestamp {
        now.plus(self.life.min(LONGEST_LIFE) / 2)
    }
}

impl Period {
    /// The one before, this one and the next.
    pub const fn published(self) -> [Self; 3] {
        [Self(self.0.saturating_sub(1)), self, Self(self.0.saturating_add(1))]
    }
}

impl SigningAlgorithm {
    /// As a header and the configuration name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether 32 bytes are a private key. For P-256 that is a number from 1 to n - 1: drawn anew
    /// until one fits, all are equally likely (FIPS 186-5 A.2.2).
    fn takes(self, seed: &[u8; 32]) -> bool {
        self == Self::EdDsa || *seed != [0; 32] && *seed < P256_ORDER
    }
}

impl PublicKey {
    /// Reads a key as the library tells it: an uncompressed point (SEC 1 2.3.3), or 32 bytes.
    pub fn of_bytes(algorithm: SigningAlgorithm, bytes: &[u8]) -> Option<Self> {
        let text = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let coordinates = match (algorithm, bytes) {
            (SigningAlgorithm::Es256, [4, point @ ..]) if point.len() == 64 => {
                let (x, y) = point.split_at(32);
                vec![text(x), text(y)]
            }
            (SigningAlgorithm::EdDsa, x) if x.len() == 32 => vec![text(x)],
            _ => return None,
        };
        Some(Self { algorithm, coordinates })
    }

    /// Its name: the thumbprint (RFC 7638), so that the same key has the same name everywhere.
    pub fn kid(&self) -> String {
        // `serde_json` writes members in the order of their names, as section 3.3 demands.
        let digest = Sha256::digest(Value::Object(self.members()).to_string());
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// The key as a member of a key set (RFC 7517).
    pub fn jwk(&self) -> Value {
        let mut jwk = self.members();
        jwk.insert(String::from("alg"), Value::from(self.algorithm.name()));
        jwk.insert(String::from("kid"), Value::from(self.kid()));
        jwk.insert(String::from("use"), Value::from("sig"));
        Value::Object(jwk)
    }

    fn members(&self) -> Map<String, Value> {
        let (kty, crv) = match self.algorithm {
            SigningAlgorithm::Es256 => ("EC", "P-256"),
            SigningAlgorithm::EdDsa => ("OKP", "Ed25519"),
        };
        let mut members = Map::new();
        members.insert(String::from("crv"), Value::from(crv));
        members.insert(String::from("kty"), Value::from(kty));
        for (name, coordinate) in ["x", "y"].into_iter().zip(&self.coordinates) {
            members.insert(name.to_owned(), Value::from(coordinate.as_str()));
        }
        members
    }
}

impl Assertion<'_> {
    fn told(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        for (name, source) in &self.rules.claims {
            let value = source.find(self.identity, Some(self.provider)).map(|claim| match claim {
                Claim::Value(value) => value.clone(),
                Claim::Text(text) => Value::from(text),
                Claim::Texts(texts) => Value::from(texts),
            });
            claims.extend(value.map(|value| (name.clone(), value)));
        }
        let mut state = |name: &str, text: &str| claims.insert(name.to_owned(), Value::from(text));
        state("sub", &self.identity.user);
        state("aud", self.rules.audience.as_deref().unwrap_or(self.route));
        if let Some(organization) = &self.identity.organization {
            state("organization", organization);
        }
        if self.tells_provider {
            // The same `sub` at two providers is two people (S26).
            state("provider", self.provider);
        }
        if let Some(session) = self.session {
            // The half that logs show: it tells sessions apart and opens none.
            state("sid", &session.short());
        }
        claims
    }
}

/// The key set of `keys`.
pub fn key_set(keys: &[PublicKey]) -> Value {
    json!({ "keys": keys.iter().map(PublicKey::jwk).collect::<Vec<_>>() })
}

/// A token of its signing input and signature.
pub fn token(mut signing_input: String, signature: &[u8]) -> String {
    signing_input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut signing_input);
    signing_input
}

fn segment(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Who steals an assertion has it for a minute at most.
pub const LONGEST_LIFE: Duration = Duration::from_secs(60);
/// The claims that the gateway fills in itself.
pub const OWN_CLAIMS: [&str; 10] =
    ["aud", "exp", "iat", "iss", "jti", "nbf", "organization", "provider", "sid", "sub"];
/// What is longer is not sent: apps take 8 KiB of headers in all.
pub const LONGEST_ASSERTION: usize = 6 * 1024;

const TYP: &str = "askara-assertion+jwt";
/// The order of the group of P-256 (SP 800-186 3.2.1.3), the most significant byte first.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
