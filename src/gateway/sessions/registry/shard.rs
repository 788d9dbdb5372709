//! One part of the registry, under one lock: bounded, and careful about what it forgets.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio_util::sync::CancellationToken;

use crate::auth::Timestamp;
use crate::auth::refresh::{Known, RefreshPolicy};
use crate::auth::session::SessionId;
use crate::gateway::sessions::OpenSession;

#[derive(Default)]
pub(super) struct Shard {
    entries: HashMap<SessionId, Entry>,
    /// Sessions that were signed out, until they would have ended by themselves.
    revoked: HashMap<SessionId, Timestamp>,
}

/// What is known of one session.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) known: Known,
    pub(super) successor: Option<Successor>,
    pub(super) landing: Option<CancellationToken>,
    pub(super) flight: u64,
    /// When everything but a successor may be forgotten.
    pub(super) keep_until: Option<Timestamp>,
}

/// The newest generation of a session.
pub(super) struct Successor {
    pub(super) open: Arc<OpenSession>,
    pub(super) lines: Vec<HeaderValue>,
    pub(super) made: Timestamp,
    pub(super) shown: Option<Timestamp>,
}

impl Shard {
    pub(super) fn is_revoked(&self, id: SessionId) -> bool {
        self.revoked.contains_key(&id)
    }

    pub(super) fn entry(&self, id: SessionId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// The entry of a session, unless it is over: then it is forgotten here and now.
    pub(super) fn live(
        &mut self,
        id: SessionId,
        policy: &RefreshPolicy,
        now: Timestamp,
    ) -> Option<&mut Entry> {
        if self.entries.get(&id).is_some_and(|entry| entry.is_over(policy, now)) {
            self.entries.remove(&id);
        }
        self.entries.get_mut(&id)
    }

    pub(super) fn entry_or_new(
        &mut self,
        id: SessionId,
        policy: &RefreshPolicy,
        now: Timestamp,
    ) -> &mut Entry {
        if self.entries.len() >= MAX_ENTRIES && !self.entries.contains_key(&id) {
            self.make_room(policy, now);
        }
        self.entries.entry(id).or_default()
    }

    pub(super) fn revoke(
        &mut self,
        id: SessionId,
        ends: Timestamp,
        now: Timestamp,
    ) -> Option<Arc<OpenSession>> {
        let newest = self.entries.get_mut(&id).and_then(|entry| entry.successor.take());
        if self.revoked.len() >= MAX_REVOKED {
            self.revoked.retain(|_, ends| *ends > now);
        }
        if self.revoked.len() >= MAX_REVOKED {
            // Whoever could have so many sessions signed out could as well fill the memory.
            let first = self.revoked.iter().min_by_key(|(_, ends)| **ends).map(|(id, _)| *id);
            first.map(|id| self.revoked.remove(&id));
        }
        self.revoked.insert(id, ends);
        newest.map(|successor| successor.open)
    }

    /// The flight of this number is over; a later one is left alone.
    pub(super) fn land(&mut self, id: SessionId, number: u64) {
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.flight == number
        {
            entry.known.flying = false;
            entry.landing = None;
        }
    }

    pub(super) fn sweep(&mut self, policy: &RefreshPolicy, now: Timestamp) {
        self.entries.retain(|_, entry| !entry.is_over(policy, now));
        self.revoked.retain(|_, ends| *ends > now);
    }

    /// Forgets a tenth: first what browsers have shown to have, then the oldest; nothing that is
    /// flying, and nothing so young that its browser may still be on its way.
    fn make_room(&mut self, policy: &RefreshPolicy, now: Timestamp) {
        self.sweep(policy, now);
        let mut candidates: Vec<(bool, Timestamp, SessionId)> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.known.flying)
            .map(|(id, entry)| {
                let successor = entry.successor.as_ref();
                let made = successor.map_or(Timestamp::from_unix(0), |successor| successor.made);
                let unseen = successor.is_some_and(|successor| successor.shown.is_none());
                (unseen, made, *id)
            })
            .filter(|(unseen, made, _)| !unseen || now.since(*made) > YOUNG)
            .collect();
        candidates.sort_unstable_by_key(|(unseen, made, _)| (*unseen, *made));
        for (.., id) in candidates.into_iter().take(MAX_ENTRIES / 10) {
            self.entries.remove(&id);
        }
    }
}

impl Entry {
    /// A browser that shows the newest generation has it, and keeps it once no answer can be on its
    /// way any more that brings the one before. Returns whether it has one that only another
    /// replica can have given it, after the provider refused us.
    pub(super) fn notice(&mut self, open: &OpenSession, now: Timestamp) -> bool {
        if let Some(successor) = &mut self.successor
            && open.session.generation >= successor.open.session.generation
            && now.since(successor.made) >= ON_ITS_WAY
        {
            successor.shown.get_or_insert(now);
        }
        let overtaken = self.known.overtaken(open.session.generation);
        if overtaken {
            self.keep_until = None;
        }
        overtaken
    }

    pub(super) fn newest(&self, open: &Arc<OpenSession>) -> Arc<OpenSession> {
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
        !self.known.flying && successor.max(self.keep_until).is_none_or(|until| until <= now)
    }
}

/// Entries of one shard, at some 8 KiB each: 65,536 in all.
const MAX_ENTRIES: usize = 4096;
/// Sign-outs of one shard, at some 40 bytes each: a million in all.
const MAX_REVOKED: usize = 65_536;
const YOUNG: Duration = Duration::from_secs(60);
/// How long an answer may be on its way to the browser.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::testing::session;
    use crate::auth::testing::Counting;

    #[test]
    fn a_full_shard_forgets_no_successor_that_a_browser_may_still_be_waiting_for() {
        let policy = RefreshPolicy { at: 0.75, keep_at_most: Duration::from_secs(600) };
        let mut shard = Shard::default();
        let mut entropy = Counting(1);
        let made = |seconds| Timestamp::from_unix(seconds);
        for number in 0..=MAX_ENTRIES as u64 {
            let id = SessionId::draw(&mut entropy);
            // The first thousand were made long ago, and half of those were shown.
            let (at, shown) = if number < 1000 { (100, number % 2 == 0) } else { (500, false) };
            let open = Arc::new(OpenSession::new(session(0, 0, 1000), 0).unwrap());
            let shown = shown.then(|| made(480));
            let entry = shard.entry_or_new(id, &policy, made(500));
            entry.successor = Some(Successor { open, lines: Vec::new(), made: made(at), shown });
        }
        let kept = |of: &dyn Fn(&Successor) -> bool| {
            shard.entries.values().filter(|entry| entry.successor.as_ref().is_some_and(of)).count()
        };
        assert_eq!(kept(&|successor| successor.shown.is_some()), 500 - MAX_ENTRIES / 10);
        assert_eq!(kept(&|successor| successor.made == made(100)), 1000 - MAX_ENTRIES / 10);
        assert_eq!(kept(&|successor| successor.made == made(500)), MAX_ENTRIES + 1 - 1000);
    }
}
