//! What the token endpoint and the userinfo address answer.
//!
//! An answer counts only with a 2xx status, a JSON object, a text `access_token` and a
//! `token_type` of `bearer` (RFC 6749 5.1; S5). An `error` member is a failure whatever the
//! status (C-94).

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use serde_json::Value;

use super::provider::{Provider, Settings, TokenManner};
use super::tokens::{Tokens, unverified_claims};
use super::{Timestamp, json};
use crate::secret::{AccessToken, Secret};

/// What a token call brought.
#[derive(Debug)]
pub struct Granted {
    pub tokens: Tokens,
    /// Who it speaks of (OpenID Connect Core 1.0), not judged yet.
    pub id_token: Option<Secret<String>>,
    /// The scopes that it says were granted; none: it does not say.
    pub scopes: Option<Vec<String>>,
}

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

impl Granted {
    /// The scopes that a session keeps: what was granted, which where the answer is silent is
    /// what was asked for, or was granted before (RFC 6749 5.1, 6); nothing where no rule reads it.
    pub fn scopes_or(&self, others: &[String], settings: &Settings) -> Vec<String> {
        if !settings.keeps_scopes {
            return Vec::new();
        }
        self.scopes.clone().unwrap_or_else(|| others.to_vec())
    }
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

/// Builds the call that asks who a token speaks for; none when the provider has no such address.
pub fn userinfo_request(provider: &Provider, access: &AccessToken) -> Option<Request<Bytes>> {
    let request = Request::get(provider.endpoints.userinfo.as_ref()?)
        // The access token leaves secrecy for the provider that gave it.
        .header(header::AUTHORIZATION, format!("Bearer {}", access.expose()))
        .header(header::ACCEPT, "application/json")
        .body(Bytes::new())
        .expect("tokens and addresses were checked when they came in");
    Some(request)
}

/// Reads the answer of a token call that came at `now`.
pub fn read_tokens(
    answer: &Response<Bytes>,
    manner: &TokenManner,
    now: Timestamp,
) -> Result<Granted, TokenFailure> {
    let object = read_object(answer, manner.any_content_type)?;
    let text =
        |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let access = text("access_token").ok_or(TokenFailure::Unreadable("no access_token"))?;
    if !is_token(access) {
        return Err(TokenFailure::Unreadable("the access_token can't stand in a header"));
    }
    let bearer = match object.get("token_type") {
        None => manner.type_optional,
        Some(kind) => kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")),
    };
    if !bearer {
        return Err(TokenFailure::Unreadable("the token_type is not Bearer"));
    }
    let secret = |text: &str| Secret::new(text.to_owned());
    let access = secret(access);
    let life = life(object.get("expires_in"), &access, manner.life, now);
    let tokens = Tokens {
        refresh: text("refresh_token").map(secret),
        issued: now,
        expires: now.plus(life),
        access,
    };
    let scopes = object.get("scope").map(read_scopes);
    Ok(Granted { tokens, id_token: text("id_token").map(secret), scopes })
}

/// The scopes of an answer that names them: one text with spaces between them (RFC 6749 3.3), or,
/// as some say it, a list. Anything else grants nothing: taken for silence, it would grant all.
pub(super) fn read_scopes(told: &Value) -> Vec<String> {
    let texts: Vec<&str> = match told {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let words = texts.into_iter().flat_map(str::split_whitespace);
    words.filter(|word| word.len() <= MAX_SCOPE).take(MAX_SCOPES).map(str::to_owned).collect()
}

/// The object of an answer that is no failure.
pub(super) fn read_object(
    answer: &Response<Bytes>,
    any_content_type: bool,
) -> Result<serde_json::Map<String, Value>, TokenFailure> {
    let status = answer.status().as_u16();
    let object = match json::object(answer.body()) {
        Ok(object) => object,
        Err(_) if !answer.status().is_success() => return Err(TokenFailure::Status(status)),
        Err(bad) => return Err(TokenFailure::Unreadable(bad.as_str())),
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
    // What says "HTML" is a page of something between, or a server that is not the one meant.
    if !any_content_type && !is_json(answer) {
        return Err(TokenFailure::Unreadable("the content type is not JSON"));
    }
    Ok(object)
}

/// Reads the answer of a userinfo call: a JSON object (S30).
pub fn read_userinfo(answer: &Response<Bytes>) -> Result<Value, UserinfoFailure> {
    if !answer.status().is_success() {
        return Err(UserinfoFailure::Status(answer.status().as_u16()));
    }
    json::object(answer.body()).map(Value::Object).map_err(|_| UserinfoFailure::NotAnObject)
}

/// The life of a token: a whole `expires_in` as number, float or text; where there is none, the
/// `exp` of a JWT, else `default` (C-95).
fn life(
    expires_in: Option<&Value>,
    access: &AccessToken,
    default: Duration,
    now: Timestamp,
) -> Duration {
    let seconds = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let whole = |life: &f64| life.is_finite() && life.fract() == 0.0;
    if let Some(life) = expires_in.and_then(seconds).filter(whole) {
        return bounded(life);
    }
    let exp = unverified_claims(access)
        .and_then(|claims| claims.get("exp").and_then(Value::as_f64))
        .filter(|exp| exp.is_finite());
    match exp {
        // Askara's kind of server issues `exp` as a floating-point number.
        Some(exp) => bounded(exp - now.to_epoch().as_secs_f64()),
        None => default,
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

/// `application/json`, or a type built on it.
fn is_json(answer: &Response<Bytes>) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    let kind = kind.and_then(|kind| kind.split(|&byte| byte == b';').next()).unwrap_or_default();
    let kind = kind.trim_ascii().to_ascii_lowercase();
    kind == b"application/json" || kind.ends_with(b"+json")
}

/// The longest scope that is taken over, in bytes, and the most of them.
const MAX_SCOPE: usize = 128;
const MAX_SCOPES: usize = 64;
const MIN_LIFE: Duration = Duration::from_secs(5);
/// A year; longer is a mistake.
const MAX_LIFE: f64 = 365.0 * 24.0 * 3600.0;

#[cfg(test)]
#[path = "token_call_tests.rs"]
mod tests;

#[cfg(test)]
impl TokenFailure {
    pub(crate) fn refused_for_test(error: &str) -> Self {
        Self::Refused { error: ErrorCode::parse(error), status: 400 }
    }
}
