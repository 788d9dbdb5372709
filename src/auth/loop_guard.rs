//! Whether somebody goes round in circles: signs in, comes back without a session, and is sent to
//! sign in once more (C-14).
//!
//! 1. A login that succeeds has the browser keep for a minute which one in a row it was. An attempt
//!    remembers the count that it began with, so that ten tabs that sign in at once are one round
//!    and not ten.
//! 2. The count is no secret and not sealed: two gateways that don't share keys are one of the
//!    causes, and each has to go on from the other's count. Who writes one sees a page with a
//!    button, and nobody else does.
//! 3. After [`MOST_ROUNDS`] no login begins by itself. Why the session did not hold is told from
//!    what the browser brought with the request.
//! 4. Where a proxy asks without the visitor's cookies, and sends on what it is answered, no count
//!    is seen where a login begins. The callback comes by another way, and sees that the attempt
//!    began after the count was written and knew nothing of it.

use std::time::Duration;

use super::Timestamp;
use super::session::SessionId;
use super::tokens::to_hex;

/// How many logins there were in a row, and which session the last one made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    count: u8,
    /// The beginning of its session's slot: enough to know it again, and nothing to be it by.
    last: [u8; 4],
    /// When it was.
    at: Timestamp,
}

/// The beginning of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Began {
    /// How many logins in a row it knew of.
    pub after: u8,
    pub at: Timestamp,
}

/// What came back of a session, the less telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Came {
    /// No cookie, or only a part of one.
    Nothing,
    /// It was ended, or the store has it no more.
    Ended,
    /// Its limits don't hold, by this clock.
    OutOfTime,
    /// It does not open.
    Sealed,
    /// A session that holds.
    Session { is_last: bool, standing: Standing },
}

/// What the rules of where somebody wants to go say of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing that another login could change.
    Settled,
    /// It is of a provider whose people are not taken there.
    Stranger,
    /// More is wanted of it.
    Lacking,
}

/// Why sessions don't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The browser, or a proxy, does not send the session's cookie back.
    CookieLost,
    /// The cookie comes here, but the proxy that asks who may pass does not hand it on.
    CookieWithheld,
    /// Gateways with different keys answer in turn.
    OtherKey,
    /// Clocks differ.
    Clock,
    /// It was ended as soon as it began.
    EndedAtOnce,
}

impl Rounds {
    /// What a login leaves that made this session `now`. `told` is the count that its callback
    /// brought: one that was written since it began is of another tab.
    pub fn next(told: Option<Self>, began: Began, session: SessionId, now: Timestamp) -> Self {
        let known =
            told.map_or(0, |told| if told.at <= began.at { told.count } else { told.count - 1 });
        let count = known.max(began.after).saturating_add(1).min(MOST_COUNTED);
        Self { count, last: mark(session), at: now }
    }

    /// Reads the cookie; none where it was not written by [`Self::to_text`].
    pub fn parse(text: &str) -> Option<Self> {
        let (count, rest) = text.split_once('-')?;
        let (last, at) = rest.split_once('-')?;
        let is_number =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let count = count.parse().ok().filter(|_| is_number(count))?;
        let at = at.parse().ok().map(Duration::from_millis).filter(|_| is_number(at))?;
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if count > MOST_COUNTED || last.len() != 8 || !last.bytes().all(hex) {
            return None;
        }
        let last = u32::from_str_radix(last, 16).ok()?.to_be_bytes();
        Some(Self { count, last, at: Timestamp::since_epoch(at) })
    }

    /// The cookie's value.
    pub fn to_text(self) -> String {
        format!("{}-{}-{}", self.count, to_hex(&self.last), self.at.as_millis())
    }

    /// How many logins there were.
    pub const fn count(self) -> u8 {
        self.count
    }

    /// Whether no other one begins by itself, unless there is a good reason for it.
    pub const fn are_enough(self) -> bool {
        self.count >= MOST_ROUNDS
    }

    /// Whether they are enough, and a login that began since knew nothing of them.
    pub fn were_withheld(self, began: Began) -> bool {
        self.are_enough() && self.at <= began.at && began.after < self.count
    }

