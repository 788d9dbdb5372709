//! Plays a schedule, then heals everything and looks whether all is well again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use super::request::{Ask, Got};
use super::schedule::{Act, Chances};
use super::{Sim, lock};
use crate::gateway::sessions::Place;
use crate::store::{Held, Owner, Slot, Store as _};

/// Plays the schedule of `sim` to its end.
pub(super) async fn direct(sim: &Arc<Sim>) {
    for replica in 0..sim.schedule.replicas {
        sim.start(replica);
    }
    sleep(Duration::from_millis(50)).await;
    for (gap, act) in sim.schedule.acts.clone() {
        sleep(gap).await;
        sim.sweep();
        sim.tell(|| format!("-- {act:?}"));
        let sim = Arc::clone(sim);
        match act {
            // Nothing else waits for these.
            Act::Burst { browser, tabs, over } => {
                tokio::spawn(async move { sim.burst(browser, tabs, over).await });
            }
            Act::SignOut { browser } => {
                tokio::spawn(async move { sim.sign_out(browser).await });
            }
            Act::EndUser { user } => {
                tokio::spawn(async move { sim.end_user(user).await });
            }
            Act::RotateKeys => sim.rotate_keys().await,
            misfortune => sim.strike(&misfortune),
        }
    }
    sleep(Duration::from_secs(1)).await;
    heal(sim).await;
    sim.tell(|| String::from("-- all is healed"));
    settled(sim).await;
    visit_all(sim).await;
    settled(sim).await;
    leases_are_free(sim).await;
    sim.truth().judge_calm();
    // Each of these has the run, and the run has them.
    sim.replicas().clear();
}

impl Sim {
    fn sweep(&self) {
        for replica in 0..self.schedule.replicas {
            if let Some(running) = self.running(replica) {
                running.process.sweep();
            }
        }
    }

    async fn burst(self: &Arc<Self>, browser: usize, tabs: usize, over: u64) {
        let (has, misses) = {
            let browsers = self.browsers();
            (browsers[browser].has, browsers[browser].misses)
        };
        if has.is_none() || misses > PATIENT {
            if let Some((index, _)) = has {
                self.truth().facts[index].over.get_or_insert("there is a newer login");
            }
            self.log_in(browser).await;
        }
        for _ in 0..tabs {
            let sim = Arc::clone(self);
            tokio::spawn(async move {
                let wait = sim.dice().millis(0, over);
                if !wait.is_zero() {
                    sleep(wait).await;
                }
                let replica = sim.balanced(browser);
                let cookies = sim.browsers()[browser].cookies();
                sim.visit(Ask { browser, replica, cookies, surely: false, stolen: false }).await;
            });
        }
        let copy = self.browsers()[browser].copies.last().cloned();
        if let Some(cookies) = copy {
            let replica = self.dice().index(self.schedule.replicas);
            self.visit(Ask { browser, replica, cookies, surely: false, stolen: true }).await;
        }
    }

    fn strike(self: &Arc<Self>, act: &Act) {
        match *act {
            Act::Crash { replica, back } => self.crash_for(replica, back),
            Act::CrashAtAnswer { replica, back } => {
                self.replicas()[replica].dies_at_answer = Some(back);
            }
            Act::Restart { replica } => self.restart(replica),
            Act::StoreAway { millis, hangs, forgets } => {
                self.store.set_away(true, hangs);
                self.later(millis, move |sim| {
                    if forgets {
                        sim.tell(|| String::from("the store has lost its data"));
                        sim.store.wipe();
                        sim.truth().wiped(sim.millis());
                    }
                    sim.store.set_away(false, false);
                });
            }
            Act::Partition { replica, millis } => {
                self.store.set_cut_off(replica, true);
                self.later(millis, move |sim| sim.store.set_cut_off(replica, false));
            }
            Act::ProviderDown { millis, how } => {
                self.provider().trouble = Some(how);
                self.later(millis, |sim| sim.provider().trouble = None);
            }
            Act::ProviderEnds { browser } => self.with_family(browser, |sim, index, family| {
                sim.truth().facts[index].over.get_or_insert("the provider ended it");
                sim.provider().revoke(family);
            }),
            Act::ProviderMistakes { browser } => self.with_family(browser, |sim, _, family| {
                sim.provider().mistake(family);
            }),
            Act::ClockStep { replica, millis } => {
                let ahead = {
                    let replica = &mut self.replicas()[replica];
                    replica.ahead += millis;
                    replica.ahead.unsigned_abs()
                };
                let mut truth = self.truth();
                truth.spread = truth.spread.max(ahead * 2);
            }
            Act::Burst { .. } | Act::SignOut { .. } | Act::EndUser { .. } | Act::RotateKeys => {}
        }
    }

    fn with_family(self: &Arc<Self>, browser: usize, what: impl FnOnce(&Arc<Self>, usize, usize)) {
        let has = self.browsers()[browser].has;
        if let Some((index, _)) = has {
            let family = self.truth().facts[index].family;
            what(self, index, family);
        }
    }

