//! What speaks against a server, by how it serves: failures in a row, and how long they keep it
//! out. Pure; times are milliseconds after any moment that all who ask have in common.
//!
//! A server that failed a few times in a row is left out for a second. Then one request tries it:
//! that trial counts as failed until it is answered, so that a server that hangs is left alone
//! as well, each time for twice as long.

/// Failures and pauses of one server, small enough to be one atomic number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// In a row; only counted while it is not out.
    failures: u8,
    /// How often it was put out without an answer in between; none while it is not out.
    rounds: u8,
    /// When it may be tried again.
    until: u64,
}

impl Record {
    pub(super) fn of_bits(bits: u64) -> Self {
        let [failures, rounds, ..] = bits.to_le_bytes();
        Self { failures, rounds, until: bits >> 16 }
    }

    /// Nothing is 0.
    pub(super) fn bits(self) -> u64 {
        u64::from(self.failures) | u64::from(self.rounds) << 8 | self.until << 16
    }

    /// Whether nothing speaks against the server.
    pub(super) fn is_clean(self) -> bool {
        self == Self::default()
    }

    /// Whether the server is left out, a trial aside.
    pub(super) fn is_out(self) -> bool {
        self.rounds > 0
    }

    /// Whether somebody should try whether it is back.
    pub(super) fn is_due(self, now: u64) -> bool {
        self.is_out() && self.until <= now
    }

    /// After one more failure. That of a server that is out changes nothing: it is either that of
    /// a trial, which counts already, or of a request from before, or of one that had no choice.
    pub(super) fn failed(self, now: u64) -> Self {
        match self.failures + 1 {
            _ if self.is_out() => self,
            failures if failures < FAILURES => Self { failures, ..self },
            _ => Self::out(1, now),
        }
    }

    /// While one request tries whether the server is back; none where it is not time.
    pub(super) fn on_trial(self, now: u64) -> Option<Self> {
        self.is_due(now).then(|| Self::out(self.rounds.saturating_add(1), now))
    }

    fn out(rounds: u8, now: u64) -> Self {
        let pause = (PAUSE << (rounds - 1).min(6)).min(LONGEST_PAUSE);
        Self { failures: 0, rounds, until: (now + pause) & UNTIL }
    }
}

/// Fewer could be one bad moment.
const FAILURES: u8 = 3;
const PAUSE: u64 = 1000;
const LONGEST_PAUSE: u64 = 60_000;
/// Nine thousand years.
const UNTIL: u64 = u64::MAX >> 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// After failures enough at `now`.
    fn out(now: u64) -> Record {
        (0..FAILURES).fold(Record::default(), |record, _| record.failed(now))
    }

    #[test]
    fn a_few_failures_in_a_row_put_a_server_out_and_fewer_do_not() {
        let mut record = Record::default();
        assert!(record.is_clean() && !record.is_due(u64::MAX));
        for _ in 1..FAILURES {
            record = record.failed(5000);
            assert!(!record.is_clean() && !record.is_out());
        }
        record = record.failed(5000);
        assert!(record.is_out() && !record.is_due(5999) && record.is_due(6000));
    }

    #[test]
    fn one_trial_at_a_time_and_each_pause_is_twice_as_long_up_to_a_minute() {
        let (mut record, mut now) = (out(0), 0);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60].map(|seconds| seconds * 1000) {
            assert_eq!(record.on_trial(now + pause - 1), None);
            now += pause;
            record = record.on_trial(now).unwrap();
            assert_eq!(record.on_trial(now), None, "somebody is trying it");
            assert_eq!(record.failed(now), record, "a failed trial counts once");
        }
        for _ in 0..1000 {
            now += LONGEST_PAUSE;
            record = record.on_trial(now).unwrap();
        }
        assert!(record.is_out() && !record.is_due(now + LONGEST_PAUSE - 1));
    }

    #[test]
    fn a_server_that_was_never_out_needs_no_trial() {
        assert_eq!(Record::default().on_trial(1), None);
        assert_eq!(Record::default().failed(1).on_trial(u64::MAX), None);
    }

    #[test]
    fn a_record_is_a_number_and_nothing_is_zero() {
        assert_eq!(Record::default().bits(), 0);
        let later = out(9_000_000_000).on_trial(9_100_000_000).unwrap();
        for record in [Record::default().failed(7), out(0), out(UNTIL - 2000), later] {
            assert_eq!(Record::of_bits(record.bits()), record);
            assert_ne!(record.bits(), 0);
        }
    }
}
