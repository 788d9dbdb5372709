//! Which of a request's cookies is the session. Every candidate is tried (S45), and only what is
//! ours and surely no good may be cleared (sessions.md rule 8).

use std::sync::Arc;

use super::ledger::slot_of;
use super::opened::Stored;
use super::records::{keep_record, read_record, record_of};
use super::{OpenSession, Place, Sessions, Unavailable, World};
use crate::auth::Timestamp;
use crate::auth::cookie::OwnCookies;
use crate::auth::ending::{Ending, Whom};
use crate::auth::loop_guard::Came;
use crate::auth::realm::Realm;
use crate::auth::seal::NotOpened;
use crate::auth::session::Ended;
use crate::gateway::sealer::TicketCookie;
use crate::store::{Held, Record};
use crate::telemetry::RejectReason;

/// What the cookies hold.
pub(in crate::gateway) enum Presented {
    /// No session that holds; `clear` when the cookies are of no use to anybody.
    Nothing {
        clear: bool,
    },
    Session(Arc<OpenSession>),
}

/// Why one candidate is no session.
enum Refused {
    Ended(Ended),
    NotOpened(NotOpened),
    /// The store has no such session any more.
    Gone,
    /// Nobody knows: the store is away.
    Unknown,
}

/// What in memory counts without asking the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// What it confirmed lately.
    Lately,
    Nothing,
}

/// Opens the one candidate that is good. Two good ones of different sessions are none: one of
/// them was tossed in, and nobody knows which.
pub(in crate::gateway) async fn presented<W: World>(
    world: &Arc<W>,
    own: &OwnCookies<'_>,
    now: Timestamp,
) -> Result<Presented, Unavailable> {
    if !own.has_session() {
        return Ok(Presented::Nothing { clear: false });
    }
    if let [value] = own.single.as_slice()
        && own.parts.iter().all(Vec::is_empty)
    {
        return match candidate(world, own.realm, value, now).await {
            Ok(open) => Ok(Presented::Session(open)),
            Err(refused) => Ok(Presented::Nothing { clear: refused.may_be_cleared()? }),
        };
    }
    let mut best: Option<Arc<OpenSession>> = None;
    let mut clear: Result<bool, Unavailable> = Ok(true);
    for value in own.candidates() {
        match (candidate(world, own.realm, &value, now).await, &best) {
            // One that nobody can judge now does not hide one that is good.
            (Err(refused), _) => {
                clear = clear.and_then(|clear| Ok(clear & refused.may_be_cleared()?));
            }
            (Ok(open), Some(other)) if open.session.id != other.session.id => {
                return Ok(Presented::Nothing { clear: false });
            }
            (Ok(open), Some(other)) if open.session.generation <= other.session.generation => {}
            (Ok(open), _) => best = Some(open),
        }
    }
    match best {
        Some(best) => Ok(Presented::Session(best)),
        None => Ok(Presented::Nothing { clear: clear? }),
    }
}

/// What the cookies of somebody came to who has no session, as far as that says why.
pub(in crate::gateway) async fn came<W: World>(
    world: &Arc<W>,
    own: &OwnCookies<'_>,
    now: Timestamp,
) -> Came {
    // One part of two is as good as none.
    let mut came = Came::Nothing;
    for value in own.candidates() {
        came = came.max(match candidate(world, own.realm, &value, now).await {
            Err(Refused::NotOpened(_)) => Came::Sealed,
            Err(Refused::Ended(_)) => Came::OutOfTime,
            // What opens and is over all the same is known to have ended.
            Err(Refused::Gone | Refused::Unknown) | Ok(_) => Came::Ended,
        });
    }
    came
}

