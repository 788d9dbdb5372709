//! Sessions as a store holds them.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::ledger::slot_of;
use super::{OpenSession, Place, Sessions, World};
use crate::auth::Timestamp;
use crate::auth::cookie::TooLarge;
use crate::auth::ending::Whom;
use crate::auth::provider::ProviderIndex;
use crate::auth::realm::Realm;
use crate::auth::seal::{NotOpened, Purpose};
use crate::auth::session::Session;
use crate::auth::summary::Summary;
use crate::auth::ticket::Ticket;
use crate::gateway::clock::SystemEntropy;
use crate::gateway::sealer::TicketCookie;
use crate::store::{Fault, Handle, Kept, Record, Written};

/// Why a session can't begin.
#[derive(Debug)]
pub(in crate::gateway) enum NotBegun {
    TooLarge(TooLarge),
    Store(Fault),
}

/// Keeps a new session where sessions are kept, before anyone is answered; it is good in `realm`
/// (see [`crate::auth::realm::Realm::kept`]). Returns the `Set-Cookie` lines for its browser.
pub(in crate::gateway) async fn begin<W: World>(
    world: &Arc<W>,
    realm: Option<&str>,
    session: &Session,
) -> Result<Vec<HeaderValue>, NotBegun> {
    let sessions = world.sessions();
    let realm = sessions.sealer.realms.of(realm);
    let (Place::Stored, Some(ledger)) = (sessions.place, world.ledger()) else {
        let sealed = sessions.sealer.seal_session(realm, session);
        return sessions.sealer.lines(realm, &sealed, session).map_err(NotBegun::TooLarge);
    };
    let ticket = Ticket::draw(session.id, &mut SystemEntropy);
    let record = Record {
        written: written(session),
        sealed: ticket.seal(session, &mut SystemEntropy),
        summary: summary(sessions, session),
    };
    let ring = &sessions.sealer.ring;
    let handle = |whom: Whom| ring.names(&whom.parts()).first().copied().map(Handle);
    let handles: Vec<Handle> = Whom::all_of(session).into_iter().filter_map(handle).collect();
    let life = left(session, world.now());
    let mut left = TRIES;
    loop {
        let create = ledger.store().create(slot_of(session.id), &record, &handles, life);
        match sessions.health.ask(&sessions.metrics, create).await {
            Ok(_) => break,
            Err(fault) if left == 0 => return Err(NotBegun::Store(fault)),
            Err(_) => tokio::time::sleep(super::lease::PAUSE).await,
        }
        left -= 1;
    }
    let value = sessions.sealer.seal_ticket(realm, &ticket);
    Ok(sessions.sealer.ticket_lines(realm, &value, session))
}

/// A session as its record, under the seal that its place asks for.
pub(super) fn record_of(sessions: &Sessions, open: &OpenSession) -> Record {
    let session = &open.session;
    let (sealed, summary) = match &open.stored {
        Some(stored) => {
            let sealed = stored.cookie.ticket.seal(session, &mut SystemEntropy);
            (sealed, summary(sessions, session))
        }
        None => (sessions.sealer.seal_session(sessions.realm_of(open), session), Vec::new()),
    };
    Record { written: written(session), sealed, summary }
}

/// Opens a record. With `cookie`, it is a session that is kept in the store; without, the
/// successor of a cookie session.
pub(super) fn read_record(
    sessions: &Sessions,
    realm: Realm<'_>,
    cookie: Option<&Arc<TicketCookie>>,
    record: &Record,
) -> Result<OpenSession, NotOpened> {
    let session = match cookie {
        Some(cookie) => cookie.ticket.open(&record.sealed)?,
        None => sessions.sealer.read_session(realm, &record.sealed)?,
    };
    let provider: ProviderIndex =
        sessions.provider_named(&session.provider).ok_or(NotOpened::Unknown)?;
    let open = match cookie {
        Some(cookie) => {
            let checked = sessions.health.millis();
            OpenSession::from_store(session, provider, Arc::clone(cookie), checked)
        }
        None => OpenSession::new(session, provider),
    };
    open.map(|open| open.at(realm)).ok_or(NotOpened::Broken)
}

/// The `Set-Cookie` lines that bring a browser up to a record: none for a ticket, which stays.
pub(super) fn lines_of(sessions: &Sessions, open: &OpenSession, sealed: &[u8]) -> Vec<HeaderValue> {
    if open.stored.is_some() {
        return Vec::new();
    }
    match sessions.sealer.lines(sessions.realm_of(open), sealed, &open.session) {
        Ok(lines) => lines,
        Err(too_large) => {
            tracing::error!(
                bytes = too_large.bytes,
                "a renewed session no longer fits in two cookies; it lasts only as long as this process remembers it: keep sessions in a store"
            );
            Vec::new()
        }
    }
}

/// Has the store hold `record` of a session, unless it has a newer one.
pub(super) async fn keep_record<W: World>(
    world: &W,
    open: &OpenSession,
    record: &Record,
) -> Result<Kept, Fault> {
    let sessions = world.sessions();
    sessions.health.ask(&sessions.metrics, kept(world, open, record)).await
}

/// The same for a token that was just spent: it is tried whatever is known of the store.
pub(super) async fn insist_on_record<W: World>(
    world: &W,
    open: &OpenSession,
    record: &Record,
) -> Result<Kept, Fault> {
    if world.ledger().is_none() {
        return Ok(Kept::Yes);
    }
    let sessions = world.sessions();
    sessions.health.insist(&sessions.metrics, kept(world, open, record)).await
}

async fn kept<W: World>(world: &W, open: &OpenSession, record: &Record) -> Result<Kept, Fault> {
    let Some(ledger) = world.ledger() else { return Ok(Kept::Yes) };
    let in_store = open.stored.is_some();
    let life = match in_store {
        true => left(&open.session, world.now()),
        false => world.sessions().refresh.keep_at_most,
    };
    ledger.store().keep(slot_of(open.session.id), record, in_store, life).await
}

fn summary(sessions: &Sessions, session: &Session) -> Vec<u8> {
    let plain = Summary::of(session).to_bytes();
    sessions.sealer.ring.seal(Purpose::Summary, "", &plain, &mut SystemEntropy)
}

/// How long a record of the session is of use; never nothing, which no store takes.
fn left(session: &Session, now: Timestamp) -> Duration {
    session.ends.since(now).max(Duration::from_secs(1))
}

fn written(session: &Session) -> Written {
    Written { generation: session.generation, at: session.seen.as_millis() }
}

/// How often a login tries again to be kept; the person has come all the way here.
const TRIES: u32 = 6;
