//! One thread of a process: what keeping sessions needs of the world.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::sleep;

use super::call::tokens;
use super::mutants::Mutant;
use super::provider::parse;
use super::replica::Process;
use super::store::Link;
use super::{Sim, lock};
use crate::auth::Timestamp;
use crate::auth::identity::Identity;
use crate::auth::provider::ProviderIndex;
use crate::auth::refresh::Verdict;
use crate::auth::session::Session;
use crate::gateway::sessions::{
    Failed, Identified, Ledger, OpenSession, OpenedCache, Place, Sessions, World,
};

/// One of its threads.
pub(super) struct Worker {
    pub(super) sim: Arc<Sim>,
    pub(super) process: Arc<Process>,
    pub(super) ledger: Option<Ledger>,
    opened: Mutex<OpenedCache>,
}

/// Counts a task for as long as it is there, however it ends.
struct Counted(Arc<Process>);

impl Worker {
    pub(super) fn new(sim: &Arc<Sim>, process: &Arc<Process>) -> Arc<Self> {
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
        let process = self.process.number as u64;
        self.sim.dice_of(&[JITTER, process, self.sim.millis()]).draw().to_le_bytes()[0]
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
        let told = u64::from(session.generation);
        sleep(sim.dice_of(&[PERSON, told, sim.millis()]).millis(1, 300)).await;
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

/// What dice are thrown for.
const JITTER: u64 = 2;
const PERSON: u64 = 3;
