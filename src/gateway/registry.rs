//! What this process knows of sessions beyond their cookies: refreshes under way, successors,
//! refusals and sign-outs. Shared by all workers.
//!
//! A request reads one number, the epoch, and looks further only when it has moved since the
//! session was last looked up. This is the seam at which a store joins later.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use tokio::sync::watch;

use super::opened::OpenSession;
use crate::auth::Timestamp;
use crate::auth::refresh::{Known, RefreshPolicy, Standing, Step, Verdict};
use crate::auth::session::SessionId;

/// All that is known, by session.
pub(super) struct Registry {
    policy: RefreshPolicy,
    epoch: AtomicU64,
    shards: [Mutex<HashMap<SessionId, Entry>>; SHARDS],
}

/// What to do with a request, and with which session.
pub(super) struct Look {
    pub step: Step,
    /// The newest generation that is known: what is served.
    pub newest: Arc<OpenSession>,
    /// Given when the caller is the one to renew: dropped, it tells all waiters.
    pub flight: Option<Flight>,
    /// Told when the refresh under way is over.
    pub landing: Option<watch::Receiver<()>>,
    /// Whether anything is known of this session at all.
    pub known: bool,
}

/// A refresh under way. However its task ends, waiters are told and the session is free again.
pub(super) struct Flight {
    registry: Arc<Registry>,
    id: SessionId,
    landed: watch::Sender<()>,
}

#[derive(Default)]
struct Entry {
    known: Known,
    successor: Option<Successor>,
    landing: Option<watch::Receiver<()>>,
    /// When everything but a successor may be forgotten.
    keep_until: Option<Timestamp>,
}

struct Successor {
    open: Arc<OpenSession>,
    lines: Vec<HeaderValue>,
    made: Timestamp,
    shown: Option<Timestamp>,
}

impl Registry {
    pub(super) fn new(policy: RefreshPolicy) -> Arc<Self> {
        let shards = std::array::from_fn(|_| Mutex::new(HashMap::new()));
        Arc::new(Self {
            policy,
            epoch: AtomicU64::new(0),
            shards,
        })
    }

    /// Moves whenever anything becomes known of any session.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Where a session's token stands.
    pub(super) fn standing(&self, open: &OpenSession, now: Timestamp) -> Standing {
        self.policy.standing(&open.session.tokens, now)
    }

    /// Decides on a request that presented `open`.
    pub(super) fn look(self: &Arc<Self>, open: &Arc<OpenSession>, now: Timestamp) -> Look {
        let id = open.session.id;
        let mut shard = self.shard(id);
        if shard
            .get(&id)
            .is_some_and(|entry| entry.is_over(&self.policy, now))
        {
            shard.remove(&id);
        }
        let Some(entry) = shard.get_mut(&id) else {
            let standing = self.policy.standing(&open.session.tokens, now);
            let step = Known::default().decide(
                &open.session.tokens,
                open.session.generation,
                standing,
                now,
            );
            let mut look = Look::of(step, Arc::clone(open), None, false);
            if look.wants_flight() {
                look.flight = Some(self.take_off(shard.entry(id).or_default(), id));
            }
            return look;
        };
        entry.notice(open, now);
        let newest = entry.newest(open);
        let session = &newest.session;
        let standing = self.policy.standing(&session.tokens, now);
        let step = entry
            .known
            .decide(&session.tokens, session.generation, standing, now);
        let landing = entry.landing.clone();
        let mut look = Look::of(step, newest, landing, true);
        if look.wants_flight() {
            look.flight = Some(self.take_off(entry, id));
        }
        look
    }

    /// The lines that bring a browser that presented `generation` up to date: the same bytes
    /// for everyone, so that their order on the wire does not matter (rule 4).
    pub(super) fn successor_lines(
        &self,
        id: SessionId,
        generation: u32,
    ) -> Option<Vec<HeaderValue>> {
        let shard = self.shard(id);
        let successor = shard.get(&id)?.successor.as_ref()?;
        (successor.open.session.generation > generation).then(|| successor.lines.clone())
    }

