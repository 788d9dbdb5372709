//! How many connections to a server are in use at once, over all workers.
//!
//! Every worker has idle connections of its own. Where there is a limit, an idle one of any worker
//! is used before a new one is opened, so that the idle ones count as well: an app that gives each
//! connection a process of its own is never asked for more than it has.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect::Wire;
use super::pool::Pool;

/// The limit of one server, and who has connections to it.
pub(super) struct Limit {
    places: Arc<Semaphore>,
    // Taken at the start, and by whoever finds no idle connection of its own.
    pools: Mutex<Vec<Weak<Pool>>>,
}

/// The right to use one connection.
pub(super) type Place = OwnedSemaphorePermit;

impl Limit {
    pub(super) fn new(connections: usize) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { places, pools: Mutex::default() })
    }

    pub(super) fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    /// A place, if one is free.
    pub(super) fn take(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// A place, as soon as it is one's turn.
    pub(super) fn wait(&self) -> impl Future<Output = Place> + use<> {
        let places = Arc::clone(&self.places);
        async move {
            match places.acquire_owned().await {
                Ok(place) => place,
                // Nobody closes it.
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// Has the idle connections of a pool count.
    pub(super) fn join(&self, pool: &Arc<Pool>) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.push(Arc::downgrade(pool));
    }

    /// An idle connection of anybody else's than `pool`.
    pub(super) fn idle_beside(&self, pool: &Pool) -> Option<Wire> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let others = pools.iter().filter_map(Weak::upgrade);
        others.filter(|other| !std::ptr::eq(&raw const **other, pool)).find_map(|other| other.pop())
    }
}
