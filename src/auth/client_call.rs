//! Calls that a client makes in its own name: to the token endpoint (RFC 6749 3.2), and by the
//! same proof to those for pushed requests (RFC 9126), introspection (RFC 7662) and revocation
//! (RFC 7009). Built here, sent elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::Value;
use zeroize::Zeroizing;

use super::authorization::Parameters;
use super::provider::{ClientAuth, Provider, TokenBody, TokenManner};
use super::token_call::{TokenFailure, read_object};
use super::{Entropy, Timestamp};
use crate::secret::{AccessToken, RefreshToken, Secret};

/// When a call is written, and what makes it unlike any other.
pub struct Moment<'a> {
    pub now: Timestamp,
    pub entropy: &'a mut dyn Entropy,
}

/// Builds a token call with the grant's own `members`.
pub fn token_request(
    provider: &Provider,
    members: &[(&str, &str)],
    moment: Moment<'_>,
) -> Request<Bytes> {
    let body = provider.settings.token.body;
    client_request(provider, &provider.endpoints.token, body, members, moment)
}

/// Builds a refresh (RFC 6749 section 6).
pub fn refresh_request(
    provider: &Provider,
    refresh: &RefreshToken,
    moment: Moment<'_>,
) -> Request<Bytes> {
    // The refresh token leaves secrecy for the provider's token endpoint alone.
    let members = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose().as_str())];
    token_request(provider, &members, moment)
}

/// Builds the call that pushes an authorization request, where this provider takes them so (S16).
pub fn push_request(
    provider: &Provider,
    parameters: &Parameters,
    moment: Moment<'_>,
) -> Option<Request<Bytes>> {
    let members: Vec<_> = parameters.pairs().collect();
    Some(client_request(provider, provider.pushes_to()?, TokenBody::Form, &members, moment))
}

/// Reads the answer to a pushed request: the name that the browser carries on.
pub fn read_pushed(
    answer: &Response<Bytes>,
    manner: &TokenManner,
) -> Result<Secret<String>, TokenFailure> {
    let object = read_object(answer, manner.any_content_type)?;
    let name = object.get("request_uri").and_then(Value::as_str);
    let sound = |name: &&str| {
        (1..=MAX_REQUEST_URI).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
    };
    let name = name.filter(sound).ok_or(TokenFailure::Unreadable("no request_uri"))?;
    Ok(Secret::new(name.to_owned()))
}

/// Builds the question whether an access token of an API client is good (S11).
pub fn introspection_request(
    provider: &Provider,
    token: &AccessToken,
    moment: Moment<'_>,
) -> Option<Request<Bytes>> {
    let to = provider.endpoints.introspection.as_deref()?;
    // The visitor's token leaves secrecy for the provider that is said to have made it.
    let members = [("token", token.expose().as_str()), ("token_type_hint", "access_token")];
    Some(client_request(provider, to, TokenBody::Form, &members, moment))
}

/// Builds the call that takes back a token (S10).
pub fn revocation_request(
    provider: &Provider,
    token: &Secret<String>,
    hint: &str,
    moment: Moment<'_>,
) -> Option<Request<Bytes>> {
    let to = provider.endpoints.revocation.as_deref()?;
    // The token leaves secrecy for the provider that gave it.
    let members = [("token", token.expose().as_str()), ("token_type_hint", hint)];
    Some(client_request(provider, to, TokenBody::Form, &members, moment))
}

/// Builds a call with the client's proof, given exactly as the provider wants it (S3).
fn client_request(
    provider: &Provider,
    to: &str,
    body: TokenBody,
    members: &[(&str, &str)],
    moment: Moment<'_>,
) -> Request<Bytes> {
    let settings = &provider.settings;
    let client_id = settings.client_id.as_str();
    let mut request = Request::builder().method(Method::POST).uri(to);
    let client_auth = settings.client_auth.current();
    let assertion;
    let mut members = members.to_vec();
    // A pushed request has it already, among its parameters.
    if !matches!(*client_auth, ClientAuth::Basic(_))
        && !members.iter().any(|(name, _)| *name == "client_id")
    {
        members.push(("client_id", client_id));
    }
    match &*client_auth {
        ClientAuth::Basic(secret) => {
            request = request.header(header::AUTHORIZATION, basic(client_id, secret));
        }
        // The secret leaves secrecy for the provider alone.
        ClientAuth::Body(secret) => {
            members.push(("client_secret", secret.expose()));
        }
        ClientAuth::PrivateKeyJwt { key, audience } => {
            let audience = audience.as_deref().or(settings.issuer.as_deref());
            let audience = audience.unwrap_or(&provider.endpoints.token);
            assertion = key.sign(client_id, audience, moment.now, moment.entropy);
            members.extend([
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.expose()),
            ]);
        }
        ClientAuth::Mtls | ClientAuth::None => {}
    }
    let (kind, body) = written(body, &members);
    request
        .header(header::CONTENT_TYPE, kind)
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(body))
        .expect("the configuration holds only addresses that are valid in a request")
}

fn basic(client_id: &str, secret: &Secret<String>) -> String {
    let id = form_encode(client_id);
    // The secret leaves secrecy for the provider alone, form-encoded first (RFC 6749 2.3.1).
    let credentials = Zeroizing::new(format!("{id}:{}", form_encode(secret.expose())));
    format!("Basic {}", STANDARD.encode(credentials.as_bytes()))
}

fn written(body: TokenBody, members: &[(&str, &str)]) -> (&'static str, String) {
    match body {
        TokenBody::Json => {
            let member = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::from(*value));
            let object: serde_json::Map<String, Value> = members.iter().map(member).collect();
            ("application/json", Value::Object(object).to_string())
        }
        TokenBody::Form => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            ("application/x-www-form-urlencoded", form.extend_pairs(members).finish())
        }
    }
}

fn form_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const MAX_REQUEST_URI: usize = 1024;

#[cfg(test)]
#[path = "client_call_tests.rs"]
mod tests;
