//! The lease on a session's refresh token: over all replicas one spends it at a time (rule 1).
//!
//! A lease lasts longer than the provider may take, is renewed while the call runs, and is given
//! back by its owner only. What the store holds is read in the same step in which it is taken, so
//! that nobody spends a token that somebody else has spent already.

use std::time::Duration;

use super::ledger::slot_of;
use super::{OpenSession, Place, World};
use crate::auth::draw;
use crate::gateway::clock::SystemEntropy;
use crate::store::{Fault, Held, Owner, Record, Slot, Taken};

/// What came of asking for the lease of a session.
pub(super) enum Lease {
    /// It is ours, and nothing newer is known.
    Ours(HeldLease),
    /// Another replica has renewed it.
    Newer(Record),
    /// The session is over.
    Ended,
    /// Another replica has it, for longer than anyone waits.
    Busy,
    /// The store is away.
    Away(Fault),
}

/// A lease that is held.
pub(super) struct HeldLease {
    slot: Slot,
    owner: Owner,
}

/// Asks for the lease, and waits while another replica has it.
pub(super) async fn take<W: World>(world: &W, open: &OpenSession, urgent: bool) -> Lease {
    let sessions = world.sessions();
    let Some(ledger) = world.ledger() else { return Lease::Away(no_store()) };
    let slot = slot_of(open.session.id);
    let owner = Owner(draw(&mut SystemEntropy));
    let mut pause = SHORTEST;
    // Whoever had it when we came has lost it by then, or has renewed the session.
    let mut left = sessions.lease * 2;
    let mut faults = if urgent { FAULTS } else { 0 };
    loop {
        let take = ledger.store().take(slot, owner, sessions.lease);
        let taken = sessions.health.ask(&sessions.metrics, take).await;
        sessions.health.may_lease(taken.is_ok(), sessions.lease);
        match taken {
            Ok(Taken { ours, held }) => match held {
                Held::Record(record) if record.written.generation > open.session.generation => {
                    if ours {
                        release(world, &HeldLease { slot, owner }).await;
                    }
                    return Lease::Newer(record);
                }
                Held::Ended => return Lease::Ended,
                Held::Nothing if sessions.place == Place::Stored => {
                    if ours {
                        release(world, &HeldLease { slot, owner }).await;
                    }
                    return Lease::Ended;
                }
                Held::Record(_) | Held::Nothing if ours => {
                    return Lease::Ours(HeldLease { slot, owner });
                }
                Held::Record(_) | Held::Nothing => {}
            },
            Err(fault) if faults == 0 => {
                // It may have been taken all the same.
                release(world, &HeldLease { slot, owner }).await;
                return Lease::Away(fault);
            }
            Err(_) => faults -= 1,
        }
        if left < pause {
            return Lease::Busy;
        }
        left -= pause;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE);
    }
}

/// Does `work`, and holds the lease meanwhile.
pub(super) async fn holding<W: World, T>(
    world: &W,
    lease: &HeldLease,
    work: impl Future<Output = T>,
) -> T {
    let sessions = world.sessions();
    let renew = async {
        loop {
            tokio::time::sleep(sessions.lease / 3).await;
            let Some(ledger) = world.ledger() else { continue };
            let extend = ledger.store().extend(lease.slot, lease.owner, sessions.lease);
            if sessions.health.insist(&sessions.metrics, extend).await == Ok(false) {
                // A store that has lost it gives it back, unless somebody else has it by now; what
                // was begun is finished either way.
                let take = ledger.store().take(lease.slot, lease.owner, sessions.lease);
                let _ = sessions.health.insist(&sessions.metrics, take).await;
            }
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        () = renew => unreachable!("it goes on for ever"),
    }
}

/// Gives the lease back; where that fails, it ends by itself.
pub(super) async fn release<W: World>(world: &W, lease: &HeldLease) {
    let sessions = world.sessions();
    if let Some(ledger) = world.ledger() {
        let release = ledger.store().release(lease.slot, lease.owner);
        let _ = sessions.health.insist(&sessions.metrics, release).await;
    }
}

fn no_store() -> Fault {
    Fault::Refused(String::from("there is no store"))
}

const SHORTEST: Duration = Duration::from_millis(20);
/// How long to wait before the store is asked again.
pub(super) const PAUSE: Duration = Duration::from_millis(250);
/// How many faults someone who waits for the token bears: with the pauses, some two seconds.
const FAULTS: u32 = 10;
