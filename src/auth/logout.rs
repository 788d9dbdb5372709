//! Signing out at the provider: RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0; S33)
//! and taking back tokens (RFC 7009; S10).

use bytes::Bytes;
use http::Request;

use super::authorization::with_query;
use super::client_call::{Moment, revocation_request};
use super::provider::Provider;
use super::session::Session;

/// The address at which the provider ends its own session and sends the browser on to
/// `after`; none when it has no such address.
pub fn end_session_url(
    provider: &Provider,
    session: Option<&Session>,
    after: &str,
    state: &str,
) -> Option<String> {
    let to = provider.endpoints.end_session.as_deref()?;
    let mut pairs = Vec::new();
    // The hint leaves secrecy for the provider that made it; it is no key to anything.
    if let Some(hint) = session.and_then(|session| session.hint.as_ref()) {
        pairs.push(("id_token_hint", hint.expose().as_str()));
    }
    pairs.push(("client_id", provider.settings.client_id.as_str()));
    pairs.push(("post_logout_redirect_uri", after));
    pairs.push(("state", state));
    Some(with_query(to, pairs))
}

/// The calls that take back a session's tokens, the refresh token first: without it no other can
/// be made (S10).
pub fn revocations(
    provider: &Provider,
    session: &Session,
    moment: Moment<'_>,
) -> Vec<Request<Bytes>> {
    let tokens = &session.tokens;
    let refresh = tokens.refresh.as_ref().map(|token| (token, "refresh_token"));
    let all = refresh.into_iter().chain([(&tokens.access, "access_token")]);
    let Moment { now, entropy } = moment;
    all.filter_map(|(token, hint)| {
        revocation_request(provider, token, hint, Moment { now, entropy: &mut *entropy })
    })
    .collect()
}
