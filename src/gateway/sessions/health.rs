//! How the store is doing, and what that means for those who would ask it.
//!
//! A store that does not answer must cost nobody more than the first call's time limit (C-114):
//! while it is away one call at a time tries it, and everybody else is told at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::Fault;
use crate::telemetry::Metrics;

/// What is known of the store's health, shared by all workers. Its times are those of a clock
/// that nobody sets (C-103).
pub(super) struct Health {
    begun: Instant,
    /// Since when it has been away, in milliseconds after `begun`; [`THERE`] while it is not.
    away: AtomicU64,
    /// When the next call may try it.
    next: AtomicU64,
    /// Whether it ever answered.
    reached: AtomicBool,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            away: AtomicU64::new(THERE),
            next: AtomicU64::new(0),
            reached: AtomicBool::new(false),
        }
    }

    /// Milliseconds since this process began.
    pub(super) fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// How long the store has been away; none while it is there.
    pub(super) fn away_for(&self) -> Option<Duration> {
        match self.away.load(Ordering::Relaxed) {
            THERE => None,
            since => Some(Duration::from_millis(self.millis().saturating_sub(since))),
        }
    }

    /// Whether the store ever answered: until then, nothing is ready to be served (C-113).
    pub(super) fn was_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// Makes a call, unless the store is away and another call is trying it.
    pub(super) async fn ask<T>(
        &self,
        metrics: &Metrics,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        if !self.may_try() {
            return Err(Fault(String::from("the store is away")));
        }
        let answer = call.await;
        match &answer {
            Ok(_) => self.answered(metrics),
            Err(fault) => self.failed(metrics, fault),
        }
        answer
    }

    fn may_try(&self) -> bool {
        if self.away.load(Ordering::Relaxed) == THERE {
            return true;
        }
        let (now, next) = (self.millis(), self.next.load(Ordering::Relaxed));
        let then = now + PROBE;
        now >= next
            && self.next.compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn answered(&self, metrics: &Metrics) {
        self.reached.store(true, Ordering::Relaxed);
        if let Some(away) = self.away_for() {
            self.away.store(THERE, Ordering::Relaxed);
            tracing::info!(seconds = away.as_secs(), "the store is back");
        }
        metrics.store_is_there(true);
    }

    fn failed(&self, metrics: &Metrics, fault: &Fault) {
        metrics.store_fault();
        let now = self.millis();
        self.next.store(now + PROBE, Ordering::Relaxed);
        let first =
            self.away.compare_exchange(THERE, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if first {
            metrics.store_is_there(false);
            tracing::warn!(why = fault.0, "the store does not answer");
        }
    }
}

const THERE: u64 = u64::MAX;
/// How often a store that is away is tried, in milliseconds.
const PROBE: u64 = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_call_at_a_time_tries_a_store_that_is_away() {
        let (health, metrics) = (Health::new(), Metrics::new());
        let fault = || async { Err::<(), _>(Fault(String::from("broken"))) };
        let fine = || async { Ok::<_, Fault>(()) };
        assert!(health.away_for().is_none() && !health.was_reached());
        health.ask(&metrics, fault()).await.unwrap_err();
        assert_eq!(health.ask(&metrics, fine()).await, Err(Fault("the store is away".into())));
        tokio::time::advance(Duration::from_millis(PROBE)).await;
        assert_eq!(health.away_for(), Some(Duration::from_millis(PROBE)));
        assert!(health.may_try(), "the one that tries");
        assert!(!health.may_try(), "and nobody beside it");
        tokio::time::advance(Duration::from_millis(PROBE)).await;
        health.ask(&metrics, fine()).await.unwrap();
        assert!(health.away_for().is_none() && health.was_reached());
        health.ask(&metrics, fine()).await.unwrap();
        assert!(metrics.text().contains("askara_gate_store_faults_total 1"));
    }
}
