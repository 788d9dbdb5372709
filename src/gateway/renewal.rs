//! Renews the token of a session: one call, in a task of its own, and what its answer means.

use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use super::clock::{SystemEntropy, moment, now};
use super::opened::OpenSession;
use super::registry::Flight;
use crate::auth::client_call::refresh_request;
use crate::auth::draw;
use crate::auth::jwks::KeySet;
use crate::auth::person::{self, Person, Told};
use crate::auth::proof::{self, Proven, Unproven, needs_keys};
use crate::auth::provider::Provider;
use crate::auth::refresh::{Verdict, is_outage, verdict};
use crate::auth::session::Session;
use crate::auth::token_call::{self, Granted, userinfo_request};
use crate::provider::Lane;
use crate::provider::directory::Want;
use crate::secret::RefreshToken;
use crate::telemetry::RefreshOutcome;

/// Why a refresh brought nothing.
struct Failed {
    verdict: Verdict,
    /// Whether it speaks of the provider as a whole.
    outage: bool,
    why: String,
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

    async fn renew(self: &Arc<Self>, open: &OpenSession) {
        let gateway = &self.gateway;
        let party = &gateway.parties[open.provider];
        let Some(refresh) = &open.session.tokens.refresh else { return };
        if party.breaker().admit(now()).is_err() {
            gateway.registry.failed(open, Verdict::Passing, now(), 0);
            return;
        }
        match self.refreshed(open, refresh).await {
            Ok((provider, granted)) => {
                party.breaker().answered();
                self.renewed(open, &provider, granted).await;
            }
            Err(failed) => {
                if failed.outage {
                    party.breaker().failed(now());
                } else {
                    party.breaker().answered();
                }
                let [jitter] = draw(&mut SystemEntropy);
                gateway.registry.failed(open, failed.verdict, now(), jitter);
                self.tell(&open.session, &failed);
            }
        }
    }

    /// Spends the refresh token.
    async fn refreshed(
        self: &Arc<Self>,
        open: &OpenSession,
        refresh: &RefreshToken,
    ) -> Result<(Arc<Provider>, Granted), Failed> {
        let unreachable = |why: String| Failed { verdict: Verdict::Passing, outage: true, why };
        let provider = self.provider(open.provider, Lane::Renewal).await;
        let provider = provider.map_err(|why| unreachable(why.to_string()))?;
        let request = refresh_request(&provider, refresh, moment(&mut SystemEntropy));
        let answer = self.clients[open.provider].send(request, Lane::Renewal).await;
        let answer = answer.map_err(|why| unreachable(why.to_string()))?;
        match token_call::read_tokens(&answer, &provider.settings.token, now()) {
            Ok(granted) => Ok((provider, granted)),
            Err(failure) => Err(Failed {
                verdict: verdict(&failure),
                outage: is_outage(&failure),
                why: format!("{failure:?}"),
            }),
        }
    }

    fn tell(&self, session: &Session, failed: &Failed) {
        let metrics = &self.gateway.metrics;
        let Failed { verdict, why, .. } = failed;
        let provider = session.provider.as_str();
        match verdict {
            Verdict::Definitive => {
                metrics.refresh(RefreshOutcome::ended);
                tracing::info!(session = ?session.id, provider, why, "the provider ended the session");
            }
            Verdict::Operator => {
                metrics.refresh(RefreshOutcome::provider_error);
                tracing::error!(session = ?session.id, provider, why, "the provider refuses this gateway; check client_id and client_secret");
            }
            Verdict::Passing => {
                metrics.refresh(RefreshOutcome::provider_error);
                tracing::warn!(session = ?session.id, provider, why, "a token could not be renewed; it will be tried again");
            }
        }
    }

