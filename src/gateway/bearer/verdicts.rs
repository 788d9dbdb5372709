//! What one worker found out of tokens lately, and what it is finding out right now.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::ApiClient;
use crate::auth::bearer::BadBearer;
use crate::auth::{CLOCK_SKEW, Timestamp};

/// What was found out of a token.
pub(super) type Verdict = Result<Arc<ApiClient>, BadBearer>;

/// A token and all that it is judged by, in one digest.
pub(super) type Key = [u8; 32];

/// Believed tokens and refused ones apart: a flood of invented ones pushes no good one out.
#[derive(Default)]
pub(in crate::gateway) struct Verdicts {
    believed: Generations,
    refused: Generations,
    flying: HashMap<Key, Flight>,
}

/// Hears the verdict. When its sender is gone before there is one, its task died.
type Flight = watch::Receiver<Option<Verdict>>;

/// How to come by a verdict.
pub(super) enum Way {
    Known(Verdict),
    /// Somebody is finding out.
    Wait(Flight),
    /// Nobody is: whoever gets this has to, and to tell.
    FindOut(watch::Sender<Option<Verdict>>, Flight),
}

/// What is not asked for while [`KEPT`] others come is forgotten.
#[derive(Default)]
struct Generations {
    young: HashMap<Key, Kept>,
    old: HashMap<Key, Kept>,
}

struct Kept {
    verdict: Verdict,
    made: Timestamp,
    until: Timestamp,
}

impl Verdicts {
    pub(super) fn way(&mut self, key: Key, now: Timestamp) -> Way {
        let known = self.believed.find(&key, now).or_else(|| self.refused.find(&key, now));
        if let Some(known) = known {
            return Way::Known(known);
        }
        if let Some(flight) = self.flying.get(&key)
            && flight.has_changed().is_ok()
        {
            return Way::Wait(flight.clone());
        }
        // Whoever brings token after token and waits for none of them fills no memory.
        if self.is_full() {
            return Way::Known(Err(BadBearer::Unavailable("too many tokens at once")));
        }
        let (sender, flight) = watch::channel(None);
        self.flying.insert(key, flight.clone());
        Way::FindOut(sender, flight)
    }

    /// Whether as many are being found out as may be. Those whose task died don't count.
    fn is_full(&mut self) -> bool {
        if self.flying.len() >= MOST_FLYING {
            self.flying.retain(|_, flight| flight.has_changed().is_ok());
        }
        self.flying.len() >= MOST_FLYING
    }

    /// Keeps a verdict made now, and ends its flight.
    pub(super) fn keep(&mut self, key: Key, verdict: Verdict, now: Timestamp, until: Timestamp) {
        self.flying.remove(&key);
        let generations = if verdict.is_ok() { &mut self.believed } else { &mut self.refused };
        generations.insert(key, Kept { verdict, made: now, until });
    }
}

impl Generations {
    fn find(&mut self, key: &Key, now: Timestamp) -> Option<Verdict> {
        if !self.young.contains_key(key) {
            let (key, kept) = self.old.remove_entry(key)?;
            self.insert(key, kept);
        }
        let kept = self.young.get(key)?;
        // One from a time before the clock was set back is no verdict any more (C-103).
        let from_the_future = kept.made.since(now) > CLOCK_SKEW;
        (now < kept.until && !from_the_future).then(|| kept.verdict.clone())
    }

    fn insert(&mut self, key: Key, kept: Kept) {
        if self.young.len() >= KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, kept);
    }
}

/// Tokens whose verdict is being found out; at up to 16 KiB each.
const MOST_FLYING: usize = 1024;
/// Verdicts of one generation; at some 3 KiB each when believed.
const KEPT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::bearer::Refusal;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn refused() -> Verdict {
        Err(BadBearer::Invalid(Refusal::Inactive))
    }

    fn known(way: &Way) -> bool {
        matches!(way, Way::Known(_))
    }

    #[test]
    fn one_finds_out_and_the_others_wait() {
        let mut verdicts = Verdicts::default();
        let Way::FindOut(sender, _flight) = verdicts.way([1; 32], at(0)) else { panic!() };
        assert!(matches!(verdicts.way([1; 32], at(0)), Way::Wait(_)));
        assert!(matches!(verdicts.way([2; 32], at(0)), Way::FindOut(..)));
        drop(sender);
        assert!(matches!(verdicts.way([1; 32], at(0)), Way::FindOut(..)), "its task died");
        verdicts.keep([1; 32], refused(), at(0), at(5));
        assert!(known(&verdicts.way([1; 32], at(4))));
    }

    #[test]
    fn no_more_are_found_out_at_once_than_there_is_room_for() {
        let mut verdicts = Verdicts::default();
        let key = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            key
        };
        let mut senders: Vec<_> = (0..MOST_FLYING)
            .map(|number| match verdicts.way(key(number), at(0)) {
                Way::FindOut(sender, _) => sender,
                _ => panic!("{number}"),
            })
            .collect();
        let too_many = verdicts.way(key(MOST_FLYING), at(0));
        assert!(matches!(too_many, Way::Known(Err(BadBearer::Unavailable(_)))));
        assert!(matches!(verdicts.way(key(7), at(0)), Way::Wait(_)), "who is there may wait");
        senders.pop();
        assert!(matches!(verdicts.way(key(MOST_FLYING), at(0)), Way::FindOut(..)));
    }

    #[test]
    fn a_verdict_lasts_as_long_as_it_may_and_no_clock_makes_it_last_longer() {
        for (now, holds) in [(100, true), (104, true), (105, false), (40, true), (39, false)] {
            let mut verdicts = Verdicts::default();
            verdicts.keep([1; 32], refused(), at(100), at(105));
            assert_eq!(known(&verdicts.way([1; 32], at(now))), holds, "at {now}");
        }
    }

    #[test]
    fn c87_what_is_asked_for_outlives_a_flood() {
        let mut verdicts = Verdicts::default();
        verdicts.keep([0xff; 32], refused(), at(0), at(1000));
        for round in 0..4 {
            for number in 0..1000_u64 {
                let mut key = [0; 32];
                key[..8].copy_from_slice(&(number + round * 1000).to_le_bytes());
                verdicts.keep(key, refused(), at(0), at(1000));
            }
            assert!(known(&verdicts.way([0xff; 32], at(1))), "round {round}");
        }
        let kept = verdicts.refused.young.len() + verdicts.refused.old.len();
        assert!(kept <= 2 * KEPT + 1, "{kept}");
    }
}
