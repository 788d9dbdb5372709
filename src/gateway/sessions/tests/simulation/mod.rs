//! Replicas, a provider, a store and browsers, with everything that can go wrong between them:
//! the proof of sessions.md, run against the code that serves requests.
//!
//! A schedule is drawn from a seed and played on tokio's paused clock, in one thread: the same
//! seed always tells the same story, and hours pass in milliseconds. No network is simulated,
//! because no code under test opens a socket: calls are delayed, dropped and cut off where the
//! store's and the provider's clients would be.
//!
//! - [`schedule`] draws; [`director`] plays it, and looks whether all heals.
//! - [`browser`] asks, by way of [`request`]; [`people`] log in and out.
//! - [`replica`] has processes that come and go, with a [`worker`] for each of their threads;
//!   [`store`] is the way to the store, [`call`] the way to the [`provider`].
//! - [`truth`] knows what really happened; [`judge`] holds the invariants against it.
//! - [`mutants`] are broken rules, which must be noticed.
//!
//! `ASKARA_SIMULATION_SEED=<seed> cargo test --lib simulation -- --nocapture` tells the story of
//! one schedule; `ASKARA_SIMULATION_SCHEDULES=<number>` plays more of them.

mod browser;
mod call;
mod counts;
mod dice;
mod director;
mod judge;
mod mutants;
mod people;
mod provider;
mod replica;
mod request;
mod runs;
mod schedule;
mod store;
mod truth;
mod worker;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Sealer;
use crate::auth::Timestamp;
use crate::auth::host::Origin;
use crate::auth::realm::Realms;
use crate::auth::seal::KeyRing;
use crate::secret::Secret;
use browser::{Browser, Content};
use counts::Row;
use dice::Dice;
use provider::Provider;
use replica::Replica;
use schedule::{Chances, Schedule};
use store::Shared;
use truth::Truth;

/// One run of a schedule.
struct Sim {
    schedule: Schedule,
    begun: Instant,
    dice: Mutex<Dice>,
    chances: Mutex<Chances>,
    provider: Mutex<Provider>,
    store: Shared,
    replicas: Mutex<Vec<Replica>>,
    browsers: Mutex<Vec<Browser>>,
    truth: Mutex<Truth>,
    processes: AtomicUsize,
    /// Requests under way.
    requests: AtomicUsize,
    /// Requests so far.
    asked: AtomicU64,
    panicked: AtomicBool,
    /// Opens every cookie of the run.
    sealer: Sealer,
    opened: Mutex<BTreeMap<String, Option<Content>>>,
    story: Option<Story>,
}

/// What happened, line by line.
type Story = Arc<Mutex<Vec<String>>>;

/// What a run came to.
struct Outcome {
    row: Row,
    violations: Vec<String>,
}

impl Sim {
    fn new(schedule: Schedule, story: Option<Story>) -> Arc<Self> {
        let browsers = (0..schedule.browsers).map(Browser::new).collect();
        let keys: Vec<u8> = (1..=KEYS).collect();
        Arc::new(Self {
            begun: Instant::now(),
            dice: Mutex::new(Dice::new(schedule.seed)),
            chances: Mutex::new(schedule.chances.clone()),
            provider: Mutex::default(),
            store: Shared::new(schedule.replicas),
            replicas: Mutex::new((0..schedule.replicas).map(|_| Replica::new()).collect()),
            browsers: Mutex::new(browsers),
            truth: Mutex::new(Truth::new(&schedule)),
            processes: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            asked: AtomicU64::new(0),
            panicked: AtomicBool::new(false),
            sealer: sealer(&keys),
            opened: Mutex::default(),
            schedule,
            story,
        })
    }

    /// Milliseconds since the run began.
    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The time by a clock that is so many milliseconds ahead.
    fn clock(&self, ahead: i64) -> Timestamp {
        let millis = (EPOCH + self.millis()).saturating_add_signed(ahead);
        Timestamp::since_epoch(Duration::from_millis(millis))
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            let (seconds, millis) = (self.millis() / 1000, self.millis() % 1000);
            lock(story).push(format!("{seconds:>6}.{millis:03}  {}", what()));
        }
    }

    fn dice(&self) -> MutexGuard<'_, Dice> {
        lock(&self.dice)
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        lock(&self.truth)
    }

    fn provider(&self) -> MutexGuard<'_, Provider> {
        lock(&self.provider)
    }

    fn browsers(&self) -> MutexGuard<'_, Vec<Browser>> {
        lock(&self.browsers)
    }

    fn replicas(&self) -> MutexGuard<'_, Vec<Replica>> {
        lock(&self.replicas)
    }

    /// Dice for one thing: the same, whatever else is done beside it.
    fn dice_of(&self, what: &[u64]) -> Dice {
        let mut seed = self.schedule.seed;
        for &part in what {
            seed = Dice::new(seed ^ part.wrapping_mul(0xff51_afd7_ed55_8ccd)).draw();
        }
        Dice::new(seed)
    }

    fn chances(&self) -> Chances {
        lock(&self.chances).clone()
    }

    /// How much longer than others the token that is given now is.
    fn token_length(&self, dice: &mut Dice) -> Option<usize> {
        self.schedule.long_tokens.then(|| dice.index(4500))
    }

    /// Whatever a task does, its panic is a failure of the run.
    fn notice_panic(&self) {
        if std::thread::panicking() {
            self.panicked.store(true, Ordering::Relaxed);
        }
    }
}

/// Plays a schedule.
fn play(schedule: &Schedule, story: Option<&Story>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing");
    runtime.block_on(async {
        let sim = Sim::new(schedule.clone(), story.cloned());
        director::direct(&sim).await;
        let mut truth = sim.truth();
        if sim.panicked.load(Ordering::Relaxed) {
            truth.violate("a task panicked");
        }
        let violations = std::mem::take(&mut truth.violations);
        Outcome { row: truth.row.clone(), violations }
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What seals under the first of these keys and opens under all.
fn sealer(keys: &[u8]) -> Sealer {
    let home = Origin::parse("https://app.example.com").expect("an origin");
    Sealer::new(ring(keys), Realms::new(&home, &[]))
}

/// Made once: a ring never changes.
fn ring(keys: &[u8]) -> Arc<KeyRing> {
    static RINGS: Mutex<BTreeMap<Vec<u8>, Arc<KeyRing>>> = Mutex::new(BTreeMap::new());
    let made = || {
        let keys: Vec<_> = keys.iter().map(|&byte| Secret::new([byte; 32])).collect();
        Arc::new(KeyRing::new(&keys, "app.example.com").expect("keys that differ"))
    };
    Arc::clone(lock(&RINGS).entry(keys.to_vec()).or_insert_with(made))
}

/// When all runs begin, in milliseconds since the Unix epoch.
const EPOCH: u64 = 1_800_000_000_000;
/// So many keys there are, the ones that come later among them.
const KEYS: u8 = 6;
