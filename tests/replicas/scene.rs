//! One trouble, played from sign-in to its end: what was answered, what it cost in token calls,
//! and who was lost.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::crowd::{Tally, crowd};
use crate::harness::{Answer, Provider, Visitor, ask, eventually, wait};
use crate::stage::{Configuration, Plan, Stage};

/// What a provider does with a refresh token that was spent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Rotates,
    RevokesFamily,
    /// It has a time of grace.
    Forgives,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// None: crowds in the early window.
    EarlyWindow,
    /// None: crowds past expiry.
    PastExpiry,
    /// The provider is away through the whole early window, but for its last second.
    ProviderDown,
    /// Redis is stopped for ten seconds, in which tokens become due.
    RedisStopped,
    /// It is there for as long and answers nothing.
    RedisFrozen,
    /// A gateway is killed before the provider has done what it was asked for.
    KilledBefore,
    /// A gateway is killed between the provider's doing and its own hearing of it.
    KilledBetween,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) configuration: Configuration,
    pub(crate) kind: Kind,
    pub(crate) trouble: Trouble,
    pub(crate) people: usize,
    /// Requests of one browser at once.
    pub(crate) crowd: usize,
}

#[derive(Debug)]
pub(crate) struct Outcome {
    /// What browsers were told while the trouble lasted.
    pub(crate) tally: Tally,
    pub(crate) token_calls: usize,
    /// Refresh tokens that were presented.
    pub(crate) spent: usize,
    /// How often that one was presented that was presented most often.
    pub(crate) most_spends: usize,
    /// Sessions whose browsers have to sign in again, or whose token the provider has taken back.
    pub(crate) lost: usize,
}

/// Whole seconds are counted: what lives two is surely over after three.
const SHORT: u64 = 2;
const PAST_EXPIRY: u64 = 3100;
/// Due after a tenth.
const LONG: u64 = 20;
const REFRESH_AT: &str = "refresh_at = 0.1";
const DUE: u64 = 3100;
const LIMIT: &str = "provider = \"2s\"";
/// Less than the limit, and long enough to do something meanwhile.
const SLOW: u64 = 1500;

impl Scene {
    pub(crate) async fn play(self) -> Outcome {
        let provider = Provider::start().await;
        match self.kind {
            Kind::Rotates => {}
            Kind::RevokesFamily => provider.revokes_family_on_reuse(),
            Kind::Forgives => provider.forgives_reuse(),
        }
        provider.tells_logins_apart();
        let life = match self.trouble {
            Trouble::PastExpiry | Trouble::KilledBefore | Trouble::KilledBetween => SHORT,
            _ => LONG,
        };
        provider.token_life(life);
        let mut plan = Plan::of(self.configuration).session(REFRESH_AT).limit(LIMIT);
        if self.configuration.has_store() {
            plan = plan.session("store_grace = \"1m\"");
        }
        if self.trouble == Trouble::RedisFrozen {
            plan = plan.usual_store_limit();
        }
        if matches!(self.trouble, Trouble::KilledBefore | Trouble::KilledBetween) {
            plan = plan.retrying();
        }
        let mut stage = plan.start(provider).await;
        let begun = Instant::now();
        let people = stage.signed_in(self.people).await;
        let tally = match self.trouble {
            Trouble::EarlyWindow => self.early_window(&stage, &people).await,
            Trouble::PastExpiry => self.past_expiry(&stage, &people).await,
            Trouble::ProviderDown => self.provider_down(&mut stage, &people, begun).await,
            Trouble::RedisStopped | Trouble::RedisFrozen => {
                self.redis_down(&mut stage, &people, begun).await
            }
            Trouble::KilledBefore | Trouble::KilledBetween => {
                self.killed(&mut stage, &people).await
            }
        };
        let lost = lost(&stage, &people).await;
        let provider = &stage.provider;
        Outcome {
            tally,
            token_calls: provider.refreshes(),
            spent: provider.spent_tokens(),
            most_spends: provider.most_spends(),
            lost,
        }
    }

    async fn early_window(self, stage: &Stage, people: &[Visitor]) -> Tally {
        wait(DUE).await;
        stage.provider.token_life(3600);
        let mut answers = self.crowds(people).await;
        // The calls of all replicas are over, and browsers have what came of them.
        wait(500).await;
        answers.extend(self.crowds(people).await);
        wait(LONG * 1000).await;
        Tally::of(&answers)
    }

