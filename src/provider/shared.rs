//! One value that many wait for and one fetches.
//!
//! Whoever finds that it has to be fetched does so; whoever comes meanwhile waits for that very
//! attempt and takes what it brings, good or bad. All of them are woken at once: they don't queue.
//! An attempt that is dropped half-way, because its visitor went, leaves nothing locked: the next
//! of those who wait makes a new one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::directory::NotLearnt;
use crate::auth::Timestamp;

/// A value that is fetched by one at a time, whatever thread they are on.
#[derive(Debug)]
pub(super) struct Shared<T>(Mutex<Memory<T>>);

/// What came of the attempts so far.
#[derive(Debug)]
pub(super) struct Memory<T> {
    pub(super) value: Option<Arc<T>>,
    /// When the last attempt began.
    pub(super) tried: Option<Timestamp>,
    /// When the attempt began that brought the value.
    pub(super) fetched: Option<Timestamp>,
    /// Why the last attempt that ended brought nothing.
    pub(super) failed: Option<NotLearnt>,
    attempt: Option<Attempt<T>>,
}

/// What an attempt brings.
pub(super) type Outcome<T> = Result<Arc<T>, NotLearnt>;

/// Hears of the outcome. When its sender is gone before there is one, the attempt was dropped.
type Attempt<T> = watch::Receiver<Option<Outcome<T>>>;

enum Part<T> {
    Fetch(watch::Sender<Option<Outcome<T>>>),
    Wait(Attempt<T>),
}

impl<T> Shared<T> {
    /// A value that is known without fetching, or none yet.
    pub(super) fn new(value: Option<Arc<T>>) -> Self {
        let memory = Memory { value, tried: None, fetched: None, failed: None, attempt: None };
        Self(Mutex::new(memory))
    }

    /// What is known now.
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives what `settled` finds in memory; where it finds nothing, what the attempt under way
    /// brings, or else what `fetch` does. `fetch` is not begun unless it is needed.
    pub(super) async fn get(
        &self,
        now: Timestamp,
        settled: impl Fn(&Memory<T>) -> Option<Outcome<T>>,
        fetch: impl Future<Output = Result<T, NotLearnt>>,
    ) -> Outcome<T> {
        let report = loop {
            let part = {
                let mut memory = self.memory();
                if let Some(outcome) = settled(&memory) {
                    return outcome;
                }
                memory.part(now)
            };
            match part {
                Part::Fetch(report) => break report,
                Part::Wait(mut attempt) => {
                    if let Ok(outcome) = attempt.wait_for(Option::is_some).await
                        && let Some(outcome) = outcome.clone()
                    {
                        return outcome;
                    }
                }
            }
        };
        let outcome = fetch.await.map(Arc::new);
        self.memory().keep(&outcome, now);
        // Nobody may be waiting.
        report.send_replace(Some(outcome.clone()));
        outcome
    }
}

impl<T> Memory<T> {
    /// Whether somebody is fetching right now.
    pub(super) fn is_fetching(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.has_changed().is_ok())
    }

    fn part(&mut self, now: Timestamp) -> Part<T> {
        match &self.attempt {
            Some(attempt) if self.is_fetching() => Part::Wait(attempt.clone()),
            _ => {
                let (report, attempt) = watch::channel(None);
                self.attempt = Some(attempt);
                self.tried = Some(now);
                Part::Fetch(report)
            }
        }
    }

    fn keep(&mut self, outcome: &Outcome<T>, now: Timestamp) {
        self.attempt = None;
        match outcome {
            Ok(value) => {
                self.value = Some(Arc::clone(value));
                self.fetched = Some(now);
                self.failed = None;
            }
            Err(failure) => self.failed = Some(failure.clone()),
        }
    }
}
