//! A session: who somebody is, with which tokens, and until when.
//!
//! All limits live inside the seal (sessions.md rule 9): a browser that edits `Max-Age` gains
//! nothing (C-32).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::facts::Person;
use super::identity::Identity;
use super::tokens::{Packed, Tokens};
use super::{CLOCK_SKEW, Entropy, Timestamp, draw};
use crate::secret::Secret;

/// 128 random bits, new at every login, the same through all refreshes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionId([u8; 16]);

/// A session, opened.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    /// Grows by one with every refresh.
    pub generation: u32,
    /// The name of the provider that vouched for it.
    pub provider: String,
    pub created: Timestamp,
    /// Last seen, as far as it was written down.
    pub seen: Timestamp,
    /// The absolute end.
    pub ends: Timestamp,
    pub tokens: Tokens,
    /// The `sub` of the id_token: later ones must be the same (S32).
    pub subject: Option<String>,
    /// The provider's own name of its session, by which it may end ours (the claim `sid`).
    pub sid: Option<String>,
    /// When the person last proved who they are, as the id_token tells it.
    pub authenticated: Option<Timestamp>,
    /// How they did (the claim `acr`).
    pub acr: Option<String>,
    /// The scopes that were granted, where a rule of the configuration reads them.
    pub scopes: Vec<String>,
    /// The id_token, kept to end the session at the provider too (S33).
    pub hint: Option<Secret<String>>,
    pub identity: Identity,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    pub idle: Duration,
    pub absolute: Duration,
}

/// Why a session that opened holds no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Absolute,
    /// Made in a future beyond clock skew: no age of it can be trusted (C-103).
    FromTheFuture,
    Idle,
}

/// The plaintext is no session of this layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Broken,
    /// Written by another version, perhaps a newer one: not ours to clear.
    OtherLayout,
}

impl SessionId {
    /// Draws a new one.
    pub fn draw(entropy: &mut dyn Entropy) -> Self {
        Self(draw(entropy))
    }

    /// The id of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes; whoever has them and a key of the ring could make a cookie.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// What names it in a store: a hash, so that whoever reads the store can't name a session.
    pub fn slot(self) -> [u8; 32] {
        Sha256::new().chain_update(b"askara-gate/slot").chain_update(self.0).finalize().into()
    }

    /// The half of it that logs and lists show.
    pub fn short(self) -> String {
        super::tokens::to_hex(&self.0[..8])
    }

    /// Which of `count` shards it belongs to.
    pub fn shard(self, count: usize) -> usize {
        usize::from(self.0[0]) % count
    }
}

impl fmt::Debug for SessionId {
    /// Half of it: enough to find a session in the logs, not enough to be one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl Session {
    /// Whether its limits still hold.
    pub fn ended(&self, lifetimes: Lifetimes, now: Timestamp) -> Option<Ended> {
        if now >= self.absolute_end(lifetimes.absolute) {
            Some(Ended::Absolute)
        } else if now.since(self.seen) >= lifetimes.idle {
            Some(Ended::Idle)
        } else if self.created.since(now) > CLOCK_SKEW {
            Some(Ended::FromTheFuture)
        } else {
            None
        }
    }

    /// When it ends, however active somebody is. A shorter limit in the configuration counts for
    /// sessions that are there already.
    pub fn absolute_end(&self, absolute: Duration) -> Timestamp {
        self.ends.min(self.created.plus(absolute))
    }

    /// Whether `seen` is old enough to be written down again: at most every tenth of the idle
    /// time, so that most answers set no cookie.
    pub fn wants_touch(&self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        now.since(self.seen) >= lifetimes.idle / 10
    }

    /// Whether it has to be written down lest somebody active be held to be idle.
    pub fn needs_touch(&self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        now.since(self.seen) >= lifetimes.idle / 2
    }

    /// How long a cookie that is written now may live: until the absolute end. Counted from when
    /// the session was last seen, so that every replica writes the same line for the same session.
    pub fn cookie_life(&self) -> Duration {
        self.ends.since(self.seen)
    }

    /// The same session, seen now.
    #[must_use]
    pub fn touched(&self, now: Timestamp) -> Self {
        Self { seen: now, ..self.clone() }
    }

    /// The next generation, with the tokens of a refresh. What the refresh did not bring stays
    /// (rule 7).
    #[must_use]
    pub fn renewed(&self, tokens: Tokens, now: Timestamp) -> Self {
        let refresh = tokens.refresh.or_else(|| self.tokens.refresh.clone());
        Self {
            generation: self.generation.saturating_add(1),
            seen: now,
            tokens: Tokens { refresh, ..tokens },
            ..self.clone()
        }
    }

