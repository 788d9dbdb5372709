//! What a client posts to the provider: its parameters, and the proof that it is the client.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::Options;
use super::kind::{ClientAuth, TokenBody};
use super::refusal::Refusal;

/// The parameters of a call, and what its `Authorization` header says.
pub(super) struct Call {
    parameters: BTreeMap<String, String>,
    header: Header,
}

/// The client's name and secret by HTTP Basic.
enum Header {
    Absent,
    Basic(String, String),
    Unreadable,
}

impl Call {
    /// Reads a call. A body that should be JSON and is not has no parameters, as PHP sees it.
    pub(super) fn read(request: &Request<Bytes>, body: TokenBody) -> Result<Self, Refusal> {
        let parameters = match body {
            TokenBody::Json if has_type(request.headers(), "application/json") => {
                json_parameters(request.body())
            }
            TokenBody::Json => BTreeMap::new(),
            TokenBody::Form if has_type(request.headers(), FORM) => {
                form_parameters(request.body()).ok_or(Refusal::Twice)?
            }
            TokenBody::Form => return Err(Refusal::NotAForm),
        };
        Ok(Self { parameters, header: Header::read(request.headers()) })
    }

    /// Returns a parameter that is there and not empty (RFC 6749, section 3.2).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn needed(&self, name: &'static str) -> Result<&str, Refusal> {
        self.value(name).ok_or(Refusal::Missing(name))
    }

    /// Judges whether the call comes from the client.
    pub(super) fn judge_client(&self, options: &Options) -> Result<(), Refusal> {
        let manner = options.kind.manner();
        let (id, secret) = match (manner.client_auth, &self.header) {
            (ClientAuth::Basic, Header::Basic(id, secret)) => {
                // One way only (RFC 6749, section 2.3); a name in the body may still repeat it.
                if self.value("client_secret").is_some()
                    || self.value("client_id").is_some_and(|other| other != id)
                {
                    return Err(Refusal::Client);
                }
                (id.as_str(), secret.as_str())
            }
            (ClientAuth::Basic, _) => return Err(Refusal::Client),
            (ClientAuth::Body, Header::Basic(..) | Header::Unreadable) if !manner.league => {
                return Err(Refusal::Client);
            }
            (ClientAuth::Body, _) => {
                (self.needed("client_id")?, self.value("client_secret").unwrap_or_default())
            }
        };
        let same = id.as_bytes().ct_eq(options.client_id.as_bytes())
            & secret.as_bytes().ct_eq(options.client_secret.as_bytes());
        if bool::from(same) { Ok(()) } else { Err(Refusal::Client) }
    }
}

impl Header {
    /// Reads name and secret, each form-urlencoded before both were base64 (RFC 6749, section
    /// 2.3.1).
    fn read(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Self::Absent;
        };
        let pair = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())
            .and_then(|decoded| String::from_utf8(decoded).ok());
        let pair = pair.as_deref().and_then(|pair| pair.split_once(':'));
        match pair {
            Some((id, secret)) => Self::Basic(form_decoded(id), form_decoded(secret)),
            None => Self::Unreadable,
        }
    }
}

/// Tells whether the content type is `wanted`, whatever its parameters.
pub(super) fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}

/// Returns the parameters of a form or query; none when one is there twice (RFC 6749, section 3.1).
pub(super) fn form_parameters(text: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text) {
        if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(parameters)
}

fn json_parameters(body: &[u8]) -> BTreeMap<String, String> {
    let members: serde_json::Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    };
    members.into_iter().filter_map(text).collect()
}

/// Returns one value decoded; an unencoded `&` would have ended it.
fn form_decoded(text: &str) -> String {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    pairs.next().map(|(value, _)| value.into_owned()).unwrap_or_default()
}

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
