//! What things are called in Redis.

use super::{Handle, Slot};
use crate::auth::tokens::to_hex;

/// The names of everything below one prefix. What belongs to one session has its slot in braces,
/// so that it lies in one place of a Cluster.
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub(super) fn record(&self, slot: Slot) -> String {
        self.of_session('s', slot)
    }

    pub(super) fn lease(&self, slot: Slot) -> String {
        self.of_session('l', slot)
    }

    pub(super) fn ended(&self, slot: Slot) -> String {
        self.of_session('e', slot)
    }

    pub(super) fn filed(&self, handle: Handle) -> String {
        format!("{}:x:{}", self.prefix, to_hex(&handle.0))
    }

    pub(super) fn notices(&self) -> String {
        format!("{}:ends", self.prefix)
    }

    pub(super) fn once(&self, name: [u8; 32]) -> String {
        format!("{}:once:{}", self.prefix, to_hex(&name))
    }

    /// A pattern for `SCAN` that matches all records; whatever the prefix has means itself.
    pub(super) fn all_records(&self) -> String {
        let mut pattern = String::new();
        for c in self.prefix.chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern + ":s:{*}"
    }

    /// The session whose record has this name.
    pub(super) fn slot_of_record(&self, key: &[u8]) -> Option<Slot> {
        let key = std::str::from_utf8(key).ok()?;
        let hex = key.strip_prefix(&self.prefix)?.strip_prefix(":s:{")?.strip_suffix('}')?;
        let mut slot = Slot([0; 32]);
        if hex.len() != 2 * slot.0.len() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (at, byte) in slot.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(slot)
    }

    fn of_session(&self, kind: char, slot: Slot) -> String {
        format!("{}:{kind}:{{{}}}", self.prefix, to_hex(&slot.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_known_by_its_name() {
        let keys = Keys::new(String::from("gate:a.example"));
        let slot = Slot(std::array::from_fn(|at| at as u8 * 8));
        let name = keys.record(slot);
        assert_eq!(keys.slot_of_record(name.as_bytes()), Some(slot));
        for other in [
            keys.lease(slot),
            name.replace("a.example", "b.example"),
            name.replace('{', ""),
            name.replace("00", "0"),
            name.replace("00", "é"),
            name.replace("00", "+0"),
            format!("x{name}"),
            format!("{name}x"),
        ] {
            assert_ne!(keys.slot_of_record(other.as_bytes()), Some(slot), "{other}");
        }
    }

    #[test]
    fn a_prefix_is_no_pattern() {
        let keys = Keys::new(String::from("a*b?[c]^d-e\\f:g"));
        assert_eq!(keys.all_records(), "a\\*b\\?\\[c\\]\\^d\\-e\\\\f:g:s:{*}");
    }
}