    fn later(self: &Arc<Self>, millis: u64, what: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let sim = Arc::clone(self);
        tokio::spawn(async move {
            sleep(Duration::from_millis(millis)).await;
            sim.tell(|| String::from("-- it is over"));
            what(&sim);
        });
    }

    /// Whether a replica knows what to answer, at the latest when the longest pause is over.
    async fn is_well(self: &Arc<Self>, browser: usize, replica: usize) -> bool {
        for _ in 0..20 {
            let cookies = self.browsers()[browser].cookies();
            let Some((index, _)) = cookies.has else { return true };
            let ask = Ask { browser, replica, cookies, surely: true, stolen: false };
            let is_live = self.truth().is_live(index);
            if self.visit(ask).await != Got::Unavailable || !is_live {
                return true;
            }
            sleep(Duration::from_secs(5)).await;
        }
        false
    }

    /// Dies now, and is there again later.
    pub(super) fn crash_for(self: &Arc<Self>, replica: usize, back: u64) {
        self.crash(replica);
        self.later(back, move |sim| sim.start(replica));
    }

    /// A new key gets in as second everywhere, then becomes the first; or an old one goes.
    async fn rotate_keys(self: &Arc<Self>) {
        let keys = self.replicas()[0].keys.clone();
        let steps = match keys.as_slice() {
            &[key] if key < super::KEYS => vec![vec![key, key + 1], vec![key + 1, key]],
            [key, _] => vec![vec![*key]],
            _ => Vec::new(),
        };
        for keys in steps {
            for replica in 0..self.schedule.replicas {
                self.replicas()[replica].keys.clone_from(&keys);
                self.restart(replica);
                let pause = self.dice().millis(1, 300);
                sleep(pause).await;
            }
            // Until all have started that were about to.
            sleep(Duration::from_secs(9)).await;
        }
    }
}

/// Nothing goes wrong any more; clocks stay as they are.
async fn heal(sim: &Arc<Sim>) {
    sim.store.set_away(false, false);
    *lock(&sim.chances) = Chances::default();
    sim.provider().trouble = None;
    for replica in 0..sim.schedule.replicas {
        sim.store.set_cut_off(replica, false);
        sim.replicas()[replica].dies_at_answer = None;
        sim.start(replica);
    }
    // What was on its way is there by now: starts, and outages that began before.
    sleep(Duration::from_secs(95)).await;
    sim.store.set_away(false, false);
}

/// Waits until everything that was begun is finished.
async fn settled(sim: &Arc<Sim>) {
    let limit = sim.schedule.patience() + sim.schedule.lease() * 2 + Duration::from_secs(60);
    let busy = || {
        let tasks = (0..sim.schedule.replicas).filter_map(|replica| sim.running(replica));
        let tasks: usize = tasks.map(|running| running.process.running()).sum();
        (tasks, sim.requests.load(Ordering::Relaxed))
    };
    for _ in 0..limit.as_secs() {
        if busy() == (0, 0) {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    let (tasks, requests) = busy();
    if (tasks, requests) != (0, 0) {
        sim.truth().violate(format!("{tasks} tasks and {requests} requests run for ever"));
    }
    for running in (0..sim.schedule.replicas).filter_map(|replica| sim.running(replica)) {
        if sim.schedule.place != Place::Cookie && !running.process.is_hearing() {
            sim.truth().violate(format!("{} hears of no ends any more", running.process));
        }
    }
}

/// Every session that goes on is served everywhere; what was ended, nowhere.
async fn visit_all(sim: &Arc<Sim>) {
    for browser in 0..sim.schedule.browsers {
        let copies = sim.browsers()[browser].copies.clone();
        for cookies in copies {
            for replica in 0..sim.schedule.replicas {
                let cookies = cookies.clone();
                sim.visit(Ask { browser, replica, cookies, surely: true, stolen: true }).await;
            }
        }
        for _ in 0..2 {
            // Time for what was begun beside the last answer, to come along with the next.
            sleep(Duration::from_secs(1)).await;
            for replica in 0..sim.schedule.replicas {
                if !sim.is_well(browser, replica).await {
                    sim.truth().violate(format!(
                        "browser {browser} is still told to come back by replica {replica}"
                    ));
                }
            }
        }
        let has = sim.browsers()[browser].has;
        if has.is_some_and(|(index, _)| sim.truth().is_missing(index)) {
            sim.truth().violate(format!("no replica knows the session of browser {browser}"));
        }
    }
}

/// No lease is held for ever.
async fn leases_are_free(sim: &Arc<Sim>) {
    if sim.schedule.place == Place::Cookie {
        return;
    }
    sleep(sim.schedule.lease()).await;
    let slots: Vec<Slot> =
        sim.truth().facts.iter().map(|fact| Slot(fact.session.id.slot())).collect();
    for slot in slots {
        let taken = sim.store.model().take(slot, Owner([0; 16]), Duration::from_secs(1)).await;
        let is_free = taken.is_ok_and(|taken| taken.ours || taken.held == Held::Ended);
        if !is_free {
            sim.truth().violate("a lease is never given back");
        }
    }
}

/// So many answers in a row that are nobody's, and a person logs in again.
const PATIENT: u32 = 2;
