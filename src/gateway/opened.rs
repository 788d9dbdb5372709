//! Sessions that were opened: from a cookie, and back into one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};

use super::clock::SystemEntropy;
use crate::auth::cookie::{CookieStyle, TooLarge};
use crate::auth::headers::Statement;
use crate::auth::provider::ProviderIndex;
use crate::auth::seal::{KeyRing, NotOpened, Purpose};
use crate::auth::session::{Session, Unreadable};
use crate::auth::tokens::to_hex;

/// A session, with what the app is told of it.
pub(super) struct OpenSession {
    pub session: Session,
    /// Who vouched for it.
    pub provider: ProviderIndex,
    pub statement: Statement,
    /// The registry's epoch as of which nothing more is known of it than its cookie says.
    settled: AtomicU64,
}

/// Seals and opens, under one ring and one set of names.
pub(super) struct Sealer {
    ring: KeyRing,
    pub cookies: CookieStyle,
}

impl Sealer {
    pub(super) fn new(ring: KeyRing, cookies: CookieStyle) -> Self {
        Self { ring, cookies }
    }

    /// Opens a session cookie's value.
    pub(super) fn open_session(&self, value: &str) -> Result<Session, NotOpened> {
        let sealed = URL_SAFE_NO_PAD.decode(value).map_err(|_| NotOpened::Broken)?;
        let name = self.cookies.session_name();
        let opened = self.ring.open(Purpose::Session, name, &sealed)?;
        Session::from_bytes(&opened.plain).map_err(|error| match error {
            Unreadable::Broken => NotOpened::Broken,
            Unreadable::OtherLayout => NotOpened::Unknown,
        })
    }

    /// The `Set-Cookie` lines of a session.
    pub(super) fn session_lines(
        &self,
        session: &Session,
        life: Duration,
    ) -> Result<Vec<HeaderValue>, TooLarge> {
        let name = self.cookies.session_name();
        let sealed =
            self.ring.seal(Purpose::Session, name, &session.to_bytes(), &mut SystemEntropy);
        let lines = self.cookies.set_session(&URL_SAFE_NO_PAD.encode(sealed), life)?;
        Ok(lines.iter().filter_map(|line| cookie_field(line)).collect())
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

impl OpenSession {
    /// A session with what the app is told of it; none when its token can't stand in a field.
    pub(super) fn new(session: Session, provider: ProviderIndex) -> Option<Self> {
        let statement = Statement::new(&session.identity, &session.tokens.access).ok()?;
        Some(Self { session, provider, statement, settled: AtomicU64::new(u64::MAX) })
    }

    /// Notes that nothing more is known of it as of `epoch`.
    pub(super) fn settle(&self, epoch: u64) {
        self.settled.store(epoch, Ordering::Relaxed);
    }

    /// Whether that still holds.
    pub(super) fn is_settled(&self, epoch: u64) -> bool {
        self.settled.load(Ordering::Relaxed) == epoch
    }
}

/// A `Set-Cookie` value, hidden from logs.
pub(super) fn cookie_field(line: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(line).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The sessions that one worker opened lately, by the exact value of their cookie: opening
/// costs more than all the rest of a request.
///
/// Two generations: what is not asked for while [`CACHED`] others come is forgotten.
#[derive(Default)]
pub(super) struct OpenedCache {
    young: HashMap<String, Cached>,
    old: HashMap<String, Cached>,
}

/// Found by the end of the cookie's value, which is the authenticator of AES-GCM: as good as
/// random, and nothing gets in here that did not open. Taken only when the whole is the same.
struct Cached {
    value: String,
    open: Arc<OpenSession>,
}

impl OpenedCache {
    pub(crate) fn find(&mut self, value: &str) -> Option<Arc<OpenSession>> {
        let end = end_of(value);
        if let Some(cached) = self.young.get(end) {
            return (cached.value == value).then(|| Arc::clone(&cached.open));
        }
        let (end, cached) = self.old.remove_entry(end)?;
        let open = (cached.value == value).then(|| Arc::clone(&cached.open));
        self.insert(end, cached);
        open
    }

    pub(crate) fn keep(&mut self, value: &str, open: Arc<OpenSession>) {
        self.insert(end_of(value).to_owned(), Cached { value: value.to_owned(), open });
    }

    fn insert(&mut self, end: String, cached: Cached) {
        if self.young.len() >= CACHED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(end, cached);
    }
}

/// 18 bytes of the value, of which 16 are the authenticator.
fn end_of(value: &str) -> &str {
    value.get(value.len().saturating_sub(24)..).unwrap_or(value)
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
/// Sessions of one generation; at some 5 KiB each.
const CACHED: usize = 1024;
