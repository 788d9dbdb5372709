//! How many requests are open at once, by whose they are.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts of what is open; nothing is kept of whom nothing is open.
pub(super) struct Slots<K> {
    shards: Box<[Mutex<Counts<K>>]>,
    hash: RandomState,
}

/// An open request; it is over when this is dropped.
pub(in crate::gateway) struct Slot<K: Copy + Eq + Hash> {
    slots: Arc<Slots<K>>,
    key: (u32, K),
}

type Counts<K> = HashMap<(u32, K), u32>;

impl<K> Default for Slots<K> {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hash: RandomState::new() }
    }
}

impl<K: Copy + Eq + Hash> Slots<K> {
    /// Counts one more, unless there are `most`.
    pub(super) fn open(self: &Arc<Self>, key: (u32, K), most: u32) -> Option<Slot<K>> {
        let mut counts = self.shard(key);
        let count = counts.entry(key).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Slot { slots: Arc::clone(self), key })
    }

    fn shard(&self, key: (u32, K)) -> MutexGuard<'_, Counts<K>> {
        let index = self.hash.hash_one(key) as usize % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.slots.shard(self.key).entry(self.key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

const SHARDS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_makes_room_and_leaves_nothing_behind() {
        let slots: Arc<Slots<u8>> = Arc::default();
        let (one, two) = (slots.open((0, 7), 2).unwrap(), slots.open((0, 7), 2).unwrap());
        assert!(slots.open((0, 7), 2).is_none());
        assert!(slots.open((1, 7), 2).is_some() && slots.open((0, 8), 2).is_some());
        drop(one);
        let three = slots.open((0, 7), 2);
        assert!(three.is_some() && slots.open((0, 7), 2).is_none());
        drop((two, three));
        assert!(slots.shards.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }
}
