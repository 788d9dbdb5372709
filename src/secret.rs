//! Secrets: values that print redacted, compare in constant time and are wiped when dropped, and
//! those that may be replaced while they are in use.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A value that must never be seen: in a log, an error, a page or a core dump.
///
/// `expose` is the only way in, and a test lists the files that may call it.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes a value into secrecy.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Gives the value out. Explain at the call why it may leave.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Compares without telling by its duration where the values differ.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        (*self.0).as_ref().ct_eq(other).into()
    }

    /// Whether it is the same secret.
    pub fn is(&self, other: &Self) -> bool {
        self.ct_eq((*other.0).as_ref())
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

/// What a process goes on using while the file that it came from is replaced.
pub struct Replaceable<T> {
    current: RwLock<Arc<T>>,
    epoch: Epoch,
}

/// On a line of its own: many threads read it, and none must wait for it because another one takes
/// the lock.
#[repr(align(64))]
struct Epoch(AtomicU64);

impl<T> Replaceable<T> {
    /// The newest value. Whoever holds an older one goes on with that.
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over a newer value.
    pub fn replace(&self, newer: impl Into<Arc<T>>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = newer.into();
        self.epoch.0.fetch_add(1, Ordering::Release);
    }

    /// Changes when the value does: what was made of an older one is known by it.
    pub fn epoch(&self) -> u64 {
        self.epoch.0.load(Ordering::Acquire)
    }
}

impl<T> From<T> for Replaceable<T> {
    fn from(value: T) -> Self {
        Self { current: RwLock::new(Arc::new(value)), epoch: Epoch(AtomicU64::new(0)) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Replaceable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(f)
    }
}

/// The access token, as it goes behind `Bearer` (RFC 6750).
pub type AccessToken = Secret<String>;
/// The refresh token (RFC 6749 section 1.5).
pub type RefreshToken = Secret<String>;
/// The authorization code (RFC 6749 section 1.3.1).
pub type AuthorizationCode = Secret<String>;
/// The client's password at the provider (RFC 6749 section 2.3.1).
pub type ClientSecret = Secret<String>;
/// The PKCE verifier (RFC 7636 section 4.1).
pub type CodeVerifier = Secret<String>;
/// One key of the ring that seals cookies: 32 bytes.
pub type SealKey = Secret<[u8; 32]>;
/// What a key that signs assertions is made of.
pub type SigningSeed = Secret<[u8; 32]>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_redacted_however_it_is_wrapped() {
        let secret = Secret::new(String::from("canary"));
        assert!(!format!("{:?} {:#?}", Some(&secret), secret).contains("canary"));
    }

    #[test]
    fn a_replaced_value_is_seen_by_who_asks_next_and_changes_the_epoch() {
        let value = Replaceable::from(1);
        let (held, epoch) = (value.current(), value.epoch());
        value.replace(2);
        assert_eq!((*held, *value.current()), (1, 2));
        assert_ne!(value.epoch(), epoch);
        let secret = Replaceable::from(Secret::new(String::from("canary")));
        assert!(!format!("{secret:?}").contains("canary"));
    }

    #[test]
    fn secrets_are_equal_only_to_the_same_bytes() {
        let secret = Secret::new(String::from("canary"));
        assert!(secret.ct_eq(b"canary"));
        assert!(!secret.ct_eq(b"canarz"));
        assert!(!secret.ct_eq(b"canary "));
    }
}
