//! Signed tokens: JWS in compact form with JSON claims (RFC 7515, RFC 7519, RFC 8725).
//!
//! 1. `Jwt::parse` takes the text apart and refuses what has more than one reading, before any key
//!    is looked for: nonsense must not cost a call for newer keys.
//! 2. [`super::jwks`] picks the key by what the key set says of it, never by what the token says:
//!    `jku`, `x5u`, `jwk` and `x5c` are not even read (C-84).
//! 3. There is no HMAC and no `none`: what can't be named can't be chosen (C-82, C-83).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::json;

/// The signatures that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// A token taken apart; nothing in it is to be believed before a
/// key set has verified it.
pub struct Jwt<'a> {
    /// Header and payload as they were signed.
    signed: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    claims: Map<String, Value>,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadJwt {
    /// Longer than [`MAX_TOKEN`].
    TooLong,
    /// Not three segments of canonical base64url.
    Segments,
    /// The header is no JSON object, or a member of it is of a wrong type or size.
    Header,
    /// The payload is no JSON object.
    Payload,
    /// The header demands what is not spoken: `crit`, `b64`, encryption.
    Unsupported,
    /// An algorithm that is not spoken, not allowed, or not the key's.
    Algorithm,
    /// No key of the set is the token's; a newer set may have it (C-86).
    UnknownKey,
    /// The token names no key, and several could be meant.
    AmbiguousKey,
    Signature,
}

impl Algorithm {
    /// Reads the name of RFC 7518 section 3.1 or RFC 8037, letter by letter.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// How the library calls it.
    pub(super) const fn spoken(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
            Self::RS384 => jsonwebtoken::Algorithm::RS384,
            Self::RS512 => jsonwebtoken::Algorithm::RS512,
            Self::PS256 => jsonwebtoken::Algorithm::PS256,
            Self::PS384 => jsonwebtoken::Algorithm::PS384,
            Self::PS512 => jsonwebtoken::Algorithm::PS512,
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::ES384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    /// All of them: none is symmetric.
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];
}

impl<'a> Jwt<'a> {
    /// Takes a token apart. Only its form is judged.
    pub fn parse(text: &'a str) -> Result<Self, BadJwt> {
        if text.len() > MAX_TOKEN {
            return Err(BadJwt::TooLong);
        }
        let mut segments = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(BadJwt::Segments);
        };
        let (header, payload) = (bytes(header)?, bytes(payload)?);
        // Only its form: the library decodes it itself.
        bytes(signature)?;
        let header = json::object(&header).map_err(|_| BadJwt::Header)?;
        let algorithm = algorithm_of(&header)?;
        Ok(Self {
            signed: &text[..text.len() - signature.len() - 1],
            signature,
            algorithm,
            kid: short_text(&header, "kid")?,
            typ: short_text(&header, "typ")?,
            claims: json::object(&payload).map_err(|_| BadJwt::Payload)?,
        })
    }

    /// Its claims, once one of these keys is seen to have signed it.
    pub(super) fn proven_by(&self, keys: &[&DecodingKey]) -> Option<Claims> {
        let signed = |key: &&DecodingKey| {
            let message = self.signed.as_bytes();
            jsonwebtoken::crypto::verify(self.signature, message, key, self.algorithm.spoken())
                .unwrap_or(false)
        };
        keys.iter().any(signed).then(|| Claims::of(self.claims.clone()))
    }

    /// The name of the key that it says has signed it.
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// How it says it is signed.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whose it says it is: good only to choose by whose keys it is judged.
    pub fn claimed_issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }

    /// What kind of token its header says it is.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

impl fmt::Debug for Jwt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl fmt::Display for BadJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the token is too long",
            Self::Segments => "the token is no JWT",
            Self::Header => "the token's header can't be read",
            Self::Payload => "the token's claims can't be read",
            Self::Unsupported => "the token demands what is not spoken here",
            Self::Algorithm => "the token's algorithm is not allowed",
            Self::UnknownKey => "the token's key is not known",
            Self::AmbiguousKey => "the token names no key, and several could be meant",
            Self::Signature => "the token's signature does not fit",
        })
    }
}

impl std::error::Error for BadJwt {}

/// Refuses what would change the meaning of the rest, then reads `alg`.
fn algorithm_of(header: &Map<String, Value>) -> Result<Algorithm, BadJwt> {
    let is_unencoded = header.get("b64").is_some_and(|value| *value != Value::Bool(true));
    // No extension is spoken, so every `crit` names one that is not (RFC 7515 4.1.11).
    if header.contains_key("crit") || header.contains_key("enc") || is_unencoded {
        return Err(BadJwt::Unsupported);
    }
    header.get("alg").and_then(Value::as_str).and_then(Algorithm::parse).ok_or(BadJwt::Algorithm)
}

fn short_text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, BadJwt> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_TEXT => Ok(Some(text.clone())),
        Some(_) => Err(BadJwt::Header),
    }
}

/// The bytes behind a segment. The decoder refuses padding and trailing bits, so that no two texts
/// are the same token.
fn bytes(segment: &str) -> Result<Vec<u8>, BadJwt> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).map_err(|_| BadJwt::Segments)?;
    if bytes.is_empty() { Err(BadJwt::Segments) } else { Ok(bytes) }
}

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;
/// The longest `kid` or `typ`, in bytes.
pub(super) const MAX_TEXT: usize = 256;

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "jwt_made_for_tests.rs"]
pub(crate) mod testing;
