//! A call of the provider: it goes its own way, whatever becomes of who made it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::Sim;
use super::mutants::Mutant;
use super::provider::{Grant, Said};
use super::replica::Process;
use super::schedule::{Schedule, Trouble};
use super::truth::{Fate, Spend};
use crate::auth::Timestamp;
use crate::auth::refresh::Verdict;
use crate::auth::tokens::Tokens;
use crate::gateway::sessions::{Failed, OpenSession, Place};
use crate::secret::Secret;

impl Process {
    pub(super) async fn ask(
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
        let mut dice = self.dice_of(&[CALL, index as u64, spend as u64]);
        let chances = self.chances();
        let kinds = [Trouble::Refused, Trouble::Status, Trouble::Hangs, Trouble::AnswerLost];
        let trouble = dice.permille(chances.provider_fails).then(|| kinds[dice.index(kinds.len())]);
        let (mut to, back) = (dice.between(1, 60), dice.between(1, 60));
        if dice.permille(chances.provider_slow) {
            to += match dice.percent(40) {
                true => dice.between(limit.saturating_sub(150), limit + 30),
                false => dice.between(100, limit * 5 / 4),
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
        let length = self.token_length(&mut dice);
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
/// What dice are thrown for.
const CALL: u64 = 1;
