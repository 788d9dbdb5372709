//! What is sealed into cookies and opened from them, and how it gets into an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};

use super::clock::SystemEntropy;
use crate::auth::cookie::{CookieStyle, GivenBack, TooLarge, given_back};
use crate::auth::seal::{KeyRing, NotOpened, Purpose};
use crate::auth::session::{Session, Unreadable};
use crate::auth::session_size::WARN_ABOVE;
use crate::auth::ticket::Ticket;
use crate::auth::tokens::to_hex;

/// Seals and opens, under one ring and one set of names.
pub(super) struct Sealer {
    pub ring: Arc<KeyRing>,
    pub cookies: CookieStyle,
    /// A session that takes many bytes was spoken of.
    warned: AtomicBool,
}

/// A ticket as a browser has it.
pub(super) struct TicketCookie {
    pub ticket: Ticket,
    /// The cookie's value.
    pub value: String,
    /// Sealed by a key that no longer seals.
    pub by_old_key: bool,
}

impl Sealer {
    pub(super) fn new(ring: Arc<KeyRing>, cookies: CookieStyle) -> Self {
        Self { ring, cookies, warned: AtomicBool::new(false) }
    }

    /// Opens a session cookie's value.
    pub(super) fn open_session(&self, value: &str) -> Result<Session, NotOpened> {
        let sealed = URL_SAFE_NO_PAD.decode(value).map_err(|_| NotOpened::Broken)?;
        let name = self.cookies.session_name();
        let opened = self.ring.open(Purpose::Session, name, &sealed)?;
        Session::from_bytes(&opened.plain).map_err(not_opened)
    }

    /// Seals a session for its cookie.
    pub(super) fn seal_session(&self, session: &Session) -> Vec<u8> {
        let name = self.cookies.session_name();
        self.ring.seal(Purpose::Session, name, &session.to_bytes(), &mut SystemEntropy)
    }

    /// The `Set-Cookie` lines of a session that was sealed: the same for the same bytes,
    /// whichever replica writes them.
    pub(super) fn lines(
        &self,
        sealed: &[u8],
        session: &Session,
    ) -> Result<Vec<HeaderValue>, TooLarge> {
        let value = URL_SAFE_NO_PAD.encode(sealed);
        let lines = self.cookies.set_session(&value, session.cookie_life())?;
        self.warn_of_size(session, given_back(&lines));
        Ok(lines.iter().filter_map(|line| cookie_field(line)).collect())
    }

    /// Tells the operator once of a session that servers may find too large. Not each time: it
    /// comes back with every renewal, and everybody's may be so.
    fn warn_of_size(&self, session: &Session, given: GivenBack) {
        if given.bytes > WARN_ABOVE && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                provider = session.provider,
                bytes = given.bytes,
                cookies = given.cookies,
                "sessions take so many bytes of cookies that a server in front may refuse them; session.store keeps them out of the cookie (this is said once)"
            );
        }
    }

    /// Opens a ticket cookie's value.
    pub(super) fn open_ticket(&self, value: &str) -> Result<TicketCookie, NotOpened> {
        let sealed = URL_SAFE_NO_PAD.decode(value).map_err(|_| NotOpened::Broken)?;
        let name = self.cookies.session_name();
        let opened = self.ring.open(Purpose::Ticket, name, &sealed)?;
        let ticket = Ticket::from_bytes(&opened.plain).map_err(not_opened)?;
        Ok(TicketCookie { ticket, value: value.to_owned(), by_old_key: opened.by_old_key })
    }

    /// Whether a value that did not open is of the other way to keep sessions: a replica that
    /// was not restarted yet knows it well.
    pub(super) fn is_kept_otherwise(&self, value: &str) -> bool {
        let name = self.cookies.session_name();
        let opens = |purpose, sealed: &[u8]| self.ring.open(purpose, name, sealed).is_ok();
        URL_SAFE_NO_PAD
            .decode(value)
            .is_ok_and(|sealed| opens(Purpose::Session, &sealed) || opens(Purpose::Ticket, &sealed))
    }

    /// Seals a ticket: the cookie's value.
    pub(super) fn seal_ticket(&self, ticket: &Ticket) -> String {
        let name = self.cookies.session_name();
        let plain = ticket.to_bytes();
        URL_SAFE_NO_PAD.encode(self.ring.seal(Purpose::Ticket, name, &plain, &mut SystemEntropy))
    }

    /// The `Set-Cookie` lines of a ticket.
    pub(super) fn ticket_lines(&self, value: &str, session: &Session) -> Vec<HeaderValue> {
        let lines = self.cookies.set_session(value, session.cookie_life());
        // A ticket is 118 bytes long.
        lines.unwrap_or_default().iter().filter_map(|line| cookie_field(line)).collect()
    }

    /// Seals a login attempt for the cookie of this name.
    pub(super) fn seal_attempt(&self, name: &str, plain: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.ring.seal(Purpose::Attempt, name, plain, &mut SystemEntropy))
    }

    /// Opens a login attempt.
    pub(super) fn open_attempt(
        &self,
        name: &str,
        value: &str,
    ) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        Some(self.ring.open(Purpose::Attempt, name, &sealed).ok()?.plain)
    }

    /// Seals where to go after the provider's sign-out, to travel in its `state`.
    pub(super) fn seal_return(&self, return_to: &str) -> String {
        let plain = return_to.as_bytes();
        URL_SAFE_NO_PAD.encode(self.ring.seal(Purpose::Return, RETURN, plain, &mut SystemEntropy))
    }

    /// Opens what came back in a `state` after the provider's sign-out.
    pub(super) fn open_return(&self, state: &str) -> Option<String> {
        let sealed = URL_SAFE_NO_PAD.decode(state).ok()?;
        let opened = self.ring.open(Purpose::Return, RETURN, &sealed).ok()?;
        String::from_utf8(opened.plain.to_vec()).ok()
    }
}

fn not_opened(unreadable: Unreadable) -> NotOpened {
    match unreadable {
        Unreadable::Broken => NotOpened::Broken,
        Unreadable::OtherLayout => NotOpened::Unknown,
    }
}

/// A `Set-Cookie` value, hidden from logs.
pub(super) fn cookie_field(line: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(line).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Adds `Set-Cookie` lines to an answer.
pub(crate) fn add_cookies<L: AsRef<str>>(
    headers: &mut HeaderMap,
    lines: impl IntoIterator<Item = L>,
) {
    let lines = lines.into_iter().filter_map(|line| cookie_field(line.as_ref()));
    headers.extend(lines.map(|line| (header::SET_COOKIE, line)));
}

/// A short, random name for one event: on the page that a visitor sees and in the log.
pub(super) fn reference() -> String {
    let bytes: [u8; 4] = crate::auth::draw(&mut SystemEntropy);
    to_hex(&bytes)
}

/// What a sealed return address is bound to, in place of a cookie's name.
const RETURN: &str = "signed_out";
