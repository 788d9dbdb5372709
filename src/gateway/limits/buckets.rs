//! The buckets of everybody who asked lately, in bounded room (C-78).
//!
//! A bucket that is full again is as good as none: such are thrown out when there is no room.
//! Whoever comes with so many addresses that none is full loses the fullest of a few.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::auth::rate::{Bucket, Rate};

/// Buckets by who asks, of each group of routes that count together.
pub(super) struct Buckets<K> {
    shards: Box<[Mutex<Shard<K>>]>,
    /// Nobody outside can choose whose buckets lie beside whose.
    hash: RandomState,
}

struct Shard<K> {
    buckets: HashMap<(u32, K), Bucket>,
    /// In nanoseconds; not before then are full ones looked for again.
    sweep_at: u64,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        let shard = || Mutex::new(Shard { buckets: HashMap::new(), sweep_at: 0 });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), hash: RandomState::new() }
    }
}

impl<K: Copy + Eq + Hash> Buckets<K> {
    /// Takes a token at `now`, in nanoseconds; an error says when there will be one.
    pub(super) fn take(&self, key: (u32, K), rate: Rate, now: u64) -> Result<(), Duration> {
        let index = self.hash.hash_one(key) as usize % SHARDS;
        let mut shard = self.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = shard.buckets.get_mut(&key) {
            return bucket.take(rate, now);
        }
        shard.make_room(now);
        shard.buckets.entry(key).or_default().take(rate, now)
    }
}

impl<K: Copy + Eq + Hash> Shard<K> {
    fn make_room(&mut self, now: u64) {
        if self.buckets.len() < MOST {
            return;
        }
        if now >= self.sweep_at {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            self.sweep_at = now + SWEEP_EVERY;
        }
        if self.buckets.len() >= MOST {
            // A map's order is nobody's choice.
            let some = self.buckets.iter().take(SOME);
            let fullest = some.min_by_key(|(_, bucket)| bucket.full_at()).map(|(key, _)| *key);
            fullest.map(|key| self.buckets.remove(&key));
        }
    }
}

const SHARDS: usize = 64;
/// In one shard: all together 131,072, which take some 8 MiB.
const MOST: usize = 2048;
const SOME: usize = 8;
const SWEEP_EVERY: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(buckets: &Buckets<u128>) -> usize {
        buckets.shards.iter().map(|shard| shard.lock().unwrap().buckets.len()).sum()
    }

    #[test]
    fn each_one_and_each_group_has_a_bucket_of_its_own() {
        let (buckets, rate) = (Buckets::default(), Rate::parse("1/s", None).unwrap());
        for key in [(0, 1), (0, 2), (1, 1)] {
            assert_eq!(buckets.take(key, rate, 0), Ok(()), "{key:?}");
            assert!(buckets.take(key, rate, 0).is_err(), "{key:?}");
        }
    }

    #[test]
    fn c78_any_number_of_addresses_takes_bounded_room() {
        let (buckets, rate) = (Buckets::default(), Rate::parse("1/h", None).unwrap());
        for address in 0..200_000 {
            buckets.take((0, address), rate, 0).unwrap();
        }
        assert!(count(&buckets) <= SHARDS * MOST);
    }

    #[test]
    fn full_buckets_make_room_and_others_stay() {
        let (buckets, slow) = (Buckets::default(), Rate::parse("1/h", None).unwrap());
        let fast = Rate::parse("10/s", None).unwrap();
        assert_eq!(buckets.take((0, u128::MAX), slow, 0), Ok(()));
        for address in 0..200_000 {
            buckets.take((0, address), fast, u64::from(address as u32) * 1_000_000).unwrap();
        }
        assert!(buckets.take((0, u128::MAX), slow, 200_000_000_000).is_err());
    }
}