    /// Keeps the successor of a refresh. A session that was signed out meanwhile stays so:
    /// then the answer is no.
    pub(super) fn renewed(
        &self,
        open: Arc<OpenSession>,
        lines: Vec<HeaderValue>,
        now: Timestamp,
    ) -> bool {
        let id = open.session.id;
        let mut shard = self.shard(id);
        self.sweep(&mut shard, now);
        let entry = shard.entry(id).or_default();
        if entry.known.revoked {
            return false;
        }
        entry.known.renewed();
        entry.successor = Some(Successor {
            open,
            lines,
            made: now,
            shown: None,
        });
        self.moved();
        true
    }

    /// Notes that a refresh failed.
    pub(super) fn failed(&self, open: &OpenSession, verdict: Verdict, now: Timestamp, jitter: u8) {
        let mut shard = self.shard(open.session.id);
        let entry = shard.entry(open.session.id).or_default();
        entry
            .known
            .failed(verdict, open.session.generation, now, jitter);
        let most = now
            .plus(self.policy.keep_at_most)
            .max(open.session.tokens.expires);
        entry.keep_until = entry
            .keep_until
            .max(Some(most.plus(self.policy.keep_at_most)));
        self.moved();
    }

    /// Ends a session for this process, until it would have ended by itself.
    pub(super) fn revoke(&self, id: SessionId, ends: Timestamp, now: Timestamp) {
        let mut shard = self.shard(id);
        self.sweep(&mut shard, now);
        let entry = shard.entry(id).or_default();
        entry.known.revoked = true;
        entry.successor = None;
        entry.keep_until = Some(ends);
        self.moved();
    }

    fn take_off(self: &Arc<Self>, entry: &mut Entry, id: SessionId) -> Flight {
        let (landed, landing) = watch::channel(());
        entry.known.flying = true;
        entry.landing = Some(landing);
        self.moved();
        Flight {
            registry: Arc::clone(self),
            id,
            landed,
        }
    }

    fn moved(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    fn shard(&self, id: SessionId) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        let shard = &self.shards[id.shard(SHARDS)];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what nobody needs any more, once a shard has become large; if that is not enough,
    /// the successors of browsers that never came back go first.
    fn sweep(&self, shard: &mut HashMap<SessionId, Entry>, now: Timestamp) {
        if shard.len() < SWEEP_AT || !shard.len().is_multiple_of(64) {
            return;
        }
        shard.retain(|_, entry| !entry.is_over(&self.policy, now));
        if shard.len() >= MAX_ENTRIES {
            shard.retain(|_, entry| entry.known.flying || entry.known.revoked);
        }
    }
}

impl Look {
    fn of(
        step: Step,
        newest: Arc<OpenSession>,
        landing: Option<watch::Receiver<()>>,
        known: bool,
    ) -> Self {
        Self {
            step,
            newest,
            flight: None,
            landing,
            known,
        }
    }

    fn wants_flight(&self) -> bool {
        matches!(self.step, Step::ServeAndRenew | Step::RenewAndWait)
    }
}

impl Flight {
    /// Another ear for the end of this refresh.
    pub(super) fn landing(&self) -> watch::Receiver<()> {
        self.landed.subscribe()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut shard = self.registry.shard(self.id);
        if let Some(entry) = shard.get_mut(&self.id) {
            entry.known.flying = false;
            entry.landing = None;
        }
        self.registry.moved();
    }
}

impl Entry {
    /// A browser that shows the newest generation has it.
    fn notice(&mut self, open: &OpenSession, now: Timestamp) {
        if let Some(successor) = &mut self.successor
            && open.session.generation >= successor.open.session.generation
        {
            successor.shown.get_or_insert(now);
        }
    }

    fn newest(&self, open: &Arc<OpenSession>) -> Arc<OpenSession> {
        match &self.successor {
            Some(successor) if successor.open.session.generation > open.session.generation => {
                Arc::clone(&successor.open)
            }
            _ => Arc::clone(open),
        }
    }

    fn is_over(&self, policy: &RefreshPolicy, now: Timestamp) -> bool {
        let successor = self.successor.as_ref();
        let successor = successor.map(|kept| policy.keep_until(kept.made, kept.shown));
        !self.known.flying
            && successor
                .max(self.keep_until)
                .is_none_or(|until| until <= now)
    }
}

const SHARDS: usize = 16;
/// Entries of one shard before old ones are looked for.
const SWEEP_AT: usize = 64;
/// Entries of one shard: 65,536 in all.
const MAX_ENTRIES: usize = 4096;

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
