//! Hashing for tables that only the operator fills: nobody else chooses what lies in them, so
//! that speed is all that counts.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by names and paths of the configuration.
pub(super) type NameMap<V> = HashMap<Box<str>, V, BuildHasherDefault<Quick>>;

/// Multiplies and folds, eight bytes at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quick(u64);

impl Quick {
    fn add(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(FACTOR);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.add(u64::from_le_bytes(last) ^ SEED);
        }
        self.add(bytes.len() as u64 ^ SEED);
    }

    /// What stands behind every text; the length is counted in.
    fn write_u8(&mut self, _byte: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The golden ratio's fraction and the square root of three's, both odd.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const SEED: u64 = 0xbb67_ae85_84ca_a73b;
