//! The idle connections of one worker to one app.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Failure;
use super::body::Progress;
use super::connect::{Target, Wire};
use super::limit::Limit;

/// Connections that wait for their next request; the youngest is taken first.
pub(super) struct Pool {
    target: Target,
    /// How many are in use at once, together with those of the other workers.
    limit: Option<Arc<Limit>>,
    // Only this worker's thread takes the lock, so it never waits; where there is a limit, also
    // whoever has no idle connection of its own.
    idle: Mutex<Vec<Idle>>,
}

/// A connection in use. It goes back when its answer was read to the end and its request was sent
/// to the end; dropped before, it is closed, and nobody else ever sees the rest of either.
pub(super) struct Lease {
    pool: Arc<Pool>,
    wire: Option<Wire>,
    request: Progress,
    /// Whether it has carried a request before this one.
    pub(super) reused: bool,
}

struct Idle {
    wire: Wire,
    since: Instant,
}

impl Pool {
    pub(super) fn new(target: Target, limit: Option<Arc<Limit>>) -> Arc<Self> {
        let pool = Arc::new(Self { target, limit, idle: Mutex::new(Vec::new()) });
        if let Some(limit) = &pool.limit {
            limit.join(&pool);
        }
        pool
    }

    /// An idle connection that still stands, or a new one within `connect`.
    pub(super) async fn lease(self: &Arc<Self>, connect: Duration) -> Result<Lease, Failure> {
        while let Some(mut wire) = self.pop().or_else(|| self.pop_elsewhere()) {
            if wire.sender.is_ready() {
                return Ok(self.leased(wire, true));
            }
            // It becomes ready as soon as its other half has seen the end of the last answer.
            match tokio::time::timeout(MAX_SETTLING, wire.sender.ready()).await {
                Ok(Ok(())) => return Ok(self.leased(wire, true)),
                Ok(Err(_)) => {}
                // Whatever keeps this one may keep the others: nobody waits for each in turn.
                Err(_) => break,
            }
        }
        self.fresh(connect).await
    }

    /// A new connection.
    pub(super) async fn fresh(self: &Arc<Self>, connect: Duration) -> Result<Lease, Failure> {
        // An idle one that is left makes room for it.
        drop(self.limit.as_ref().and_then(|_| self.pop()).or_else(|| self.pop_elsewhere()));
        let wire = tokio::time::timeout(connect, self.target.connect())
            .await
            .unwrap_or_else(|_| Err(String::from("no connection in time")))
            .map_err(Failure::Connect)?;
        Ok(self.leased(wire, false))
    }

    fn leased(self: &Arc<Self>, wire: Wire, reused: bool) -> Lease {
        Lease { pool: Arc::clone(self), wire: Some(wire), request: Progress::default(), reused }
    }

    /// Where there is a limit, an idle connection of another worker.
    fn pop_elsewhere(&self) -> Option<Wire> {
        self.limit.as_ref()?.idle_beside(self)
    }

    pub(super) fn pop(&self) -> Option<Wire> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Idle { wire, since } = idle.pop()?;
            if since.elapsed() >= MAX_IDLE {
                // All below it wait even longer.
                idle.clear();
                return None;
            }
            if !wire.sender.is_closed() {
                return Some(wire);
            }
        }
    }

    fn push(&self, wire: Wire) {
        let since = Instant::now();
        if since.saturating_duration_since(wire.opened) >= MAX_AGE {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= MAX_KEPT {
            idle.remove(0);
        }
        idle.push(Idle { wire, since });
    }
}

impl Lease {
    /// The connection; there until the lease is over.
    pub(super) fn wire(&mut self) -> Option<&mut Wire> {
        self.wire.as_mut()
    }

    /// Whether a byte of an answer came to the last request.
    pub(super) fn heard(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.heard.get())
    }

    /// The body of the request that the connection carries.
    pub(super) fn carries(&mut self, request: Progress) {
        self.request = request;
    }

    /// The answer was read to its end: the connection may carry another request, unless an app
    /// answered early and the rest of this one is still to come.
    pub(super) fn give_back(&mut self) {
        if let Some(wire) = self.wire.take()
            && self.request.is_over()
            && !wire.sender.is_closed()
        {
            self.pool.push(wire);
        }
    }

    /// The connection must not carry another request, whatever becomes of its answer.
    pub(super) fn discard(&mut self) {
        self.wire = None;
    }
}

/// Longer than most apps keep an idle connection would only find closed ones.
const MAX_IDLE: Duration = Duration::from_secs(60);
const MAX_KEPT: usize = 512;
/// One that is always in use would stay at an address that its name has long left.
const MAX_AGE: Duration = Duration::from_secs(300);
/// How long a connection that was given back may take until it is ready again.
const MAX_SETTLING: Duration = Duration::from_millis(100);
