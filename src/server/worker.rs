//! One worker: a thread with its own runtime, listeners, upstream connections and cache.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::connection::Protocol;
use super::door::{Door, accept};
use super::listener::{Acceptor, Bound};
use super::phase::{Phase, until_draining, until_over};
use super::{Drained, StartError, tls};
use crate::config::{Config, Limits};
use crate::gateway::{self, Gateway, Worker};
use crate::store::Store;

/// What every worker is made of.
pub(super) struct Setup {
    pub(super) workers: usize,
    pub(super) limits: Limits,
    edges: gateway::Setup,
    acceptor: Option<TlsAcceptor>,
}

/// What the workers have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) gateway: Arc<Gateway>,
    pub(super) setup: Arc<Setup>,
    /// One for each connection.
    pub(super) permits: Arc<Semaphore>,
    pub(super) phase: watch::Receiver<Phase>,
    /// Where the workers meet when only tunnels are left.
    pub(super) rest: Arc<Barrier>,
}

/// A worker's side of its start: it says whether it is ready, and waits until all are.
pub(super) struct Cue {
    pub(super) ready: oneshot::Sender<io::Result<()>>,
    pub(super) go: oneshot::Receiver<()>,
}

impl Setup {
    /// Reads every file that the configuration names.
    pub(super) fn new(config: &Config) -> Result<Self, StartError> {
        Ok(Self {
            workers: config.workers,
            limits: config.limits.clone(),
            edges: gateway::Setup::new(config)?,
            acceptor: tls::acceptor(&config.tls)?,
        })
    }
}

impl Setup {
    /// A store with connections of its own, where there is one.
    pub(super) fn store(&self) -> Option<Arc<dyn Store>> {
        self.edges.store()
    }

    /// The health checks of apps, all running; they end when they are dropped.
    pub(super) fn check_health(&self, gateway: &Gateway) -> JoinSet<()> {
        self.edges.health_checks(gateway).into_iter().collect()
    }
}

/// Runs a worker to its end.
pub(super) fn run(shared: &Shared, bound: Vec<Bound>, cue: Cue) -> Drained {
    match prepare(bound) {
        Ok((runtime, listeners)) => runtime.block_on(async {
            let _ = cue.ready.send(Ok(()));
            match cue.go.await {
                Ok(()) => serve(shared, listeners).await,
                Err(_) => Drained::CutShort,
            }
        }),
        Err(error) => {
            let _ = cue.ready.send(Err(error));
            Drained::CutShort
        }
    }
}

/// Everything that can fail.
fn prepare(bound: Vec<Bound>) -> io::Result<(Runtime, Vec<(Acceptor, bool)>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let inside = runtime.enter();
    let listeners: io::Result<_> =
        bound.into_iter().map(|bound| Ok((Acceptor::new(bound.socket)?, bound.tls))).collect();
    drop(inside);
    Ok((runtime, listeners?))
}

async fn serve(shared: &Shared, listeners: Vec<(Acceptor, bool)>) -> Drained {
    let (limits, mut phase) = (&shared.setup.limits, shared.phase.clone());
    let [connections, tasks] = std::array::from_fn(|_| TaskTracker::new());
    let tunnels = shared.setup.edges.tunnels();
    let worker = shared.setup.edges.worker(&shared.gateway, tasks.clone(), &tunnels);
    open_doors(shared, &worker, listeners, &connections);
    until_draining(&mut phase).await;
    let deadline = Instant::now() + limits.drain;
    for tracker in [&connections, &tasks] {
        tracker.close();
    }
    let patience = TUNNELS.min(limits.drain / 4);
    let done = async {
        // A tunnel over HTTP/2 is a stream of a connection, which waits for it.
        if timeout(patience, connections.wait()).await.is_err() {
            tunnels.leave_shared();
            connections.wait().await;
        }
        // Refreshes and code exchanges were begun for requests that are over by now.
        tasks.wait().await;
    };
    // A tunnel has no end of its own: it lives as long as anything else has to be waited for, and
    // a moment longer. That it is ended then is no failure; it is told in time to say so.
    let farewell = deadline - FAREWELL.min(limits.drain / 4);
    let clean = async {
        done.await;
        shared.rest.wait().await;
        let _ = timeout(patience, tunnels.wait()).await;
    };
    tokio::pin!(clean);
    let drained = tokio::select! {
        () = &mut clean => Drained::Clean,
        () = sleep_until(farewell) => Drained::CutShort,
        () = until_over(&mut phase) => return Drained::CutShort,
    };
    tunnels.leave();
    let left = async {
        tunnels.wait().await;
        // What else still runs has until the end.
        match drained {
            Drained::Clean => Drained::Clean,
            Drained::CutShort => {
                clean.as_mut().await;
                Drained::Clean
            }
        }
    };
    let end = match drained {
        Drained::Clean => deadline.min(Instant::now() + FAREWELL),
        Drained::CutShort => deadline,
    };
    tokio::select! {
        left = timeout_at(end, left) => left.unwrap_or(drained),
        () = until_over(&mut phase) => Drained::CutShort,
    }
}

/// Accepts on every listener; what is accepted counts among `connections`.
fn open_doors(
    shared: &Shared,
    worker: &Arc<Worker>,
    listeners: Vec<(Acceptor, bool)>,
    connections: &TaskTracker,
) {
    let limits = &shared.setup.limits;
    for (acceptor, tls) in listeners {
        let door = Door {
            worker: Arc::clone(worker),
            gateway: Arc::clone(&shared.gateway),
            protocol: Protocol::new(limits),
            tls: shared.setup.acceptor.clone().filter(|_| tls),
            handshake: limits.handshake,
            connections: connections.clone(),
            permits: Arc::clone(&shared.permits),
            phase: shared.phase.clone(),
        };
        // Tracked: draining has to wait until it has emptied its queue.
        connections.spawn(accept(acceptor, Arc::new(door)));
    }
}

/// How long tunnels may go on when everything else is done.
const TUNNELS: Duration = Duration::from_secs(5);
/// How long they may take to end when they are told to.
const FAREWELL: Duration = Duration::from_secs(3);