async fn candidate<W: World>(
    world: &Arc<W>,
    realm: Realm<'_>,
    value: &str,
    now: Timestamp,
) -> Result<Arc<OpenSession>, Refused> {
    let sessions = world.sessions();
    // What is open already is so in its own realm.
    let cached = world.cache().find(value).filter(|open| open.is_good_at(realm));
    let opened = match (sessions.place, cached) {
        (Place::Stored, cached) => {
            match from_store(world, realm, value, cached, Trust::Lately).await {
                // Another replica may have seen it meanwhile.
                Ok(open) if open.session.ended(sessions.lifetimes, now) == Some(Ended::Idle) => {
                    from_store(world, realm, value, Some(open), Trust::Nothing).await
                }
                opened => opened,
            }
        }
        (_, Some(open)) => Ok(open),
        (_, None) => from_cookie(world.as_ref(), realm, value),
    };
    let refused = match opened {
        Err(refused) => refused,
        Ok(open) => match open.session.ended(sessions.lifetimes, now) {
            Some(ended) => Refused::Ended(ended),
            None => return Ok(open),
        },
    };
    sessions.metrics.rejected(match refused {
        Refused::Ended(_) | Refused::Gone => RejectReason::ended,
        Refused::NotOpened(NotOpened::Broken) => RejectReason::broken,
        Refused::NotOpened(NotOpened::Unknown) => RejectReason::unknown_key,
        Refused::Unknown => RejectReason::unavailable,
    });
    Err(refused)
}

fn from_cookie<W: World>(
    world: &W,
    realm: Realm<'_>,
    value: &str,
) -> Result<Arc<OpenSession>, Refused> {
    let sessions = world.sessions();
    let epoch = sessions.sealer.ring.epoch();
    let session = sessions
        .sealer
        .open_session(realm, value)
        .map_err(|why| not_opened(world, realm, value, why))?;
    // The refresh token of a provider that is not there must not be sent to another.
    let provider =
        sessions.provider_named(&session.provider).ok_or(Refused::NotOpened(NotOpened::Unknown))?;
    let open = OpenSession::new(session, provider).ok_or(Refused::NotOpened(NotOpened::Broken))?;
    let open = Arc::new(open.at(realm));
    world.cache().keep(value, Arc::clone(&open), epoch);
    Ok(open)
}

/// Finds a session by its ticket. Whoever has it, in memory, asks the store now and then whether
/// it is still there; while the store is away, what is in memory is served for the time of grace.
async fn from_store<W: World>(
    world: &Arc<W>,
    realm: Realm<'_>,
    value: &str,
    cached: Option<Arc<OpenSession>>,
    trust: Trust,
) -> Result<Arc<OpenSession>, Refused> {
    let sessions = world.sessions();
    let is_fresh = |open: &Arc<OpenSession>| {
        if trust == Trust::Nothing {
            return false;
        }
        let millis = sessions.health.millis();
        open.stored.as_ref().is_some_and(|stored| stored.is_fresh(millis))
    };
    if let Some(open) = cached.as_ref().filter(|open| is_fresh(open)) {
        return Ok(Arc::clone(open));
    }
    let elsewhere = sessions.opened_by_any().find(value).filter(|open| open.is_good_at(realm));
    let cached = match (cached, elsewhere) {
        (Some(cached), Some(elsewhere)) if !elsewhere.is_newer_than(&cached) => Some(cached),
        (cached, elsewhere) => elsewhere.or(cached),
    };
    if let Some(open) = cached.as_ref().filter(|open| is_fresh(open)) {
        keep_here(world.as_ref(), open);
        return Ok(Arc::clone(open));
    }
    let cookie = match cached.as_ref().and_then(|open| open.stored.as_ref()) {
        Some(stored) => Arc::clone(&stored.cookie),
        None => {
            let opened = sessions.sealer.open_ticket(realm, value);
            Arc::new(opened.map_err(|why| not_opened(world.as_ref(), realm, value, why))?)
        }
    };
    if sessions.registry.is_revoked(cookie.ticket.id) {
        // Whoever goes on sending it costs nothing but this.
        return Err(Refused::Gone);
    }
    let ledger = world.ledger().ok_or(Refused::Unknown)?;
    let read = ledger.store().read(slot_of(cookie.ticket.id));
    match sessions.health.ask(&sessions.metrics, read).await {
        Ok(Held::Record(record)) => found(world, realm, cached, &cookie, &record),
        Ok(Held::Nothing | Held::Ended) => {
            forget(world.as_ref(), &cookie);
            Err(Refused::Gone)
        }
        // What is in memory was judged already, and could only be found out to be newer.
        Err(_) if trust == Trust::Nothing => Err(Refused::Unknown),
        Err(_) => cached.filter(|open| is_within_grace(sessions, open)).ok_or(Refused::Unknown),
    }
}

