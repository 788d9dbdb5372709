//! The phases of a server's life.

use tokio::sync::watch;

/// What the server is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Serving,
    /// Say so to whoever asks whether we are ready, and serve on.
    Leaving,
    /// Take nothing new, finish what runs.
    Draining,
    /// Stop at once.
    Over,
}

/// Waits until the server is about to leave, or further.
pub(super) async fn until_leaving(phase: &mut watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| *phase >= Phase::Leaving).await;
}

/// Waits until the server drains, or is over.
pub(super) async fn until_draining(phase: &mut watch::Receiver<Phase>) {
    // A dropped sender ends the server as its last word would.
    let _ = phase.wait_for(|phase| *phase >= Phase::Draining).await;
}

/// Waits until the server is over.
pub(super) async fn until_over(phase: &mut watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| *phase >= Phase::Over).await;
}
