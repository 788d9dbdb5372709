//! Ends of sessions: what one replica tells the others, and which sessions it is about.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::session::{Session, SessionId};
use super::summary::Summary;

/// Sessions that are over, before their time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub whom: Whom,
    /// Sessions that were made after this are others.
    pub before: Timestamp,
    /// By then, all of them would have ended by themselves.
    pub until: Timestamp,
}

/// Whose sessions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Whom {
    Session(SessionId),
    /// One session, by the half of its id that logs and lists show.
    Named(String),
    /// All of a person's, as the app knows them.
    User(String),
    Organization(String),
    /// All of the provider's subject (the claim `sub`).
    Subject {
        provider: String,
        subject: String,
    },
    /// One session of the provider (the claim `sid`).
    ProviderSession {
        provider: String,
        sid: String,
    },
    Everyone,
}

impl Ending {
    /// An end that comes now, of sessions that last no longer than `longest`.
    pub fn now(whom: Whom, now: Timestamp, longest: Duration) -> Self {
        Self { whom, before: now, until: now.plus(longest) }
    }

    /// Whether `session` is over by this.
    pub fn covers(&self, session: &Session) -> bool {
        self.is_in_time(session.created) && self.whom.is(session)
    }

    /// Whether it is about the session that a store has under one of its names, as far as its
    /// summary tells: it may have been made later, or have changed hands since it was filed.
    pub fn may_cover(&self, summary: &Summary) -> bool {
        let is = match &self.whom {
            Whom::Named(short) => summary.session == *short,
            Whom::User(user) => summary.user == *user,
            Whom::Organization(name) => summary.organization.as_ref() == Some(name),
            Whom::Subject { provider, .. } | Whom::ProviderSession { provider, .. } => {
                summary.provider == *provider
            }
            Whom::Session(_) | Whom::Everyone => true,
        };
        is && self.is_in_time(summary.created)
    }

    fn is_in_time(&self, created: Timestamp) -> bool {
        match self.whom {
            // It comes only once.
            Whom::Session(_) | Whom::Named(_) => true,
            // A login may have been under way when the provider ended its own session; not for
            // long, since a provider that goes on with the same one signs people in again.
            Whom::ProviderSession { .. } => created <= self.before.plus(LOGIN),
            Whom::User(_) | Whom::Organization(_) | Whom::Subject { .. } | Whom::Everyone => {
                created <= self.before
            }
        }
    }

    /// Writes it down, to be sealed: one layout byte, then a compact binary form.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![LAYOUT])
            .expect("an ending has only plain data, which always serialises")
    }

    /// Reads one that was opened; none when another version wrote it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[LAYOUT])?;
        postcard::from_bytes(rest).ok()
    }
}

impl Whom {
    /// Whether `session` is theirs.
    pub fn is(&self, session: &Session) -> bool {
        match self {
            Self::Session(id) => session.id == *id,
            Self::Named(short) => session.id.short() == *short,
            Self::User(user) => session.identity.user == *user,
            Self::Organization(name) => session.identity.organization.as_ref() == Some(name),
            Self::Subject { provider, subject } => {
                session.provider == *provider && session.subject.as_ref() == Some(subject)
            }
            Self::ProviderSession { provider, sid } => {
                session.provider == *provider && session.sid.as_ref() == Some(sid)
            }
            Self::Everyone => true,
        }
    }

    /// Everything by which `session` may be looked for in a store.
    pub fn all_of(session: &Session) -> Vec<Self> {
        let provider = || session.provider.clone();
        let identity = &session.identity;
        let subject = session.subject.clone();
        let subject = subject.map(|subject| Self::Subject { provider: provider(), subject });
        let sid = session.sid.clone();
        let sid = sid.map(|sid| Self::ProviderSession { provider: provider(), sid });
        [Self::Named(session.id.short()), Self::User(identity.user.clone())]
            .into_iter()
            .chain(identity.organization.clone().map(Self::Organization))
            .chain(subject)
            .chain(sid)
            .collect()
    }

