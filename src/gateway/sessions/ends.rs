//! Ends of sessions before their time: told here at once, and to every replica that shares a
//! store.

use std::sync::Arc;
use std::time::Duration;

use super::lease::PAUSE;
use super::ledger::Ledger;
use super::{OpenSession, Sessions, World, records};
use crate::auth::cookie::OwnCookies;
use crate::auth::ending::{Ending, Whom};
use crate::auth::session::Session;
use crate::store::{Cursor, Fault, Record};

/// Ends one session, here and everywhere. Returns its newest generation, as far as it is known.
/// While the store is away it goes on being told.
pub(in crate::gateway) async fn end_session<W: World>(
    world: &Arc<W>,
    open: &OpenSession,
) -> Option<Session> {
    let sessions = world.sessions();
    let ending = ending_of(world.as_ref(), &open.session);
    let first = !sessions.registry.is_over(&open.session);
    let here = sessions.ended(&ending).map(|open| open.session.clone());
    let gone = match world.ledger() {
        Some(ledger) => match end(sessions, ledger, &ending).await {
            Ok(gone) => gone,
            Err(_) => {
                // Whoever signs out once more has nothing more told.
                if first {
                    tell_later(world, ending);
                }
                Vec::new()
            }
        },
        None => Vec::new(),
    };
    let there = gone.iter().filter_map(|record| read(sessions, record, open)).collect::<Vec<_>>();
    here.into_iter().chain(there).max_by_key(|session| session.generation)
}

/// Ends the sessions of tickets that nobody can look up now, here at once and everywhere as soon
/// as the store is back. Returns whether there were any.
pub(in crate::gateway) fn end_unseen<W: World>(world: &Arc<W>, own: &OwnCookies<'_>) -> bool {
    let sessions = world.sessions();
    let opened = |value: &&str| sessions.sealer.open_ticket(own.realm, value).ok();
    let tickets = own.single.iter().filter_map(opened);
    let mut any = false;
    for cookie in tickets {
        let whom = Whom::Session(cookie.ticket.id);
        let ending = Ending::now(whom, world.now(), sessions.lifetimes.absolute);
        if !sessions.registry.is_revoked(cookie.ticket.id) {
            sessions.ended(&ending);
            tell_later(world, ending);
        }
        any = true;
    }
    any
}

/// Ends all sessions of `whom`, here and everywhere. Returns how many the store knew of; an error
/// says that other replicas may not have been told.
pub(in crate::gateway) async fn end_all<W: World>(
    world: &Arc<W>,
    whom: Whom,
) -> Result<usize, Fault> {
    let sessions = world.sessions();
    let ending = Ending::now(whom, world.now(), sessions.lifetimes.absolute);
    sessions.ended(&ending);
    match world.ledger() {
        Some(ledger) => {
            let ended = end(sessions, ledger, &ending).await;
            if ended.is_err() {
                // Whoever asked may not ask again.
                tell_later(world, ending);
            }
            ended.map(|gone| gone.len())
        }
        None => Ok(0),
    }
}

/// Hears what ends elsewhere, for as long as it is run.
pub(in crate::gateway) async fn hear(sessions: &Sessions, ledger: &Ledger) {
    let mut cursor = Cursor::default();
    // What ended before this process began is read first, and nothing waited for: only then is it
    // ready to serve.
    let mut patience = Duration::ZERO;
    loop {
        let listen = ledger.hear(&cursor, patience);
        // Not every other call has to fail first before this one sees that the store is away.
        match sessions.health.ask(&sessions.metrics, listen).await {
            Ok((next, endings)) => {
                let is_all = next == cursor;
                cursor = next;
                patience = Duration::ZERO;
                if is_all {
                    sessions.health.catch_up();
                    patience = LISTEN;
                }
                for ending in &endings {
                    sessions.ended(ending);
                }
            }
            Err(_) => {
                patience = Duration::ZERO;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The end of one session.
pub(super) fn ending_of<W: World>(world: &W, session: &Session) -> Ending {
    let before = session.created.max(world.now());
    Ending { whom: Whom::Session(session.id), before, until: session.ends.max(before) }
}

async fn end(sessions: &Sessions, ledger: &Ledger, ending: &Ending) -> Result<Vec<Record>, Fault> {
    sessions.health.insist(&sessions.metrics, ledger.end(ending)).await
}

fn tell_later<W: World>(world: &Arc<W>, ending: Ending) {
    let later = Arc::clone(world);
    world.run(async move {
        let sessions = later.sessions();
        let mut left = REMEMBERED;
        while let Some(ledger) = later.ledger().filter(|_| !left.is_zero()) {
            tokio::time::sleep(PAUSE).await;
            if sessions.health.ask(&sessions.metrics, ledger.end(&ending)).await.is_ok() {
                return;
            }
            left = left.saturating_sub(PAUSE);
        }
        tracing::error!(
            "the store was away too long; other replicas never heard that a session ended"
        );
    });
}

fn read(sessions: &Sessions, record: &Record, open: &OpenSession) -> Option<Session> {
    let cookie = open.stored.as_ref().map(|stored| &stored.cookie);
    let gone = records::read_record(sessions, sessions.realm_of(open), cookie, record).ok()?;
    (gone.session.id == open.session.id).then_some(gone.session)
}

/// How long one call waits for what ends elsewhere.
const LISTEN: Duration = Duration::from_secs(5);
/// How long it is tried to tell others of an end.
pub(super) const REMEMBERED: Duration = Duration::from_secs(600);
