//! The session of a request: recalled from its cookie, and its token renewed when due.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::candidates::{self, Presented, presented};
use super::flight::{LastLook, last_look, renew_beside};
use super::registry::Look;
use super::{OpenSession, Place, Unavailable, World};
use crate::auth::Timestamp;
use crate::auth::cookie::OwnCookies;
use crate::auth::refresh::{Standing, Step};
use crate::telemetry::{RefreshOutcome, RejectReason};

/// What a request's cookies turned out to be.
pub(in crate::gateway) enum Recalled {
    /// No session; `clear` when cookies of ours are there that are no good.
    Nobody {
        clear: bool,
    },
    Somebody(Current),
}

/// The session that a request is served with.
pub(in crate::gateway) struct Current {
    /// What the browser presented.
    pub(super) presented: Arc<OpenSession>,
    /// The newest generation of it.
    pub(in crate::gateway) newest: Arc<OpenSession>,
    pub(super) epoch: u64,
}

/// Finds the session of a request; has its token renewed where that is due, and past expiry waits
/// for it, but no longer than `patience`.
pub(in crate::gateway) async fn recall<W: World>(
    world: &Arc<W>,
    own: &OwnCookies<'_>,
    patience: Duration,
) -> Result<Recalled, Unavailable> {
    let now = world.now();
    let presented = match presented(world, own, now).await? {
        Presented::Session(presented) => presented,
        Presented::Nothing { clear } => return Ok(Recalled::Nobody { clear }),
    };
    // Nothing new is known of any session since this one was last looked up, and its token is
    // fresh: the way of almost every request.
    let registry = &world.sessions().registry;
    let epoch = registry.epoch();
    if presented.is_settled(epoch) && registry.standing(&presented, now) == Standing::Fresh {
        let newest = Arc::clone(&presented);
        return Ok(Recalled::Somebody(Current { presented, newest, epoch }));
    }
    look_up(world, presented, now, patience).await
}

async fn look_up<W: World>(
    world: &Arc<W>,
    presented: Arc<OpenSession>,
    mut now: Timestamp,
    patience: Duration,
) -> Result<Recalled, Unavailable> {
    let sessions = world.sessions();
    let provider = presented.provider;
    // However often it has to be looked at again.
    let until = Instant::now() + patience;
    for _ in 0..MAX_LOOKS {
        let epoch = sessions.registry.epoch();
        let Look { step, newest, flight, landing, known, lost_race, refused_for } =
            sessions.registry.look(&presented, now);
        if !known && flight.is_none() {
            presented.settle(epoch);
        }
        if lost_race {
            sessions.metrics.refresh(RefreshOutcome::lost_race);
            tracing::warn!(session = ?newest.session.id, "another replica renewed this session first; session.coordination keeps replicas from spending each other's refresh tokens");
        }
        let landing = match flight {
            Some(flight) => {
                let landing = flight.landing();
                renew_beside(world, Arc::clone(&newest), flight);
                Some(landing)
            }
            None => landing,
        };
        match step {
            Step::Serve | Step::ServeAndRenew => {
                return Ok(Recalled::Somebody(current(world.as_ref(), presented, newest, epoch)));
            }
            Step::End => match last_look(world, &newest).await {
                LastLook::Newer => {}
                LastLook::Unknown => return Err(Unavailable::Store),
                LastLook::Over => {
                    sessions.metrics.rejected(RejectReason::ended);
                    let since = refused_for.unwrap_or(Duration::MAX);
                    if since >= RACE {
                        sessions.streams.end_session(&newest.session);
                    }
                    // Without a store nobody knows what another replica has, for as long as it
                    // may keep it.
                    let race = match sessions.place {
                        Place::Cookie => sessions.refresh.keep_at_most,
                        Place::Coordinated | Place::Stored => RACE,
                    };
                    return Ok(Recalled::Nobody { clear: since >= race });
                }
            },
            Step::Unavailable { retry_after } => {
                return Err(Unavailable::Token { provider, retry_after });
            }
            Step::RenewAndWait | Step::Wait => {
                if step == Step::Wait {
                    sessions.metrics.refresh(RefreshOutcome::shared);
                }
                wait(landing, until)
                    .await
                    .map_err(|retry_after| Unavailable::Token { provider, retry_after })?;
                now = world.now();
            }
        }
    }
    Err(Unavailable::Token { provider, retry_after: Duration::from_secs(1) })
}

fn current<W: World>(
    world: &W,
    presented: Arc<OpenSession>,
    newest: Arc<OpenSession>,
    epoch: u64,
) -> Current {
    // The cookie of a session in a store stays the same: what it stands for moves on here.
    if newest.stored.is_some() && newest.is_newer_than(&presented) {
        candidates::keep(world, &newest);
    }
    Current { presented, newest, epoch }
}

/// Waits for a refresh to land; an error says when to ask again.
async fn wait(landing: Option<CancellationToken>, until: Instant) -> Result<(), Duration> {
    let Some(landing) = landing else { return Ok(()) };
    let landed = tokio::time::timeout_at(until, landing.cancelled()).await;
    landed.map_err(|_| Duration::from_secs(1))
}

/// Once to find it due, once after waiting, once more when another refresh had begun meanwhile or
/// the last look found a newer generation.
const MAX_LOOKS: usize = 4;
/// How long answers of several replicas to one browser may be under way.
const RACE: Duration = Duration::from_secs(10);
