//! How often somebody may ask: a bucket of tokens that fills at a steady rate.
//!
//! A bucket is one number, the moment at which it will be full again; one that is full is as
//! good as none, so it can be forgotten.

use std::time::Duration;

/// How many requests in which time, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In which one token comes, in nanoseconds.
    interval: u64,
    /// How many a full bucket holds; at least one.
    burst: u32,
}

/// The tokens of one visitor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// In nanoseconds since a moment that all buckets share.
    full_at: u64,
}

impl Rate {
    /// Reads `20/s`, `100/m` or `1000/h`. With no `burst`, as many at once as in one such time.
    pub fn parse(text: &str, burst: Option<u32>) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let seconds: u64 = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        let count: u32 = count.trim().parse().ok().filter(|count| (1..=MOST).contains(count))?;
        let interval = seconds * SECOND / u64::from(count);
        Some(Self { interval, burst: burst.unwrap_or(count).clamp(1, MOST) })
    }
}

impl Bucket {
    /// Takes a token at `now`, in nanoseconds since the moment that all buckets share; an error
    /// says in which time there will be one.
    pub fn take(&mut self, rate: Rate, now: u64) -> Result<(), Duration> {
        let full_at = self.full_at.max(now).saturating_add(rate.interval);
        let most = rate.interval.saturating_mul(u64::from(rate.burst));
        match (full_at - now).checked_sub(most) {
            None | Some(0) => {
                self.full_at = full_at;
                Ok(())
            }
            Some(wait) => Err(Duration::from_nanos(wait)),
        }
    }

    /// Whether nothing is missing.
    pub const fn is_full(&self, now: u64) -> bool {
        self.full_at <= now
    }

    /// When it will be full again: the sooner, the less is lost with it.
    pub const fn full_at(&self) -> u64 {
        self.full_at
    }
}

const SECOND: u64 = 1_000_000_000;
/// More in one such time, or at once, is no limit that anybody means.
const MOST: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_for_each_interval() {
        let rate = Rate::parse("10/s", Some(3)).unwrap();
        let (mut bucket, start) = (Bucket::default(), 5 * SECOND);
        for _ in 0..3 {
            assert_eq!(bucket.take(rate, start), Ok(()));
        }
        assert_eq!(bucket.take(rate, start), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(rate, start + SECOND / 10), Ok(()));
        assert!(bucket.take(rate, start + SECOND / 10).is_err());
        assert!(!bucket.is_full(start + SECOND / 10));
        assert!(bucket.is_full(start + SECOND));
    }

    #[test]
    fn who_is_refused_pays_nothing_for_it() {
        let rate = Rate::parse("1/s", None).unwrap();
        let mut bucket = Bucket::default();
        bucket.take(rate, 0).unwrap();
        for millis in 0..900 {
            assert!(bucket.take(rate, millis * 1_000_000).is_err());
        }
        assert_eq!(bucket.take(rate, SECOND), Ok(()));
    }

    #[test]
    fn a_rate_is_a_count_and_a_time() {
        for (text, burst, read) in [
            ("20/s", None, Some((50_000_000, 20))),
            ("90/m", Some(5), Some((666_666_666, 5))),
            ("3600 / h", Some(0), Some((SECOND, 1))),
            ("0/s", None, None),
            ("-1/s", None, None),
            ("1.5/s", None, None),
            ("20", None, None),
            ("20/d", None, None),
            ("2000000/s", None, None),
        ] {
            let rate = Rate::parse(text, burst).map(|rate| (rate.interval, rate.burst));
            assert_eq!(rate, read, "{text}");
        }
    }
}
