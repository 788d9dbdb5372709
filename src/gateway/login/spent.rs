//! Attempts whose code was spent: a callback that comes again gets the same answer for a moment,
//! and never a second token call (C-13, C-101).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::exchange::Outcome;
use crate::auth::Timestamp;
use crate::auth::login::ATTEMPT_LIFE;

/// What became of attempts, by the digest of their state.
#[derive(Default)]
pub(in crate::gateway) struct SpentAttempts(Mutex<HashMap<String, Spent>>);

struct Spent {
    since: Timestamp,
    outcome: watch::Receiver<Option<Arc<Outcome>>>,
}

pub(super) enum Claim {
    First(watch::Sender<Option<Arc<Outcome>>>, watch::Receiver<Option<Arc<Outcome>>>),
    Again(watch::Receiver<Option<Arc<Outcome>>>),
    Over,
}

impl SpentAttempts {
    /// Claims an attempt: the first to come spends it.
    pub(super) fn claim(&self, digest: String, now: Timestamp) -> Claim {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = spent.get(&digest) {
            return match now.since(known.since) < REPLAY {
                true => Claim::Again(known.outcome.clone()),
                false => Claim::Over,
            };
        }
        if spent.len() >= MAX_SPENT {
            spent.retain(|_, spent| now.since(spent.since) <= ATTEMPT_LIFE);
        }
        let (sender, receiver) = watch::channel(None);
        if spent.len() < MAX_SPENT {
            spent.insert(digest, Spent { since: now, outcome: receiver.clone() });
        }
        Claim::First(sender, receiver)
    }

    /// Forgets answers that nobody may ask for again, and attempts that are over by themselves.
    pub(in crate::gateway) fn sweep(&self, now: Timestamp) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|_, spent| now.since(spent.since) <= ATTEMPT_LIFE);
        for known in spent.values_mut().filter(|known| now.since(known.since) >= REPLAY) {
            known.outcome = watch::channel(None).1;
        }
    }
}

/// How long a callback that comes again gets the answer of the first.
const REPLAY: Duration = Duration::from_secs(60);
const MAX_SPENT: usize = 65_536;
