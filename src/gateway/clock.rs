//! The edge at which time and randomness come in.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::auth::client_call::Moment;
use crate::auth::{Entropy, Timestamp, draw};
use crate::secret::{SealKey, Secret};

/// The present moment, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::since_epoch(since)
}

/// Randomness of the operating system.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    fn fill(&mut self, out: &mut [u8]) {
        // Without randomness there are no keys and no sessions: nothing may go on.
        getrandom::fill(out).expect("the operating system gives random bytes");
    }
}

/// This moment, for what is written now.
pub(super) fn moment(entropy: &mut SystemEntropy) -> Moment<'_> {
    Moment { now: now(), entropy }
}

/// A new key for sealing.
pub fn fresh_key() -> SealKey {
    Secret::new(draw(&mut SystemEntropy))
}
