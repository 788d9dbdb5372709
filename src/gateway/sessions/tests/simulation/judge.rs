//! The invariants, as far as they are about what a request is answered.

use std::time::Duration;

use super::counts::Row;
use super::truth::{CUT_OFF, Fact, Fate, KEPT_LONG_ENOUGH, Truth, WAS_OVER};
use crate::auth::session::{Ended, Lifetimes, Session};
use crate::auth::{CLOCK_SKEW, Timestamp};
use crate::gateway::sessions::Place;

/// A request, as the one who judges sees it.
pub(super) struct Asked<'a> {
    /// Which session its browser had, and of which generation.
    pub(super) index: usize,
    pub(super) generation: u32,
    /// The session in its cookie, where that carries one.
    pub(super) cookie: Option<&'a Session>,
    pub(super) process: usize,
    /// Whether this process has the key of the cookie.
    pub(super) knows_key: bool,
    /// The clock of this replica.
    pub(super) clock: Timestamp,
    /// The same, should it have been set while the request was under way.
    pub(super) earliest: Timestamp,
    pub(super) arrived: u64,
    pub(super) now: u64,
    /// Since when this process hears of ends, one stretch after another.
    pub(super) heard: &'a [(u64, u64)],
}

impl Truth {
    /// Somebody was served with `served`.
    pub(super) fn somebody(&mut self, asked: &Asked<'_>, served: &Session, access: &str) {
        self.row.served += 1;
        self.facts[asked.index].missed = None;
        let fact = &self.facts[asked.index];
        let (id, family) = (fact.session.id, super::provider::parse(access).0);
        if served.id != id
            || served.identity.user != fact.session.identity.user
            || family != fact.family
        {
            self.violate(format!("{id:?} was answered as {:?} with {access}", served.id));
            return;
        }
        let late = served.tokens.expires.plus(STALE);
        if asked.earliest >= late {
            let over = asked.earliest.since(served.tokens.expires);
            self.violate(format!("{id:?} was served with a token that is over for {over:?}"));
        }
        let waited = Duration::from_millis(asked.now - asked.arrived);
        if asked.earliest >= served.ends.plus(waited + STALE) {
            self.violate(format!("{id:?} was served after its absolute end"));
        }
        if let Some(why) = self.must_be_refused(asked) {
            self.violate(format!("{id:?} was served though {why}"));
        }
    }

    /// Why a session that was ended must not be served by this process any more.
    fn must_be_refused(&self, asked: &Asked<'_>) -> Option<String> {
        let fact = &self.facts[asked.index];
        let here = fact.ended_at.iter().filter(|(process, _)| *process == asked.process);
        if let Some((_, at)) = here.into_iter().find(|(_, at)| *at < asked.arrived) {
            return Some(format!("this process ended it at {at}"));
        }
        let announced = fact.announced?;
        let known = asked.heard.iter().find_map(|(from, to)| {
            let known = announced.max(*from) + TOLD_WITHIN;
            (known <= asked.arrived.min(*to)).then_some(known)
        })?;
        let wiped = |at: &u64| (announced..=known).contains(at);
        (!self.wiped.iter().any(wiped)).then(|| format!("all were told by {known}"))
    }

    /// A request was answered as nobody's.
    pub(super) fn nobody(&mut self, asked: &Asked<'_>, clear: bool) {
        match self.judge_nobody(asked, clear) {
            Absence::Over => self.row.over += 1,
            Absence::Missed(why) => {
                *self.row.missed.entry(why).or_default() += 1;
                self.facts[asked.index].missed = Some(why);
            }
            Absence::Lost(why) => {
                let fact = &mut self.facts[asked.index];
                if !std::mem::replace(&mut fact.is_lost, true) {
                    *self.row.lost.entry(why).or_default() += 1;
                }
            }
            Absence::Unexcused => {
                let fact = &self.facts[asked.index];
                let what = format!(
                    "{:?} was answered as nobody's (clear: {clear}) by process {}; it presented generation {}, its browser had {}",
                    fact.session.id, asked.process, asked.generation, fact.shown
                );
                self.violate(what);
            }
        }
    }

    fn judge_nobody(&self, asked: &Asked<'_>, clear: bool) -> Absence {
        let fact = &self.facts[asked.index];
        if fact.over.is_some() || fact.is_lost || self.is_past_its_end(fact, asked) {
            return Absence::Over;
        }
        if let Some(why) = fact.doomed.keys().next() {
            return Absence::Lost(why);
        }
        let by_clock = asked.cookie.and_then(|cookie| cookie.ended(self.lifetimes(), asked.clock));
        if by_clock == Some(Ended::FromTheFuture)
            || fact.session.created.since(asked.clock) > CLOCK_SKEW
        {
            return Absence::unless(clear, "a clock is wrong");
        }
        if !asked.knows_key {
            return Absence::unless(clear, "its key was removed");
        }
        self.by_a_race(fact, asked, clear)
    }

