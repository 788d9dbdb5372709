//! What a worker brings along to keep sessions: the provider's answer to a refresh, and what it
//! says of the person.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use super::Worker;
use super::clock::{SystemEntropy, moment, now};
use super::sessions::{Failed, Identified, Ledger, OpenSession, OpenedCache, Sessions, World};
use super::who::warn_of_dropped;
use crate::auth::client_call::refresh_request;
use crate::auth::jwks::KeySet;
use crate::auth::person::{self, Person, Told};
use crate::auth::proof::{self, Proven, Unproven, needs_keys};
use crate::auth::provider::{Provider, ProviderIndex};
use crate::auth::refresh::{HeldBack, Standing, Verdict, is_outage, verdict};
use crate::auth::session::Session;
use crate::auth::token_call::{self, Granted, userinfo_request};
use crate::auth::{Timestamp, draw};
use crate::provider::Lane;
use crate::provider::directory::Want;
use crate::secret::RefreshToken;

/// What a refresh brought beside the tokens.
pub(super) struct Brought {
    provider: Arc<Provider>,
    granted: Granted,
}

impl World for Worker {
    type Brought = Brought;

    fn sessions(&self) -> &Sessions {
        &self.gateway.sessions
    }

    fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    fn cache(&self) -> MutexGuard<'_, OpenedCache> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.keep_to(self.gateway.sessions.sealer.ring.epoch());
        opened
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn jitter(&self) -> u8 {
        let [jitter] = draw(&mut SystemEntropy);
        jitter
    }

    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    async fn spend(self: &Arc<Self>, open: &OpenSession) -> Result<(Session, Brought), Failed> {
        let party = &self.gateway.parties[open.provider];
        let passing = |why: String| Failed { verdict: Verdict::Passing, why };
        let Some(refresh) = &open.session.tokens.refresh else {
            return Err(passing(String::from("there is no refresh token")));
        };
        if !self.may_ask(open).await {
            return Err(passing(String::from("the provider has not answered lately")));
        }
        let spent = self.spent(open, refresh).await;
        match &spent {
            Err((failed_all, _)) if *failed_all => party.breaker().failed(now()),
            _ => party.breaker().answered(),
        }
        let (provider, granted) = spent.map_err(|(_, failed)| failed)?;
        let scopes = granted.scopes_or(&open.session.scopes, &provider.settings);
        let renewed = open.session.renewed(granted.tokens.clone(), now());
        let session = Session { scopes, ..renewed };
        Ok((session, Brought { provider, granted }))
    }

    async fn identify(
        self: &Arc<Self>,
        before: &OpenSession,
        session: &Session,
        brought: &Brought,
    ) -> Identified {
        let Brought { provider, granted } = brought;
        let (person, judged) = self.person(before, provider, granted).await;
        let identity = match person {
            Person::Same(identity) => *identity,
            Person::Silent => session.identity.clone(),
            Person::Gone(why) => return Identified::Gone(why),
        };
        warn_of_dropped(&session.provider, &identity);
        let id_token = granted.id_token.clone().filter(|_| judged);
        let told = session.told(identity, id_token, now());
        Identified::Same(told.map(Box::new))
    }

    fn take_back(self: &Arc<Self>, provider: ProviderIndex, session: &Session) {
        let (worker, session) = (Arc::clone(self), session.clone());
        self.tasks.spawn(async move {
            if let Ok(known) = worker.provider(provider, Lane::Revocation).await {
                worker.revoke_tokens(provider, &known, &session);
            }
        });
    }
}

impl Worker {
    /// Whether the provider may be asked now. Where people wait, so does this for a probe that is
    /// under way, but not for long: it may show that the provider is back.
    async fn may_ask(&self, open: &OpenSession) -> bool {
        let policy = self.gateway.sessions.refresh;
        for _ in 0..LOOKS {
            let standing = policy.standing(&open.session.tokens, now());
            match self.gateway.parties[open.provider].breaker().admit(now(), standing) {
                Ok(()) => return true,
                Err(HeldBack::ByProbe) if standing == Standing::Expired => {}
                Err(_) => return false,
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    }

    /// Sends the refresh token to the provider. A failure says whether it speaks of the provider
    /// as a whole.
    async fn spent(
        self: &Arc<Self>,
        open: &OpenSession,
        refresh: &RefreshToken,
    ) -> Result<(Arc<Provider>, Granted), (bool, Failed)> {
        let unreachable = |why: String| (true, Failed { verdict: Verdict::Passing, why });
        let provider = self.provider(open.provider, Lane::Renewal).await;
        let provider = provider.map_err(|why| unreachable(why.to_string()))?;
        let request = refresh_request(&provider, refresh, moment(&mut SystemEntropy));
        let answer = self.clients[open.provider].send(request, Lane::Renewal).await;
        let answer = answer.map_err(|why| unreachable(why.to_string()))?;
        match token_call::read_tokens(&answer, &provider.settings.token, now()) {
            Ok(granted) => Ok((provider, granted)),
            Err(failure) => {
                let failed = Failed { verdict: verdict(&failure), why: format!("{failure:?}") };
                Err((is_outage(&failure), failed))
            }
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
/// Between two looks whether another call's probe is over, and how many: a second in all.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 20;