    async fn renewed(
        self: &Arc<Self>,
        open: &OpenSession,
        provider: &Arc<Provider>,
        granted: Granted,
    ) {
        let gateway = &self.gateway;
        let (person, judged) = self.person(open, provider, &granted).await;
        let id_token = granted.id_token.filter(|_| judged);
        let mut session = open.session.renewed(granted.tokens, id_token, now());
        match person {
            Person::Same(identity) => session.identity = *identity,
            Person::Silent => {}
            Person::Gone(why) => {
                gateway.registry.revoke(session.id, session.ends, now());
                gateway.metrics.refresh(RefreshOutcome::ended);
                let name = session.provider.as_str();
                tracing::error!(session = ?session.id, provider = name, why, "the session is ended");
                self.take_back(open.provider, provider, &session);
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
        let Some(renewed) = OpenSession::new(session, open.provider) else {
            gateway.registry.failed(open, Verdict::Passing, now(), 0);
            return;
        };
        let renewed = Arc::new(renewed);
        if gateway.registry.renewed(Arc::clone(&renewed), lines, now()) {
            gateway.metrics.refresh(RefreshOutcome::refreshed);
            tracing::debug!(session = ?id, generation, "token renewed");
        } else {
            // Signed out while the call was under way: its new tokens go too (S10).
            self.take_back(open.provider, provider, &renewed.session);
        }
    }

    /// Asks whom the new token speaks for, and whether the tokens were judged. Briefly: everyone
    /// who waits for the token waits for this too.
    async fn person(
        self: &Arc<Self>,
        open: &OpenSession,
        provider: &Arc<Provider>,
        granted: &Granted,
    ) -> (Person, bool) {
        // Each in its own time: what one of them proves counts, however slow the other is.
        let (proven, told) = tokio::join!(
            tokio::time::timeout(PERSON, self.proven_again(open, provider, granted)),
            tokio::time::timeout(PERSON, self.told(open, provider, granted)),
        );
        let Some(proven) = proven.unwrap_or_else(|_| Some(Proven::unjudged(granted))) else {
            return (Person::Gone("a refresh brought an id_token of another person"), false);
        };
        let judged = proven.judged;
        let told = told.unwrap_or(Told::Nothing);
        (person::compare(&provider.settings, &open.session, proven, told), judged)
    }

    async fn told(&self, open: &OpenSession, provider: &Provider, granted: &Granted) -> Told {
        let wanted = provider.settings.identity.want_userinfo();
        let request = wanted.then(|| userinfo_request(provider, &granted.tokens.access)).flatten();
        let Some(request) = request else { return Told::Nothing };
        match self.clients[open.provider].send(request, Lane::Renewal).await {
            Ok(answer) => Told::from(token_call::read_userinfo(&answer)),
            Err(_) => Told::Nothing,
        }
    }

    /// What the provider's signature proves of a refresh; none: that it is about somebody else.
    /// An id_token that can't be judged proves nothing, and takes nothing away either.
    async fn proven_again(
        self: &Arc<Self>,
        open: &OpenSession,
        provider: &Provider,
        granted: &Granted,
    ) -> Option<Proven> {
        let before = &open.session;
        if !needs_keys(provider, granted) {
            let keys = KeySet::default();
            return proof::at_refresh(granted, before, provider, &keys, now()).ok();
        }
        let judge = |keys: &KeySet| proof::at_refresh(granted, before, provider, keys, now());
        let newer = Unproven::wants_newer_keys;
        let judged =
            self.judged_by_keys(open.provider, Lane::Renewal, Want::UnknownOwn, judge, newer);
        match judged.await.ok() {
            Some(Ok(proven)) => Some(proven),
            Some(Err(unproven)) if unproven.is_somebody_else() => None,
            Some(Err(unproven)) => {
                tracing::error!(session = ?before.id, ?unproven, "a refresh brought tokens that can't be judged; the old claims stay");
                Some(Proven::unjudged(granted))
            }
            None => Some(Proven::unjudged(granted)),
        }
    }
}

/// How long a refresh asks who it was for.
const PERSON: Duration = Duration::from_secs(3);
