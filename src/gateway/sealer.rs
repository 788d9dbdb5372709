//! What is sealed into cookies and opened from them, and how it gets into an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};

use super::clock::SystemEntropy;
use crate::auth::cookie::{GivenBack, TooLarge, given_back};
use crate::auth::realm::{Realm, Realms};
use crate::auth::seal::{KeyRing, NotOpened, Opened, Purpose};
use crate::auth::session::{Session, Unreadable};
use crate::auth::session_size::WARN_ABOVE;
use crate::auth::step_up::StepUp;
use crate::auth::ticket::Ticket;
use crate::auth::tokens::to_hex;

/// Seals and opens, under one ring, for each realm apart.
pub(super) struct Sealer {
    pub ring: Arc<KeyRing>,
    pub realms: Realms,
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
    /// Of the ring that opened it, or an older one.
    pub epoch: u64,
}

impl Sealer {
    pub(super) fn new(ring: Arc<KeyRing>, realms: Realms) -> Self {
        Self { ring, realms, warned: AtomicBool::new(false) }
    }

    /// Opens a session cookie's value.
    pub(super) fn open_session(&self, realm: Realm<'_>, value: &str) -> Result<Session, NotOpened> {
        let sealed = URL_SAFE_NO_PAD.decode(value).map_err(|_| NotOpened::Broken)?;
        self.read_session(realm, &sealed)
    }

    /// Opens a session that was sealed for a cookie.
    pub(super) fn read_session(
        &self,
        realm: Realm<'_>,
        sealed: &[u8],
    ) -> Result<Session, NotOpened> {
        let opened = self.open(realm, Purpose::Session, sealed)?;
        Session::from_bytes(&opened.plain).map_err(not_opened)
    }

    /// Seals a session for its cookie.
    pub(super) fn seal_session(&self, realm: Realm<'_>, session: &Session) -> Vec<u8> {
        self.seal(realm, Purpose::Session, &session.to_bytes())
    }

    /// The `Set-Cookie` lines of a session that was sealed: the same for the same bytes,
    /// whichever replica writes them.
    pub(super) fn lines(
        &self,
        realm: Realm<'_>,
        sealed: &[u8],
        session: &Session,
    ) -> Result<Vec<HeaderValue>, TooLarge> {
        let value = URL_SAFE_NO_PAD.encode(sealed);
        let lines = realm.cookies.set_session(&value, session.cookie_life())?;
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
    pub(super) fn open_ticket(
        &self,
        realm: Realm<'_>,
        value: &str,
    ) -> Result<TicketCookie, NotOpened> {
        let sealed = URL_SAFE_NO_PAD.decode(value).map_err(|_| NotOpened::Broken)?;
        let epoch = self.ring.epoch();
        let opened = self.open(realm, Purpose::Ticket, &sealed)?;
        let ticket = Ticket::from_bytes(&opened.plain).map_err(not_opened)?;
        Ok(TicketCookie { ticket, value: value.to_owned(), by_old_key: opened.by_old_key, epoch })
    }

    /// Whether a value that did not open is of the other way to keep sessions, or of one that
    /// shared them among all hosts: a replica that was not restarted yet knows it well.
    pub(super) fn is_kept_otherwise(&self, realm: Realm<'_>, value: &str) -> bool {
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(value) else { return false };
        let opens = |scope, purpose| {
            self.ring.open_for(scope, purpose, realm.cookies.session_name(), &sealed).is_ok()
        };
        let scopes = [realm.scope(), self.realms.home().scope()];
        scopes.iter().any(|scope| opens(scope, Purpose::Session) || opens(scope, Purpose::Ticket))
    }

    /// Seals a ticket: the cookie's value.
    pub(super) fn seal_ticket(&self, realm: Realm<'_>, ticket: &Ticket) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(realm, Purpose::Ticket, &ticket.to_bytes()))
    }

    /// The `Set-Cookie` lines of a ticket.
    pub(super) fn ticket_lines(
        &self,
        realm: Realm<'_>,
        value: &str,
        session: &Session,
    ) -> Vec<HeaderValue> {
        let lines = realm.cookies.set_session(value, session.cookie_life());
        // A ticket is 118 bytes long.
        lines.unwrap_or_default().iter().filter_map(|line| cookie_field(line)).collect()
    }

    /// Seals for the cookie of this name.
    pub(super) fn seal_as(
        &self,
        realm: Realm<'_>,
        purpose: Purpose,
        name: &str,
        plain: &[u8],
    ) -> String {
        let sealed = self.ring.seal_for(realm.scope(), purpose, name, plain, &mut SystemEntropy);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Opens a login attempt.
    pub(super) fn open_attempt(
        &self,
        realm: Realm<'_>,
        name: &str,
        value: &str,
    ) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        self.open_as(realm, Purpose::Attempt, name, value)
    }

    /// Opens what was sealed for one purpose and the cookie of this name.
    pub(super) fn open_as(
        &self,
        realm: Realm<'_>,
        purpose: Purpose,
        name: &str,
        value: &str,
    ) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        Some(self.ring.open_for(realm.scope(), purpose, name, &sealed).ok()?.plain)
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

    fn seal(&self, realm: Realm<'_>, purpose: Purpose, plain: &[u8]) -> Vec<u8> {
        let name = realm.cookies.session_name();
        self.ring.seal_for(realm.scope(), purpose, name, plain, &mut SystemEntropy)
    }

    fn open(&self, realm: Realm<'_>, purpose: Purpose, sealed: &[u8]) -> Result<Opened, NotOpened> {
        self.ring.open_for(realm.scope(), purpose, realm.cookies.session_name(), sealed)
    }
}

impl Sealer {
    /// Seals what a rule wants of a login, to travel in the link that begins it: nobody else says
    /// it there.
    pub(super) fn seal_step_up(&self, step_up: &StepUp) -> String {
        let plain = step_up.to_bytes();
        URL_SAFE_NO_PAD.encode(self.ring.seal(Purpose::StepUp, START, &plain, &mut SystemEntropy))
    }

    /// Opens what such a link says.
    pub(super) fn open_step_up(&self, text: &str) -> Option<StepUp> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let opened = self.ring.open(Purpose::StepUp, START, &sealed).ok()?;
        StepUp::from_bytes(&opened.plain)
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
const START: &str = "start";
