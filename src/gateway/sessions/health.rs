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
/// that nobody sets (C-103), in milliseconds after `begun`.
pub(super) struct Health {
    begun: Instant,
    /// Since when it has been away; [`THERE`] while it is not.
    away: AtomicU64,
    /// Since when no lease could be taken; [`THERE`] while one can be.
    no_lease: AtomicU64,
    /// When last none could be taken.
    lease_failed: AtomicU64,
    /// When the next call may try it.
    next: AtomicU64,
    /// When it last answered.
    answered: AtomicU64,
    /// When it was last said that it is away.
    said: AtomicU64,
    /// Whether all that ended before this process began was read.
    caught_up: AtomicBool,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            away: AtomicU64::new(THERE),
            no_lease: AtomicU64::new(THERE),
            lease_failed: AtomicU64::new(0),
            next: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            said: AtomicU64::new(0),
            caught_up: AtomicBool::new(false),
        }
    }

    /// Milliseconds since this process began; never 0.
    pub(super) fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// How long the store has been away; none while it is there.
    pub(super) fn away_for(&self) -> Option<Duration> {
        self.since(&self.away)
    }

    /// How long no lease could be taken, whatever else the store may do.
    pub(super) fn no_lease_for(&self) -> Option<Duration> {
        self.since(&self.no_lease)
    }

    /// Notes whether the store answered one who wanted a lease, which lasts for `lease`. Two
    /// failures that lie further apart have nothing to do with each other.
    pub(super) fn may_lease(&self, may: bool, lease: Duration) {
        let now = self.millis();
        let last = self.lease_failed.swap(if may { 0 } else { now }, Ordering::Relaxed);
        let apart = Duration::from_millis(now.saturating_sub(last)) > lease;
        if may || apart {
            self.no_lease.store(THERE, Ordering::Relaxed);
        }
        if !may {
            begin(&self.no_lease, now);
        }
    }

    /// Whether all that ended before this process began was read: until then, nothing is ready
    /// to be served (C-113).
    pub(super) fn is_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Relaxed)
    }

    pub(super) fn catch_up(&self) {
        self.caught_up.store(true, Ordering::Relaxed);
    }

    /// Makes a call, unless the store is away and another call is trying it.
    pub(super) async fn ask<T>(
        &self,
        metrics: &Metrics,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        if !self.may_try() {
            return Err(Fault::Away(String::from("the store is away")));
        }
        self.insist(metrics, call).await
    }

    /// Makes a call that nobody waits for, and that has to be tried: it ends something that was
    /// begun.
    pub(super) async fn insist<T>(
        &self,
        metrics: &Metrics,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let answer = call.await;
        match &answer {
            Ok(_) => self.answered(metrics),
            Err(Fault::Away(why)) => self.failed(metrics, why),
            // It is there, and others may have their way with it.
            Err(Fault::Refused(why)) => {
                metrics.store_fault();
                self.say("the store refuses a call", why);
            }
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
        self.answered.store(self.millis(), Ordering::Relaxed);
        metrics.store_is_there(true);
        if let Some(away) = self.away_for() {
            self.away.store(THERE, Ordering::Relaxed);
            tracing::info!(seconds = away.as_secs(), "the store is back");
        }
    }

    fn failed(&self, metrics: &Metrics, why: &str) {
        metrics.store_fault();
        let (now, answered) = (self.millis(), self.answered.load(Ordering::Relaxed));
        if answered > 0 && now - answered.min(now) < LATELY {
            // One node of several, or a single call: the others have their answers.
            return self.say("the store did not answer a call", why);
        }
        self.next.store(now + PROBE, Ordering::Relaxed);
        if begin(&self.away, now) {
            metrics.store_is_there(false);
            self.say("the store does not answer", why);
        }
    }

    /// One line in ten seconds is enough to know.
    fn say(&self, what: &str, why: &str) {
        let (now, said) = (self.millis(), self.said.load(Ordering::Relaxed));
        if said == 0 || now.saturating_sub(said) >= SAID_EVERY {
            self.said.store(now, Ordering::Relaxed);
            tracing::warn!(why, "{what}");
        }
    }

    fn since(&self, began: &AtomicU64) -> Option<Duration> {
        match began.load(Ordering::Relaxed) {
            THERE => None,
            since => Some(Duration::from_millis(self.millis().saturating_sub(since))),
        }
    }
}

/// Notes when something began, unless it goes on already.
fn begin(since: &AtomicU64, now: u64) -> bool {
    since.compare_exchange(THERE, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

const THERE: u64 = u64::MAX;
/// How often a store that is away is tried, in milliseconds.
const PROBE: u64 = 250;
/// A store that answered so many milliseconds ago is there, whatever one call says.
const LATELY: u64 = 500;
const SAID_EVERY: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Fault {
        Fault::Away(String::from("broken"))
    }

    async fn pass(millis: u64) {
        tokio::time::advance(Duration::from_millis(millis)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_at_a_time_tries_a_store_that_is_away() {
        let (health, metrics) = (Health::new(), Metrics::new());
        let fine = || async { Ok::<_, Fault>(()) };
        assert!(health.away_for().is_none());
        health.ask(&metrics, async { Err::<(), _>(away()) }).await.unwrap_err();
        assert!(health.ask(&metrics, fine()).await.is_err(), "told at once");
        pass(PROBE).await;
        assert_eq!(health.away_for(), Some(Duration::from_millis(PROBE)));
        assert!(health.may_try(), "the one that tries");
        assert!(!health.may_try(), "and nobody beside it");
        pass(PROBE).await;
        health.ask(&metrics, fine()).await.unwrap();
        assert!(health.away_for().is_none());
        health.ask(&metrics, fine()).await.unwrap();
        assert!(metrics.text().contains("askara_gate_store_faults_total 1"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_node_that_is_away_or_one_refusal_does_not_keep_the_others_from_it() {
        let (health, metrics) = (Health::new(), Metrics::new());
        let refused = || Fault::Refused(String::from("OOM"));
        for _ in 0..100 {
            health.ask(&metrics, async { Err::<(), _>(refused()) }).await.unwrap_err();
            health.ask(&metrics, async { Ok::<_, Fault>(()) }).await.unwrap();
            pass(LATELY - 1).await;
            health.ask(&metrics, async { Err::<(), _>(away()) }).await.unwrap_err();
            assert!(health.away_for().is_none());
        }
        pass(1).await;
        health.ask(&metrics, async { Err::<(), _>(away()) }).await.unwrap_err();
        assert!(health.away_for().is_some(), "nobody has had an answer lately");
    }

    #[tokio::test(start_paused = true)]
    async fn that_no_lease_can_be_taken_counts_from_the_first_and_whatever_else_goes_well() {
        let (health, metrics) = (Health::new(), Metrics::new());
        let lease = Duration::from_secs(5);
        health.may_lease(false, lease);
        pass(6000).await;
        health.may_lease(false, lease);
        pass(1000).await;
        health.may_lease(false, lease);
        health.ask(&metrics, async { Ok::<_, Fault>(()) }).await.unwrap();
        assert_eq!(health.no_lease_for(), Some(Duration::from_secs(1)));
        health.may_lease(true, lease);
        assert_eq!(health.no_lease_for(), None);
    }
}
