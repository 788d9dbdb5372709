//! What really happened to each session, and what of it excuses what is seen of it.

use std::collections::BTreeMap;

use super::counts::Row;
use super::schedule::{Kind, Schedule};
use crate::auth::ending::Ending;
use crate::auth::session::Session;
use crate::gateway::sessions::Place;
use crate::store::{Slot, Written};

/// Everything that is known of a run.
pub(super) struct Truth {
    pub(super) facts: Vec<Fact>,
    pub(super) row: Row,
    /// What no rule excuses.
    pub(super) violations: Vec<String>,
    /// When the store lost its data.
    pub(super) wiped: Vec<u64>,
    /// How far any two clocks may be apart, in milliseconds.
    pub(super) spread: u64,
    /// Whose sessions were ended.
    endings: Vec<Ending>,
    /// When the store last failed each process.
    pub(super) failed: BTreeMap<usize, u64>,
    pub(super) schedule: Schedule,
}

/// All about one session. Moments are milliseconds of the run.
pub(super) struct Fact {
    /// As it began.
    pub(super) session: Session,
    pub(super) family: usize,
    /// Why it is over, when it is by right.
    pub(super) over: Option<&'static str>,
    pub(super) spends: Vec<Spend>,
    /// What the store was made to hold, and when.
    pub(super) kept: Option<(Written, u64)>,
    /// The same before that.
    pub(super) kept_before: Option<(Written, u64)>,
    /// The newest generation that came to its browser.
    pub(super) shown: u32,
    /// Nobody has what came of a generation's token any more, for a reason that is counted.
    pub(super) doomed: BTreeMap<&'static str, u32>,
    /// The processes that ended it, and when.
    pub(super) ended_at: Vec<(usize, u64)>,
    /// When the store told of that.
    pub(super) announced: Option<u64>,
    pub(super) is_lost: bool,
    /// Why its last request was nobody's though it goes on.
    pub(super) missed: Option<&'static str>,
}

/// A refresh token on its way to the provider.
pub(super) struct Spend {
    pub(super) process: usize,
    pub(super) generation: u32,
    pub(super) token: String,
    pub(super) begun: u64,
    /// The store was away for longer than the time of grace: rule 6 holds.
    pub(super) alone: bool,
    /// When the provider took it, for the first time or not.
    pub(super) taken: Option<u64>,
    pub(super) fate: Fate,
    /// Nobody waits for the answer any more.
    pub(super) given_up: bool,
}

/// What became of the provider's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    OnItsWay,
    Came(u64),
    /// It came, but only to say no, or nothing was done.
    Nothing,
    Lost,
    /// Its process died before it was kept.
    Died,
}

