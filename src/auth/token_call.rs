//! The token call and the userinfo call: built here, sent elsewhere, read here.
//!
//! An answer counts only with a 2xx status, a JSON object, a text `access_token` and a
//! `token_type` of `bearer` (RFC 6749 5.1; S5). An `error` member is a failure whatever the
//! status (C-94).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::Value;
use zeroize::Zeroizing;

use super::Timestamp;
use super::provider::{ClientAuth, Provider, TokenBody};
use super::tokens::{Tokens, unverified_claims};
use crate::secret::{AccessToken, Secret};

/// An OAuth error code, made safe to log and to show: lower-case letters and `_`, bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCode(String);

/// Why a token call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFailure {
    /// The provider said no, in the protocol's words (RFC 6749 5.2).
    Refused { error: ErrorCode, status: u16 },
    /// An answer without those words.
    Status(u16),
    /// An answer that can't be read; what was wrong with it.
    Unreadable(&'static str),
}

/// Why a userinfo call brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserinfoFailure {
    Status(u16),
    NotAnObject,
}

impl ErrorCode {
    /// Reads a code; anything else than an OAuth error code becomes `unknown_error`.
    pub fn parse(text: &str) -> Self {
        let sound = (1..=48).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        Self(if sound { text.to_owned() } else { String::from("unknown_error") })
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Builds a token call with the grant's own `members`; the client's proof is added as the
/// provider wants it (S3: exactly one way).
pub fn token_request(provider: &Provider, members: &[(&str, &str)]) -> Request<Bytes> {
    // The secret leaves secrecy for the provider's token endpoint alone.
    let secret = provider.client_secret.expose();
    let mut members = members.to_vec();
    let mut request = Request::builder().method(Method::POST).uri(&provider.token_url);
    match provider.client_auth {
        ClientAuth::Basic => {
            let id = form_encode(&provider.client_id);
            let credentials = Zeroizing::new(format!("{id}:{}", form_encode(secret)));
            let basic = format!("Basic {}", STANDARD.encode(credentials.as_bytes()));
            request = request.header(header::AUTHORIZATION, basic);
        }
        ClientAuth::Body => {
            members.push(("client_id", &provider.client_id));
            members.push(("client_secret", secret));
        }
    }
    let (kind, body) = match provider.token_body {
        TokenBody::Json => {
            let object: serde_json::Map<String, Value> = members
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
                .collect();
            ("application/json", Value::Object(object).to_string())
        }
        TokenBody::Form => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            ("application/x-www-form-urlencoded", form.extend_pairs(members).finish())
        }
    };
    request
        .header(header::CONTENT_TYPE, kind)
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(body))
        .expect("the configuration holds only addresses that are valid in a request")
}

/// Builds a refresh (RFC 6749 section 6).
pub fn refresh_request(provider: &Provider, refresh: &Secret<String>) -> Request<Bytes> {
    // The refresh token leaves secrecy for the provider's token endpoint alone.
    let members = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose().as_str())];
    token_request(provider, &members)
}

/// Builds the call that asks who a token speaks for; none when the provider has no such address.
pub fn userinfo_request(provider: &Provider, access: &AccessToken) -> Option<Request<Bytes>> {
    let request = Request::get(provider.userinfo_url.as_ref()?)
        // The access token leaves secrecy for the provider that gave it.
        .header(header::AUTHORIZATION, format!("Bearer {}", access.expose()))
        .header(header::ACCEPT, "application/json")
        .body(Bytes::new())
        .expect("tokens and addresses were checked when they came in");
    Some(request)
}

/// Reads the answer of a token call that came at `now`.
pub fn read_tokens(answer: &Response<Bytes>, now: Timestamp) -> Result<Tokens, TokenFailure> {
    let status = answer.status().as_u16();
    let object = match serde_json::from_slice::<Value>(answer.body()) {
        Ok(Value::Object(object)) => object,
        _ if !answer.status().is_success() => return Err(TokenFailure::Status(status)),
        Ok(_) => return Err(TokenFailure::Unreadable("the answer is no JSON object")),
        Err(_) => return Err(TokenFailure::Unreadable("the answer is no JSON")),
    };
    // A server in trouble may speak JSON too; what it says then is not about this grant.
    if answer.status().is_server_error() || status == 429 {
        return Err(TokenFailure::Status(status));
    }
    if let Some(error) = object.get("error") {
        let error = ErrorCode::parse(error.as_str().unwrap_or_default());
        return Err(TokenFailure::Refused { error, status });
    }
    if !answer.status().is_success() {
        return Err(TokenFailure::Status(status));
    }
    let text =
        |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let access = text("access_token").ok_or(TokenFailure::Unreadable("no access_token"))?;
    if !is_token(access) {
        return Err(TokenFailure::Unreadable("the access_token can't stand in a header"));
    }
    if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(TokenFailure::Unreadable("the token_type is not Bearer"));
    }
    let access = Secret::new(access.to_owned());
    let life = life(object.get("expires_in"), &access, now);
    Ok(Tokens {
        refresh: text("refresh_token").map(|text| Secret::new(text.to_owned())),
        issued: now,
        expires: now.plus(life),
        access,
    })
}

/// Reads the answer of a userinfo call: a JSON object (S30).
pub fn read_userinfo(answer: &Response<Bytes>) -> Result<Value, UserinfoFailure> {
    if !answer.status().is_success() {
        return Err(UserinfoFailure::Status(answer.status().as_u16()));
    }
    match serde_json::from_slice(answer.body()) {
        Ok(object @ Value::Object(_)) => Ok(object),
        _ => Err(UserinfoFailure::NotAnObject),
    }
}

/// The life of a token: `expires_in` as number, float or text; where it is missing, the `exp` of
/// a JWT, else a default (C-95).
fn life(expires_in: Option<&Value>, access: &AccessToken, now: Timestamp) -> Duration {
    let seconds = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    if let Some(life) = expires_in.and_then(seconds).filter(|life| life.is_finite()) {
        return bounded(life);
    }
    let exp = unverified_claims(access)
        .and_then(|claims| claims.get("exp").and_then(Value::as_f64))
        .filter(|exp| exp.is_finite());
    match exp {
        // Askara's kind of server issues `exp` as a floating-point number.
        Some(exp) => bounded(exp - now.to_epoch().as_secs_f64()),
        None => DEFAULT_LIFE,
    }
}

/// A token that is over when it comes would be renewed in a loop: it gets a few seconds.
fn bounded(life: f64) -> Duration {
    if life < 1.0 { MIN_LIFE } else { Duration::from_secs_f64(life.min(MAX_LIFE)) }
}

/// Visible ASCII (RFC 6749 appendix A.12).
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}

fn form_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const MIN_LIFE: Duration = Duration::from_secs(5);
/// A year; longer is a mistake.
const MAX_LIFE: f64 = 365.0 * 24.0 * 3600.0;
const DEFAULT_LIFE: Duration = Duration::from_secs(300);

#[cfg(test)]
#[path = "token_call_tests.rs"]
mod tests;

#[cfg(test)]
impl TokenFailure {
    pub(crate) fn refused_for_test(error: &str) -> Self {
        Self::Refused { error: ErrorCode::parse(error), status: 400 }
    }
}
