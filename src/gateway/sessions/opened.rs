//! Sessions that were opened: from a cookie, or from a store by the ticket in one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::auth::Timestamp;
use crate::auth::headers::Statement;
use crate::auth::provider::ProviderIndex;
use crate::auth::realm::Realm;
use crate::auth::session::Session;
use crate::gateway::fields::Prepared;
use crate::gateway::sealer::TicketCookie;

/// A session, with what the app is told of it.
pub(in crate::gateway) struct OpenSession {
    pub session: Session,
    /// Who vouched for it.
    pub provider: ProviderIndex,
    /// Where it is good, as [`Realm::kept`] tells it.
    pub(super) realm: Option<Box<str>>,
    pub statement: Statement,
    /// What routes say of it on top.
    pub prepared: Prepared,
    /// Where it is kept, when that is a store.
    pub stored: Option<Stored>,
    /// The registry's epoch as of which nothing more is known of it than its cookie says.
    settled: AtomicU64,
}

/// A session's place in a store.
pub(in crate::gateway) struct Stored {
    pub cookie: Arc<TicketCookie>,
    /// When the store last said that it is there, in milliseconds of
    /// [`super::health::Health::millis`].
    checked: AtomicU64,
}

impl OpenSession {
    /// A session with what the app is told of it; none when its token can't stand in a field.
    pub(in crate::gateway) fn new(session: Session, provider: ProviderIndex) -> Option<Self> {
        let statement = Statement::new(&session.identity, &session.tokens.access).ok()?;
        let settled = AtomicU64::new(u64::MAX);
        let prepared = Prepared::default();
        let (realm, stored) = (None, None);
        Some(Self { session, provider, realm, statement, prepared, stored, settled })
    }

    /// The same, good in this realm alone.
    pub(super) fn at(self, realm: Realm<'_>) -> Self {
        Self { realm: realm.kept(), ..self }
    }

    /// Whether it is good in this realm.
    pub(super) fn is_good_at(&self, realm: Realm<'_>) -> bool {
        realm.is(self.realm.as_deref())
    }

    /// A session that was read from a store at `checked`.
    pub(super) fn from_store(
        session: Session,
        provider: ProviderIndex,
        cookie: Arc<TicketCookie>,
        checked: u64,
    ) -> Option<Self> {
        let stored = Some(Stored { cookie, checked: AtomicU64::new(checked) });
        Some(Self { stored, ..Self::new(session, provider)? })
    }

    /// The same session further on, kept at the same place.
    pub(super) fn next(&self, session: Session) -> Option<Self> {
        let stored = self.stored.as_ref().map(|stored| Stored {
            cookie: Arc::clone(&stored.cookie),
            checked: AtomicU64::new(stored.checked.load(Ordering::Relaxed)),
        });
        let realm = self.realm.clone();
        Some(Self { stored, realm, ..Self::new(session, self.provider)? })
    }

    /// What the app is told is the same, only the hour has changed.
    pub(super) fn touched(&self, now: Timestamp) -> Option<Self> {
        self.next(self.session.touched(now))
    }

    /// Whether a store would hold this as newer than `other`.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        let written = |open: &Self| (open.session.generation, open.session.seen);
        written(self) > written(other)
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

impl Stored {
    /// Notes that the store has it, as of `millis`.
    pub(super) fn check(&self, millis: u64) {
        self.checked.store(millis, Ordering::Relaxed);
    }

    /// Whether the store has said so lately.
    pub(super) fn is_fresh(&self, millis: u64) -> bool {
        self.is_checked(millis, CHECKED_EVERY)
    }

    /// Whether the store has said so within `time`.
    pub(super) fn is_checked(&self, millis: u64, time: Duration) -> bool {
        let age = millis.saturating_sub(self.checked.load(Ordering::Relaxed));
        Duration::from_millis(age) < time
    }
}

/// The sessions that were opened lately, by the exact value of their cookie: opening costs more
/// than all the rest of a request.
///
/// Two generations: what is not asked for while [`CACHED`] others come is forgotten.
#[derive(Default)]
pub(in crate::gateway) struct OpenedCache {
    young: HashMap<String, Cached>,
    old: HashMap<String, Cached>,
    /// Of the ring that opened them.
    epoch: u64,
}

/// Found by the end of the cookie's value, which is the authenticator of AES-GCM: as good as
/// random, and nothing gets in here that did not open. Taken only when the whole is the same.
struct Cached {
    value: String,
    open: Arc<OpenSession>,
}

impl OpenedCache {
    /// Forgets what an earlier ring opened: a key that was taken out of it opens nothing more.
    pub(in crate::gateway) fn keep_to(&mut self, epoch: u64) {
        if self.epoch != epoch {
            *self = Self { epoch, ..Self::default() };
        }
    }

    pub(super) fn find(&mut self, value: &str) -> Option<Arc<OpenSession>> {
        let end = end_of(value);
        if let Some(cached) = self.young.get(end) {
            return (cached.value == value).then(|| Arc::clone(&cached.open));
        }
        let (end, cached) = self.old.remove_entry(end)?;
        let open = (cached.value == value).then(|| Arc::clone(&cached.open));
        self.insert(end, cached);
        open
    }

    /// Keeps what a ring of this epoch opened; what an earlier one did may be good no more.
    pub(super) fn keep(&mut self, value: &str, open: Arc<OpenSession>, epoch: u64) {
        if epoch != self.epoch {
            return;
        }
        self.insert(end_of(value).to_owned(), Cached { value: value.to_owned(), open });
    }

    pub(super) fn forget(&mut self, value: &str) {
        self.young.remove(end_of(value));
        self.old.remove(end_of(value));
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

/// Sessions of one generation; at some 5 KiB each.
const CACHED: usize = 1024;
/// A session that ended is told of at once; what is not told, such as a record that the store
/// evicted (C-115), is found out after this time.
const CHECKED_EVERY: Duration = Duration::from_secs(5);
