//! Turns a code into a session: the token call, the proof, the userinfo call.

use std::sync::Arc;

use http::HeaderValue;

use crate::auth::facts::KnownPerson;
use crate::auth::jwks::KeySet;
use crate::auth::login::{AwaitProof, AwaitTokens, Goal, LoginError};
use crate::auth::proof::{Proven, Unproven, needs_keys};
use crate::auth::provider::Provider;
use crate::auth::provider::ProviderIndex;
use crate::auth::session::{Session, SessionId};
use crate::gateway::Worker;
use crate::gateway::clock::{SystemEntropy, moment, now};
use crate::gateway::respond::Failure;
use crate::gateway::sessions::{NotBegun, World as _, begin};
use crate::gateway::who::warn_of_dropped;
use crate::provider::Lane;
use crate::provider::directory::Want;

/// How a login ended.
pub(in crate::gateway) type Outcome = Result<SignedIn, Failure>;

/// What a finished login answers with.
pub(in crate::gateway) struct SignedIn {
    pub(super) lines: Vec<HeaderValue>,
    pub(in crate::gateway) goal: Goal,
    pub(super) session: SessionId,
    /// Who signed in.
    pub(in crate::gateway) known: KnownPerson,
}

impl Worker {
    /// Exchanges a code for a session that is good in `realm`.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        index: ProviderIndex,
        provider: &Provider,
        waiting: AwaitTokens,
        realm: Option<&str>,
    ) -> Outcome {
        let gateway = &self.gateway;
        let client = &self.clients[index];
        let request = waiting.request(provider, moment(&mut SystemEntropy));
        let answer = client.send(request, Lane::Login).await.map_err(Failure::LoginCall)?;
        let waiting = waiting.accept(&answer, provider, now()).map_err(Failure::Login)?;
        let proven = self.proven(index, provider, &waiting).await?;
        let waiting = waiting.proven(proven);
        let userinfo = match waiting.request(provider) {
            Some(request) => {
                Some(client.send(request, Lane::Login).await.map_err(Failure::LoginCall)?)
            }
            None => None,
        };
        let (session, goal) = waiting
            .accept(
                userinfo.as_ref(),
                provider,
                gateway.sessions.lifetimes,
                moment(&mut SystemEntropy),
            )
            .map_err(Failure::Login)?;
        warn_of_dropped(&session.provider, &session.identity);
        let lines = self.begun(index, realm, &session).await?;
        tracing::info!(
            session = ?session.id,
            provider = session.provider,
            user = session.identity.user,
            "signed in"
        );
        let known = KnownPerson::from(&session.person());
        Ok(SignedIn { lines, goal, session: session.id, known })
    }

    /// Keeps the session where sessions are kept. One that can't be kept is none: its tokens go.
    async fn begun(
        self: &Arc<Self>,
        index: ProviderIndex,
        realm: Option<&str>,
        session: &Session,
    ) -> Result<Vec<HeaderValue>, Failure> {
        let failure = match begin(self, realm, session).await {
            Ok(lines) => return Ok(lines),
            Err(NotBegun::TooLarge(too_large)) => Failure::SessionTooLarge(too_large),
            Err(NotBegun::Store(fault)) => {
                tracing::error!(%fault, "a login could not be kept");
                Failure::StoreUnavailable
            }
        };
        self.take_back(index, session);
        Err(failure)
    }

    /// Has the tokens judged, with newer keys where the provider has changed them (C-86).
    async fn proven(
        self: &Arc<Self>,
        index: ProviderIndex,
        provider: &Provider,
        waiting: &AwaitProof,
    ) -> Result<Proven, Failure> {
        if !needs_keys(provider, waiting.granted()) {
            return waiting.judge(provider, &KeySet::default(), now()).map_err(login);
        }
        let judge = |keys: &KeySet| waiting.judge(provider, keys, now());
        let newer = Unproven::wants_newer_keys;
        self.judged_by_keys(index, Lane::Login, Want::UnknownOwn, judge, newer)
            .await?
            .map_err(login)
    }
}

fn login(unproven: impl Into<LoginError>) -> Failure {
    Failure::Login(unproven.into())
}
