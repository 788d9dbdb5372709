//! The pure core: every security rule, and nothing that touches the world.
//!
//! No I/O, no clock, no `await`, no randomness of its own: `now` and random bytes are arguments.
//! What is decided here, in the order in which a request meets it:
//!
//! 1. [`request`]: which requests are well-formed enough to be judged at all.
//! 2. [`headers`]: what a visitor may not say, what an app is told, what a hop keeps to itself;
//!    [`fields`]: what an operator adds to that, and [`assertion`]: what the gateway signs of it.
//! 3. [`path`] and [`route`]: which route a request belongs to; no route is a refusal. [`rate`]
//!    and [`route_limits`]: how much it takes; [`way`]: how it is said to the app.
//! 4. [`realm`], [`cookie`] and [`seal`]: which cookies are ours at a host, and what they hold.
//! 5. [`session`] and [`refresh`]: whether a session still holds and when its token is renewed;
//!    [`ticket`], [`summary`] and [`ending`]: what of it goes into a store; [`session_size`]: how
//!    large its cookies will be.
//! 6. [`policy`]: who may pass; only it makes a [`policy::Permit`]. It asks the rules of
//!    [`access`], and these the CEL expressions of [`expression`].
//! 7. [`provider`] and [`preset`]: what is known of a provider; [`discovery`] completes it.
//! 8. [`login`]: the authorization code flow, step by step, with [`authorization`], [`asking`],
//!    [`step_up`], [`callback`], [`client_call`], [`token_call`], [`proof`] and [`identity`]; [`person`]: whom a renewed token
//!    speaks for; [`logout`]: the way out, and [`logout_token`]: the provider's word that it was
//!    taken.
//! 9. [`jwt`], [`jwks`], [`claims`]: which signed tokens are sound; [`id_token`], [`bearer`] and
//!    [`introspection`]: which of them say who somebody is, or that a program may pass.
//! 10. [`return_to`] and [`same_site`]: where a visitor may be sent, and where one comes from;
//!     [`begin`]: what begins a login, and [`loop_guard`]: when no other one may;
//!     [`browser`] and [`cors`]: what pages of other origins may do; [`parked`]: what becomes of a
//!     form without a session.
//! 11. [`told`] and [`constraints`]: what a proxy in front asks about, and what it asks of people.

pub mod access;
pub mod asking;
pub mod assertion;
pub mod authorization;
pub mod bearer;
pub mod begin;
pub mod browser;
pub mod callback;
pub mod claim_source;
pub mod claims;
pub mod client_assertion;
pub mod client_call;
pub mod constraints;
pub mod cookie;
pub mod cors;
pub mod discovery;
pub mod ending;
pub mod expression;
pub mod facts;
pub mod fields;
pub mod freshness;
pub mod headers;
pub mod host;
pub mod id_token;
pub mod identity;
pub mod introspection;
pub mod json;
pub mod jwks;
pub mod jwt;
pub mod kept;
pub mod login;
pub mod logout;
pub mod logout_token;
pub mod loop_guard;
pub mod parked;
pub mod path;
pub mod person;
pub mod policy;
pub mod preset;
pub mod proof;
pub mod provider;
pub mod rate;
pub mod realm;
pub mod refresh;
pub mod request;
pub mod return_to;
pub mod route;
pub mod route_limits;
pub mod same_site;
pub mod seal;
pub mod session;
pub mod session_size;
pub mod step_up;
pub mod summary;
pub mod ticket;
pub mod token_call;
pub mod token_kind;
pub mod tokens;
pub mod told;
pub mod trust;
pub mod way;

#[cfg(test)]
mod session_sizes_tests;

use std::time::Duration;

/// A moment, in milliseconds since the Unix epoch: tokens that live seconds are renewed in time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `seconds` after the Unix epoch.
    pub const fn from_unix(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The moment `since` after the Unix epoch.
    pub fn since_epoch(since: Duration) -> Self {
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as a provider counts them.
    pub const fn as_unix(self) -> u64 {
        self.0 / 1000
    }

    /// Time since the Unix epoch.
    pub const fn to_epoch(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// The moment `duration` later, or the last one that can be counted.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::since_epoch(self.to_epoch().saturating_add(duration))
    }

    /// How long `earlier` is past; zero when it lies ahead, so that a clock that jumped back
    /// never makes an age negative (C-103).
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// How far two clocks may differ before a moment from the future is refused (C-103).
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Random bytes drawn at the edge and handed in, so that the core stays repeatable.
pub trait Entropy {
    /// Fills `out` with unpredictable bytes.
    fn fill(&mut self, out: &mut [u8]);
}

/// Draws `N` bytes.
pub fn draw<const N: usize>(entropy: &mut dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Entropy;

    /// Counts upwards: repeatable, and no two draws alike.
    pub(crate) struct Counting(pub(crate) u64);

    impl Entropy for Counting {
        fn fill(&mut self, out: &mut [u8]) {
            for chunk in out.chunks_mut(8) {
                self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
            }
        }
    }
}
