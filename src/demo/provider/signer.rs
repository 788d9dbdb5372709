//! The stand-in's key and the access tokens that it signs.

use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::{Unwell, random_hex};

/// An RSA key of 2048 bits.
pub(super) struct Signer(KeyPair);

/// What an access token says.
pub(super) struct Claims<'a> {
    pub(super) audience: &'a str,
    pub(super) subject: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) life: Duration,
}

impl Signer {
    pub(super) fn generate() -> Result<Self, Unwell> {
        KeyPair::generate(KeySize::Rsa2048).map(Self).map_err(|_| Unwell)
    }

    /// Returns a JWT in the look of league/oauth2-server: its times are floating-point numbers.
    pub(super) fn sign(&self, claims: &Claims<'_>, now: SystemTime) -> Result<String, Unwell> {
        let payload = json!({
            "aud": claims.audience,
            "jti": random_hex(40)?,
            "iat": seconds(now),
            "nbf": seconds(now),
            "exp": seconds(now + claims.life),
            "sub": claims.subject,
            "scopes": claims.scopes,
        });
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(HEADER),
            URL_SAFE_NO_PAD.encode(payload.to_string())
        );
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| Unwell)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Returns seconds since 1970 with microseconds, as PHP writes them.
fn seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::new(since.as_secs(), since.subsec_micros() * 1000).as_secs_f64()
}

const HEADER: &str = r#"{"typ":"JWT","alg":"RS256"}"#;

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_token_is_signed_and_has_times_with_fractions() {
        let signer = Signer::generate().unwrap();
        let claims = Claims {
            audience: "client",
            subject: "person",
            scopes: &["profile".to_owned()],
            life: Duration::from_secs(300),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        let token = signer.sign(&claims, now).unwrap();

        let (signed, signature) = token.rsplit_once('.').unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, signer.0.public_key())
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        let (_, payload) = signed.split_once('.').unwrap();
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        for expected in [
            r#""aud":"client""#,
            r#""exp":1700000300.123456"#,
            r#""iat":1700000000.123456"#,
            r#""scopes":["profile"]"#,
            r#""sub":"person""#,
        ] {
            assert!(payload.contains(expected), "{expected} in {payload}");
        }
    }

    #[test]
    fn a_whole_second_is_still_a_floating_point_number() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(json!(seconds(time)).to_string(), "1700000000.0");
    }
}
