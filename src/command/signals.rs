//! Signals: the first asks for an orderly end, the second for an immediate one.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::server::Phase;

/// Turns SIGTERM and SIGINT into phases.
pub(super) fn phases() -> io::Result<watch::Receiver<Phase>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, receiver) = watch::channel(Phase::Serving);
    tokio::spawn(async move {
        for phase in [Phase::Draining, Phase::Over] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // Nobody listens any more when the server is done before the second signal.
            let _ = sender.send(phase);
        }
        // Kept: a dropped sender means the end.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}
