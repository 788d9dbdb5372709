//! A provider ends sessions by itself: OpenID Connect Back-Channel Logout 1.0 (S34). It says so to
//! one replica, once, and with no cookie.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Value, json};

use super::body::Body;
use super::clock::now;
use super::ledger::AT_WORK;
use super::respond::{Failure, plain};
use super::visit::Visit;
use super::{Gateway, Worker};
use crate::auth::claims::BadClaim;
use crate::auth::jwks::KeySet;
use crate::auth::jwt::Jwt;
use crate::auth::logout_token::{self, BadLogoutToken, Expected, LogoutToken, REMEMBERED, Whose};
use crate::auth::provider::{OpenId, ProviderIndex};
use crate::provider::Lane;
use crate::provider::directory::{NotLearnt, Want};
use crate::store::Fault;

/// Why nothing was ended.
#[derive(Debug)]
enum NotDone {
    /// The body is no form with one logout token in it.
    Form,
    Refused(BadLogoutToken),
    /// The token was good once (S34).
    Used,
    /// Whether it is good can't be found out now.
    Unjudged(NotLearnt),
    /// It is good, and could not be carried out.
    Undone(Fault),
}

impl Worker {
    /// Ends what a provider's logout token says. `form` is what was posted.
    pub(super) async fn backchannel_logout(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        form: &str,
    ) -> Result<Response<Body>, Failure> {
        if *visit.method != Method::POST {
            return Err(Failure::MethodNotAllowed("POST"));
        }
        match self.provider_ends(form).await {
            Ok(()) => Ok(plain(StatusCode::OK, "")),
            Err(why) => Ok(self.gateway.not_done(&why)),
        }
    }

    async fn provider_ends(self: &Arc<Self>, form: &str) -> Result<(), NotDone> {
        let token = token_of(form).ok_or(NotDone::Form)?;
        let mut done = Err(NotDone::Used);
        // Two tables may be one client of one issuer: then it is about the sessions of both.
        for (index, token) in self.judged_logouts(&token).await? {
            match self.ends_once(index, token).await {
                Ok(true) => done = Ok(()),
                Ok(false) => {}
                Err(fault) => return Err(NotDone::Undone(fault)),
            }
        }
        done
    }

    /// Has the token judged by every provider that it may be from: at least one takes it.
    async fn judged_logouts(
        self: &Arc<Self>,
        token: &str,
    ) -> Result<Vec<(ProviderIndex, LogoutToken)>, NotDone> {
        let jwt = Jwt::parse(token).map_err(BadLogoutToken::Jwt)?;
        let mut good = Vec::new();
        let mut bad = NotDone::Refused(BadClaim::Unfit("iss").into());
        for (index, openid) in self.gateway.logout_judges(jwt.claimed_issuer()) {
            let expected = Expected {
                issuer: &openid.issuer,
                client_id: &self.gateway.parties[index].settings().client_id,
                algorithms: &openid.algorithms,
            };
            let judge = |keys: &KeySet| logout_token::judge(&jwt, keys, &expected, now());
            let newer = BadLogoutToken::wants_newer_keys;
            // Anybody can post a token: one that names an invented key brings no more calls than
            // an API client's does (C-87).
            match self.judged_by_keys(index, Lane::Api, Want::Unknown, judge, newer).await {
                Ok(Ok(token)) => good.push((index, token)),
                // It may be good there: that is the better reason to come again.
                Ok(Err(_)) if matches!(bad, NotDone::Unjudged(_)) => {}
                Ok(Err(why)) => bad = why.into(),
                Err(why) => bad = NotDone::Unjudged(why),
            }
        }
        if good.is_empty() { Err(bad) } else { Ok(good) }
    }

    /// Ends what a good token says; false when that was done before.
    async fn ends_once(
        self: &Arc<Self>,
        index: ProviderIndex,
        token: LogoutToken,
    ) -> Result<bool, Fault> {
        // In a task of its own: a provider that does not wait has been heard all the same.
        let worker = Arc::clone(self);
        let ending = self.tasks.spawn(async move {
            let provider = worker.gateway.parties[index].settings().name.as_str();
            let LogoutToken { whose, jti } = token;
            let kind = match whose {
                Whose::Session(_) => "session",
                Whose::Subject(_) => "person",
            };
            let no_store = || Fault::Away(String::from("there is no store"));
            let ledger = worker.ledger.as_ref().ok_or_else(no_store)?;
            let ending = Arc::clone(&worker).end_sessions(whose.at(provider));
            let ended = ledger.once(provider, &jti, REMEMBERED, ending).await;
            match &ended {
                Ok(Some(sessions)) => {
                    tracing::info!(provider, whose = kind, sessions, "signed out by the provider");
                }
                Ok(None) => {}
                // Only a token that is good comes so far: no stranger can fill the log with it.
                Err(fault) => tracing::error!(
                    provider,
                    whose = kind,
                    %fault,
                    "the provider's sign-out could not be carried out"
                ),
            }
            ended.map(|ended| ended.is_some())
        });
        ending.await.unwrap_or_else(|_| Err(Fault::Away(String::from("the task died"))))
    }
}