    /// Whether somebody else spent the token first, and this replica can't know what came of it.
    fn by_a_race(&self, fact: &Fact, asked: &Asked<'_>, clear: bool) -> Absence {
        let keep = u64::try_from(self.schedule.times.keep_at_most.as_millis()).unwrap_or_default();
        for first in fact.spends.iter().filter(|spend| spend.generation == asked.generation) {
            let came = match first.fate {
                Fate::Came(came) => came,
                // Where it matters that it is gone, the session is doomed.
                Fate::OnItsWay | Fate::Died => asked.now,
                Fate::Nothing | Fate::Lost => continue,
            };
            if first.taken.is_none() {
                continue;
            }
            if self.wiped.iter().any(|wiped| *wiped >= first.begun) {
                return Absence::Lost("the store lost its data");
            }
            if self.schedule.place != Place::Stored && asked.now + self.spread >= came + keep {
                return Absence::Lost(CAME_TOO_LATE);
            }
            if self.schedule.place != Place::Cookie && self.is_cut_off(fact, first) {
                return Absence::Lost(CUT_OFF);
            }
            let alone =
                self.schedule.place == Place::Cookie || first.alone || first.fate == Fate::Died;
            if !alone || first.process == asked.process {
                continue;
            }
            if !clear {
                return Absence::Missed(OVERTAKEN);
            }
            // What was shown once must not be taken away.
            if fact.shown <= asked.generation {
                return Absence::Lost("another replica was first, and its cookie never arrived");
            }
        }
        Absence::Unexcused
    }

    fn is_past_its_end(&self, fact: &Fact, asked: &Asked<'_>) -> bool {
        let lifetimes = self.lifetimes();
        let (clock, spread) = (asked.clock, Duration::from_millis(self.spread));
        let absolute = fact.session.ends <= clock.plus(spread);
        let seen = match asked.cookie {
            Some(cookie) => Some(cookie.seen),
            None => {
                let kept = fact.kept.filter(|(_, at)| *at <= asked.arrived).or(fact.kept_before);
                kept.map(|(written, _)| Timestamp::since_epoch(Duration::from_millis(written.at)))
            }
        };
        absolute || seen.is_some_and(|seen| clock.since(seen) >= lifetimes.idle)
    }

    pub(super) fn lifetimes(&self) -> Lifetimes {
        let times = &self.schedule.times;
        Lifetimes { idle: times.idle, absolute: times.absolute }
    }

    /// A request was told to come back later.
    pub(super) fn unavailable(&mut self, asked: &Asked<'_>, what: &str) {
        self.row.unavailable += 1;
        if self.schedule.is_calm() && self.is_live(asked.index) {
            let id = self.facts[asked.index].session.id;
            self.violate(format!("{id:?} was told {what}, and nothing was wrong"));
        }
    }

    /// Whether nothing is known that would keep a session from being served.
    pub(super) fn is_live(&self, index: usize) -> bool {
        let fact = &self.facts[index];
        fact.over.is_none() && !fact.is_lost && fact.doomed.is_empty()
    }

    /// Where nothing goes wrong and there is a store, nothing is lost and nothing spent twice but
    /// for what is kept no longer.
    pub(super) fn judge_calm(&mut self) {
        if !self.schedule.is_calm() || self.schedule.place == Place::Cookie {
            return;
        }
        let Row { lost, twice, .. } = &self.row;
        let all = lost.keys().chain(twice.keys());
        let excused = [KEPT_LONG_ENOUGH, CAME_TOO_LATE, WAS_OVER];
        let bad: Vec<&str> = all.copied().filter(|why| !excused.contains(why)).collect();
        if !bad.is_empty() {
            self.violate(format!("nothing went wrong, and yet: {bad:?}"));
        }
    }

    /// Whether a session that others renewed first was found again by none of its requests.
    pub(super) fn is_missing(&self, index: usize) -> bool {
        self.is_live(index) && self.facts[index].missed == Some(OVERTAKEN)
    }

    /// An answer changed what a browser has. No cookie takes a browser back; only two refreshes
    /// in a row can cross on their way.
    pub(super) fn answered(&mut self, answered: &Answered) {
        if let (Some((index, had)), Some((same, has))) = (answered.before, answered.after)
            && index == same
            && has < had
        {
            // Its request was sent before the browser had either.
            if answered.presented.is_some_and(|(_, presented)| presented < has) {
                *self.row.missed.entry(CROSSED).or_default() += 1;
            } else if self.spread > 0 {
                *self.row.missed.entry("a clock is wrong").or_default() += 1;
            } else {
                let id = self.facts[index].session.id;
                self.violate(format!(
                    "the browser of {id:?} went back from generation {had} to {has}"
                ));
            }
        }
        if let Some((index, generation)) = answered.after {
            self.shown(index, generation);
        }
    }
}

/// What an answer made of a browser's cookies.
pub(super) struct Answered {
    /// What its request carried.
    pub(super) presented: Option<(usize, u32)>,
    pub(super) before: Option<(usize, u32)>,
    pub(super) after: Option<(usize, u32)>,
}

/// Why a request is nobody's.
enum Absence {
    /// The session is over by right.
    Over,
    /// It goes on, and this replica could not know.
    Missed(&'static str),
    Lost(&'static str),
    Unexcused,
}

impl Absence {
    /// The session goes on, and its cookie must stay.
    const fn unless(clear: bool, why: &'static str) -> Self {
        if clear { Self::Unexcused } else { Self::Missed(why) }
    }
}

/// A request is judged by the moment at which it came; the store may be asked meanwhile.
const STALE: Duration = Duration::from_secs(1);
/// How soon all replicas refuse a session that was ended.
const TOLD_WITHIN: u64 = 1000;
const CROSSED: &str = "two refreshes crossed on their way to the browser";
const OVERTAKEN: &str = "another replica was first, and no store";
const CAME_TOO_LATE: &str = "its browser came back too late";
