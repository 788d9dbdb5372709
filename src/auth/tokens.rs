//! The tokens of a session, and how they are kept small.
//!
//! A JWT is kept as the raw bytes of its three segments, a hexadecimal or base64url token as the
//! bytes it encodes: a quarter to a half of the text, so that a session fits one cookie.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Timestamp;
use crate::secret::{AccessToken, RefreshToken, Secret};

/// What the token endpoint gave.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: AccessToken,
    pub refresh: Option<RefreshToken>,
    /// When the access token came.
    pub issued: Timestamp,
    /// When the access token ends.
    pub expires: Timestamp,
}

/// A token in the fewest bytes from which exactly its text comes back.
#[derive(Serialize, Deserialize)]
pub(super) enum Packed {
    Jwt(Bytes, Bytes, Bytes),
    Hex(Bytes),
    Base64(Bytes),
    Text(Bytes),
}

/// Bytes that are wiped when dropped and written with a length before them.
pub(super) struct Bytes(Zeroizing<Vec<u8>>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(from).map(|bytes| Self(Zeroizing::new(bytes.to_vec())))
    }
}

impl Packed {
    /// Packs a token; every short form is taken only when it gives back the exact text.
    pub(super) fn pack(token: &Secret<String>) -> Self {
        // Leaves secrecy only into bytes that are sealed next.
        let text = token.expose().as_str();
        Self::jwt(text)
            .or_else(|| Self::hex(text))
            .or_else(|| Some(Self::Base64(base64url(text)?)))
            .unwrap_or_else(|| Self::Text(Bytes(Zeroizing::new(text.as_bytes().to_vec()))))
    }

    /// The text again; none when the bytes are no text, which a sealed cookie of ours never has.
    pub(super) fn unpack(&self) -> Option<Secret<String>> {
        let text = match self {
            Self::Jwt(header, payload, signature) => {
                let mut text = String::with_capacity(
                    (header.0.len() + payload.0.len() + signature.0.len()) * 4 / 3 + 8,
                );
                URL_SAFE_NO_PAD.encode_string(&*header.0, &mut text);
                text.push('.');
                URL_SAFE_NO_PAD.encode_string(&*payload.0, &mut text);
                text.push('.');
                URL_SAFE_NO_PAD.encode_string(&*signature.0, &mut text);
                text
            }
            Self::Hex(bytes) => to_hex(&bytes.0),
            Self::Base64(bytes) => URL_SAFE_NO_PAD.encode(&*bytes.0),
            Self::Text(bytes) => String::from_utf8(bytes.0.to_vec()).ok()?,
        };
        Some(Secret::new(text))
    }

    fn jwt(text: &str) -> Option<Self> {
        let mut segments = text.split('.');
        let jwt = Self::Jwt(
            base64url(segments.next()?)?,
            base64url(segments.next()?)?,
            base64url(segments.next()?)?,
        );
        segments.next().is_none().then_some(jwt)
    }

    fn hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.is_empty() || !digits.len().is_multiple_of(2) {
            return None;
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
        for pair in digits.chunks_exact(2) {
            bytes.push(hex_value(pair[0])? << 4 | hex_value(pair[1])?);
        }
        Some(Self::Hex(Bytes(bytes)))
    }
}

/// Lower-case hexadecimal of `bytes`.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The claims of a JWT as its payload tells them, unverified: good for what the token endpoint
/// gave us over TLS (OpenID Connect Core 3.1.3.7), never for what a visitor sends.
pub fn unverified_claims(token: &AccessToken) -> Option<serde_json::Value> {
    let payload = token.expose().split('.').nth(1)?;
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    serde_json::from_slice(&bytes).ok()
}

/// The bytes behind canonical base64url without padding: the decoder refuses trailing bits, so
/// that encoding them again gives exactly `text`.
fn base64url(text: &str) -> Option<Bytes> {
    (!text.is_empty()).then_some(())?;
    URL_SAFE_NO_PAD.decode(text).ok().map(|bytes| Bytes(Zeroizing::new(bytes)))
}

/// Upper case is left out: it would come back as lower.
const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &str) -> (usize, String) {
        let packed = Packed::pack(&Secret::new(text.to_owned()));
        let bytes = postcard::to_allocvec(&packed).unwrap();
        let back: Packed = postcard::from_bytes(&bytes).unwrap();
        (bytes.len(), back.unpack().unwrap().expose().clone())
    }

    #[test]
    fn every_token_comes_back_to_the_letter_and_most_come_back_small() {
        let jwt = format!("{}.{}.{}", "eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiI0MiJ9", "AAAA");
        let hex = format!("def502{}", "0a".repeat(397));
        for (text, most) in [
            (jwt.as_str(), 34),
            (hex.as_str(), 404),
            (&"QUJD".repeat(32), 99),
            ("DEF502AB", 8),
            ("opaque token, no alphabet", 27),
            ("a.b.c", 7),
            ("..", 4),
            ("a.b", 5),
            ("", 2),
            ("eyJ.eyJ.", 10),
            ("QUJDRF", 8),
            ("def50", 7),
        ] {
            let (size, back) = packed(text);
            assert_eq!(back, text);
            assert!(size <= most, "{text} took {size} bytes");
        }
    }

    #[test]
    fn claims_are_read_from_the_payload_and_from_nothing_else() {
        let claims = |text: &str| unverified_claims(&Secret::new(text.to_owned()));
        assert_eq!(claims("e30.eyJzdWIiOiI0MiJ9.AA").unwrap()["sub"], "42");
        for nonsense in ["", "opaque", "e30", "e30.%.AA", "e30.bm90anNvbg.AA"] {
            assert_eq!(claims(nonsense), None, "{nonsense}");
        }
    }
}