    /// What names them in a store, to be hashed under a key ([`super::seal::KeyRing::names`]).
    pub fn parts(&self) -> Vec<&[u8]> {
        match self {
            Self::Session(_) | Self::Everyone => Vec::new(),
            Self::Named(short) => vec![b"session", short.as_bytes()],
            Self::User(user) => vec![b"user", user.as_bytes()],
            Self::Organization(name) => vec![b"organization", name.as_bytes()],
            Self::Subject { provider, subject } => {
                vec![b"subject", provider.as_bytes(), subject.as_bytes()]
            }
            Self::ProviderSession { provider, sid } => {
                vec![b"sid", provider.as_bytes(), sid.as_bytes()]
            }
        }
    }
}

/// How long the last part of a login takes, from the provider's answer to the session.
const LOGIN: Duration = Duration::from_secs(30);
/// The layout of the plaintext; a change of [`Ending`] takes the next number.
const LAYOUT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::testing::session;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn an_ending_covers_whom_it_names_and_nobody_who_came_later() {
        let mut held = session(100, 100, 400);
        held.identity.organization = Some(text("acme"));
        held.subject = Some(text("sub"));
        held.sid = Some(text("sid"));
        let provider = |name: &str| text(name);
        let subject = |name: &str, subject: &str| Whom::Subject {
            provider: provider(name),
            subject: text(subject),
        };
        let sid = |name: &str, sid: &str| Whom::ProviderSession {
            provider: provider(name),
            sid: text(sid),
        };
        for (whom, theirs) in [
            (Whom::Session(held.id), true),
            (Whom::Session(SessionId::draw(&mut crate::auth::testing::Counting(1))), false),
            (Whom::Named(held.id.short()), true),
            (Whom::Named(text("0000000000000000")), false),
            (Whom::User(text("42")), true),
            (Whom::User(text("4")), false),
            (Whom::Organization(text("acme")), true),
            (Whom::Organization(text("")), false),
            (subject("askara", "sub"), true),
            (subject("other", "sub"), false),
            (sid("askara", "sid"), true),
            (sid("askara", "sub"), false),
            (Whom::Everyone, true),
        ] {
            let at = Timestamp::from_unix;
            let ending = Ending { whom: whom.clone(), before: at(100), until: at(900) };
            assert_eq!(ending.covers(&held), theirs, "{whom:?}");
            for (before, late) in [(99, true), (60, false)] {
                let once = matches!(whom, Whom::Session(_) | Whom::Named(_));
                let login = late && matches!(whom, Whom::ProviderSession { .. });
                let earlier = Ending { whom: whom.clone(), before: at(before), until: at(900) };
                let covers = theirs && (once || login);
                assert_eq!(earlier.covers(&held), covers, "{whom:?} {before}");
                assert!(earlier.may_cover(&Summary::of(&held)) >= covers, "{whom:?} {before}");
            }
            assert_eq!(Ending::from_bytes(&ending.to_bytes()), Some(ending));
        }
    }

    #[test]
    fn a_session_is_filed_under_all_that_may_end_it() {
        let mut held = session(100, 100, 400);
        assert_eq!(Whom::all_of(&held).len(), 2);
        held.identity.organization = Some(text("acme"));
        held.subject = Some(text("sub"));
        held.sid = Some(text("sid"));
        let all = Whom::all_of(&held);
        assert_eq!(all.len(), 5);
        assert!(all.iter().all(|whom| whom.is(&held) && !whom.parts().is_empty()));
    }

    #[test]
    fn another_layout_and_other_bytes_are_no_ending() {
        let ending = Ending {
            whom: Whom::Everyone,
            before: Timestamp::from_unix(1),
            until: Timestamp::from_unix(2),
        };
        let bytes = ending.to_bytes();
        assert_eq!(Ending::from_bytes(&[&[LAYOUT + 1], &bytes[1..]].concat()), None);
        assert_eq!(Ending::from_bytes(&bytes[..bytes.len() - 1]), None);
    }
}
