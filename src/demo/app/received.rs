//! The received headers, for people and for scripts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use minijinja::{Value, context};
use serde_json::json;

/// Returns a header's first value that is not empty.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = lossy(headers.get(name)?);
    (!value.is_empty()).then_some(value)
}

/// Returns the token of an `Authorization` value.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the last `count` characters.
pub(super) fn end(text: &str, count: usize) -> &str {
    let start =
        text.char_indices().rev().nth(count.saturating_sub(1)).map_or(0, |(start, _)| start);
    &text[start..]
}

/// Returns every header: name to list of values, in the order in which they came.
pub(super) fn as_json(headers: &HeaderMap) -> serde_json::Value {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        all.entry(name.as_str()).or_default().push(lossy(value));
    }
    json!(all)
}

/// Returns the rows of the page's table: tokens shortened, with what they say below.
pub(super) fn as_rows(headers: &HeaderMap) -> Vec<Value> {
    let mut all: Vec<_> = headers.iter().collect();
    all.sort_by_key(|(name, _)| name.as_str());
    all.into_iter()
        .map(|(name, value)| {
            let value = lossy(value);
            match token_in(name, &value) {
                Some(token) => context! {
                    name => name.as_str(),
                    value => value.replace(token, &shortened(token)),
                    claims => claims(token),
                },
                None => context! { name => name.as_str(), value },
            }
        })
        .collect()
}

fn token_in<'a>(name: &HeaderName, value: &'a str) -> Option<&'a str> {
    match name.as_str() {
        "x-forwarded-access-token" => Some(value),
        _ if name == AUTHORIZATION => bearer(value),
        _ => None,
    }
    .filter(|token| !token.is_empty())
}

fn shortened(token: &str) -> String {
    if token.chars().count() <= 2 * SHOWN {
        return token.to_owned();
    }
    let start: String = token.chars().take(SHOWN).collect();
    format!("{start}…{}", end(token, SHOWN))
}

/// Returns what a JWT says, unverified: the app only shows it.
fn claims(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    serde_json::to_string_pretty(&claims).ok()
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Characters of a token that the page shows at either end.
const SHOWN: usize = 8;
