//! Thousands of schedules, and broken rules that they notice.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::counts::Counts;
use super::mutants::Mutant;
use super::schedule::Schedule;
use super::{Outcome, lock, play};

#[test]
fn no_session_breaks_that_could_be_kept() {
    if let Some(seed) = asked("ASKARA_SIMULATION_SEED") {
        let (outcome, story) = retold(&Schedule::draw(seed));
        println!("{}\n{story}", Schedule::draw(seed));
        assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
        return;
    }
    let most = asked("ASKARA_SIMULATION_SCHEDULES").unwrap_or(SCHEDULES);
    let first = asked("ASKARA_SIMULATION_FIRST").unwrap_or(0);
    let begun = Instant::now();
    let (next, counts, broken) =
        (AtomicU64::new(0), Mutex::new(Counts::default()), Mutex::default());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut mine = Counts::default();
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && number < most
                    && lock::<Vec<(u64, String)>>(&broken).len() < ENOUGH
                {
                    let schedule = Schedule::draw(first + number);
                    let outcome = play(&schedule, None);
                    if let Some(violation) = outcome.violations.first() {
                        lock(&broken).push((schedule.seed, violation.clone()));
                    }
                    mine.add(&schedule, &outcome.row);
                    if number % 50_000 == 49_999 {
                        println!("{} schedules in {:?}", number + 1, begun.elapsed());
                    }
                }
                lock(&counts).merge(&mine);
            });
        }
    });
    println!("{most} schedules in {:?}\n{}", begun.elapsed(), lock(&counts).table());
    let mut broken = lock(&broken).clone();
    broken.sort_unstable();
    if let Some((seed, _)) = broken.first() {
        let seed = *seed;
        let (outcome, story) = retold(&Schedule::draw(seed));
        panic!(
            "{} schedules broke a rule: {broken:#?}\nASKARA_SIMULATION_SEED={seed} tells the story of the first\n{}\n{story}\n{:#?}",
            broken.len(),
            Schedule::draw(seed),
            outcome.violations
        );
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    for seed in 0..100 {
        let schedule = Schedule::draw(seed);
        let told = || retold(&schedule).1;
        assert!(told() == told(), "seed {seed} tells another story each time");
    }
}

#[test]
fn every_broken_rule_is_noticed() {
    for (mutant, within) in MUTANTS {
        let noticed = (0..within).find_map(|seed| {
            let violations = play(&mutant.schedule(seed), None).violations;
            violations.into_iter().next().map(|violation| (seed, violation))
        });
        let Some((seed, violation)) = noticed else {
            panic!("{mutant:?} went unnoticed through {within} schedules");
        };
        println!("{mutant:?}: seed {seed}: {violation}");
        let sound = Schedule { mutant: None, ..mutant.schedule(seed) };
        let violations = play(&sound, None).violations;
        assert!(violations.is_empty(), "{mutant:?} is not what was noticed: {violations:?}");
    }
}

/// Plays a schedule and writes down what happens.
fn retold(schedule: &Schedule) -> (Outcome, String) {
    let story = Arc::new(Mutex::new(Vec::new()));
    let outcome = play(schedule, Some(&story));
    let told = lock(&story).join("\n");
    (outcome, told)
}

#[expect(clippy::disallowed_methods, reason = "how long to look is chosen where it is looked")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

const SCHEDULES: u64 = 10_000;
const THREADS: usize = 2;
/// With so many broken schedules there is no need to look for more.
const ENOUGH: usize = 20;
/// Within how many schedules each is noticed; mostly in the first few.
const MUTANTS: [(Mutant, u64); 10] = [
    (Mutant::NoReadUnderTheLease, 100),
    (Mutant::LeaseForEveryone, 100),
    (Mutant::ReleaseByAnyone, 100),
    (Mutant::ShortLease, 500),
    (Mutant::NoSuccessor, 100),
    (Mutant::KeepsNothing, 100),
    (Mutant::Mute, 500),
    (Mutant::FailureIsFinal, 100),
    (Mutant::NoLimit, 500),
    (Mutant::WrongRecord, 500),
];
