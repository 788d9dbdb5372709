//! The idle connections of one worker to one app.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;

use super::connect::Target;
use super::{Failure, VisitorBody};

/// Connections that wait for their next request; the youngest is taken first.
pub(super) struct Pool {
    target: Target,
    connect: Duration,
    // Only this worker's thread takes the lock, so it never waits.
    idle: Mutex<Vec<Idle>>,
}

/// A connection in use. It goes back when its answer was read to the end; dropped before, it is
/// closed, and nobody else ever sees the rest of that answer.
pub(super) struct Lease {
    pool: Arc<Pool>,
    sender: Option<SendRequest<VisitorBody>>,
    /// Whether it has carried a request before this one.
    pub(super) reused: bool,
}

struct Idle {
    sender: SendRequest<VisitorBody>,
    since: Instant,
}

impl Pool {
    pub(super) fn new(target: Target, connect: Duration) -> Arc<Self> {
        Arc::new(Self { target, connect, idle: Mutex::new(Vec::new()) })
    }

    /// An idle connection that still stands, or a new one.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, Failure> {
        while let Some(mut sender) = self.pop() {
            // It becomes ready as soon as its other half has seen the end of the last answer.
            if sender.is_ready() || sender.ready().await.is_ok() {
                return Ok(Lease { pool: Arc::clone(self), sender: Some(sender), reused: true });
            }
        }
        self.fresh().await
    }

    /// A new connection.
    pub(super) async fn fresh(self: &Arc<Self>) -> Result<Lease, Failure> {
        let sender = tokio::time::timeout(self.connect, self.target.connect())
            .await
            .unwrap_or_else(|_| Err(String::from("no connection in time")))
            .map_err(Failure::Connect)?;
        Ok(Lease { pool: Arc::clone(self), sender: Some(sender), reused: false })
    }

    fn pop(&self) -> Option<SendRequest<VisitorBody>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Idle { sender, since } = idle.pop()?;
            if since.elapsed() >= MAX_IDLE {
                // All below it wait even longer.
                idle.clear();
                return None;
            }
            if !sender.is_closed() {
                return Some(sender);
            }
        }
    }

    fn push(&self, sender: SendRequest<VisitorBody>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= MAX_KEPT {
            idle.remove(0);
        }
        idle.push(Idle { sender, since: Instant::now() });
    }
}

impl Lease {
    /// The sending half; there until the lease is over.
    pub(super) fn sender(&mut self) -> Option<&mut SendRequest<VisitorBody>> {
        self.sender.as_mut()
    }

    /// The answer was read to its end: the connection may carry another request.
    pub(super) fn give_back(&mut self) {
        if let Some(sender) = self.sender.take()
            && !sender.is_closed()
        {
            self.pool.push(sender);
        }
    }

    /// The connection must not carry another request, whatever becomes of its answer.
    pub(super) fn discard(&mut self) {
        self.sender = None;
    }
}

/// Longer than most apps keep an idle connection would only find closed ones.
const MAX_IDLE: Duration = Duration::from_secs(60);
const MAX_KEPT: usize = 512;