    /// What rules may know of whoever it is.
    pub fn person(&self) -> Person<'_> {
        Person {
            identity: &self.identity,
            scopes: &self.scopes,
            authenticated: self.authenticated,
            acr: self.acr.as_deref(),
            provider: Some(&self.provider),
        }
    }

    /// The same generation with what became known of the person after it had been kept; none when
    /// that is nothing new. It counts as written later, so that it takes the other's place.
    pub fn told(
        &self,
        identity: Identity,
        hint: Option<Secret<String>>,
        now: Timestamp,
    ) -> Option<Self> {
        // Kept only where one is kept already: it is not small.
        let hint = hint.filter(|_| self.hint.is_some());
        if identity == self.identity && hint.is_none() {
            return None;
        }
        let seen = now.max(self.seen.plus(Duration::from_millis(1)));
        Some(Self { seen, identity, hint: hint.or_else(|| self.hint.clone()), ..self.clone() })
    }

    /// Writes the session down, to be sealed: one layout byte, then a compact binary form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let wire = Wire {
            id: self.id,
            generation: self.generation,
            provider: self.provider.clone(),
            times: [self.created, self.seen, self.ends, self.tokens.issued, self.tokens.expires],
            access: Packed::pack(&self.tokens.access),
            refresh: self.tokens.refresh.as_ref().map(Packed::pack),
            subject: self.subject.clone(),
            sid: self.sid.clone(),
            authenticated: self.authenticated,
            acr: self.acr.clone(),
            scopes: self.scopes.clone(),
            hint: self.hint.as_ref().map(Packed::pack),
            identity: self.identity.clone(),
        };
        let bytes = postcard::to_extend(&wire, vec![LAYOUT])
            .expect("a session has only plain data, which always serialises");
        Zeroizing::new(bytes)
    }

    /// Reads a session that was opened.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (&layout, rest) = bytes.split_first().ok_or(Unreadable::Broken)?;
        if layout != LAYOUT {
            return Err(Unreadable::OtherLayout);
        }
        let wire: Wire = postcard::from_bytes(rest).map_err(|_| Unreadable::Broken)?;
        let [created, seen, ends, issued, expires] = wire.times;
        let access = wire.access.unpack().ok_or(Unreadable::Broken)?;
        let unpack = |packed: Option<Packed>| match packed {
            Some(packed) => packed.unpack().ok_or(Unreadable::Broken).map(Some),
            None => Ok(None),
        };
        let refresh = unpack(wire.refresh)?;
        Ok(Self {
            id: wire.id,
            generation: wire.generation,
            provider: wire.provider,
            created,
            seen,
            ends,
            tokens: Tokens { access, refresh, issued, expires },
            subject: wire.subject,
            sid: wire.sid,
            authenticated: wire.authenticated,
            acr: wire.acr,
            scopes: wire.scopes,
            hint: unpack(wire.hint)?,
            identity: wire.identity,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    id: SessionId,
    generation: u32,
    provider: String,
    times: [Timestamp; 5],
    access: Packed,
    refresh: Option<Packed>,
    subject: Option<String>,
    sid: Option<String>,
    authenticated: Option<Timestamp>,
    acr: Option<String>,
    scopes: Vec<String>,
    hint: Option<Packed>,
    identity: Identity,
}

/// The layout of the plaintext; a change of [`Wire`] takes the next number.
const LAYOUT: u8 = 4;

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::secret::Secret;

    /// A session made at `created` whose access token lives from `issued` to `expires`.
    pub(crate) fn session(created: u64, issued: u64, expires: u64) -> Session {
        Session {
            id: SessionId([7; 16]),
            generation: 0,
            provider: String::from("askara"),
            created: Timestamp::from_unix(created),
            seen: Timestamp::from_unix(created),
            ends: Timestamp::from_unix(created + 7 * 24 * 3600),
            tokens: Tokens {
                access: Secret::new(String::from("access")),
                refresh: Some(Secret::new(String::from("refresh"))),
                issued: Timestamp::from_unix(issued),
                expires: Timestamp::from_unix(expires),
            },
            subject: None,
            sid: None,
            authenticated: None,
            acr: None,
            scopes: Vec::new(),
            hint: None,
            identity: Identity::for_test("42"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::session;
    use super::*;
    use crate::secret::Secret;

    const LIFETIMES: Lifetimes =
        Lifetimes { idle: Duration::from_secs(1000), absolute: Duration::from_secs(10_000) };

    #[test]
    fn a_session_comes_back_as_it_was_written() {
        let mut before = session(100, 100, 400);
        before.subject = Some(String::from("sub"));
        before.sid = Some(String::from("sid"));
        before.authenticated = Some(Timestamp::from_unix(90));
        before.acr = Some(String::from("urn:mfa"));
        before.scopes = vec![String::from("read"), String::from("write")];
        before.hint = Some(Secret::new(String::from("e30.e30.AA")));
        let after = Session::from_bytes(&before.to_bytes()).unwrap();
        assert_eq!(after.id, before.id);
        assert_eq!(after.identity, before.identity);
        assert_eq!((after.subject, after.sid), (before.subject, before.sid));
        assert_eq!(after.authenticated, before.authenticated);
        assert_eq!((after.acr, after.scopes), (before.acr, before.scopes));
        assert_eq!(after.hint.unwrap().expose(), "e30.e30.AA");
        assert_eq!(after.tokens.access.expose(), "access");
        assert_eq!(after.tokens.refresh.unwrap().expose(), "refresh");
        assert_eq!((after.seen, after.ends), (before.seen, before.ends));
    }

    #[test]
    fn other_bytes_are_refused_without_a_panic() {
        let bytes = session(100, 100, 400).to_bytes();
        for length in 0..bytes.len() {
            assert!(Session::from_bytes(&bytes[..length]).is_err());
        }
        assert_eq!(Session::from_bytes(&[LAYOUT + 1, 0]).unwrap_err(), Unreadable::OtherLayout);
        assert_eq!(Session::from_bytes(&[]).unwrap_err(), Unreadable::Broken);
    }

    #[test]
    fn limits_hold_whatever_the_clock_does() {
        for (now, ended) in [
            (100, None),
            (1099, None),
            (1100, Some(Ended::Idle)),
            (10_100, Some(Ended::Absolute)),
            (50, None),
            (40, None),
            (39, Some(Ended::FromTheFuture)),
        ] {
            let session = session(100, 100, 400);
            assert_eq!(session.ended(LIFETIMES, Timestamp::from_unix(now)), ended, "at {now}");
        }
    }

    #[test]
    fn a_refresh_keeps_what_it_did_not_bring() {
        let tokens = Tokens {
            access: Secret::new(String::from("second")),
            refresh: None,
            issued: Timestamp::from_unix(400),
            expires: Timestamp::from_unix(700),
        };
        let renewed = session(100, 100, 400).renewed(tokens, Timestamp::from_unix(400));
        assert_eq!(renewed.generation, 1);
        assert_eq!(renewed.tokens.access.expose(), "second");
        assert_eq!(renewed.tokens.refresh.unwrap().expose(), "refresh");
        assert_eq!(renewed.created, Timestamp::from_unix(100));
    }

    #[test]
    fn an_id_token_is_kept_only_where_one_was_kept_at_login() {
        let secret = |text: &str| Some(Secret::new(text.to_owned()));
        for (before, brought, kept) in [
            (None, secret("new"), None),
            (secret("old"), None, Some("old")),
            (secret("old"), secret("new"), Some("new")),
        ] {
            let mut session = session(100, 100, 400);
            session.hint = before;
            let identity = session.identity.clone();
            let told = session.told(identity, brought, Timestamp::from_unix(400));
            let hint = told.unwrap_or(session).hint;
            assert_eq!(hint.as_ref().map(|hint| hint.expose().as_str()), kept);
        }
    }

    #[test]
    fn what_becomes_known_later_takes_the_place_of_what_was_kept_first() {
        let session = session(100, 100, 400);
        let now = session.seen;
        assert!(session.told(session.identity.clone(), None, now).is_none());
        let told = session.told(Identity::for_test("43"), None, now).unwrap();
        assert_eq!(told.generation, session.generation);
        assert!(told.seen > session.seen);
    }

    #[test]
    fn an_askara_session_fits_one_cookie_of_2200_bytes() {
        use crate::auth::cookie::CookieStyle;
        use crate::auth::seal::{KeyRing, Purpose};
        use crate::auth::testing::Counting;
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;

        // A 1.2 kB access token and an 800-character refresh token, as Askara's kind gives them.
        let part = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0x5a; bytes]);
        let access = format!("{}.{}.{}", part(60), part(580), part(256));
        assert_eq!(access.len(), 1198);
        let mut session = session(1_795_000_000, 1_795_000_000, 1_795_003_600);
        session.tokens.access = Secret::new(access);
        session.tokens.refresh = Some(Secret::new(format!("def502{}", "0a".repeat(397))));
        let text = |text: &str| Some(text.to_owned());
        session.identity = Identity {
            user: String::from("7d0c9a1e-52f4-4b0e-9f6b-3a8c1d2e4f50"),
            email: text("firstname.lastname@example.com"),
            name: text("Firstname Lastname"),
            organization: text("9f6b3a8c-52f4-4b0e-7d0c-9a1e1d2e4f50"),
            ..Identity::default()
        };
        let style = CookieStyle::new(true, None);
        let ring = KeyRing::new(&[Secret::new([1; 32])], "app.example.com").unwrap();
        let (name, bytes) = (style.session_name(), session.to_bytes());
        let sealed = ring.seal(Purpose::Session, name, &bytes, &mut Counting(1));
        let value = URL_SAFE_NO_PAD.encode(sealed);
        let size = name.len() + 1 + value.len();
        assert!(size < 2200, "{size} bytes");
        assert_eq!(style.set_session(&value, Duration::from_secs(60)).unwrap().len(), 1);
    }

    #[test]
    fn an_id_shows_only_half_of_itself() {
        assert_eq!(format!("{:?}", SessionId([0xab; 16])), "abababababababab");
    }
}
