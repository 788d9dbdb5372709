//! What replicas share: records of sessions, leases on their refresh tokens, and what has ended.
//!
//! A store sees sealed bytes and hashes, never a session. [`redis`] is the one that is run;
//! `model` is one in memory for the tests, held to the same contract (`tests/store/contract.rs`).

#[cfg(test)]
#[macro_use]
#[path = "../../tests/store/contract.rs"]
mod contract;
#[cfg(test)]
pub(crate) mod model;
pub mod redis;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// What the gateway asks of a store. Every call is bounded by the store itself and ends in a
/// [`Fault`] when it takes longer; none is repeated by it.
pub trait Store: Send + Sync + 'static {
    /// Reads what is held at `slot`.
    fn read(&self, slot: Slot) -> Answer<'_, Held>;

    /// Writes `record` at `slot` for `life`, unless the session has ended or one as new or newer is
    /// there, as after a first attempt that came late; files it under each of `handles` for as
    /// long.
    fn create<'a>(
        &'a self,
        slot: Slot,
        record: &'a Record,
        handles: &'a [Handle],
        life: Duration,
    ) -> Answer<'a, Kept>;

    /// Takes the lease of `slot` for `life` when nobody has it, and reads what is held there, in
    /// one step. Whoever has it already and asks again gets it again.
    fn take(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, Taken>;

    /// Lets the lease last another `life`; false when it is not `owner`'s any more.
    fn extend(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, bool>;

    /// Gives the lease back, if it is `owner`'s.
    fn release(&self, slot: Slot, owner: Owner) -> Answer<'_, ()>;

    /// Replaces the record by a newer one, for `life`; one as new or newer stays, and comes back.
    /// `found` says that a record has to be there: without one the session has ended.
    fn keep<'a>(
        &'a self,
        slot: Slot,
        record: &'a Record,
        found: bool,
        life: Duration,
    ) -> Answer<'a, Kept>;

    /// Ends a session: its record goes, and none can be kept for `life`. Gives back the record
    /// that went.
    fn end(&self, slot: Slot, life: Duration) -> Answer<'_, Option<Record>>;

    /// Tells all who [`Self::listen`] of `notice`, now and when they come back within `life`.
    fn announce<'a>(&'a self, notice: &'a [u8], life: Duration) -> Answer<'a, ()>;

    /// Reads the notices behind `cursor`, oldest first and so many at most as come in one piece;
    /// where there are none yet, waits for one for no longer than `patience`.
    fn listen<'a>(&'a self, cursor: &'a Cursor, patience: Duration) -> Answer<'a, Notices>;

    /// The slots of the sessions that are filed under `handle`.
    fn filed(&self, handle: Handle) -> Answer<'_, Vec<Slot>>;

    /// Some of all sessions with their summaries, and where to go on; `None` begins, and is what
    /// comes back at the end.
    fn list<'a>(&'a self, from: Option<&'a str>) -> Answer<'a, Page>;

    /// Whether `name` is said for the first time within `life`.
    fn first_time(&self, name: [u8; 32], life: Duration) -> Answer<'_, bool>;

    /// Whether the store answers.
    fn ping(&self) -> Answer<'_, ()>;
}

/// What a call of a store comes to.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Names a session in the store: a hash, so that the name opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub [u8; 32]);

/// Names what sessions have in common, such as a person: a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle(pub [u8; 32]);

/// Who has a lease: drawn anew for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(pub [u8; 16]);

/// How new a record is. Later generations are newer; of the same generation, the one that was
/// written later is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    pub generation: u32,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
}

/// A session in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    pub written: Written,
    /// The session, or the cookie that carries it; sealed.
    pub sealed: Vec<u8>,
    /// What lists of sessions show of it; sealed, and empty where nothing is to be listed.
    pub summary: Vec<u8>,
}

/// What is held of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    Nothing,
    Record(Record),
    Ended,
}

/// What became of an attempt to take a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether it is ours now. Never so when the session has ended.
    pub ours: bool,
    pub held: Held,
}

/// What became of a record that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Yes,
    /// One that is as new was there.
    Newer(Record),
    /// The session has ended, or its record is gone.
    Ended,
}

/// A place in the order of notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// Notices, and the place behind the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notices {
    pub cursor: Cursor,
    pub notices: Vec<Vec<u8>>,
}

/// A part of the list of all sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Sealed summaries.
    pub summaries: Vec<(Slot, Vec<u8>)>,
    pub next: Option<String>,
}

/// A store that did not do what it was asked; whether it did it all the same can't be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It did not answer, or not as one that serves; why.
    Away(String),
    /// It answers, and does not do this: it has no room, no right, or no form for it.
    Refused(String),
}

impl Default for Cursor {
    /// Before the first notice.
    fn default() -> Self {
        Self(String::from("0"))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { written, sealed, .. } = self;
        write!(f, "Record({written:?}, {} bytes)", sealed.len())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Away(why) | Self::Refused(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for Fault {}
