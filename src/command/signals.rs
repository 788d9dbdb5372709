//! Signals: the first asks for an orderly end, the next for a faster one.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::server::Phase;

/// Turns SIGTERM and SIGINT into phases. After SIGTERM, requests are taken for `delay` more; SIGINT
/// comes from a person who waits for the end, and so does a second signal.
pub(super) fn phases(delay: Duration) -> io::Result<watch::Receiver<Phase>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, receiver) = watch::channel(Phase::Serving);
    tokio::spawn(async move {
        // Nobody listens any more when the server is done before the last signal.
        let told = |phase| {
            let _ = sender.send(phase);
        };
        tokio::select! {
            _ = terminate.recv() => {
                told(Phase::Leaving);
                if !delay.is_zero() {
                    tracing::info!(seconds = delay.as_secs(), "leaving: not ready any more");
                }
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            _ = interrupt.recv() => {}
        }
        told(Phase::Draining);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told(Phase::Over);
        // Kept: a dropped sender means the end.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

/// SIGHUP, which asks for secrets to be read again; none in a terminal, where it means that the
/// terminal is gone and ends the process.
pub(super) fn hangups() -> io::Result<Option<Signal>> {
    match io::stdin().is_terminal() {
        true => Ok(None),
        false => signal(SignalKind::hangup()).map(Some),
    }
}