    /// Whether it may be ours: what lies further back, or ahead, than any clock is wrong, somebody
    /// else has planted for good (C-30).
    pub fn are_of_late(self, now: Timestamp) -> bool {
        now.as_unix().abs_diff(self.at.as_unix()) <= MOST_WRONG.as_secs()
    }

    /// Whether the last of them made this session.
    pub fn made(self, session: SessionId) -> bool {
        self.last == mark(session)
    }
}

impl Came {
    /// Why so many logins did not help; none where each of them did, and this one is for something
    /// else.
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Nothing => Some(Cause::CookieLost),
            Self::Ended => Some(Cause::EndedAtOnce),
            Self::OutOfTime => Some(Cause::Clock),
            Self::Sealed => Some(Cause::OtherKey),
            Self::Session { standing: Standing::Settled, .. } => Some(Cause::CookieWithheld),
            // The step-up made another session, and an older one came back in its place.
            Self::Session { standing: Standing::Lacking, is_last: false } => {
                Some(Cause::CookieLost)
            }
            Self::Session { standing: Standing::Lacking | Standing::Stranger, .. } => None,
        }
    }
}

impl Cause {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::CookieLost, Self::CookieWithheld, Self::OtherKey, Self::Clock, Self::EndedAtOnce];

    /// One short word for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CookieLost => "cookie_lost",
            Self::CookieWithheld => "cookie_withheld",
            Self::OtherKey => "other_key",
            Self::Clock => "clock",
            Self::EndedAtOnce => "ended_at_once",
        }
    }
}

fn mark(session: SessionId) -> [u8; 4] {
    let [a, b, c, d, ..] = session.slot();
    [a, b, c, d]
}

/// So many logins in a row, each begun within [`ROUND_LIFE`] of the one before, are no accident.
pub const MOST_ROUNDS: u8 = 3;
/// How long a browser keeps the count: a circle is closed within seconds.
pub const ROUND_LIFE: Duration = Duration::from_secs(60);
const MOST_WRONG: Duration = Duration::from_secs(24 * 60 * 60);
const MOST_COUNTED: u8 = 99;

#[cfg(test)]
mod tests {
    use super::*;

    fn session(byte: u8) -> SessionId {
        SessionId::from_bytes([byte; 16])
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::since_epoch(Duration::from_millis(millis))
    }

    fn began(after: u8, millis: u64) -> Began {
        Began { after, at: at(millis) }
    }

    #[test]
    fn c14_each_login_counts_on_from_where_it_began() {
        let mut told = None;
        for (count, enough) in [(1, false), (2, false), (3, true), (4, true)] {
            let after = told.map_or(0, Rounds::count);
            let moment = 1000 * u64::from(count);
            let rounds = Rounds::next(told, began(after, moment), session(7), at(moment + 5));
            assert_eq!((rounds.count(), rounds.are_enough()), (count, enough));
            assert_eq!(Rounds::parse(&rounds.to_text()), Some(rounds));
            assert!(!rounds.were_withheld(began(count, moment + 6)));
            told = Some(rounds);
        }
        let last = Rounds::next(None, began(99, 1), session(7), at(1));
        assert_eq!(last.count(), 99);
        assert!(Rounds::next(None, began(255, 1), session(7), at(1)).to_text().starts_with("99-"));
    }

    #[test]
    fn c15_tabs_that_began_before_the_count_was_written_do_not_add_to_it() {
        for (told, after, start, count) in [
            (None, 0, 10, 1),
            // Another tab was first.
            (Some((1, 20)), 0, 10, 1),
            (Some((2, 20)), 1, 19, 2),
            (Some((2, 20)), 0, 10, 2),
            // It knew.
            (Some((1, 20)), 1, 30, 2),
            // It ought to have known.
            (Some((1, 20)), 0, 20, 2),
            (Some((2, 20)), 0, 30, 3),
            (Some((99, 20)), 0, 30, 99),
        ] {
            let written = |(count, millis)| Rounds { count, last: [0; 4], at: at(millis) };
            let began = began(after, start);
            let next = Rounds::next(told.map(written), began, session(7), at(40));
            assert_eq!(next.count(), count, "{told:?} {began:?}");
        }
    }

