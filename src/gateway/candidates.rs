//! Which of a request's cookies is the session. Every candidate is tried (S45), and only what is
//! ours and surely no good may be cleared (sessions.md rule 8).

use std::sync::Arc;

use super::Worker;
use super::opened::OpenSession;
use crate::auth::Timestamp;
use crate::auth::cookie::OwnCookies;
use crate::auth::seal::NotOpened;
use crate::auth::session::Ended;
use crate::telemetry::RejectReason;

/// What the cookies hold.
pub(super) enum Presented {
    /// No session that holds; `clear` when the cookies are of no use to anybody.
    Nothing {
        clear: bool,
    },
    Session(Arc<OpenSession>),
}

/// Why one candidate is no session.
enum Refused {
    Ended(Ended),
    NotOpened(NotOpened),
}

impl Worker {
    /// Opens the one candidate that is good. Two good ones of different sessions are none: one
    /// of them was tossed in, and nobody knows which.
    pub(super) fn presented(&self, own: &OwnCookies<'_>, now: Timestamp) -> Presented {
        if !own.has_session() {
            return Presented::Nothing { clear: false };
        }
        if let [value] = own.single.as_slice()
            && own.parts.iter().all(Vec::is_empty)
        {
            return match self.candidate(value, now) {
                Ok(open) => Presented::Session(open),
                Err(refused) => Presented::Nothing { clear: refused.may_be_cleared() },
            };
        }
        let mut best: Option<Arc<OpenSession>> = None;
        let mut clear = true;
        for value in own.candidates() {
            match (self.candidate(&value, now), &best) {
                (Err(refused), _) => clear &= refused.may_be_cleared(),
                (Ok(open), Some(other)) if open.session.id != other.session.id => {
                    return Presented::Nothing { clear: false };
                }
                (Ok(open), Some(other)) if open.session.generation <= other.session.generation => {}
                (Ok(open), _) => best = Some(open),
            }
        }
        best.map_or(Presented::Nothing { clear }, Presented::Session)
    }

    fn open(&self, value: &str) -> Result<Arc<OpenSession>, NotOpened> {
        let session = self.gateway.sealer.open_session(value)?;
        // The refresh token of a provider that is not there must not be sent to another.
        let provider = self.gateway.provider_named(&session.provider).ok_or(NotOpened::Unknown)?;
        let open = Arc::new(OpenSession::new(session, provider).ok_or(NotOpened::Broken)?);
        self.cache().keep(value, Arc::clone(&open));
        Ok(open)
    }

    fn candidate(&self, value: &str, now: Timestamp) -> Result<Arc<OpenSession>, Refused> {
        let cached = self.cache().find(value);
        let opened = match cached {
            Some(open) => Ok(open),
            None => self.open(value),
        };
        let refused = match opened {
            Err(why) => Refused::NotOpened(why),
            Ok(open) => match open.session.ended(self.gateway.lifetimes, now) {
                Some(ended) => Refused::Ended(ended),
                None => return Ok(open),
            },
        };
        self.gateway.metrics.rejected(match refused {
            Refused::Ended(_) => RejectReason::ended,
            Refused::NotOpened(NotOpened::Broken) => RejectReason::broken,
            Refused::NotOpened(NotOpened::Unknown) => RejectReason::unknown_key,
        });
        Err(refused)
    }
}

impl Refused {
    /// A key or a format that another replica may know already, and a session that only a wrong
    /// clock keeps from being good, are left alone.
    const fn may_be_cleared(&self) -> bool {
        match self {
            Self::Ended(Ended::Absolute | Ended::Idle) | Self::NotOpened(NotOpened::Broken) => true,
            Self::Ended(Ended::FromTheFuture) | Self::NotOpened(NotOpened::Unknown) => false,
        }
    }
}
