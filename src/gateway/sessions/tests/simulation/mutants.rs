//! Rules broken on purpose: what an invariant does not notice, it does not hold.

use std::time::Duration;

use super::schedule::{Act, Chances, Schedule};
use crate::gateway::sessions::Place;

/// Something that is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutant {
    /// Whoever takes a lease is not told what was kept under the one before.
    NoReadUnderTheLease,
    /// Whoever asks has the lease.
    LeaseForEveryone,
    /// Giving a lease back takes it from whoever has it.
    ReleaseByAnyone,
    /// It lasts shorter than the provider may take, and is never extended.
    ShortLease,
    /// What was renewed is forgotten at once.
    NoSuccessor,
    /// The store says that it keeps what it does not.
    KeepsNothing,
    /// Nobody is told what has ended.
    Mute,
    /// A provider in trouble counts as its word that the session is over.
    FailureIsFinal,
    /// A call of the provider may take for ever.
    NoLimit,
    /// A record is given out for another.
    WrongRecord,
}

impl Mutant {
    /// A schedule in which this is done.
    pub(super) fn schedule(self, seed: u64) -> Schedule {
        let mut schedule = Schedule { mutant: Some(self), ..Schedule::draw(seed) };
        if self == Self::ReleaseByAnyone {
            // Only while another call is slow a lease is another's: that takes people who don't
            // rest.
            schedule.chances = Chances { provider_slow: 500, ..Chances::default() };
            schedule.place = Place::Coordinated;
            schedule.replicas = 4;
            schedule.times.life = 5000;
            schedule.times.told = 100;
            schedule.times.refresh_at = 0.5;
            schedule.times.limit = Duration::from_secs(10);
            let burst = Act::Burst { browser: 0, tabs: 3, over: 400 };
            schedule.acts = (0..60).map(|_| (Duration::from_millis(500), burst.clone())).collect();
        }
        schedule
    }
}
