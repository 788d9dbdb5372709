//! The door of a worker: who comes in, how many at once, and how each is served.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::connection::Protocol;
use super::listener::{Accepted, Acceptor, prepare};
use super::phase::{Phase, until_draining};
use crate::auth::trust::Peer;
use crate::gateway::{Gateway, Worker};

/// What an accepted connection needs. One for each listener: a connection holds no more of it
/// than a reference.
pub(super) struct Door {
    pub(super) worker: Arc<Worker>,
    pub(super) gateway: Arc<Gateway>,
    pub(super) protocol: Protocol,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) handshake: Duration,
    pub(super) connections: TaskTracker,
    pub(super) permits: Arc<Semaphore>,
    pub(super) phase: watch::Receiver<Phase>,
}

/// The place of one connection among those that may be open at once. It stays with the socket,
/// whatever is spoken on it: a tunnel is a connection as well.
pub(super) struct Place {
    gateway: Arc<Gateway>,
    _permit: OwnedSemaphorePermit,
}

/// Lets connections in until the server drains.
pub(super) async fn accept(acceptor: Acceptor, door: Arc<Door>) {
    let mut phase = door.phase.clone();
    let mut pause = FIRST_PAUSE;
    let mut in_hand = None;
    loop {
        let accepted = tokio::select! {
            accepted = acceptor.accept() => accepted,
            () = until_draining(&mut phase) => break,
        };
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors or memory: others have to finish first (C-79).
                tracing::warn!(%error, "can't accept a connection");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        pause = FIRST_PAUSE;
        // Beyond the limit one connection waits here for its place, and the kernel keeps the
        // others. A place that were taken first would be one less for every idle listener.
        let permit = tokio::select! {
            biased;
            permit = Arc::clone(&door.permits).acquire_owned() => permit.ok(),
            () = until_draining(&mut phase) => None,
        };
        match permit {
            Some(permit) => door.open(accepted, permit),
            None => {
                in_hand = Some(accepted);
                break;
            }
        }
    }
    // What was accepted before the socket closes, by us or by the kernel, is ours to answer.
    for accepted in in_hand.into_iter().chain(acceptor.empty()) {
        match Arc::clone(&door.permits).try_acquire_owned() {
            Ok(permit) => door.open(accepted, permit),
            Err(_) => break,
        }
    }
}

impl Door {
    // Each kind of transport has a task of its own: one for all would be as large as the largest.
    fn open(self: &Arc<Self>, accepted: Accepted, permit: OwnedSemaphorePermit) {
        let door = Arc::clone(self);
        let place = Place::new(Arc::clone(&self.gateway), permit);
        match accepted {
            Accepted::Unix(stream) => drop(self.connections.spawn(async move {
                door.protocol.serve(stream, Peer::Unix, place, &door).await;
            })),
            Accepted::Tcp(stream, address) => {
                prepare(&stream);
                let peer = Peer::at(address.ip());
                if self.tls.is_some() {
                    self.connections.spawn(door.secured(stream, peer, place));
                } else {
                    self.connections.spawn(async move {
                        door.protocol.serve(stream, peer, place, &door).await;
                    });
                }
            }
        }
    }

    async fn secured(self: Arc<Self>, stream: TcpStream, peer: Peer, place: Place) {
        let Some(tls) = &self.tls else { return };
        match tokio::time::timeout(self.handshake, tls.accept(stream)).await {
            // Large, and moved more than once: a box is smaller than the copies.
            Ok(Ok(stream)) => self.protocol.serve(Box::new(stream), peer, place, &self).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }
}

impl Place {
    fn new(gateway: Arc<Gateway>, permit: OwnedSemaphorePermit) -> Self {
        gateway.metrics.connections.inc();
        Self { gateway, _permit: permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gateway.metrics.connections.dec();
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
