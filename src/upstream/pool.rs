//! The connections of one worker to one app.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::uri::Scheme;
use tokio::time::timeout;

use super::Failure;
use super::body::Progress;
use super::carrier::Carrier;
use super::connect::{Either, Target, Wire};
use super::http2::{Connections, Place};
use super::limit::Limit;

/// Connections that wait for their next request; the youngest is taken first.
pub(super) struct Pool {
    target: Target,
    /// How many are in use at once, together with those of the other workers.
    limit: Option<Arc<Limit>>,
    // Only this worker's thread takes the lock, so it never waits; where there is a limit, also
    // whoever has no idle connection of its own.
    idle: Mutex<Vec<Idle>>,
    /// Those that requests share.
    pub(super) shared: Arc<Connections>,
    /// Held by whoever opens one that others may share, with what the last one met who failed.
    opening: tokio::sync::Mutex<Option<(Instant, String)>>,
    /// Whether the app chose HTTP/1.1 when it was asked last.
    chose_http1: AtomicBool,
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
        let pool = Arc::new(Self {
            target,
            limit,
            idle: Mutex::new(Vec::new()),
            shared: Arc::default(),
            opening: tokio::sync::Mutex::new(None),
            chose_http1: AtomicBool::new(false),
        });
        if let Some(limit) = &pool.limit {
            limit.join(&pool);
        }
        pool
    }

    /// What a request is carried by: a stream where the app speaks HTTP/2, else a connection, a
    /// new one where it has to be.
    pub(super) async fn carrier(
        self: &Arc<Self>,
        connect: Duration,
        fresh: bool,
    ) -> Result<Carrier, Failure> {
        if !self.target.may_be_http2() {
            let leased = if fresh { self.fresh(connect).await } else { self.lease(connect).await };
            return leased.map(Carrier::Connection);
        }
        if let Some(place) = self.shared.place() {
            return Ok(Carrier::Stream(place));
        }
        if self.chose_http1.load(Ordering::Relaxed) {
            if let Some(lease) = self.idle().await {
                return Ok(Carrier::Connection(lease));
            }
            // It is asked again, as it may have learnt HTTP/2; but nobody waits for that.
            return self.open(connect).await.map_err(Failure::Connect);
        }
        // Many requests may come before the first connection stands: they all wait for that one.
        let came = Instant::now();
        let late = |_| Failure::Connect(String::from("no connection in time"));
        let mut opening = timeout(connect, self.opening.lock()).await.map_err(late)?;
        if let Some(place) = self.shared.place() {
            return Ok(Carrier::Stream(place));
        }
        if self.chose_http1.load(Ordering::Relaxed) {
            drop(opening);
            return self.open(connect).await.map_err(Failure::Connect);
        }
        match &*opening {
            Some((failed, why)) if *failed >= came => return Err(Failure::Connect(why.clone())),
            _ => {}
        }
        let opened = self.open(connect).await;
        *opening = opened.as_ref().err().map(|why| (Instant::now(), why.clone()));
        opened.map_err(Failure::Connect)
    }

    /// What HTTP/2 calls it: that of the connection, by which some apps know that they were reached
    /// as they meant to be.
    pub(super) fn scheme(&self) -> Scheme {
        if matches!(self.target, Target::Tls(_)) { Scheme::HTTPS } else { Scheme::HTTP }
    }

    /// A stream for a request that had one already.
    pub(super) async fn place(self: &Arc<Self>, connect: Duration) -> Result<Place, Failure> {
        match self.carrier(connect, false).await? {
            Carrier::Stream(place) => Ok(place),
            Carrier::Connection(_) => {
                Err(Failure::Broken(String::from("it does not speak HTTP/2 any more")))
            }
        }
    }

    async fn open(self: &Arc<Self>, connect: Duration) -> Result<Carrier, String> {
        let opening = async {
            match self.target.connect_either().await? {
                Either::Http1(wire) => Ok(Carrier::Connection(self.leased(wire, false))),
                Either::Http2(stream) => self.shared.begin(stream).await.map(Carrier::Stream),
            }
        };
        let opened = timeout(connect, opening).await;
        let opened = opened.unwrap_or_else(|_| Err(String::from("no connection in time")))?;
        let chose_http1 = matches!(opened, Carrier::Connection(_));
        self.chose_http1.store(chose_http1, Ordering::Relaxed);
        Ok(opened)
    }

    /// An idle HTTP/1.1 connection that still stands, or a new one within `connect`.
    pub(super) async fn lease(self: &Arc<Self>, connect: Duration) -> Result<Lease, Failure> {
        match self.idle().await {
            Some(lease) => Ok(lease),
            None => self.fresh(connect).await,
        }
    }

    async fn idle(self: &Arc<Self>) -> Option<Lease> {
        while let Some(mut wire) = self.pop().or_else(|| self.pop_elsewhere()) {
            if wire.sender.is_ready() {
                return Some(self.leased(wire, true));
            }
            // It becomes ready as soon as its other half has seen the end of the last answer.
            match timeout(MAX_SETTLING, wire.sender.ready()).await {
                Ok(Ok(())) => return Some(self.leased(wire, true)),
                Ok(Err(_)) => {}
                // Whatever keeps this one may keep the others: nobody waits for each in turn.
                Err(_) => break,
            }
        }
        None
    }

    /// A new HTTP/1.1 connection.
    pub(super) async fn fresh(self: &Arc<Self>, connect: Duration) -> Result<Lease, Failure> {
        // An idle one that is left makes room for it.
        drop(self.limit.as_ref().and_then(|_| self.pop()).or_else(|| self.pop_elsewhere()));
        let wire = timeout(connect, self.target.connect())
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
pub(super) const MAX_AGE: Duration = Duration::from_secs(300);
/// How long a connection that was given back may take until it is ready again.
const MAX_SETTLING: Duration = Duration::from_millis(100);
