//! What this process knows of sessions beyond their cookies: refreshes under way, successors,
//! refusals and sign-outs. Shared by all workers.
//!
//! A request reads one number, the epoch, and looks further only when it has moved since the
//! session was last looked up. This is the seam at which a store joins later.

mod shard;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use tokio::sync::watch;

use super::opened::OpenSession;
use crate::auth::Timestamp;
use crate::auth::refresh::{RefreshPolicy, Standing, Step, Verdict};
use crate::auth::session::SessionId;
use shard::{Entry, Shard, Successor};

/// All that is known, by session.
pub(crate) struct Registry {
    policy: RefreshPolicy,
    epoch: AtomicU64,
    flights: AtomicU64,
    shards: [Mutex<Shard>; SHARDS],
}

/// What to do with a request, and with which session.
pub(crate) struct Look {
    pub(crate) step: Step,
    /// The newest generation that is known: what is served.
    pub(crate) newest: Arc<OpenSession>,
    /// Given when the caller is the one to renew: dropped, it tells all waiters.
    pub(crate) flight: Option<Flight>,
    /// Told when the refresh under way is over.
    pub(crate) landing: Option<watch::Receiver<()>>,
    /// Whether anything is known of this session at all.
    pub(crate) known: bool,
}

/// A refresh under way. However its task ends, waiters are told and the session is free again.
pub(crate) struct Flight {
    registry: Arc<Registry>,
    id: SessionId,
    number: u64,
    landed: watch::Sender<()>,
}

/// What an answer may tell a browser that presented some generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Newer {
    /// A refresh is under way: its cookie comes soon.
    Flying,
    /// These lines bring it up to date: the same bytes for everyone, so that their order on the
    /// wire does not matter (rule 4).
    Lines(Vec<HeaderValue>),
    Nothing,
    /// Signed out meanwhile: no cookie may bring it back.
    Revoked,
}

impl Registry {
    pub(crate) fn new(policy: RefreshPolicy) -> Arc<Self> {
        let shards = std::array::from_fn(|_| Mutex::new(Shard::default()));
        let (epoch, flights) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { policy, epoch, flights, shards })
    }

    /// Moves whenever anything becomes known of any session.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Where a session's token stands.
    pub(crate) fn standing(&self, open: &OpenSession, now: Timestamp) -> Standing {
        self.policy.standing(&open.session.tokens, now)
    }

    /// Decides on a request that presented `open`.
    pub(crate) fn look(self: &Arc<Self>, open: &Arc<OpenSession>, now: Timestamp) -> Look {
        let id = open.session.id;
        let mut shard = self.shard(id);
        let revoked = shard.is_revoked(id);
        let (newest, known, landing) = match shard.live(id, &self.policy, now) {
            Some(entry) => {
                entry.notice(open, now);
                (entry.newest(open), Some(entry.known.clone()), entry.landing.clone())
            }
            None => (Arc::clone(open), None, None),
        };
        let session = &newest.session;
        let standing = self.policy.standing(&session.tokens, now);
        let is_known = revoked || known.is_some();
        let mut known = known.unwrap_or_default();
        known.revoked = revoked;
        let step = known.decide(&session.tokens, session.generation, standing, now);
        let flight = matches!(step, Step::ServeAndRenew | Step::RenewAndWait)
            .then(|| self.take_off(&mut shard, id, now));
        Look { step, newest, flight, landing, known: is_known }
    }

    /// What an answer to a browser that presented `generation` may bring along.
    pub(crate) fn newer(&self, id: SessionId, generation: u32) -> Newer {
        let shard = self.shard(id);
        if shard.is_revoked(id) {
            return Newer::Revoked;
        }
        match shard.entry(id) {
            Some(Entry { successor: Some(successor), .. })
                if successor.open.session.generation > generation =>
            {
                Newer::Lines(successor.lines.clone())
            }
            Some(entry) if entry.known.flying => Newer::Flying,
            _ => Newer::Nothing,
        }
    }

    /// Keeps the successor of a refresh. A session that was signed out meanwhile stays so: then
    /// the answer is no.
    pub(crate) fn renewed(
        &self,
        open: Arc<OpenSession>,
        lines: Vec<HeaderValue>,
        now: Timestamp,
    ) -> bool {
        let id = open.session.id;
        let mut shard = self.shard(id);
        if shard.is_revoked(id) {
            return false;
        }
        let entry = shard.entry_or_new(id, &self.policy, now);
        entry.known.renewed();
        entry.successor = Some(Successor { open, lines, made: now, shown: None });
        self.moved();
        true
    }

    /// Notes that a refresh failed.
    pub(crate) fn failed(&self, open: &OpenSession, verdict: Verdict, now: Timestamp, jitter: u8) {
        let mut shard = self.shard(open.session.id);
        let entry = shard.entry_or_new(open.session.id, &self.policy, now);
        entry.known.failed(verdict, open.session.generation, now, jitter);
        let until = now.max(open.session.tokens.expires).plus(self.policy.keep_at_most);
        entry.keep_until = entry.keep_until.max(Some(until));
        self.moved();
    }

    /// Ends a session for this process, until it would have ended by itself. Gives back the
    /// newest generation that was kept of it.
    pub(crate) fn revoke(
        &self,
        id: SessionId,
        ends: Timestamp,
        now: Timestamp,
    ) -> Option<Arc<OpenSession>> {
        let newest = self.shard(id).revoke(id, ends, now);
        self.moved();
        newest
    }

    /// Whether a session was ended by [`Self::revoke`].
    pub(crate) fn is_revoked(&self, id: SessionId) -> bool {
        self.shard(id).is_revoked(id)
    }

    /// Forgets what nobody needs any more.
    pub(crate) fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).sweep(&self.policy, now);
        }
    }

    fn take_off(self: &Arc<Self>, shard: &mut Shard, id: SessionId, now: Timestamp) -> Flight {
        let number = self.flights.fetch_add(1, Ordering::Relaxed);
        let (landed, landing) = watch::channel(());
        let entry = shard.entry_or_new(id, &self.policy, now);
        entry.known.flying = true;
        entry.landing = Some(landing);
        entry.flight = number;
        self.moved();
        Flight { registry: Arc::clone(self), id, number, landed }
    }

    fn moved(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    fn shard(&self, id: SessionId) -> MutexGuard<'_, Shard> {
        self.shards[id.shard(SHARDS)].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Another ear for the end of this refresh.
    pub(crate) fn landing(&self) -> watch::Receiver<()> {
        self.landed.subscribe()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.registry.shard(self.id).land(self.id, self.number);
        self.registry.moved();
    }
}

const SHARDS: usize = 16;

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