impl Gateway {
    /// Whether any provider may end sessions.
    pub(super) fn takes_logouts(&self) -> bool {
        self.listeners().next().is_some()
    }

    /// Who judges a token that says it is of this issuer: the claim only chooses by whose keys.
    fn logout_judges(
        &self,
        issuer: Option<&str>,
    ) -> impl Iterator<Item = (ProviderIndex, &OpenId)> {
        self.listeners().filter(move |(_, openid)| issuer == Some(openid.issuer.as_str()))
    }

    /// The providers that may end sessions.
    fn listeners(&self) -> impl Iterator<Item = (ProviderIndex, &OpenId)> {
        let openid = self.parties.iter().map(|party| party.settings().openid.as_ref());
        openid
            .enumerate()
            .filter_map(|(index, openid)| Some((index, openid?)))
            .filter(|(_, openid)| openid.backchannel_logout)
    }

    /// The answer to a provider that has to come again, or never with this (section 2.8).
    fn not_done(&self, why: &NotDone) -> Response<Body> {
        // What a stranger sends fills no log; that keys can't be read is told where they are asked
        // for.
        tracing::debug!(%why, "a provider's sign-out is refused");
        let (status, retry_after, body) = why.told();
        let mut answer = self.json(status, "application/json", &body);
        let seconds = retry_after.map(|pause| HeaderValue::from(pause.as_secs()));
        answer.headers_mut().extend(seconds.map(|seconds| (header::RETRY_AFTER, seconds)));
        answer
    }
}

impl NotDone {
    /// Status, when to come again, and the body (RFC 6749 5.2). Section 2.8 knows only 400, and a
    /// provider that takes it at its word would never try again: so what may go well later is 503.
    fn told(&self) -> (StatusCode, Option<Duration>, Value) {
        let (status, retry_after, error) = match self {
            Self::Form | Self::Refused(_) | Self::Used => {
                (StatusCode::BAD_REQUEST, None, "invalid_request")
            }
            Self::Unjudged(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, Some(KEYS_PAUSE), "temporarily_unavailable")
            }
            Self::Undone(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, Some(AT_WORK), "temporarily_unavailable")
            }
        };
        let description = match self {
            // Addresses of ours and of others are for the log.
            Self::Unjudged(_) => String::from("the provider's keys are not known"),
            Self::Undone(_) => String::from("the sessions can't be ended now"),
            other => other.to_string(),
        };
        (status, retry_after, json!({ "error": error, "error_description": description }))
    }
}

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("the body is no form with one logout_token"),
            Self::Refused(why) => why.fmt(f),
            Self::Used => f.write_str("the token was used before"),
            Self::Unjudged(why) => why.fmt(f),
            Self::Undone(fault) => fault.fmt(f),
        }
    }
}

impl From<BadLogoutToken> for NotDone {
    fn from(why: BadLogoutToken) -> Self {
        Self::Refused(why)
    }
}

/// The one logout token of a form (section 2.5).
fn token_of(form: &str) -> Option<String> {
    let mut tokens =
        form_urlencoded::parse(form.as_bytes()).filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Some(token.into_owned()),
        _ => None,
    }
}

/// When to come again for keys: not before the provider is asked for them again.
const KEYS_PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s34_a_form_has_one_logout_token() {
        for (form, token) in [
            ("logout_token=a.b.c", Some("a.b.c")),
            ("x=1&logout_token=a.b.c&y=2", Some("a.b.c")),
            ("logout%5Ftoken=a%2Eb", Some("a.b")),
            ("logout_token=a&logout_token=a", None),
            ("logout_token=a&logout%5Ftoken=b", None),
            ("LOGOUT_TOKEN=a", None),
            ("token=a", None),
            ("", None),
        ] {
            assert_eq!(token_of(form).as_deref(), token, "{form}");
        }
    }

    #[test]
    fn what_may_go_well_later_is_to_be_tried_again_and_nothing_else_is() {
        let fault = Fault::Away(String::from("redis://10.0.0.7 is away"));
        for (why, status, retry_after, description) in [
            (NotDone::Form, 400, None, "the body is no form with one logout_token"),
            (NotDone::Refused(BadLogoutToken::Kind), 400, None, "the token is no logout token"),
            (NotDone::Used, 400, None, "the token was used before"),
            (
                NotDone::Unjudged(NotLearnt::KeysStatus(500)),
                503,
                Some(KEYS_PAUSE),
                "the provider's keys are not known",
            ),
            // The lease of an attempt that broke off has run out by then.
            (NotDone::Undone(fault), 503, Some(AT_WORK), "the sessions can't be ended now"),
        ] {
            let (told, pause, body) = why.told();
            assert_eq!((told.as_u16(), pause), (status, retry_after), "{why:?}");
            assert_eq!(body["error_description"], description);
            let error = if status == 400 { "invalid_request" } else { "temporarily_unavailable" };
            assert_eq!(body["error"], error);
        }
    }
}
