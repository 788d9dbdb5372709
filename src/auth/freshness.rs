//! How fresh a set of keys is, and whether to ask for a newer one now.
//!
//! Whoever sends tokens with invented `kid`s must not make the gateway ask the provider each time
//! (C-87); a provider that changes its keys must not lock everybody out (C-86). A value without a
//! lock and without waiting: whoever keeps the keys drives it, and lets one attempt run at a time.

use std::time::Duration;

use super::{CLOCK_SKEW, Timestamp};

/// When keys were asked for, and when they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    tried: Option<Timestamp>,
    succeeded: Option<Timestamp>,
}

/// Why newer keys are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There are none that may be used: nobody can be judged until some come.
    Missing,
    /// A token that a visitor brought names a key that is not among them.
    UnknownKey,
    /// So does one that came from the provider's own token endpoint: nobody can invent that, and
    /// the token call cost as much as this will.
    OwnToken,
    /// They have been here for a while; this is done beside a request, never before it.
    Age,
}

impl Freshness {
    /// Whether to ask for newer keys now. What came of the last attempt makes no difference: a
    /// provider in trouble is not asked more often than a sound one (C-87).
    pub fn wants_refresh(&self, now: Timestamp, why: Why) -> bool {
        match why {
            Why::Missing => !self.usable(now) && is_past(self.tried, PAUSE_WITHOUT_KEYS, now),
            Why::OwnToken => true,
            Why::UnknownKey => is_past(self.tried, PAUSE, now),
            Why::Age => is_past(self.succeeded, NORMAL_AGE, now) && is_past(self.tried, PAUSE, now),
        }
    }

    /// Notes that an attempt begins.
    pub const fn tried(&mut self, now: Timestamp) {
        self.tried = Some(now);
    }

    /// Notes that keys came.
    pub const fn succeeded(&mut self, now: Timestamp) {
        self.succeeded = Some(now);
    }

    /// Whether the keys at hand may be used: for a day after they came, should the provider be
    /// down (C-86).
    pub fn usable(&self, now: Timestamp) -> bool {
        !is_past(self.succeeded, STALE_LIMIT, now)
    }
}

/// Whether a moment is `pause` ago, or unknown. One that lies ahead by more than two clocks differ
/// comes from before the clock was set back: nothing is known of its age, so that neither a pause
/// nor a key lasts for ever (C-103).
fn is_past(moment: Option<Timestamp>, pause: Duration, now: Timestamp) -> bool {
    moment.is_none_or(|moment| moment > now.plus(CLOCK_SKEW) || now.since(moment) >= pause)
}

/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(30);
/// The same while nobody can be judged.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);
const NORMAL_AGE: Duration = Duration::from_secs(10 * 60);
const STALE_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_000_000;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn freshness(tried: Option<u64>, succeeded: Option<u64>) -> Freshness {
        Freshness { tried: tried.map(at), succeeded: succeeded.map(at) }
    }

    #[test]
    fn c86_a_token_of_the_providers_own_never_waits_for_its_new_key() {
        let state = freshness(Some(T), Some(T));
        assert!(state.wants_refresh(at(T), Why::OwnToken));
        assert!(!state.wants_refresh(at(T), Why::UnknownKey));
    }

    #[test]
    fn c87_ten_thousand_invented_keys_cost_one_attempt_in_thirty_seconds() {
        for outcome in [true, false] {
            let mut state = freshness(Some(T - 3600), Some(T - 60));
            let mut attempts = 0;
            for step in 0..10_000_u64 {
                let now = Timestamp::since_epoch(Duration::from_millis(T * 1000 + step * 6));
                if state.wants_refresh(now, Why::UnknownKey) {
                    attempts += 1;
                    state.tried(now);
                    if outcome {
                        state.succeeded(now);
                    }
                }
            }
            assert_eq!(attempts, 2, "in 60 s, {outcome}");
        }
    }

    #[test]
    fn c86_keys_are_renewed_by_age_and_outlive_an_outage_of_a_day() {
        const DAY: u64 = 24 * 60 * 60;
        for (tried, succeeded, usable, missing, unknown, age) in [
            (None, None, false, true, true, true),
            (Some(T), None, false, false, false, false),
            (Some(T - 4), None, false, false, false, false),
            (Some(T - 5), None, false, true, false, false),
            (Some(T), Some(T), true, false, false, false),
            (Some(T - 29), Some(T - 29), true, false, false, false),
            (Some(T - 30), Some(T - 30), true, false, true, false),
            (Some(T - 599), Some(T - 599), true, false, true, false),
            (Some(T - 600), Some(T - 600), true, false, true, true),
            (Some(T - 29), Some(T - 600), true, false, false, false),
            (Some(T - 30), Some(T - DAY + 1), true, false, true, true),
            (Some(T - 30), Some(T - DAY), false, true, true, true),
        ] {
            let state = freshness(tried, succeeded);
            let wants = |why| state.wants_refresh(at(T), why);
            let judged =
                (state.usable(at(T)), wants(Why::Missing), wants(Why::UnknownKey), wants(Why::Age));
            assert_eq!(judged, (usable, missing, unknown, age), "{tried:?} {succeeded:?}");
        }
    }

    #[test]
    fn c103_a_clock_that_jumps_back_closes_nothing_for_ever() {
        // A little ahead is another thread's clock; far ahead is from before the jump.
        for (ahead, usable, unknown, age) in
            [(1, true, false, false), (60, true, false, false), (61, false, true, true)]
        {
            let state = freshness(Some(T + ahead), Some(T + ahead));
            assert_eq!(state.usable(at(T)), usable, "{ahead}");
            assert_eq!(state.wants_refresh(at(T), Why::UnknownKey), unknown, "{ahead}");
            assert_eq!(state.wants_refresh(at(T), Why::Age), age, "{ahead}");
        }
        let mut state = freshness(Some(T + 3600), Some(T + 3600));
        assert!(state.wants_refresh(at(T), Why::Missing));
        state.tried(at(T));
        assert!(!state.wants_refresh(at(T), Why::Missing));
        state.succeeded(at(T));
        assert!(state.usable(at(T)));
    }
}
