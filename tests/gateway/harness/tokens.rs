//! Tokens of the shape that Askara's kind of server issues: an RS256-looking JWT of about 1.2 kB
//! with floating-point times, and a hexadecimal refresh token of 800 characters.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::gate_builder::CLIENT_ID;

/// Nobody checks it: the gateway holds the token, and got it straight from the provider (S15).
const SIGNATURE_LENGTH: usize = 256;

pub(super) fn random_hex(length: usize) -> String {
    let mut bytes = vec![0; length.div_ceil(2)];
    getrandom::fill(&mut bytes).unwrap();
    let mut hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(length);
    hex
}

pub(super) fn refresh_token() -> String {
    format!("def502{}", random_hex(794))
}

pub(super) fn access_token(subject: &str, life: f64) -> String {
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
    let mut signature = [0; SIGNATURE_LENGTH];
    getrandom::fill(&mut signature).unwrap();
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(payload.to_string()),
        URL_SAFE_NO_PAD.encode(signature),
    )
}
