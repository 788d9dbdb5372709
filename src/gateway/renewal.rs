//! Renews the token of a session: one call, in a task of its own, and what its answer means.

use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use super::clock::{SystemEntropy, now};
use super::opened::OpenSession;
use super::registry::Flight;
use crate::auth::draw;
use crate::auth::identity::{Documents, Identity};
use crate::auth::refresh::{Verdict, is_outage, verdict};
use crate::auth::session::Session;
use crate::auth::token_call::{self, UserinfoFailure, refresh_request, userinfo_request};
use crate::auth::tokens::{Tokens, unverified_claims};
use crate::provider::Lane;
use crate::telemetry::RefreshOutcome;

/// Whom a renewed token speaks for.
enum Person {
    Same(Box<Identity>),
    /// Nobody says, or not at the place where the person was found: the old claims stay.
    Silent,
    /// Somebody else, or nobody at all any more.
    Gone(&'static str),
}

impl Worker {
    /// Renews in a task of its own: a visitor who goes away cancels nothing, and a shutdown
    /// waits for it (rule 2).
    pub(super) fn renew_beside(self: &Arc<Self>, open: Arc<OpenSession>, flight: Flight) {
        let worker = Arc::clone(self);
        self.tasks.spawn(async move {
            worker.renew(&open).await;
            drop(flight);
        });
    }

    async fn renew(&self, open: &OpenSession) {
        let gateway = &self.gateway;
        let Some(refresh) = &open.session.tokens.refresh else { return };
        if gateway.breaker().admit(now()).is_err() {
            gateway.registry.failed(open, Verdict::Passing, now(), 0);
            return;
        }
        let request = refresh_request(&gateway.provider, refresh);
        let (verdict, outage, why) = match self.provider.send(request, Lane::Renewal).await {
            Ok(answer) => match token_call::read_tokens(&answer, now()) {
                Ok(tokens) => return self.renewed(open, tokens).await,
                Err(failure) => (verdict(&failure), is_outage(&failure), format!("{failure:?}")),
            },
            Err(failure) => (Verdict::Passing, true, failure.to_string()),
        };
        if outage {
            gateway.breaker().failed(now());
        } else {
            gateway.breaker().answered();
        }
        let [jitter] = draw(&mut SystemEntropy);
        gateway.registry.failed(open, verdict, now(), jitter);
        self.tell(&open.session, verdict, &why);
    }

    fn tell(&self, session: &Session, verdict: Verdict, why: &str) {
        let metrics = &self.gateway.metrics;
        match verdict {
            Verdict::Definitive => {
                metrics.refresh(RefreshOutcome::ended);
                tracing::info!(session = ?session.id, why, "the provider ended the session");
            }
            Verdict::Operator => {
                metrics.refresh(RefreshOutcome::provider_error);
                tracing::error!(session = ?session.id, why, "the provider refuses this gateway; check client_id and client_secret");
            }
            Verdict::Passing => {
                metrics.refresh(RefreshOutcome::provider_error);
                tracing::warn!(session = ?session.id, why, "a token could not be renewed; it will be tried again");
            }
        }
    }

    async fn renewed(&self, open: &OpenSession, tokens: Tokens) {
        let gateway = &self.gateway;
        gateway.breaker().answered();
        let mut session = open.session.renewed(tokens, now());
        match self.person(&open.session, &session).await {
            Person::Same(identity) => session.identity = *identity,
            Person::Silent => {}
            Person::Gone(why) => {
                gateway.registry.revoke(session.id, session.ends, now());
                gateway.metrics.refresh(RefreshOutcome::ended);
                tracing::error!(session = ?session.id, why, "the session is ended");
                return;
            }
        }
        let life = session.cookie_life(now());
        let lines = match gateway.sealer.session_lines(&session, life) {
            Ok(lines) => lines,
            Err(too_large) => {
                tracing::error!(
                    bytes = too_large.bytes,
                    "a renewed session no longer fits in two cookies; it lasts only as long as this process remembers it: keep sessions in a store"
                );
                Vec::new()
            }
        };
        let (id, generation) = (session.id, session.generation);
        let Some(renewed) = OpenSession::new(session) else {
            gateway.registry.failed(open, Verdict::Passing, now(), 0);
            return;
        };
        if gateway.registry.renewed(Arc::new(renewed), lines, now()) {
            gateway.metrics.refresh(RefreshOutcome::refreshed);
            tracing::debug!(session = ?id, generation, "token renewed");
        }
    }

    /// Asks whom the new token speaks for (rule 7, S30, C-102). Briefly: everyone who waits for
    /// the token waits for this too.
    async fn person(&self, before: &Session, after: &Session) -> Person {
        let provider = &self.gateway.provider;
        let claims = unverified_claims(&after.tokens.access);
        let subject = |claims: &Option<serde_json::Value>| {
            claims.as_ref().and_then(|claims| claims.get("sub").cloned())
        };
        let old = subject(&unverified_claims(&before.tokens.access));
        if old.is_some_and(|old| subject(&claims).is_some_and(|new| new != old)) {
            return Person::Gone("a refresh brought a token of another person");
        }
        let request = provider
            .identity
            .want_userinfo()
            .then(|| userinfo_request(provider, &after.tokens.access));
        let me = match request.flatten() {
            Some(request) => {
                let call = self.provider.send(request, Lane::Renewal);
                let Ok(Ok(answer)) = tokio::time::timeout(PERSON, call).await else {
                    return Person::Silent;
                };
                match token_call::read_userinfo(&answer) {
                    Ok(me) => Some(me),
                    Err(UserinfoFailure::Status(401)) => {
                        return Person::Gone("the provider does not know the renewed token");
                    }
                    Err(_) => return Person::Silent,
                }
            }
            None => None,
        };
        let documents = Documents { token: claims, me };
        match provider.identity.is_same(&before.identity, &documents) {
            Some(false) => Person::Gone("a refresh brought another person"),
            Some(true) => provider
                .identity
                .read(&documents)
                .map_or(Person::Silent, |identity| Person::Same(Box::new(identity))),
            None => Person::Silent,
        }
    }
}

/// How long a refresh asks who it was for.
const PERSON: Duration = Duration::from_secs(3);
