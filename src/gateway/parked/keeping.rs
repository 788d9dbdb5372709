//! Where forms wait: in the memory of this process, or in the store, where any replica finds them.
//! This process counts both.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::shelf::{Gone, Holder, Place, Shelf};
use crate::auth::Timestamp;
use crate::auth::login::ATTEMPT_LIFE;
use crate::auth::parked::{Claim, ParkedId, ParkedPost};
use crate::gateway::clock::now;
use crate::gateway::{Gateway, Worker};
use crate::store::{Fault, Held, Record, Slot, Written};

/// What all workers share of forms that wait.
pub(in crate::gateway) struct Parking {
    shelf: Mutex<Shelf>,
    /// How long the body of a form may take.
    pub(super) patience: Duration,
}

/// Room for one form, given back unless the form is kept in it.
pub(super) struct Room {
    gateway: Arc<Gateway>,
    holder: Holder,
    bytes: usize,
    is_used: bool,
}

impl Parking {
    pub(in crate::gateway) fn new(patience: Duration) -> Self {
        Self { shelf: Mutex::new(Shelf::default()), patience }
    }

    pub(in crate::gateway) fn sweep(&self, now: Timestamp) {
        self.shelf().sweep(now);
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if !self.is_used {
            self.gateway.parking.shelf().give_back(self.holder, self.bytes);
        }
    }
}

impl Worker {
    /// Takes room for a form of a visitor's, before any of it is read.
    pub(super) fn room(self: &Arc<Self>, client: Option<IpAddr>, bytes: usize) -> Option<Room> {
        let holder = Holder::of(client);
        let gateway = Arc::clone(&self.gateway);
        let (taken, gone) = gateway.parking.shelf().take_room(holder, bytes, now());
        gone.into_iter().for_each(|gone| self.let_go(gone));
        taken.then_some(Room { gateway, holder, bytes, is_used: false })
    }

    /// Keeps a sealed form; returns in how many pieces it is in the store, none where it is here.
    pub(super) async fn put(&self, claim: &Claim, mut room: Room, sealed: Bytes) -> u8 {
        let stored = match self.store_pieces(claim, &sealed).await {
            Ok(pieces) => pieces,
            Err(fault) => {
                tracing::warn!(%fault, "a form could not be kept in the store; this process keeps it");
                None
            }
        };
        let place = stored.map_or(Place::Here(sealed), Place::Store);
        let ends = claim.created().plus(ATTEMPT_LIFE);
        room.is_used = true;
        self.gateway.parking.shelf().keep(claim.id, room.holder, room.bytes, place, ends);
        stored.unwrap_or(0)
    }

    /// Opens what is kept and leaves it there.
    pub(super) async fn look(&self, claim: &Claim) -> Option<ParkedPost> {
        let here = self.gateway.parking.shelf().find(claim.id, now());
        if let Some(Place::Here(sealed)) = here {
            return claim.open(&sealed);
        }
        let store = self.ledger.as_ref()?.store();
        let mut sealed = Vec::new();
        for piece in 0..claim.pieces {
            let Ok(Held::Record(record)) = store.read(slot(claim.id, piece)).await else {
                return None;
            };
            sealed.extend(record.sealed);
        }
        claim.open(&sealed)
    }

    /// Takes what is kept: nobody else gets it, on any replica.
    pub(super) async fn take(&self, claim: &Claim) -> Option<ParkedPost> {
        let here = self.gateway.parking.shelf().take(claim.id, now());
        if let Some(Place::Here(sealed)) = here {
            return claim.open(&sealed);
        }
        let store = self.ledger.as_ref()?.store();
        let mut sealed = Vec::new();
        // Only one gets the first piece: a store ends a record once.
        for piece in 0..claim.pieces {
            sealed.extend(store.end(slot(claim.id, piece), ATTEMPT_LIFE).await.ok()??.sealed);
        }
        claim.open(&sealed)
    }

    /// Keeps once more, here, what was taken and could not be sent.
    pub(super) fn put_back(self: &Arc<Self>, claim: &Claim, sealed: Vec<u8>) {
        let Some(mut room) = self.room(None, sealed.len()) else { return };
        room.is_used = true;
        let ends = claim.created().plus(ATTEMPT_LIFE);
        let place = Place::Here(sealed.into());
        self.gateway.parking.shelf().keep(claim.id, room.holder, room.bytes, place, ends);
    }

    async fn store_pieces(&self, claim: &Claim, sealed: &[u8]) -> Result<Option<u8>, Fault> {
        let Some(ledger) = &self.ledger else { return Ok(None) };
        let mut pieces = 0;
        for piece in sealed.chunks(PIECE) {
            let written = Written { generation: 0, at: claim.created().as_millis() };
            let record = Record { written, sealed: piece.to_vec(), summary: Vec::new() };
            ledger.store().create(slot(claim.id, pieces), &record, &[], ATTEMPT_LIFE).await?;
            pieces += 1;
        }
        Ok(Some(pieces))
    }

    /// Takes what gave way out of the store too, beside everything else.
    fn let_go(self: &Arc<Self>, (id, place): Gone) {
        let Place::Store(pieces) = place else { return };
        let worker = Arc::clone(self);
        self.tasks.spawn(async move {
            let Some(ledger) = &worker.ledger else { return };
            for piece in 0..pieces {
                // What fails ends by itself.
                let _ = ledger.store().end(slot(id, piece), ATTEMPT_LIFE).await;
            }
        });
    }
}

fn slot(id: ParkedId, piece: u8) -> Slot {
    Slot(id.place(piece))
}

/// What a store takes in one record, and a little less.
const PIECE: usize = 60_000;
