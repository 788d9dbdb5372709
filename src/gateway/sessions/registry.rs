//! What this process knows of sessions beyond their cookies: refreshes under way, successors,
//! refusals and sign-outs. Shared by all workers.
//!
//! A request reads one number, the epoch, and looks further only when it has moved since the
//! session was last looked up.

mod endings;
mod shard;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::OpenSession;
use crate::auth::Timestamp;
use crate::auth::ending::{Ending, Whom};
use crate::auth::refresh::{RefreshPolicy, Standing, Step, Verdict};
use crate::auth::session::{Session, SessionId};
use endings::Endings;
use shard::{Entry, Shard, Successor};

/// All that is known, by session.
pub(in crate::gateway) struct Registry {
    policy: RefreshPolicy,
    epoch: AtomicU64,
    flights: AtomicU64,
    endings: Endings,
    shards: [Mutex<Shard>; SHARDS],
}

/// What to do with a request, and with which session.
pub(in crate::gateway) struct Look {
    pub(in crate::gateway) step: Step,
    /// The newest generation that is known: what is served.
    pub(in crate::gateway) newest: Arc<OpenSession>,
    /// Given when the caller is the one to renew: dropped, it tells all waiters.
    pub(in crate::gateway) flight: Option<Flight>,
    /// Told when the refresh under way is over.
    pub(in crate::gateway) landing: Option<CancellationToken>,
    /// Whether anything is known of this session at all.
    pub(in crate::gateway) known: bool,
    /// Whether it shows that another replica spent a refresh token before us (rule 6).
    pub(in crate::gateway) lost_race: bool,
    /// How long ago the provider refused to renew it, if it did: another replica may have done it
    /// before.
    pub(in crate::gateway) refused_for: Option<Duration>,
}

/// A refresh under way. However its task ends, waiters are told and the session is free again.
pub(in crate::gateway) struct Flight {
    registry: Arc<Registry>,
    id: SessionId,
    number: u64,
    landing: CancellationToken,
    /// Dropped with the flight, it wakes everyone in the order in which they came to wait.
    _landed: DropGuard,
}

