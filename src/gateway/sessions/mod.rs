//! Keeping sessions: recalled from their cookies, renewed once however many ask, ended everywhere.
//! The rules are those of [`crate::auth::refresh`] (sessions.md); this drives them.
//!
//! A request goes through [`recall`]; what a worker, or a simulation of one, has to bring along is
//! a [`World`].

mod candidates;
mod ends;
mod flight;
mod former;
mod health;
mod lease;
pub mod ledger;
mod opened;
mod recall;
mod records;
mod registry;
#[cfg(test)]
#[path = "tests/simulation/mod.rs"]
mod simulation;
mod streams;
mod touch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use candidates::{Presented, came, presented};
pub(super) use ends::{end_all, end_session, end_unseen, hear};
pub(super) use former::former;
use health::Health;
pub use ledger::Ledger;
pub(super) use opened::{OpenSession, OpenedCache};
pub(super) use recall::{Current, Recalled, recall};
pub(super) use records::{NotBegun, begin};
pub(super) use registry::Registry;
pub(super) use streams::{Leash, Streams};
pub(super) use touch::{RequestTraits, refresh_cookie, set_cookies};

use super::sealer::Sealer;
use crate::auth::Timestamp;
use crate::auth::ending::Ending;
use crate::auth::provider::ProviderIndex;
use crate::auth::realm::Realm;
use crate::auth::refresh::{RefreshPolicy, Verdict};
use crate::auth::session::{Lifetimes, Session};
use crate::telemetry::Metrics;

/// Where sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In their cookies, and nowhere else.
    Cookie,
    /// In their cookies; a store keeps replicas from getting in each other's way.
    Coordinated,
    /// In a store; the cookie is a ticket.
    Stored,
}

/// What all workers share of sessions.
pub(super) struct Sessions {
    pub(super) place: Place,
    pub(super) sealer: Sealer,
    pub(super) registry: Arc<Registry>,
    pub(super) streams: Arc<Streams>,
    pub(super) lifetimes: Lifetimes,
    pub(super) refresh: RefreshPolicy,
    health: Health,
    /// How long a store that is away is waited for.
    pub(super) grace: Duration,
    /// How long a lease lasts: longer than the provider may take.
    pub(super) lease: Duration,
    /// Names of the providers, by their index.
    pub(super) providers: Vec<String>,
    pub(super) metrics: Arc<Metrics>,
    /// Sessions of the store that any worker opened: what one worker has not, another may have,
    /// and while the store is away nothing else has them.
    opened: Mutex<OpenedCache>,
}

/// What keeping sessions needs of the world around it: time, tasks, a provider. A worker has
/// them, and so has a simulation.
pub(super) trait World: Send + Sync + Sized + 'static {
    /// What else a refresh brought, until it is known whom it speaks for.
    type Brought: Send + Sync + 'static;

    fn sessions(&self) -> &Sessions;
    /// This thread's way to the store, where there is one.
    fn ledger(&self) -> Option<&Ledger>;
    /// What this thread opened lately.
    fn cache(&self) -> MutexGuard<'_, OpenedCache>;
    fn now(&self) -> Timestamp;
    /// Spreads what would otherwise come at the same time.
    fn jitter(&self) -> u8;
    /// Runs a task that nobody's going away cancels, and that a shutdown waits for (rule 2).
    fn run(&self, task: impl Future<Output = ()> + Send + 'static);

    /// Spends the refresh token of a session. Returns its next generation, with the tokens that
    /// came.
    fn spend(
        self: &Arc<Self>,
        open: &OpenSession,
    ) -> impl Future<Output = Result<(Session, Self::Brought), Failed>> + Send;

    /// Finds out whom the new tokens of `session` speak for, and what they say of them.
    fn identify(
        self: &Arc<Self>,
        before: &OpenSession,
        session: &Session,
        brought: &Self::Brought,
    ) -> impl Future<Output = Identified> + Send;

    /// Has the provider take back the tokens of a session that is over.
    fn take_back(self: &Arc<Self>, provider: ProviderIndex, session: &Session);
}

/// Why nothing can be said of a session now; it is kept.
#[derive(Debug)]
pub(super) enum Unavailable {
    /// The store that knows it does not answer.
    Store,
    /// Its token is over, and can't be renewed now.
    Token {
        /// Whose session it is.
        provider: ProviderIndex,
        retry_after: Duration,
    },
}

/// Why a refresh brought nothing.
pub(super) struct Failed {
    pub(super) verdict: Verdict,
    pub(super) why: String,
}

/// Whom a renewed session speaks for.
pub(super) enum Identified {
    /// The same person, of whom this is known now; none: what was known before.
    Same(Option<Box<Session>>),
    /// Somebody else, or nobody any more; why.
    Gone(&'static str),
}

impl Sessions {
    #[expect(clippy::too_many_arguments, reason = "one place puts them together")]
    pub(super) fn new(
        place: Place,
        sealer: Sealer,
        lifetimes: Lifetimes,
        refresh: RefreshPolicy,
        grace: Duration,
        stream_grace: Duration,
        lease: Duration,
        providers: Vec<String>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let registry = Registry::new(refresh);
        let streams = Streams::new(lifetimes.absolute, stream_grace);
        let (health, opened) = (Health::new(), Mutex::new(OpenedCache::default()));
        Self {
            place,
            sealer,
            registry,
            streams,
            lifetimes,
            refresh,
            health,
            grace,
            lease,
            providers,
            metrics,
            opened,
        }
    }

    /// Whether everything that sessions need was there once (C-113).
    pub(super) fn is_ready(&self) -> bool {
        self.place == Place::Cookie || self.health.is_caught_up()
    }

    /// Whether a login could not be kept now.
    pub(super) fn keeps_nothing(&self) -> bool {
        self.place == Place::Stored && self.health.away_for().is_some()
    }

    /// Refuses, from now on, the sessions that have ended, and ends their streams.
    /// Returns the newest generation that was kept here of the one session that it may be.
    pub(super) fn ended(&self, ending: &Ending) -> Option<Arc<OpenSession>> {
        let newest = self.registry.end(ending);
        self.streams.end(ending);
        newest
    }

    /// Holds a stream of a session until that is over.
    pub(super) fn leash(&self, open: &Arc<OpenSession>, now: Timestamp) -> Leash {
        let mut leash = self.streams.attach(open, now);
        // Whoever ended the session since it was recalled may have looked for its streams before.
        if self.registry.is_over(&open.session) {
            leash.end();
        }
        leash
    }

    /// Where a session is good.
    fn realm_of<'a>(&'a self, open: &'a OpenSession) -> Realm<'a> {
        self.sealer.realms.of(open.realm.as_deref())
    }

    fn provider_named(&self, name: &str) -> Option<ProviderIndex> {
        self.providers.iter().position(|known| known == name)
    }

    fn opened_by_any(&self) -> MutexGuard<'_, OpenedCache> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.keep_to(self.sealer.ring.epoch());
        opened
    }
}