    async fn past_expiry(self, stage: &Stage, people: &[Visitor]) -> Tally {
        wait(PAST_EXPIRY).await;
        stage.provider.token_life(3600);
        Tally::of(&self.crowds(people).await)
    }

    async fn provider_down(self, stage: &mut Stage, people: &[Visitor], begun: Instant) -> Tally {
        stage.provider.token_life(3600);
        stage.provider.goes_away().await;
        let mut tally = Tally::default();
        browse(people, &mut tally, begun + Duration::from_secs(LONG - 1)).await;
        stage.provider.comes_back();
        browse(people, &mut tally, begun + Duration::from_secs(LONG + 4)).await;
        tally
    }

    async fn redis_down(self, stage: &mut Stage, people: &[Visitor], begun: Instant) -> Tally {
        stage.provider.token_life(3600);
        // A replica serves from memory what it has seen.
        for (number, visitor) in people.iter().enumerate() {
            for gate in 0..self.configuration.replicas() {
                let seen = ask("GET", &format!("/{number}")).cookie(&visitor.session_line());
                assert_eq!(stage.ask(gate, seen).await.status, 200);
            }
        }
        let frozen = self.trouble == Trouble::RedisFrozen;
        let mut tally = Tally::default();
        if frozen {
            stage.redis().freeze()
        } else {
            stage.redis().shut_down()
        }
        browse(people, &mut tally, Instant::now() + OUTAGE).await;
        if frozen {
            stage.redis().thaw()
        } else {
            stage.redis().start_again()
        }
        browse(people, &mut tally, begun + Duration::from_secs(LONG + 2)).await;
        tally
    }

    async fn killed(self, stage: &mut Stage, people: &[Visitor]) -> Tally {
        wait(PAST_EXPIRY).await;
        let provider = &stage.provider;
        provider.token_life(3600);
        let begun = provider.token_calls_begun();
        match self.trouble {
            Trouble::KilledBefore => provider.hesitation(SLOW),
            _ => provider.latency(SLOW),
        }
        let doomed: Vec<_> = people
            .iter()
            .map(|visitor| ask("GET", "/doomed").fetching().cookie(&visitor.session_line()))
            .map(|ask| tokio::spawn(stage.ask_the_doomed(0, ask)))
            .collect();
        eventually("every session's token call", || {
            provider.token_calls_begun() - begun == people.len()
        })
        .await;
        let (answers, ()) = tokio::join!(self.crowds_at_once(people), async {
            // Some of the crowd are waiting at the gateway that dies.
            wait(200).await;
            let port = stage.kill(0);
            stage.provider.hesitation(0);
            stage.provider.latency(0);
            stage.start(0, port).await;
        });
        for doomed in doomed {
            assert!(doomed.await.unwrap().is_none(), "it was killed before it answered");
        }
        Tally::of(&answers)
    }

    /// A crowd for each, one after another.
    async fn crowds(self, people: &[Visitor]) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (number, visitor) in people.iter().enumerate() {
            answers.extend(crowd(visitor, &format!("/{number}"), self.crowd).await);
        }
        answers
    }

    async fn crowds_at_once(self, people: &[Visitor]) -> Vec<Answer> {
        let crowds = people.iter().map(|visitor| crowd(visitor, "/", self.crowd));
        join_all(crowds).await.into_iter().flatten().collect()
    }
}

/// Everybody fetches something now and then.
pub(crate) async fn browse(people: &[Visitor], tally: &mut Tally, until: Instant) {
    while Instant::now() < until {
        let fetched = people
            .iter()
            .enumerate()
            .map(async |(number, visitor)| visitor.fetch(&format!("/{number}")).await);
        join_all(fetched).await.iter().for_each(|answer| tally.count(answer));
        wait(200).await;
    }
}

/// How many are not signed in any more at every replica, or are so with a token that the provider
/// has taken back. Three requests, since nginx asks three replicas in turn.
pub(crate) async fn lost(stage: &Stage, people: &[Visitor]) -> usize {
    let mut lost = 0;
    for (number, visitor) in people.iter().enumerate() {
        let target = format!("/last/{number}");
        let mut kept = true;
        for _ in 0..3 {
            kept &= visitor.fetch(&target).await.status == 200;
        }
        let seen = stage.app.requests().into_iter().filter(|seen| seen.target == target);
        let mut tokens = seen.map(|seen| seen.header("authorization").unwrap()[7..].to_owned());
        kept &= tokens.all(|token| stage.provider.honours(&token));
        lost += usize::from(!kept);
    }
    lost
}

const OUTAGE: Duration = Duration::from_secs(10);