    #[test]
    fn c14_a_count_that_a_login_ought_to_have_known_was_withheld() {
        for (count, after, start, withheld) in [
            (3, 0, 30, true),
            (3, 0, 20, true),
            (7, 3, 30, true),
            (3, 3, 30, false),
            (2, 0, 30, false),
            // Of another tab.
            (3, 0, 19, false),
        ] {
            let rounds = Rounds { count, last: [0; 4], at: at(20) };
            assert_eq!(
                rounds.were_withheld(began(after, start)),
                withheld,
                "{count} {after} {start}"
            );
        }
    }

    #[test]
    fn c14_the_count_knows_the_session_of_the_last_login_and_does_not_tell_its_id() {
        let id = SessionId::from_bytes(*b"\x01\x23\x45\x67\x89\xab\xcd\xef0123456\xff");
        let rounds = Rounds::next(None, began(0, 1), id, at(2));
        assert!(rounds.made(id) && !rounds.made(session(7)));
        assert!(!rounds.to_text().contains("01234567"), "{}", rounds.to_text());
        let again = Rounds::parse(&rounds.to_text()).unwrap();
        assert!(again.made(id));
    }

    #[test]
    fn c14_what_nobody_of_us_wrote_is_no_count() {
        for text in [
            "",
            "3",
            "-",
            "--",
            "3-0a1b2c3d",
            "3-0a1b2c3d-",
            "3-0a1b2c3d-x",
            "3-0a1b2c3d-+1",
            "3-0a1b2c3d-01",
            "3-0a1b2c3d-1-1",
            "3-0a1b2c3d-99999999999999999999",
            "-0a1b2c3d-1",
            "0-0a1b2c3d-1",
            "03-0a1b2c3d-1",
            "+3-0a1b2c3d-1",
            "100-0a1b2c3d-1",
            "256-0a1b2c3d-1",
            "3-0a1b2c3-1",
            "3-0a1b2c3d4-1",
            "3-0A1B2C3D-1",
            "3-+a1b2c3d-1",
            "3-0a1b2c3g-1",
            " 3-0a1b2c3d-1",
            "3-0a1b2c3d-1 ",
            "\u{663}-0a1b2c3d-1",
            "3-0a1b2c\u{e9}-1",
        ] {
            assert_eq!(Rounds::parse(text), None, "{text:?}");
        }
        assert!(Rounds::parse("1-0a1b2c3d-1").is_some_and(|rounds| !rounds.are_enough()));
        assert!(Rounds::parse("99-00000000-1").is_some_and(Rounds::are_enough));
    }

    #[test]
    fn c14_the_cause_is_told_from_what_the_browser_brought() {
        let session = |is_last, standing| Came::Session { is_last, standing };
        for (came, cause) in [
            (Came::Nothing, Some(Cause::CookieLost)),
            (Came::Ended, Some(Cause::EndedAtOnce)),
            (Came::OutOfTime, Some(Cause::Clock)),
            (Came::Sealed, Some(Cause::OtherKey)),
            (session(true, Standing::Settled), Some(Cause::CookieWithheld)),
            (session(false, Standing::Settled), Some(Cause::CookieWithheld)),
            (session(false, Standing::Lacking), Some(Cause::CookieLost)),
            // The last login did what it was for: what is wanted now is wanted anew.
            (session(true, Standing::Lacking), None),
            (session(true, Standing::Stranger), None),
            (session(false, Standing::Stranger), None),
        ] {
            assert_eq!(came.cause(), cause, "{came:?}");
        }
    }

    #[test]
    fn each_cause_has_a_word_of_its_own() {
        for (index, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
            let others = Cause::ALL.into_iter().filter(|other| other.code() == cause.code());
            assert_eq!(others.count(), 1, "{cause:?}");
        }
    }
}
