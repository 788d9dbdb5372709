//! A refresh, from the request that begins it to the successor that everyone gets.
//!
//! It runs in a task of its own. Where there is a store, it runs under the lease of its session;
//! what it brings is kept before anyone is answered (rules 1 and 2).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::lease::{self, Lease};
use super::ledger::slot_of;
use super::records::{insist_on_record, keep_record, lines_of, read_record, record_of};
use super::registry::Flight;
use super::{Failed, Identified, OpenSession, Place, World, ends};
use crate::auth::refresh::Verdict;
use crate::auth::session::Session;
use crate::store::{Fault, Held, Kept, Record};
use crate::telemetry::RefreshOutcome;

/// What a last look at a session that seems to be over shows.
pub(super) enum LastLook {
    /// It goes on: the registry has a newer generation of it.
    Newer,
    Over,
    /// Nobody knows: the store is away.
    Unknown,
}

/// What became of the tokens that a refresh brought.
enum Settled {
    /// This replica's registry has them. The store has still to be told when it is away.
    Served {
        unkept: Option<Box<(OpenSession, Record)>>,
    },
    Over,
}

/// Renews in a task of its own: a visitor who goes away cancels nothing.
pub(super) fn renew_beside<W: World>(world: &Arc<W>, open: Arc<OpenSession>, flight: Flight) {
    let later = Arc::clone(world);
    world.run(async move { renew(&later, &open, flight).await });
}

/// Looks once more whether another replica has renewed a session, before it is held to be over
/// (rule 5).
pub(super) async fn last_look<W: World>(world: &Arc<W>, open: &OpenSession) -> LastLook {
    let sessions = world.sessions();
    let Some(ledger) = world.ledger() else { return LastLook::Over };
    if sessions.registry.is_over(&open.session) {
        return LastLook::Over;
    }
    let read = ledger.store().read(slot_of(open.session.id));
    match sessions.health.ask(&sessions.metrics, read).await {
        Ok(Held::Record(record)) if record.written.generation > open.session.generation => {
            match adopt(world.as_ref(), open, &record) {
                true => LastLook::Newer,
                false => LastLook::Unknown,
            }
        }
        Ok(_) if sessions.place == Place::Stored => {
            // Nobody can use it any more: its tokens need not lie about.
            ends::end_session(world, open).await;
            LastLook::Over
        }
        Ok(_) => LastLook::Over,
        Err(_) => LastLook::Unknown,
    }
}

async fn renew<W: World>(world: &Arc<W>, open: &OpenSession, flight: Flight) {
    if open.session.tokens.refresh.is_none() {
        return;
    }
    if world.ledger().is_none() {
        settle(world, open, flight).await;
        return;
    }
    let sessions = world.sessions();
    let urgent = world.now() >= open.session.tokens.expires;
    match lease::take(world.as_ref(), open, urgent).await {
        Lease::Ours(lease) => {
            lease::holding(world.as_ref(), &lease, settle(world, open, flight)).await;
            lease::release(world.as_ref(), &lease).await;
        }
        Lease::Newer(record) => {
            sessions.metrics.refresh(RefreshOutcome::shared);
            if !adopt(world.as_ref(), open, &record) {
                hold_back(world.as_ref(), open);
            }
        }
        Lease::Ended => {
            sessions.ended(&ends::ending_of(world.as_ref(), &open.session));
        }
        Lease::Busy => hold_back(world.as_ref(), open),
        Lease::Away(fault) => without_store(world, open, flight, &fault).await,
    }
}

/// While the store is away no token is spent: another replica might spend it too. What only
/// coordinates is waited for no longer than a lease lasts, since nobody has one by then; from
/// then on replicas go on as those do that have no store (rule 6).
async fn without_store<W: World>(
    world: &Arc<W>,
    open: &OpenSession,
    flight: Flight,
    fault: &Fault,
) {
    let sessions = world.sessions();
    let away = sessions.health.no_lease_for().unwrap_or_default();
    if sessions.place == Place::Coordinated && away >= sessions.grace.min(sessions.lease) {
        tracing::warn!(session = ?open.session.id, why = %fault, "a token is renewed without the store that would keep another replica from it");
        settle(world, open, flight).await;
    } else {
        hold_back(world.as_ref(), open);
    }
}

/// Spends the token, and sees to it that what came is kept.
async fn settle<W: World>(world: &Arc<W>, open: &OpenSession, flight: Flight) {
    match world.spend(open).await {
        Ok((session, brought)) => {
            let settled = brought_in(world, open, session, &brought).await;
            // Whoever waits is answered now, whatever the store still has to be told.
            drop(flight);
            if let Settled::Served { unkept: Some(unkept) } = settled {
                let (next, record) = *unkept;
                keep_trying(world.as_ref(), &next, &record).await;
            }
        }
        Err(failed) => {
            refused(world.as_ref(), open, &failed).await;
            drop(flight);
        }
    }
}

