//! The ticket: what stands in the cookie of a session that is kept in a store.
//!
//! It names the session and carries the key that opens its record, and nothing else has that key:
//! a stolen store opens no token, and a stolen cookie dies with its record (sessions.md, Store).
//! It stays the same through all refreshes, so that no order of `Set-Cookie` lines matters.

use zeroize::Zeroizing;

use super::seal::{KeyRing, NotOpened, Purpose};
use super::session::{Session, SessionId, Unreadable};
use super::tokens::to_hex;
use super::{Entropy, draw};
use crate::secret::{SealKey, Secret};

/// A session's name and the key of its record.
#[derive(Clone)]
pub struct Ticket {
    pub id: SessionId,
    key: SealKey,
}

impl Ticket {
    /// Draws a ticket for a new session.
    pub fn draw(id: SessionId, entropy: &mut dyn Entropy) -> Self {
        Self { id, key: Secret::new(draw(entropy)) }
    }

    /// Writes the ticket down, to be sealed: one layout byte, the id, the key.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // The key leaves secrecy only into the seal of the cookie.
        let parts = [&[LAYOUT][..], &self.id.to_bytes(), self.key.expose()];
        Zeroizing::new(parts.concat())
    }

    /// Reads a ticket that was opened.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (&layout, rest) = bytes.split_first().ok_or(Unreadable::Broken)?;
        if layout != LAYOUT {
            return Err(Unreadable::OtherLayout);
        }
        let (id, key) = rest.split_first_chunk::<16>().ok_or(Unreadable::Broken)?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| Unreadable::Broken)?;
        Ok(Self { id: SessionId::from_bytes(*id), key: Secret::new(key) })
    }

    /// Seals the record of its session. It opens at its own place in the store only (C-116).
    pub fn seal(&self, session: &Session, entropy: &mut dyn Entropy) -> Vec<u8> {
        self.ring().seal(Purpose::Record, &self.place(), &session.to_bytes(), entropy)
    }

    /// Opens the record of its session.
    pub fn open(&self, sealed: &[u8]) -> Result<Session, NotOpened> {
        let opened = self.ring().open(Purpose::Record, &self.place(), sealed);
        // The key is the record's own: one that it does not open was altered or swapped.
        let opened = opened.map_err(|_| NotOpened::Broken)?;
        let session = Session::from_bytes(&opened.plain).map_err(|error| match error {
            Unreadable::Broken => NotOpened::Broken,
            Unreadable::OtherLayout => NotOpened::Unknown,
        })?;
        if session.id == self.id { Ok(session) } else { Err(NotOpened::Broken) }
    }

    fn place(&self) -> String {
        to_hex(&self.id.slot())
    }

    fn ring(&self) -> KeyRing {
        KeyRing::new(std::slice::from_ref(&self.key), "").expect("one key is a ring")
    }
}

/// The layout of the plaintext.
const LAYOUT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::testing::session;
    use crate::auth::testing::Counting;

    #[test]
    fn a_ticket_opens_the_record_that_it_sealed_and_no_other() {
        let mut entropy = Counting(3);
        let session = session(100, 100, 400);
        let ticket = Ticket::draw(session.id, &mut entropy);
        let again = Ticket::from_bytes(&ticket.to_bytes()).unwrap();
        let sealed = ticket.seal(&session, &mut entropy);
        assert_eq!(again.open(&sealed).unwrap().identity, session.identity);

        let other = Ticket::draw(session.id, &mut entropy);
        assert_eq!(other.open(&sealed).unwrap_err(), NotOpened::Broken, "another key");
        let elsewhere = Ticket { id: SessionId::draw(&mut entropy), ..again.clone() };
        assert_eq!(elsewhere.open(&sealed).unwrap_err(), NotOpened::Broken, "another place");
        for byte in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[byte] ^= 1;
            assert_eq!(again.open(&altered).unwrap_err(), NotOpened::Broken, "byte {byte}");
        }
    }

    #[test]
    fn other_bytes_are_no_ticket() {
        let bytes = Ticket::draw(SessionId::draw(&mut Counting(1)), &mut Counting(2)).to_bytes();
        for length in 0..bytes.len() {
            assert!(Ticket::from_bytes(&bytes[..length]).is_err());
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(Ticket::from_bytes(&longer), Err(Unreadable::Broken)));
        let newer = [&[LAYOUT + 1], &bytes[1..]].concat();
        assert!(matches!(Ticket::from_bytes(&newer), Err(Unreadable::OtherLayout)));
    }
}
