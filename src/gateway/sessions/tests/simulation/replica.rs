//! A replica: its machine with a clock, and the processes that run there one after another.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{sleep, timeout};

use super::mutants::Mutant;
use super::provider::{Grant, Said, parse};
use super::schedule::{Schedule, Trouble};
use super::store::Link;
use super::truth::{Fate, Spend};
use super::{Sim, lock, sealer};
use crate::auth::Timestamp;
use crate::auth::identity::Identity;
use crate::auth::provider::ProviderIndex;
use crate::auth::refresh::{Breaker, RefreshPolicy, Verdict};
use crate::auth::session::{Lifetimes, Session};
use crate::auth::tokens::Tokens;
use crate::gateway::sessions::{
    Failed, Identified, Ledger, OpenSession, OpenedCache, Place, Sessions, World, hear,
};
use crate::secret::Secret;
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
    sim: Arc<Sim>,
    sessions: Sessions,
    breaker: Mutex<Breaker>,
    alive: AtomicBool,
    tasks: Mutex<Vec<AbortHandle>>,
    /// Tasks that nobody's going away cancels.
    running: AtomicUsize,
    /// Since when it hears of ends, one stretch after another.
    heard: Mutex<Vec<(u64, Option<u64>)>>,
}

/// One of its threads.
pub(super) struct Worker {
    pub(super) sim: Arc<Sim>,
    pub(super) process: Arc<Process>,
    ledger: Option<Ledger>,
    opened: Mutex<OpenedCache>,
}

/// Counts a task for as long as it is there, however it ends.
struct Counted(Arc<Process>);

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

    /// A call of the provider, on its own way whoever made it.
    async fn call_provider(
        self: Arc<Self>,
        index: usize,
        spend: usize,
        token: String,
        answer: oneshot::Sender<Result<Grant, (bool, Failed)>>,
    ) {
        let passing = |why: &str| (true, Failed { verdict: Verdict::Passing, why: why.to_owned() });
        let limit = u64::try_from(self.schedule.times.limit.as_millis()).unwrap_or_default();
        let fails = self.happens(|chances| chances.provider_fails);
        let slow = self.happens(|chances| chances.provider_slow);
        let (mut to, back, trouble) = {
            let mut dice = self.dice();
            let kinds = [Trouble::Refused, Trouble::Status, Trouble::Hangs, Trouble::AnswerLost];
            let trouble = fails.then(|| kinds[dice.index(kinds.len())]);
            (dice.between(1, 60), dice.between(1, 60), trouble)
        };
        if slow {
            let mut dice = self.dice();
            to += if dice.percent(40) {
                dice.between(limit.saturating_sub(150), limit + 30)
            } else {
                dice.between(100, limit * 5 / 4)
            };
        }
        sleep(Duration::from_millis(to)).await;
        let trouble = trouble.or(self.provider().trouble);
        self.tell(|| format!("provider: {token} comes, {trouble:?}"));
        match trouble {
            Some(Trouble::Refused) => return drop(answer.send(Err(passing("refused")))),
            Some(Trouble::Status) => return drop(answer.send(Err(passing("503")))),
            Some(Trouble::Hangs) => return std::future::pending().await,
            Some(Trouble::AnswerLost) | None => {}
        }
        let length = self.token_length();
        let Schedule { provider: kind, times, .. } = &self.schedule;
        let said = self.provider().refresh(&token, self.millis(), *kind, times, length);
        self.tell(|| format!("provider: {token} {}", told(&said)));
        self.truth().taken(index, spend, self.millis(), matches!(said, Said::Granted(_)));
        sleep(Duration::from_millis(back)).await;
        let said = match said {
            Said::Granted(grant) => Ok(grant),
            Said::Refused { .. } => {
                let why = String::from("invalid_grant");
                Err((false, Failed { verdict: Verdict::Definitive, why }))
            }
        };
        if trouble.is_some() || answer.send(said).is_err() {
            self.truth().lost(index, spend);
        }
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

    async fn ask(
        self: &Arc<Self>,
        open: &OpenSession,
        token: String,
    ) -> Result<Grant, (bool, Failed)> {
        let sim = &self.sim;
        let passing = |why: &str| (true, Failed { verdict: Verdict::Passing, why: why.to_owned() });
        let Some((index, spend)) = sim.note_spend(self, open, &token) else {
            return Err(passing("nobody knows this session"));
        };
        let (answer, coming) = oneshot::channel();
        tokio::spawn(Arc::clone(sim).call_provider(index, spend, token, answer));
        let limit = match sim.schedule.mutant {
            Some(Mutant::NoLimit) => Duration::from_secs(100_000),
            _ => sim.schedule.times.limit,
        };
        let answer = match timeout(limit, coming).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(passing("the connection broke")),
            Err(_) => Err(passing("no answer in time")),
        };
        let dies = sim.replicas()[self.replica].dies_at_answer.filter(|_| answer.is_ok());
        if let Some(back) = dies.filter(|_| self.alive.load(Ordering::Relaxed)) {
            sim.replicas()[self.replica].dies_at_answer = None;
            sim.crash_for(self.replica, back);
            std::future::pending::<()>().await;
        }
        match &answer {
            Ok(_) => sim.truth().came(index, spend, sim.millis()),
            Err(_) => sim.truth().lost(index, spend),
        }
        answer
    }
}

