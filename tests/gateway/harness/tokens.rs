//! Tokens of the shape that Askara's kind of server issues: an RS256-looking JWT of about 1.2 kB
//! with floating-point times, and a hexadecimal refresh token of 800 characters.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::gate_builder::CLIENT_ID;
use super::signer::merged;

/// Nobody checks it: the gateway holds the token, and got it straight from the provider (S15).
const SIGNATURE_LENGTH: usize = 256;

pub(crate) fn random_hex(length: usize) -> String {
    let mut bytes = vec![0; length.div_ceil(2)];
    getrandom::fill(&mut bytes).unwrap();
    let mut hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(length);
    hex
}

/// Seconds since the Unix epoch.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(super) fn refresh_token() -> String {
    format!("def502{}", random_hex(794))
}

/// `more` changes the claims.
pub(super) fn access_token(subject: &str, life: f64, more: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs_f64();
    let payload = json!({
        "aud": CLIENT_ID,
        "jti": random_hex(80),
        "iat": now,
        "nbf": now,
        "exp": now + life,
        "sub": subject,
        "scopes": ["profile", "organization"],
        "organization": { "id": 7, "slug": random_hex(180) },
        "permissions": random_hex(200),
    });
    let payload = merged(payload, more);
    let mut signature = [0; SIGNATURE_LENGTH];
    getrandom::fill(&mut signature).unwrap();
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(payload.to_string()),
        URL_SAFE_NO_PAD.encode(signature),
    )
}
