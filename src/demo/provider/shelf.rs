//! A map that forgets: entries last a fixed time, and the oldest go when it is full.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

/// Things kept under unguessable keys for `life`, at most `capacity` of them.
pub(super) struct Shelf<Thing> {
    life: Duration,
    capacity: usize,
    things: HashMap<String, (SystemTime, Thing)>,
    /// Keys in the order in which they came, which is the order in which they expire; those of
    /// things taken meanwhile stay until they come to the front.
    order: VecDeque<(SystemTime, String)>,
}

impl<Thing> Shelf<Thing> {
    pub(super) fn new(life: Duration, capacity: usize) -> Self {
        Self { life, capacity, things: HashMap::new(), order: VecDeque::new() }
    }

    /// Keeps `thing` from `now` on, and drops what has expired or no longer fits.
    pub(super) fn put(&mut self, key: String, thing: Thing, now: SystemTime) {
        let until = now + self.life;
        while let Some((first, _)) = self.order.front()
            && (*first <= now || self.order.len() >= self.capacity)
        {
            if let Some((_, key)) = self.order.pop_front() {
                self.things.remove(&key);
            }
        }
        self.order.push_back((until, key.clone()));
        self.things.insert(key, (until, thing));
    }

    /// Returns what is kept under `key` and has not expired.
    pub(super) fn find(&mut self, key: &str, now: SystemTime) -> Option<&mut Thing> {
        let (until, thing) = self.things.get_mut(key)?;
        (now < *until).then_some(thing)
    }

    /// Returns what is kept under `key` and has not expired, and keeps it no longer.
    pub(super) fn take(&mut self, key: &str, now: SystemTime) -> Option<Thing> {
        let (until, thing) = self.things.remove(key)?;
        (now < until).then_some(thing)
    }

    /// Keeps no longer what `is_unwanted` says so of.
    pub(super) fn forget(&mut self, is_unwanted: impl Fn(&Thing) -> bool) {
        self.things.retain(|_, (_, thing)| !is_unwanted(thing));
    }

    /// Returns everything that is kept, expired or not.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Thing> {
        self.things.values_mut().map(|(_, thing)| thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;
    const LIFE: Duration = Duration::from_secs(10);

    #[test]
    fn a_thing_lasts_until_its_time_and_not_longer() {
        let mut shelf = Shelf::new(LIFE, 4);
        shelf.put("a".to_owned(), 1, NOW);
        let last = NOW + LIFE - Duration::from_nanos(1);
        assert_eq!(shelf.find("a", last), Some(&mut 1));
        assert_eq!(shelf.find("a", NOW + LIFE), None);
        assert_eq!(shelf.take("a", NOW + LIFE), None);
    }

    #[test]
    fn a_thing_is_taken_once() {
        let mut shelf = Shelf::new(LIFE, 4);
        shelf.put("a".to_owned(), 1, NOW);
        assert_eq!(shelf.take("a", NOW), Some(1));
        assert_eq!(shelf.take("a", NOW), None);
    }

    #[test]
    fn a_full_shelf_forgets_the_oldest_and_never_grows() {
        let mut shelf = Shelf::new(LIFE, 4);
        for number in 0..100 {
            shelf.put(number.to_string(), number, NOW);
            if number % 2 == 0 {
                shelf.take(&number.to_string(), NOW);
            }
            assert!(shelf.order.len() <= 4 && shelf.things.len() <= 4);
        }
        assert_eq!(shelf.find("99", NOW), Some(&mut 99));
        assert_eq!(shelf.find("95", NOW), None);
    }

    #[test]
    fn what_has_expired_is_dropped() {
        let mut shelf = Shelf::new(LIFE, 4);
        shelf.put("a".to_owned(), 1, NOW);
        shelf.put("b".to_owned(), 2, NOW + LIFE);
        assert_eq!(shelf.things.len(), 1);
    }
}