impl Sim {
    fn note_spend(
        &self,
        process: &Process,
        open: &OpenSession,
        token: &str,
    ) -> Option<(usize, usize)> {
        let away = process.sessions.health.no_lease_for();
        let mut truth = self.truth();
        let index = truth.index_of(&open.session)?;
        let (id, generation) = (open.session.id, open.session.generation);
        self.tell(|| format!("{process} spends {token} of {id:?} generation {generation}"));
        let spends = &mut truth.facts[index].spends;
        spends.push(Spend {
            process: process.number,
            generation,
            token: token.to_owned(),
            begun: self.millis(),
            alone: self.schedule.place == Place::Coordinated
                && away.is_some_and(|away| {
                    away >= self.schedule.times.grace.min(process.sessions.lease)
                }),
            taken: None,
            fate: Fate::OnItsWay,
            given_up: false,
        });
        Some((index, spends.len() - 1))
    }
}

impl Worker {
    fn new(sim: &Arc<Sim>, process: &Arc<Process>) -> Arc<Self> {
        let link = || Link { sim: Arc::clone(sim), process: Arc::clone(process) };
        let ring = &process.sessions.sealer.ring;
        let ledger = (sim.schedule.place != Place::Cookie)
            .then(|| Ledger::new(Arc::new(link()), Arc::clone(ring)));
        let (sim, process) = (Arc::clone(sim), Arc::clone(process));
        Arc::new(Self { sim, process, ledger, opened: Mutex::default() })
    }
}

impl World for Worker {
    /// Whether the answer is about somebody else.
    type Brought = bool;

    fn sessions(&self) -> &Sessions {
        &self.process.sessions
    }

    fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    fn cache(&self) -> MutexGuard<'_, OpenedCache> {
        lock(&self.opened)
    }

    fn now(&self) -> Timestamp {
        self.sim.clock(self.sim.ahead(self.process.replica))
    }

    fn jitter(&self) -> u8 {
        self.sim.dice().draw().to_le_bytes()[0]
    }

    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let counted = Counted::new(&self.process);
        self.process.spawn(async move {
            let _counted = counted;
            task.await;
        });
    }

    async fn spend(self: &Arc<Self>, open: &OpenSession) -> Result<(Session, bool), Failed> {
        let passing = |why: &str| Failed { verdict: Verdict::Passing, why: why.to_owned() };
        let Some(refresh) = &open.session.tokens.refresh else {
            return Err(passing("there is no refresh token"));
        };
        let breaker = || lock(&self.process.breaker);
        let standing = self.sessions().refresh.standing(&open.session.tokens, self.now());
        if breaker().admit(self.now(), standing).is_err() {
            return Err(passing("the provider has not answered lately"));
        }
        let spent = self.process.ask(open, refresh.expose().clone()).await;
        match &spent {
            Err((true, _)) => breaker().failed(self.now()),
            _ => breaker().answered(),
        }
        let grant = spent.map_err(|(_, mut failed)| {
            if self.sim.schedule.mutant == Some(Mutant::FailureIsFinal) {
                failed.verdict = Verdict::Definitive;
            }
            failed
        })?;
        let tokens = tokens(&grant, self.now());
        Ok((open.session.renewed(tokens, self.now()), grant.mistaken))
    }

    async fn identify(
        self: &Arc<Self>,
        before: &OpenSession,
        session: &Session,
        mistaken: &bool,
    ) -> Identified {
        let sim = &self.sim;
        if *mistaken {
            let mut truth = sim.truth();
            if let Some(index) = truth.index_of(&before.session) {
                truth.facts[index].over.get_or_insert("it was about somebody else");
            }
            return Identified::Gone("it is about somebody else");
        }
        if !sim.schedule.tells {
            return Identified::Same(None);
        }
        let asked = sim.dice().millis(1, 300);
        sleep(asked).await;
        let name = Some(format!("name {}", session.generation));
        let identity = Identity { name, ..session.identity.clone() };
        Identified::Same(session.told(identity, None, self.now()).map(Box::new))
    }

    fn take_back(self: &Arc<Self>, _: ProviderIndex, session: &Session) {
        let Some(refresh) = &session.tokens.refresh else { return };
        let (sim, family) = (Arc::clone(&self.sim), parse(refresh.expose()).0);
        self.run(async move {
            sleep(Duration::from_millis(20)).await;
            sim.provider().revoke(family);
        });
    }
}

impl Counted {
    fn new(process: &Arc<Process>) -> Self {
        process.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(process))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.sim.notice_panic();
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replica {} process {}", self.replica, self.number)
    }
}

/// The tokens of a grant that came now.
pub(super) fn tokens(grant: &Grant, now: Timestamp) -> Tokens {
    Tokens {
        access: Secret::new(grant.access.clone()),
        refresh: grant.refresh.clone().map(Secret::new),
        issued: now,
        expires: now.plus(grant.expires_in),
    }
}

fn told(said: &Said) -> String {
    match said {
        Said::Granted(grant) => format!("brings {:?}", grant.refresh),
        Said::Refused { revoked } => format!("is refused (all revoked: {revoked})"),
    }
}

pub(super) const PROVIDER: &str = "askara";
/// How long a process that is to stop may finish what it has begun, in milliseconds.
const DRAIN: u64 = 30_000;
const DRAIN_STEP: u64 = 100;