impl Truth {
    pub(super) fn new(schedule: &Schedule) -> Self {
        let row = Row { schedules: 1, ..Row::default() };
        let schedule = schedule.clone();
        let (facts, violations, wiped) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            facts,
            row,
            violations,
            wiped,
            spread: 0,
            endings: Vec::new(),
            failed: BTreeMap::new(),
            schedule,
        }
    }

    pub(super) fn violate(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    pub(super) fn begun(&mut self, session: Session, family: usize) -> usize {
        self.row.sessions += 1;
        // A login by a clock that is behind counts as one from before the end.
        let is_ended = self.endings.iter().any(|ending| ending.covers(&session));
        self.facts.push(Fact {
            session,
            family,
            over: is_ended.then_some("it was ended"),
            spends: Vec::new(),
            kept: None,
            kept_before: None,
            shown: 0,
            doomed: BTreeMap::new(),
            ended_at: Vec::new(),
            announced: None,
            is_lost: false,
            missed: None,
        });
        self.facts.len() - 1
    }

    pub(super) fn at_slot(&mut self, slot: Slot) -> Option<&mut Fact> {
        self.facts.iter_mut().find(|fact| Slot(fact.session.id.slot()) == slot)
    }

    pub(super) fn index_of(&self, session: &Session) -> Option<usize> {
        self.facts.iter().position(|fact| fact.session.id == session.id)
    }

    /// The provider takes a token at `now`; `renews` when it gives new ones for it.
    pub(super) fn taken(&mut self, index: usize, spend: usize, now: u64, renews: bool) {
        let second = &self.facts[index].spends[spend];
        let is_same = |first: &&Spend| {
            let same = first.generation == second.generation && first.token == second.token;
            // One that was refused brought nobody anything.
            same && first.taken.is_some() && first.fate != Fate::Nothing
        };
        let mut why = None;
        for first in self.facts[index].spends.iter().filter(is_same) {
            match self.excuse(&self.facts[index], first, second, now) {
                Some(excuse) => why = Some(excuse),
                None => {
                    let (id, generation) = (self.facts[index].session.id, second.generation);
                    let what = format!(
                        "the token of {id:?} generation {generation} was spent by process {} and again by {}",
                        first.process, second.process
                    );
                    self.violations.push(what);
                    why = Some("against the rules");
                    break;
                }
            }
        }
        let fact = &mut self.facts[index];
        fact.spends[spend].taken = Some(now);
        if renews {
            self.row.refreshed += 1;
        } else {
            fact.spends[spend].fate = Fate::Nothing;
        }
        let given_up = fact.spends[spend].given_up;
        if let Some(why) = why {
            *self.row.twice.entry(why).or_default() += 1;
            if !renews && self.schedule.provider != Kind::Rotates {
                fact.doomed.insert(why, u32::MAX);
            }
        }
        if given_up {
            self.lost(index, spend);
        }
    }

    /// Why a token may be spent though it was spent already, if it may.
    fn excuse(&self, fact: &Fact, first: &Spend, second: &Spend, now: u64) -> Option<&'static str> {
        if fact.over.is_some() {
            return Some(WAS_OVER);
        }
        let begun = first.begun.min(second.begun);
        let came = match first.fate {
            Fate::Lost => return Some("the first answer was lost"),
            Fate::Died => return Some("the process of the first died before it was kept"),
            Fate::OnItsWay | Fate::Nothing => now,
            Fate::Came(came) => came,
        };
        let keep = u64::try_from(self.schedule.times.keep_at_most.as_millis()).unwrap_or_default();
        let place = self.schedule.place;
        if place == Place::Cookie {
            return match () {
                () if first.process != second.process => Some("another replica, and no store"),
                () if now + self.spread >= came + keep => Some(KEPT_LONG_ENOUGH),
                () => None,
            };
        }
        if second.given_up {
            return Some("a call that was given up came late");
        }
        if self.wiped.iter().any(|wiped| *wiped >= begun) {
            return Some("the store lost its data");
        }
        if first.alone || second.alone {
            return Some("the store was away for longer than the time of grace");
        }
        if self.is_cut_off(fact, first) {
            return Some(CUT_OFF);
        }
        let kept = fact.kept.filter(|(written, _)| written.generation > first.generation);
        let (_, at) = kept?;
        (place == Place::Coordinated && now >= at + keep).then_some(KEPT_LONG_ENOUGH)
    }

    /// Whether a process could not tell the store what the provider gave it.
    pub(super) fn is_cut_off(&self, fact: &Fact, spend: &Spend) -> bool {
        let Fate::Came(came) = spend.fate else { return false };
        let kept = fact.kept.is_some_and(|(written, _)| written.generation > spend.generation);
        let failed = self.failed.get(&spend.process);
        !kept && failed.is_some_and(|failed| failed + 1000 >= came)
    }

    /// The provider's answer does not come.
    pub(super) fn lost(&mut self, index: usize, spend: usize) {
        let kind = self.schedule.provider;
        let fact = &mut self.facts[index];
        let lost = &mut fact.spends[spend];
        lost.given_up = true;
        if lost.fate != Fate::OnItsWay || lost.taken.is_none() {
            return;
        }
        lost.fate = Fate::Lost;
        if kind != Kind::Keeps {
            fact.doomed.insert("the provider's answer was lost", lost.generation + 1);
        }
    }

    /// The provider's answer came.
    pub(super) fn came(&mut self, index: usize, spend: usize, now: u64) {
        let fact = &mut self.facts[index];
        let came = &mut fact.spends[spend];
        if came.fate == Fate::OnItsWay {
            came.fate = Fate::Came(now);
            let next = came.generation + 1;
            fact.doomed.retain(|_, generation| *generation > next);
        }
    }

    /// The store holds this now.
    pub(super) fn kept(&mut self, slot: Slot, written: Written, now: u64) {
        if let Some(fact) = self.at_slot(slot) {
            fact.kept_before = fact.kept.replace((written, now));
        }
    }

    /// The store has lost all that it held.
    pub(super) fn wiped(&mut self, now: u64) {
        self.wiped.push(now);
        for fact in &mut self.facts {
            fact.kept = None;
            if self.schedule.place == Place::Stored {
                fact.doomed.insert("the store lost its data", u32::MAX);
            }
        }
    }

    /// A process is gone, with all that it knew.
    pub(super) fn died(&mut self, process: usize) {
        let (place, kind) = (self.schedule.place, self.schedule.provider);
        for fact in &mut self.facts {
            let kept = fact.kept.map_or(0, |(written, _)| written.generation);
            for spend in fact.spends.iter_mut().filter(|spend| spend.process == process) {
                let next = spend.generation + 1;
                let is_kept = match place {
                    Place::Cookie => fact.shown >= next,
                    Place::Coordinated | Place::Stored => kept >= next,
                };
                let is_open = matches!(spend.fate, Fate::OnItsWay | Fate::Came(_));
                spend.given_up = true;
                if is_kept || !is_open || spend.taken.is_none() {
                    continue;
                }
                spend.fate = Fate::Died;
                // A browser that has it brings it along.
                let is_safe = place == Place::Coordinated && fact.shown >= next;
                if kind != Kind::Keeps && !is_safe {
                    fact.doomed.insert("a process died before it was kept", next);
                }
            }
        }
    }

    /// A generation of a session came to its browser.
    pub(super) fn shown(&mut self, index: usize, generation: u32) {
        let fact = &mut self.facts[index];
        fact.shown = fact.shown.max(generation);
        let shown = fact.shown;
        fact.doomed.retain(|_, doomed| *doomed > shown);
    }

    /// Sessions end by right, by the word of one process.
    pub(super) fn ended(&mut self, ending: &Ending, process: usize, now: u64) {
        self.endings.push(ending.clone());
        for fact in self.facts.iter_mut().filter(|fact| ending.covers(&fact.session)) {
            fact.over.get_or_insert("it was ended");
            fact.ended_at.push((process, now));
        }
    }

    /// All sessions of a person end, whatever the clocks say that they began by.
    pub(super) fn end_user(&mut self, user: &str) {
        for fact in self.facts.iter_mut().filter(|fact| fact.session.identity.user == user) {
            fact.over.get_or_insert("it was ended");
        }
    }

    /// The store tells all replicas of an end.
    pub(super) fn announced(&mut self, ending: &Ending, now: u64) {
        for fact in self.facts.iter_mut().filter(|fact| ending.covers(&fact.session)) {
            fact.announced.get_or_insert(now);
        }
    }
}

/// The store could not be told of what the provider gave.
pub(super) const CUT_OFF: &str = "the first was cut off before it was kept";
pub(super) const KEPT_LONG_ENOUGH: &str = "kept for long enough";
pub(super) const WAS_OVER: &str = "the session was over";
