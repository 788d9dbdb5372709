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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Timestamp;
    use crate::auth::provider::testing::{of, settings};
    use crate::auth::session::testing::session;
    use crate::auth::testing::Counting;
    use crate::secret::Secret;

    fn provider() -> Provider {
        let mut settings = settings();
        settings.said.end_session = Some(String::from("https://p/end?ui=1"));
        settings.said.revocation = Some(String::from("https://p/revoke"));
        of(settings)
    }

    #[test]
    fn s33_the_provider_learns_whose_session_and_where_to_send_the_browser() {
        let after = "https://app/oauth2/signed_out";
        let common = "client_id=client&post_logout_redirect_uri=https%3A%2F%2Fapp%2Foauth2%2Fsigned_out&state=s";
        let mut session = session(0, 0, 10);
        let url = |session: &Session| end_session_url(&provider(), Some(session), after, "s");
        assert_eq!(url(&session).unwrap(), format!("https://p/end?ui=1&{common}"));
        session.hint = Some(Secret::new(String::from("a.b.c")));
        let hinted = format!("https://p/end?ui=1&id_token_hint=a.b.c&{common}");
        assert_eq!(url(&session).unwrap(), hinted);
        assert_eq!(end_session_url(&of(settings()), Some(&session), after, "s"), None);
    }

    #[test]
    fn s10_the_refresh_token_is_taken_back_before_the_access_token() {
        let moment =
            || Moment { now: Timestamp::from_unix(1), entropy: Box::leak(Box::new(Counting(1))) };
        let mut session = session(0, 0, 10);
        let bodies = |session: &Session| -> Vec<String> {
            let calls = revocations(&provider(), session, moment());
            calls.iter().map(|call| String::from_utf8(call.body().to_vec()).unwrap()).collect()
        };
        let client = "client_id=client&client_secret=se%3Acret";
        let access = format!("token=access&token_type_hint=access_token&{client}");
        let refresh = format!("token=refresh&token_type_hint=refresh_token&{client}");
        assert_eq!(bodies(&session), [refresh, access.clone()]);
        session.tokens.refresh = None;
        assert_eq!(bodies(&session), [access]);
        assert!(revocations(&of(settings()), &session, moment()).is_empty());
    }
}
