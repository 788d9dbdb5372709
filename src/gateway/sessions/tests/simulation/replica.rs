//! A replica: its machine with a clock, and the processes that run there one after another.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::sleep;

use super::call::PROVIDER;
use super::mutants::Mutant;
use super::worker::Worker;
use super::{Sim, lock, sealer};
use crate::auth::refresh::{Breaker, RefreshPolicy};
use crate::auth::session::Lifetimes;
use crate::gateway::sessions::{Sessions, hear};
use crate::telemetry::Metrics;

/// A machine.
pub(super) struct Replica {
    /// How far its clock is ahead, in milliseconds.
    pub(super) ahead: i64,
    /// The keys that its next process gets.
    pub(super) keys: Vec<u8>,
    pub(super) running: Option<Running>,
    /// It dies at the provider's next answer, and is back after so many milliseconds.
    pub(super) dies_at_answer: Option<u64>,
}

/// What runs there now.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) process: Arc<Process>,
    pub(super) workers: Vec<Arc<Worker>>,
}

/// What the threads of a process share.
pub(super) struct Process {
    pub(super) number: usize,
    pub(super) replica: usize,
    pub(super) keys: Vec<u8>,
    pub(super) sim: Arc<Sim>,
    pub(super) sessions: Sessions,
    pub(super) breaker: Mutex<Breaker>,
    pub(super) alive: AtomicBool,
    tasks: Mutex<Vec<AbortHandle>>,
    /// Tasks that nobody's going away cancels.
    pub(super) running: AtomicUsize,
    /// Since when it hears of ends, one stretch after another.
    heard: Mutex<Vec<(u64, Option<u64>)>>,
}

impl Replica {
    pub(super) fn new() -> Self {
        Self { ahead: 0, keys: vec![1], running: None, dies_at_answer: None }
    }
}

impl Sim {
    /// Starts a process, unless one runs there.
    pub(super) fn start(self: &Arc<Self>, replica: usize) {
        if self.replicas()[replica].running.is_some() {
            return;
        }
        let keys = self.replicas()[replica].keys.clone();
        let process = Process::new(self, replica, keys);
        self.tell(|| format!("{process} starts with keys {:?}", process.keys));
        let workers: Vec<Arc<Worker>> =
            (0..self.schedule.workers).map(|_| Worker::new(self, &process)).collect();
        let worker = Arc::clone(&workers[0]);
        if worker.ledger.is_some() {
            process.spawn(async move {
                let Some(ledger) = &worker.ledger else { return };
                hear(&worker.process.sessions, ledger).await;
            });
        }
        self.replicas()[replica].running = Some(Running { process, workers });
    }

    /// Nobody says goodbye: what this process knew is gone.
    pub(super) fn crash(&self, replica: usize) {
        let running = self.replicas()[replica].running.take();
        if let Some(Running { process, .. }) = running {
            self.tell(|| format!("{process} dies"));
            process.die();
        }
    }

    /// A new process takes over; the old one finishes what it has begun.
    pub(super) fn restart(self: &Arc<Self>, replica: usize) {
        let Some(old) = self.replicas()[replica].running.take() else { return };
        self.start(replica);
        let sim = Arc::clone(self);
        tokio::spawn(async move {
            for _ in 0..DRAIN / DRAIN_STEP {
                if old.process.running() == 0 {
                    break;
                }
                sleep(Duration::from_millis(DRAIN_STEP)).await;
            }
            sim.tell(|| format!("{} has stopped", old.process));
            old.process.die();
        });
    }

    pub(super) fn running(&self, replica: usize) -> Option<Running> {
        self.replicas()[replica].running.clone()
    }

    pub(super) fn ahead(&self, replica: usize) -> i64 {
        self.replicas()[replica].ahead
    }
}

impl Process {
    fn new(sim: &Arc<Sim>, replica: usize, keys: Vec<u8>) -> Arc<Self> {
        let schedule = &sim.schedule;
        let times = &schedule.times;
        let short = schedule.mutant == Some(Mutant::ShortLease);
        let forgets = schedule.mutant == Some(Mutant::NoSuccessor);
        let lease = if short { Duration::from_millis(300) } else { schedule.lease() };
        let keep_at_most = if forgets { Duration::ZERO } else { times.keep_at_most };
        let sessions = Sessions::new(
            schedule.place,
            sealer(&keys),
            Lifetimes { idle: times.idle, absolute: times.absolute },
            RefreshPolicy { at: times.refresh_at, keep_at_most },
            times.grace,
            Duration::ZERO,
            lease,
            vec![PROVIDER.to_owned()],
            Arc::new(Metrics::new()),
        );
        Arc::new(Self {
            number: sim.processes.fetch_add(1, Ordering::Relaxed),
            replica,
            keys,
            sim: Arc::clone(sim),
            sessions,
            breaker: Mutex::default(),
            alive: AtomicBool::new(true),
            tasks: Mutex::default(),
            running: AtomicUsize::new(0),
            heard: Mutex::default(),
        })
    }

    /// Runs a task that dies with the process.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let handle = tokio::spawn(task);
        if self.alive.load(Ordering::Relaxed) {
            lock(&self.tasks).push(handle.abort_handle());
        } else {
            handle.abort();
        }
        handle
    }

    /// How many tasks have not been finished.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    fn die(&self) {
        if self.alive.swap(false, Ordering::Relaxed) {
            lock(&self.tasks).drain(..).for_each(|task| task.abort());
            self.hears(false);
            self.sim.truth().died(self.number);
        }
    }

    /// Notes whether it hears of ends now.
    pub(super) fn hears(&self, hears: bool) {
        let now = self.sim.millis();
        let mut heard = lock(&self.heard);
        match heard.last_mut() {
            Some((_, until @ None)) if !hears => *until = Some(now),
            Some((_, None)) => {}
            _ if hears => heard.push((now, None)),
            _ => {}
        }
    }

    /// The stretches of time in which it heard of ends.
    pub(super) fn heard(&self) -> Vec<(u64, u64)> {
        let now = self.sim.millis();
        lock(&self.heard).iter().map(|(from, until)| (*from, until.unwrap_or(now))).collect()
    }

    pub(super) fn is_hearing(&self) -> bool {
        lock(&self.heard).last().is_some_and(|(_, until)| until.is_none())
    }

    pub(super) fn sweep(&self) {
        self.sessions.registry.sweep(self.sim.clock(self.sim.ahead(self.replica)));
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replica {} process {}", self.replica, self.number)
    }
}

/// How long a process that is to stop may finish what it has begun, in milliseconds.
const DRAIN: u64 = 30_000;
const DRAIN_STEP: u64 = 100;
