//! The server: listeners, threads, and an orderly end.
//!
//! One current-thread runtime for each worker, each with a listener of its own (`SO_REUSEPORT`),
//! its own upstream connections and its own cache of opened sessions. The calling thread keeps
//! the signals, the admin listener and what is done now and then.

mod admin;
mod connection;
mod door;
mod listener;
mod phase;
mod streams;
mod timed_io;
mod tls;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Barrier, Semaphore, oneshot, watch};

pub use phase::Phase;

use crate::auth::seal::BadRing;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::secret::SealKey;
use crate::tls::BadCertificate;
use listener::{Acceptor, Bound, Sockets};
use worker::{Cue, Setup, Shared};

/// A server whose sockets are bound and whose files were read.
pub struct Server {
    gateway: Arc<Gateway>,
    setup: Arc<Setup>,
    sockets: Vec<Sockets>,
    admin: Vec<Bound>,
    addresses: Vec<String>,
    drain: Duration,
}

/// Why a server can't start.
#[derive(Debug)]
pub enum StartError {
    /// A file that the configuration names, or a key, can't be used.
    Config(String),
    Io(String),
}

/// A worker thread that has been started.
struct Started {
    thread: JoinHandle<Drained>,
    ready: oneshot::Receiver<io::Result<()>>,
    go: oneshot::Sender<()>,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    Clean,
    /// Something still ran when the time was over, or a second signal came.
    CutShort,
}

impl Server {
    /// Reads certificates and binds sockets.
    pub fn bind(config: Config, keys: &[SealKey]) -> Result<Self, StartError> {
        let setup = Setup::new(&config)?;
        let mut addresses = Vec::new();
        let mut sockets: Vec<Sockets> = Vec::new();
        for listen in &config.listen {
            sockets.extend(Sockets::bind(listen, config.workers, &mut addresses)?);
        }
        let mut admin = Vec::new();
        for listen in &config.admin_listen {
            for mut bound in Sockets::bind(listen, 1, &mut Vec::new())? {
                admin.extend(bound.take());
            }
        }
        let drain = config.limits.drain;
        let gateway = Gateway::new(config, keys).map_err(StartError::from)?;
        Ok(Self {
            gateway: Arc::new(gateway),
            setup: Arc::new(setup),
            sockets,
            admin,
            addresses,
            drain,
        })
    }

    /// What the workers share.
    pub fn gateway(&self) -> Arc<Gateway> {
        Arc::clone(&self.gateway)
    }

    /// The addresses that it listens on.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// Serves until `phase` says to drain, and then until all is done or the time is over.
    ///
    /// `phase` moves from [`Phase::Serving`] by [`Phase::Leaving`] to [`Phase::Draining`] and
    /// [`Phase::Over`]; dropped, it means [`Phase::Over`]. Nothing is served unless every thread and every listener works.
    pub async fn serve(mut self, mut phase: watch::Receiver<Phase>) -> Result<Drained, StartError> {
        let threads = self
            .start(&phase)
            .await
            .map_err(|error| StartError::Io(format!("can't start the worker threads: {error}")))?;
        let admins: io::Result<Vec<Acceptor>> =
            self.admin.drain(..).map(|bound| Acceptor::new(bound.socket)).collect();
        let admins = admins
            .map_err(|error| StartError::Io(format!("can't use the admin listener: {error}")))?;
        let threads: Vec<_> = threads.into_iter().map(Started::go).collect();
        for acceptor in admins {
            tokio::spawn(admin::serve(acceptor, Arc::clone(&self.gateway)));
        }
        let sweeper = tokio::spawn(sweep(Arc::clone(&self.gateway)));
        let hearer = self.setup.store().map(|store| {
            let gateway = Arc::clone(&self.gateway);
            tokio::spawn(async move { gateway.hear(store).await })
        });
        let checks = self.setup.check_health(&self.gateway);
        phase::until_leaving(&mut phase).await;
        self.gateway.leaving.store(true, Ordering::Relaxed);
        phase::until_draining(&mut phase).await;
        drop(checks);
        self.gateway.draining.store(true, Ordering::Relaxed);
        tracing::info!(seconds = self.drain.as_secs(), "draining");
        let joined = tokio::task::spawn_blocking(move || {
            let clean = |thread: JoinHandle<Drained>| {
                thread.join().unwrap_or(Drained::CutShort) == Drained::Clean
            };
            // Every worker is joined, whatever the others say.
            threads.into_iter().map(clean).filter(|clean| !clean).count() == 0
        });
        let clean = joined.await.unwrap_or(false);
        sweeper.abort();
        if let Some(hearer) = hearer {
            hearer.abort();
        }
        Ok(if clean { Drained::Clean } else { Drained::CutShort })
    }

    /// Starts every worker; when one can't be, those that were end at once.
    async fn start(&mut self, phase: &watch::Receiver<Phase>) -> io::Result<Vec<Started>> {
        let workers = self.setup.workers;
        let shared = Shared {
            gateway: Arc::clone(&self.gateway),
            setup: Arc::clone(&self.setup),
            permits: Arc::new(Semaphore::new(self.setup.limits.connections)),
            phase: phase.clone(),
            rest: Arc::new(Barrier::new(workers)),
        };
        let mut started = Vec::with_capacity(workers);
        for number in 0..workers {
            let bound: Vec<Bound> = self.sockets.iter_mut().filter_map(Sockets::take).collect();
            let (is_ready, ready) = oneshot::channel();
            let (go, may_go) = oneshot::channel();
            let (shared, cue) = (shared.clone(), Cue { ready: is_ready, go: may_go });
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || worker::run(&shared, bound, cue))?;
            started.push(Started { thread, ready, go });
        }
        for worker in &mut started {
            // A thread that says nothing has panicked.
            let said = (&mut worker.ready).await;
            said.unwrap_or_else(|_| Err(io::Error::other("a thread ended")))?;
        }
        Ok(started)
    }
}

impl Started {
    fn go(self) -> JoinHandle<Drained> {
        // Joining tells what became of a worker that can't be told.
        let _ = self.go.send(());
        self.thread
    }
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(why) | Self::Io(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StartError {}

impl From<BadCertificate> for StartError {
    fn from(error: BadCertificate) -> Self {
        Self::Config(error.to_string())
    }
}

impl From<BadRing> for StartError {
    fn from(error: BadRing) -> Self {
        Self::Config(match error {
            BadRing::Empty => String::from("session.keys: there is no key"),
            BadRing::Duplicate(index) => format!("session.keys[{index}]: is there twice"),
        })
    }
}

/// Reads every file that serving needs, without binding anything.
pub fn check(config: &Config) -> Result<(), StartError> {
    Setup::new(config).map(drop)
}

async fn sweep(gateway: Arc<Gateway>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        gateway.sweep();
    }
}

const SWEEP: Duration = Duration::from_secs(20);