/// Whether a session may be served from memory though the store does not say that it is there.
fn is_within_grace(sessions: &Sessions, open: &OpenSession) -> bool {
    let away = sessions.health.away_for();
    let checked = |stored: &Stored| stored.is_checked(sessions.health.millis(), sessions.grace);
    away.is_some_and(|away| away < sessions.grace) || open.stored.as_ref().is_some_and(checked)
}

fn found<W: World>(
    world: &Arc<W>,
    realm: Realm<'_>,
    cached: Option<Arc<OpenSession>>,
    cookie: &Arc<TicketCookie>,
    record: &Record,
) -> Result<Arc<OpenSession>, Refused> {
    let sessions = world.sessions();
    let open = read_record(sessions, realm, Some(cookie), record).map_err(Refused::NotOpened)?;
    // What was touched here may not be in the store yet.
    let open = match cached {
        Some(cached) if !open.is_newer_than(&cached) => {
            if cached.session.generation > open.session.generation {
                // The store has lost it, as one does that fails over: its token is spent.
                write_again(world, &cached);
            }
            cached
        }
        _ => Arc::new(open),
    };
    if let Some(stored) = &open.stored {
        stored.check(sessions.health.millis());
    }
    keep(world.as_ref(), &open);
    Ok(open)
}

fn write_again<W: World>(world: &Arc<W>, open: &Arc<OpenSession>) {
    let (later, open) = (Arc::clone(world), Arc::clone(open));
    world.run(async move {
        let record = record_of(later.sessions(), &open);
        // What fails is found out again with the next look.
        let _ = keep_record(later.as_ref(), &open, &record).await;
    });
}

/// Remembers a session of the store for the next request with its ticket.
pub(super) fn keep<W: World>(world: &W, open: &Arc<OpenSession>) {
    keep_here(world, open);
    if let Some(Stored { cookie, .. }) = &open.stored {
        let mut opened = world.sessions().opened_by_any();
        opened.keep(&cookie.value, Arc::clone(open), cookie.epoch);
    }
}

fn keep_here<W: World>(world: &W, open: &Arc<OpenSession>) {
    if let Some(Stored { cookie, .. }) = &open.stored {
        world.cache().keep(&cookie.value, Arc::clone(open), cookie.epoch);
    }
}

/// A session whose record is gone is over, whatever else is known of it.
fn forget<W: World>(world: &W, cookie: &TicketCookie) {
    let sessions = world.sessions();
    world.cache().forget(&cookie.value);
    sessions.opened_by_any().forget(&cookie.value);
    let whom = Whom::Session(cookie.ticket.id);
    sessions.ended(&Ending::now(whom, world.now(), sessions.lifetimes.absolute));
}

fn not_opened<W: World>(world: &W, realm: Realm<'_>, value: &str, why: NotOpened) -> Refused {
    let known = why == NotOpened::Broken && world.sessions().sealer.is_kept_otherwise(realm, value);
    Refused::NotOpened(if known { NotOpened::Unknown } else { why })
}

impl Refused {
    /// A key or a format that another replica may know already, and a session that only a wrong
    /// clock keeps from being good, are left alone. While the store is away nobody can say.
    const fn may_be_cleared(&self) -> Result<bool, Unavailable> {
        match self {
            Self::Ended(Ended::Absolute | Ended::Idle)
            | Self::NotOpened(NotOpened::Broken)
            | Self::Gone => Ok(true),
            Self::Ended(Ended::FromTheFuture) | Self::NotOpened(NotOpened::Unknown) => Ok(false),
            Self::Unknown => Err(Unavailable::Store),
        }
    }
}
