//! One worker: a thread with its own runtime, listeners, upstream connections and cache.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::connection::Protocol;
use super::listener::{Bound, Listening, prepare};
use super::phase::{Phase, until_draining, until_over};
use super::{Drained, StartError, tls};
use crate::auth::trust::Peer;
use crate::config::{self, Config, Limits, UpstreamAddress};
use crate::gateway::{Gateway, Worker};
use crate::provider::Client;
use crate::tls::{Roots, client_config};
use crate::upstream::{Target, Times, TlsTarget, Upstream};

/// What every worker is made of.
pub(super) struct Setup {
    pub(super) workers: usize,
    pub(super) limits: Limits,
    targets: Vec<Target>,
    provider_ca_file: Option<std::path::PathBuf>,
    acceptor: Option<TlsAcceptor>,
}

enum Accepted {
    Tcp(TcpStream, std::net::SocketAddr),
    Unix(UnixStream),
}

enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What an accepted connection needs.
#[derive(Clone)]
struct Door {
    worker: Arc<Worker>,
    gateway: Arc<Gateway>,
    protocol: Protocol,
    tls: Option<TlsAcceptor>,
    handshake: Duration,
    connections: TaskTracker,
    permits: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
}

impl Setup {
    /// Reads every file that the configuration names.
    pub(super) fn new(config: &Config) -> Result<Self, StartError> {
        let targets: Result<Vec<Target>, StartError> =
            config.upstreams.iter().map(target).collect();
        if let Some(path) = &config.provider_ca_file {
            crate::tls::certificates(path)?;
        }
        Ok(Self {
            workers: config.workers,
            limits: config.limits.clone(),
            targets: targets?,
            provider_ca_file: config.provider_ca_file.clone(),
            acceptor: tls::acceptor(&config.tls)?,
        })
    }
}

/// Runs a worker to its end.
pub(super) fn run(
    gateway: &Arc<Gateway>,
    setup: &Arc<Setup>,
    bound: Vec<Bound>,
    permits: &Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
) -> Drained {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(gateway, setup, bound, permits, phase)),
        Err(error) => {
            tracing::error!(%error, "a worker can't be started");
            Drained::CutShort
        }
    }
}

async fn serve(
    gateway: &Arc<Gateway>,
    setup: &Arc<Setup>,
    bound: Vec<Bound>,
    permits: &Arc<Semaphore>,
    mut phase: watch::Receiver<Phase>,
) -> Drained {
    let limits = &setup.limits;
    let (tasks, tunnels) = (TaskTracker::new(), TaskTracker::new());
    let times = Times {
        connect: limits.connect,
        response_head: limits.response_head,
        body_idle: limits.body_idle,
        stream_idle: limits.stream_idle,
    };
    let upstreams =
        setup.targets.iter().map(|target| Upstream::new(target.clone(), times, tunnels.clone()));
    let provider = Client::new(setup.provider_ca_file.clone(), limits.provider);
    let worker = Worker::new(Arc::clone(gateway), upstreams.collect(), provider, tasks.clone());
    let connections = TaskTracker::new();
    for bound in bound {
        let door = Door {
            worker: Arc::clone(&worker),
            gateway: Arc::clone(gateway),
            protocol: Protocol::new(limits),
            tls: setup.acceptor.clone().filter(|_| bound.tls),
            handshake: limits.handshake,
            connections: connections.clone(),
            permits: Arc::clone(permits),
            phase: phase.clone(),
        };
        match Acceptor::new(bound.socket) {
            // Tracked: draining has to wait until it has emptied its queue.
            Ok(acceptor) => drop(connections.spawn(accept(acceptor, door))),
            Err(error) => tracing::error!(%error, "a listener can't be used"),
        }
    }
    until_draining(&mut phase).await;
    connections.close();
    tasks.close();
    let done = async {
        connections.wait().await;
        // Refreshes and code exchanges were begun for requests that are over by now.
        tasks.wait().await;
    };
    tokio::select! {
        () = done => Drained::Clean,
        () = tokio::time::sleep(limits.drain) => Drained::CutShort,
        () = until_over(&mut phase) => Drained::CutShort,
    }
}