async fn brought_in<W: World>(
    world: &Arc<W>,
    open: &OpenSession,
    session: Session,
    brought: &W::Brought,
) -> Settled {
    let sessions = world.sessions();
    let Some(mut next) = open.next(session) else {
        hold_back(world.as_ref(), open);
        return Settled::Over;
    };
    let mut record = record_of(sessions, &next);
    let mut kept = insist_on_record(world.as_ref(), &next, &record).await;
    match world.identify(open, &next.session, brought).await {
        Identified::Same(None) => {}
        Identified::Same(Some(session)) => {
            let Some(told) = open.next(*session) else { return Settled::Over };
            next = told;
            record = record_of(sessions, &next);
            kept = insist_on_record(world.as_ref(), &next, &record).await;
        }
        Identified::Gone(why) => {
            sessions.metrics.refresh(RefreshOutcome::ended);
            let provider = next.session.provider.as_str();
            tracing::error!(session = ?next.session.id, provider, why, "the session is ended");
            ends::end_session(world, &next).await;
            world.take_back(next.provider, &next.session);
            return Settled::Over;
        }
    }
    match kept {
        // Somebody else has renewed it as well: there is one successor, and it is in the store.
        Ok(Kept::Newer(newer)) if newer.sealed != record.sealed => {
            adopt(world.as_ref(), open, &newer);
            return Settled::Over;
        }
        Ok(Kept::Ended) => {
            sessions.ended(&ends::ending_of(world.as_ref(), &next.session));
        }
        Ok(Kept::Yes | Kept::Newer(_)) | Err(_) => {}
    }
    let unkept = kept.err().map(|_| (open.next(next.session.clone()), record.clone()));
    let unkept = unkept.and_then(|(next, record)| Some(Box::new((next?, record))));
    match serve(world.as_ref(), next, &record) {
        Ok(()) => Settled::Served { unkept },
        Err(next) => {
            // Signed out while the call was under way: its new tokens go too (S10).
            world.take_back(next.provider, &next.session);
            Settled::Over
        }
    }
}

/// From now on this replica serves the session so; not when it was signed out meanwhile.
fn serve<W: World>(world: &W, next: OpenSession, record: &Record) -> Result<(), Arc<OpenSession>> {
    let sessions = world.sessions();
    let (id, generation) = (next.session.id, next.session.generation);
    let lines = lines_of(sessions, &next, &record.sealed);
    let next = Arc::new(next);
    if !sessions.registry.renewed(Arc::clone(&next), lines, world.now()) {
        return Err(next);
    }
    sessions.metrics.refresh(RefreshOutcome::refreshed);
    tracing::debug!(session = ?id, generation, "token renewed");
    Ok(())
}

/// Takes over what another replica has renewed; false when it can't be read here.
fn adopt<W: World>(world: &W, open: &OpenSession, record: &Record) -> bool {
    let sessions = world.sessions();
    let cookie = open.stored.as_ref().map(|stored| &stored.cookie);
    let Ok(newer) = read_record(sessions, sessions.realm_of(open), cookie, record) else {
        return false;
    };
    if newer.session.id != open.session.id {
        return false;
    }
    let lines = lines_of(sessions, &newer, &record.sealed);
    sessions.registry.renewed(Arc::new(newer), lines, world.now());
    true
}

/// The spent token must not stay in the store for want of a moment: it is told until it hears, or
/// until there is something newer to tell.
async fn keep_trying<W: World>(world: &W, next: &OpenSession, record: &Record) {
    let sessions = world.sessions();
    let until = Instant::now() + ends::REMEMBERED;
    let mut pause = lease::PAUSE;
    while Instant::now() < until {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        if sessions.registry.is_past(&next.session) {
            return;
        }
        match keep_record(world, next, record).await {
            Ok(Kept::Ended) => {
                sessions.ended(&ends::ending_of(world, &next.session));
                return;
            }
            Ok(_) => return,
            Err(_) => {}
        }
    }
    tracing::error!(session = ?next.session.id, "the store never heard of a renewed token");
}

async fn refused<W: World>(world: &W, open: &OpenSession, failed: &Failed) {
    let sessions = world.sessions();
    if failed.verdict == Verdict::Definitive
        && let Some(ledger) = world.ledger()
    {
        let read = ledger.store().read(slot_of(open.session.id));
        if let Ok(Held::Record(record)) = sessions.health.ask(&sessions.metrics, read).await
            && record.written.generation > open.session.generation
            && adopt(world, open, &record)
        {
            sessions.metrics.refresh(RefreshOutcome::lost_race);
            return;
        }
    }
    sessions.registry.failed(open, failed.verdict, world.now(), world.jitter());
    tell(world, &open.session, failed);
}

/// Tries again later, as after any failure that says nothing of the session.
fn hold_back<W: World>(world: &W, open: &OpenSession) {
    world.sessions().registry.failed(open, Verdict::Unasked, world.now(), world.jitter());
}

fn tell<W: World>(world: &W, session: &Session, failed: &Failed) {
    let metrics = &world.sessions().metrics;
    let Failed { verdict, why } = failed;
    let provider = session.provider.as_str();
    match verdict {
        Verdict::Definitive => {
            metrics.refresh(RefreshOutcome::ended);
            tracing::info!(session = ?session.id, provider, why, "the provider ended the session");
        }
        Verdict::Operator => {
            metrics.refresh(RefreshOutcome::provider_error);
            tracing::error!(session = ?session.id, provider, why, "the provider refuses this gateway; check client_id and client_secret");
        }
        Verdict::Passing | Verdict::Unasked => {
            metrics.refresh(RefreshOutcome::provider_error);
            tracing::warn!(session = ?session.id, provider, why, "a token could not be renewed; it will be tried again");
        }
    }
}

/// Between two tries to tell the store.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