/// What an answer may tell a browser that presented some generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Newer {
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
    pub(in crate::gateway) fn new(policy: RefreshPolicy) -> Arc<Self> {
        let shards = std::array::from_fn(|_| Mutex::new(Shard::default()));
        let (epoch, flights) = (AtomicU64::new(0), AtomicU64::new(0));
        let endings = Endings::default();
        Arc::new(Self { policy, epoch, flights, endings, shards })
    }

    /// Moves whenever anything becomes known of any session.
    pub(in crate::gateway) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Where a session's token stands.
    pub(in crate::gateway) fn standing(&self, open: &OpenSession, now: Timestamp) -> Standing {
        self.policy.standing(&open.session.tokens, now)
    }

    /// Decides on a request that presented `open`.
    pub(in crate::gateway) fn look(
        self: &Arc<Self>,
        open: &Arc<OpenSession>,
        now: Timestamp,
    ) -> Look {
        let id = open.session.id;
        let mut shard = self.shard(id);
        let revoked = shard.is_revoked(id) || self.endings.cover(&open.session);
        let mut lost_race = false;
        let (newest, known, landing) = match shard.live(id, &self.policy, now) {
            Some(entry) => {
                lost_race = entry.notice(open, now);
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
        let refused_for = known.refused_for(now);
        Look { step, newest, flight, landing, known: is_known, lost_race, refused_for }
    }

    /// What an answer to a browser that presented this may bring along.
    pub(in crate::gateway) fn newer(&self, presented: &Session) -> Newer {
        if self.is_over(presented) {
            return Newer::Revoked;
        }
        let shard = self.shard(presented.id);
        match shard.entry(presented.id) {
            Some(Entry { successor: Some(successor), .. })
                if successor.open.session.generation > presented.generation =>
            {
                Newer::Lines(successor.lines.clone())
            }
            Some(entry) if entry.known.flying => Newer::Flying,
            _ => Newer::Nothing,
        }
    }

    /// Keeps the successor of a refresh. A session that was signed out meanwhile stays so: then
    /// the answer is no.
    pub(in crate::gateway) fn renewed(
        &self,
        open: Arc<OpenSession>,
        lines: Vec<HeaderValue>,
        now: Timestamp,
    ) -> bool {
        let id = open.session.id;
        let mut shard = self.shard(id);
        if shard.is_revoked(id) || self.endings.cover(&open.session) {
            return false;
        }
        let entry = shard.entry_or_new(id, &self.policy, now);
        entry.known.renewed();
        entry.keep_until = None;
        // What comes late from elsewhere never takes the place of something newer.
        let generation = open.session.generation;
        let older = |kept: &Successor| kept.open.session.generation > generation;
        if !entry.successor.as_ref().is_some_and(older) {
            entry.successor = Some(Successor { open, lines, made: now, shown: None });
        }
        self.moved();
        true
    }

    /// Notes that a refresh failed.
    pub(in crate::gateway) fn failed(
        &self,
        open: &OpenSession,
        verdict: Verdict,
        now: Timestamp,
        jitter: u8,
    ) {
        let mut shard = self.shard(open.session.id);
        let entry = shard.entry_or_new(open.session.id, &self.policy, now);
        entry.known.failed(verdict, open.session.generation, now, jitter);
        let kept = match verdict {
            // Once it can't be a lost race any more, who comes then is told that it is over.
            Verdict::Definitive => self.policy.keep_at_most + FAILURE_KEPT,
            Verdict::Operator | Verdict::Passing | Verdict::Unasked => FAILURE_KEPT,
        };
        let until = now.max(open.session.tokens.expires).plus(kept);
        entry.keep_until = entry.keep_until.max(Some(until));
        self.moved();
    }

    /// Ends sessions for this process, until they would have ended by themselves. Gives back the
    /// newest generation that was kept, where it is about one session.
    pub(in crate::gateway) fn end(&self, ending: &Ending) -> Option<Arc<OpenSession>> {
        let newest = match ending.whom {
            // What is known already moves nothing.
            Whom::Session(id) if self.is_revoked(id) => return None,
            Whom::Session(id) => self.shard(id).revoke(id, ending.until, ending.before),
            _ => {
                self.endings.add(ending);
                None
            }
        };
        self.moved();
        newest
    }

    /// Whether a session's token is not renewed because the provider is away.
    pub(in crate::gateway) fn is_held_up(&self, id: SessionId) -> bool {
        self.shard(id).entry(id).is_some_and(|entry| entry.known.is_held_up())
    }

    /// Whether there is something newer than this generation, or the session is over.
    pub(in crate::gateway) fn is_past(&self, session: &Session) -> bool {
        let newer = |entry: &Entry| {
            let kept = entry.successor.as_ref();
            kept.is_some_and(|kept| kept.open.session.generation > session.generation)
        };
        self.is_over(session) || self.shard(session.id).entry(session.id).is_some_and(newer)
    }

    /// Whether this very session was ended by [`Self::end`].
    pub(in crate::gateway) fn is_revoked(&self, id: SessionId) -> bool {
        self.shard(id).is_revoked(id)
    }

    /// Whether a session was ended by [`Self::end`].
    pub(in crate::gateway) fn is_over(&self, session: &Session) -> bool {
        self.shard(session.id).is_revoked(session.id) || self.endings.cover(session)
    }

    /// Forgets what nobody needs any more.
    pub(in crate::gateway) fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).sweep(&self.policy, now);
        }
        self.endings.sweep(now);
    }

    fn take_off(self: &Arc<Self>, shard: &mut Shard, id: SessionId, now: Timestamp) -> Flight {
        let number = self.flights.fetch_add(1, Ordering::Relaxed);
        let landing = CancellationToken::new();
        let entry = shard.entry_or_new(id, &self.policy, now);
        entry.known.flying = true;
        entry.landing = Some(landing.clone());
        entry.flight = number;
        self.moved();
        let _landed = landing.clone().drop_guard();
        Flight { registry: Arc::clone(self), id, number, landing, _landed }
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
    pub(in crate::gateway) fn landing(&self) -> CancellationToken {
        self.landing.clone()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.registry.shard(self.id).land(self.id, self.number);
        self.registry.moved();
    }
}

const SHARDS: usize = 16;
/// How long it is remembered that a refresh failed.
const FAILURE_KEPT: Duration = Duration::from_secs(600);

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