async fn accept(acceptor: Acceptor, mut door: Door) {
    let mut phase = door.phase.clone();
    let mut pause = FIRST_PAUSE;
    loop {
        // A place is taken before a connection is: beyond the limit, the kernel keeps them.
        let permit = tokio::select! {
            permit = Arc::clone(&door.permits).acquire_owned() => permit.ok(),
            () = until_draining(&mut phase) => None,
        };
        let Some(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = acceptor.accept() => accepted,
            () = until_draining(&mut phase) => break,
        };
        match accepted {
            Ok(accepted) => {
                pause = FIRST_PAUSE;
                door.open(accepted, permit);
            }
            Err(error) => {
                // Out of descriptors or memory: others have to finish first (C-79).
                tracing::warn!(%error, "can't accept a connection");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    // What the kernel accepted before the socket closes is ours to answer.
    while let Some(Ok(accepted)) = acceptor.accept_now() {
        match Arc::clone(&door.permits).try_acquire_owned() {
            Ok(permit) => door.open(accepted, permit),
            Err(_) => break,
        }
    }
}

impl Door {
    fn open(&mut self, accepted: Accepted, permit: OwnedSemaphorePermit) {
        let door = self.clone();
        self.connections.spawn(async move {
            door.gateway.metrics.connections.inc();
            door.serve(accepted).await;
            door.gateway.metrics.connections.dec();
            drop(permit);
        });
    }

    async fn serve(&self, accepted: Accepted) {
        let (worker, phase) = (Arc::clone(&self.worker), self.phase.clone());
        match accepted {
            Accepted::Unix(stream) => {
                self.protocol.serve(stream, Peer::Unix, worker, phase).await;
            }
            Accepted::Tcp(stream, address) => {
                prepare(&stream);
                let peer = Peer::at(address.ip());
                let Some(tls) = &self.tls else {
                    return self.protocol.serve(stream, peer, worker, phase).await;
                };
                match tokio::time::timeout(self.handshake, tls.accept(stream)).await {
                    Ok(Ok(stream)) => self.protocol.serve(stream, peer, worker, phase).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            }
        }
    }
}

impl Acceptor {
    fn new(socket: Listening) -> io::Result<Self> {
        Ok(match socket {
            Listening::Tcp(socket) => Self::Tcp(TcpListener::from_std(socket)?),
            Listening::Unix(socket) => Self::Unix(UnixListener::from_std(socket)?),
        })
    }

    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(socket) => {
                socket.accept().await.map(|(stream, peer)| Accepted::Tcp(stream, peer))
            }
            Self::Unix(socket) => socket.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    /// A connection that waits already; none when there is none.
    fn accept_now(&self) -> Option<io::Result<Accepted>> {
        use futures_util::FutureExt as _;
        self.accept().now_or_never()
    }
}

fn target(upstream: &config::Upstream) -> Result<Target, StartError> {
    let address = |host: &crate::auth::host::Host, port: u16| {
        format!("{}:{}", host.name(), host.port().unwrap_or(port))
    };
    match &upstream.address {
        UpstreamAddress::Http(host) => Ok(Target::Tcp(address(host, 80))),
        UpstreamAddress::Unix(path) => Ok(Target::Unix(path.clone())),
        UpstreamAddress::Https(host) => {
            let roots = match (&upstream.ca_file, upstream.insecure) {
                (_, true) => Roots::Anybody,
                (Some(path), false) => Roots::File(path),
                (None, false) => Roots::System,
            };
            let name = upstream.server_name.as_deref().unwrap_or(host.name());
            let name = name.trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(name.clone()).map_err(|_| {
                StartError::Config(format!("route.upstream_tls.server_name: {name:?} is no name"))
            })?;
            let config = Arc::new(client_config(&roots)?);
            Ok(Target::Tls(TlsTarget { address: address(host, 443), name, config }))
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
