//! Ends of many sessions at once: of a person, of an organisation, of everyone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use crate::auth::Timestamp;
use crate::auth::ending::{Ending, Whom};
use crate::auth::session::Session;

/// The newest ending of each.
#[derive(Default)]
pub(super) struct Endings {
    /// Whether there are any: mostly there are none, and then no session is compared with them.
    any: AtomicBool,
    of: RwLock<HashMap<Whom, Ending>>,
}

impl Endings {
    pub(super) fn add(&self, ending: &Ending) {
        let mut of = self.lock();
        match of.entry(ending.whom.clone()) {
            Entry::Occupied(mut known) if known.get().before < ending.before => {
                known.insert(ending.clone());
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(free) => {
                free.insert(ending.clone());
            }
        }
        if of.len() > MAX_ENDINGS {
            // Whoever could have so many ended could as well fill the memory.
            let first = of.values().min_by_key(|ending| ending.until).map(|e| e.whom.clone());
            first.map(|whom| of.remove(&whom));
        }
        self.any.store(true, Ordering::Release);
    }

    /// Whether `session` has ended by any of them.
    pub(super) fn cover(&self, session: &Session) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let of = self.of.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = Whom::all_of(session).into_iter().chain([Whom::Everyone]);
        all.any(|whom| of.get(&whom).is_some_and(|ending| ending.covers(session)))
    }

    pub(super) fn sweep(&self, now: Timestamp) {
        let mut of = self.lock();
        of.retain(|_, ending| ending.until > now);
        self.any.store(!of.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> RwLockWriteGuard<'_, HashMap<Whom, Ending>> {
        self.of.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At some 150 bytes each: ten megabytes in all.
const MAX_ENDINGS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::testing::session;

    fn ending(whom: Whom, before: u64, until: u64) -> Ending {
        let at = Timestamp::from_unix;
        Ending { whom, before: at(before), until: at(until) }
    }

    #[test]
    fn the_newest_ending_of_each_counts_until_it_is_over() {
        let endings = Endings::default();
        let held = session(100, 100, 400);
        let user = || Whom::User(String::from("42"));
        assert!(!endings.cover(&held));
        endings.add(&ending(Whom::User(String::from("43")), 200, 900));
        assert!(!endings.cover(&held), "another person");
        endings.add(&ending(user(), 99, 900));
        assert!(!endings.cover(&held), "it was made later");
        endings.add(&ending(user(), 100, 900));
        endings.add(&ending(user(), 50, 900));
        assert!(endings.cover(&held), "an older one takes nothing back");
        endings.sweep(Timestamp::from_unix(899));
        assert!(endings.cover(&held));
        endings.sweep(Timestamp::from_unix(900));
        assert!(!endings.cover(&held));
        endings.add(&ending(Whom::Everyone, 100, 900));
        assert!(endings.cover(&held));
    }
}
