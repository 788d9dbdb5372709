//! Chance that can be thrown again: all of a schedule follows from its seed.

use std::time::Duration;

/// The splitmix64 generator (Steele, Lea and Flood, OOPSLA 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `most`, which is not zero.
    pub(super) const fn below(&mut self, most: u64) -> u64 {
        self.draw() % most
    }

    /// A number from `least` to `most`, both included.
    pub(super) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub(super) const fn index(&mut self, count: usize) -> usize {
        (self.draw() % count as u64) as usize
    }

    /// True so many times in a thousand.
    pub(super) const fn permille(&mut self, of: u64) -> bool {
        of > 0 && self.below(1000) < of
    }

    pub(super) const fn percent(&mut self, of: u64) -> bool {
        self.permille(of * 10)
    }

    /// One of these, the first with the weight that stands beside it, and so on.
    pub(super) fn weighted<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for &(weight, one) in of {
            if left < weight {
                return one;
            }
            left -= weight;
        }
        of[0].1
    }

    pub(super) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }
}
