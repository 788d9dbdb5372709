//! What lists show of a session in a store: enough to know whose it is, and no token.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::session::Session;

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The half of the session's id that logs show.
    pub session: String,
    pub provider: String,
    pub user: String,
    pub email: Option<String>,
    pub organization: Option<String>,
    pub created: Timestamp,
    pub seen: Timestamp,
    pub ends: Timestamp,
}

impl Summary {
    /// Sums up a session.
    pub fn of(session: &Session) -> Self {
        let identity = &session.identity;
        Self {
            session: session.id.short(),
            provider: session.provider.clone(),
            user: identity.user.clone(),
            email: identity.email.clone(),
            organization: identity.organization.clone(),
            created: session.created,
            seen: session.seen,
            ends: session.ends,
        }
    }

    /// Writes it down, to be sealed: one layout byte, then a compact binary form.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![LAYOUT])
            .expect("a summary has only plain data, which always serialises")
    }

    /// Reads one that was opened; none when another version wrote it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes.strip_prefix(&[LAYOUT])?).ok()
    }
}

/// The layout of the plaintext; a change of [`Summary`] takes the next number.
const LAYOUT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::testing::session;

    #[test]
    fn a_summary_comes_back_as_it_was_written_and_holds_no_token() {
        let held = session(100, 100, 400);
        let summary = Summary::of(&held);
        let bytes = summary.to_bytes();
        assert_eq!(Summary::from_bytes(&bytes), Some(summary));
        assert_eq!(Summary::from_bytes(&bytes[1..]), None);
        let holds = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
        assert!(holds("42") && !holds("access") && !holds("refresh"));
    }
}
