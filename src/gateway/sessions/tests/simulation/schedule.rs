//! A schedule: what there is, what is done, and what goes wrong; drawn from its seed.

use std::fmt;
use std::time::Duration;

use super::dice::Dice;
use super::mutants::Mutant;
use crate::gateway::sessions::Place;

/// All that a run is given. The same seed gives the same.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) seed: u64,
    pub(super) place: Place,
    pub(super) replicas: usize,
    /// Threads of each replica.
    pub(super) workers: usize,
    pub(super) browsers: usize,
    pub(super) balance: Balance,
    pub(super) provider: Kind,
    pub(super) times: Times,
    pub(super) chances: Chances,
    /// Whether tokens are so long that some sessions take two cookies.
    pub(super) long_tokens: bool,
    /// Whether a refresh tells something new of the person.
    pub(super) tells: bool,
    pub(super) acts: Vec<(Duration, Act)>,
    pub(super) mutant: Option<Mutant>,
}

/// What the provider does with a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Rotates,
    /// Using one twice revokes all that came of the same login.
    Revokes,
    /// One may be used again for so many milliseconds.
    Lenient(u64),
    Keeps,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Balance {
    RoundRobin,
    Random,
    Sticky,
}

#[derive(Clone, Debug)]
pub(super) struct Times {
    /// How long an access token lives, in milliseconds.
    pub(super) life: u64,
    /// What the provider says of that, in percent.
    pub(super) told: u64,
    pub(super) refresh_at: f64,
    pub(super) keep_at_most: Duration,
    /// For one call of the provider.
    pub(super) limit: Duration,
    pub(super) grace: Duration,
    pub(super) idle: Duration,
    pub(super) absolute: Duration,
}

/// How often something goes wrong by itself, in a thousand cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chances {
    pub(super) store_drops: u64,
    pub(super) store_slow: u64,
    pub(super) provider_fails: u64,
    pub(super) provider_slow: u64,
    /// Answers that never get to the browser.
    pub(super) lost_answers: u64,
    /// Visitors who go away.
    pub(super) gone: u64,
    /// Answers that take seconds.
    pub(super) slow_answers: u64,
}

/// Something that is done or happens.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Burst {
        browser: usize,
        tabs: usize,
        over: u64,
    },
    SignOut {
        browser: usize,
    },
    EndUser {
        user: usize,
    },
    Crash {
        replica: usize,
        back: u64,
    },
    /// The next answer of the provider finds nobody to keep it.
    CrashAtAnswer {
        replica: usize,
        back: u64,
    },
    Restart {
        replica: usize,
    },
    StoreAway {
        millis: u64,
        hangs: bool,
        forgets: bool,
    },
    Partition {
        replica: usize,
        millis: u64,
    },
    ProviderDown {
        millis: u64,
        how: Trouble,
    },
    ProviderEnds {
        browser: usize,
    },
    ProviderMistakes {
        browser: usize,
    },
    ClockStep {
        replica: usize,
        millis: i64,
    },
    /// The next step of a key's way in, or of the old one's way out.
    RotateKeys,
}

/// What goes wrong with a call of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Refused,
    Status,
    Hangs,
    /// It does what it was asked, and its answer is lost.
    AnswerLost,
}

impl Schedule {
    pub(super) fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed);
        let place =
            dice.weighted(&[(3, Place::Cookie), (4, Place::Coordinated), (4, Place::Stored)]);
        let replicas = dice.weighted(&[(2, 1), (4, 2), (3, 3), (1, 4)]);
        let workers = dice.weighted(&[(3, 1), (1, 2)]);
        let browsers = dice.weighted(&[(4, 1), (2, 2), (1, 3)]);
        let grace = dice.between(500, 8000);
        let provider = dice.weighted(&[
            (5, Kind::Rotates),
            (4, Kind::Revokes),
            (2, Kind::Lenient(grace)),
            (1, Kind::Keeps),
        ]);
        let balance =
            dice.weighted(&[(3, Balance::RoundRobin), (3, Balance::Random), (1, Balance::Sticky)]);
        let times = Times::draw(&mut dice);
        let chances = Chances::draw(&mut dice, place);
        let mut schedule = Self {
            seed,
            place,
            replicas,
            workers,
            browsers,
            balance,
            provider,
            times,
            chances,
            long_tokens: dice.percent(6),
            tells: dice.percent(20),
            acts: Vec::new(),
            mutant: None,
        };
        schedule.draw_acts(&mut dice);
        schedule
    }

    pub(super) fn lease(&self) -> Duration {
        self.times.limit * 2 + Duration::from_secs(5)
    }

    /// How long a request waits for a token.
    pub(super) fn patience(&self) -> Duration {
        self.times.limit * 4 + Duration::from_secs(5)
    }

    /// Whether nothing goes wrong that an answer could suffer from.
    pub(super) fn is_calm(&self) -> bool {
        let harmless = |act: &Act| {
            matches!(
                act,
                Act::Burst { .. } | Act::SignOut { .. } | Act::EndUser { .. } | Act::RotateKeys
            )
        };
        let Chances { store_drops, provider_fails, provider_slow, .. } = self.chances;
        store_drops + provider_fails + provider_slow == 0
            && self.acts.iter().all(|(_, act)| harmless(act))
    }

    fn draw_acts(&mut self, dice: &mut Dice) {
        let steps = dice.between(3, 11);
        let misfortune = dice.weighted(&[(2, 0), (3, 15), (3, 35), (1, 60)]);
        for _ in 0..steps {
            let gap = self.gap(dice);
            let act = match dice.percent(misfortune) {
                true => self.misfortune(dice),
                false => self.deed(dice),
            };
            let follows = !matches!(act, Act::Burst { .. });
            self.acts.push((gap, act));
            if follows {
                // What happens matters to those who come soon after.
                let soon = dice.millis(0, 3000);
                let burst = self.burst(dice);
                self.acts.push((soon, burst));
            }
        }
    }

    fn gap(&self, dice: &mut Dice) -> Duration {
        let life = self.times.life * self.times.told / 100;
        let (least, most) = dice.weighted(&[
            (2, (0, 40)),
            (3, (100, 3000)),
            (5, (life * 7 / 10, life * 105 / 100)),
            (3, (life, life * 3 / 2)),
            (1, (life * 2, life * 3)),
        ]);
        dice.millis(least, most.min(least + 700_000))
    }

    fn deed(&self, dice: &mut Dice) -> Act {
        match dice.below(24) {
            0 => Act::SignOut { browser: dice.index(self.browsers) },
            1 => Act::EndUser { user: dice.index(self.browsers) % USERS },
            2 => Act::RotateKeys,
            _ => self.burst(dice),
        }
    }

    fn burst(&self, dice: &mut Dice) -> Act {
        let (least, most) = dice.weighted(&[(6, (1, 2)), (4, (3, 8)), (1, (10, 30))]);
        Act::Burst {
            browser: dice.index(self.browsers),
            tabs: dice.between(least, most) as usize,
            over: dice.weighted(&[(3, 0), (2, 60), (2, 2500)]),
        }
    }

    fn misfortune(&self, dice: &mut Dice) -> Act {
        let replica = dice.index(self.replicas);
        let browser = dice.index(self.browsers);
        let outage = |dice: &mut Dice| {
            let (least, most) =
                dice.weighted(&[(3, (50, 2000)), (3, (1000, 20_000)), (1, (20_000, 90_000))]);
            dice.between(least, most)
        };
        match dice.below(17) {
            0 | 1 => Act::Crash { replica, back: dice.between(10, 8000) },
            2 | 3 => Act::CrashAtAnswer { replica, back: dice.between(10, 8000) },
            4 | 5 => Act::Restart { replica },
            6 | 7 => Act::StoreAway {
                millis: outage(dice),
                hangs: dice.percent(50),
                forgets: dice.percent(25),
            },
            8 | 9 => Act::Partition { replica, millis: outage(dice) },
            10..=12 => {
                let how = dice.weighted(&[
                    (2, Trouble::Refused),
                    (2, Trouble::Status),
                    (2, Trouble::Hangs),
                    (1, Trouble::AnswerLost),
                ]);
                Act::ProviderDown { millis: outage(dice), how }
            }
            13 => Act::ProviderEnds { browser },
            14 => Act::ProviderMistakes { browser },
            _ => {
                let far = dice.weighted(&[(2, 300_000), (2, 50_000), (1, 2000)]);
                let millis = dice.between(1, far).cast_signed();
                Act::ClockStep { replica, millis: if dice.percent(50) { millis } else { -millis } }
            }
        }
    }
}

impl Times {
    fn draw(dice: &mut Dice) -> Self {
        let (least, most) =
            dice.weighted(&[(4, (5000, 15_000)), (4, (15_000, 90_000)), (1, (90_000, 600_000))]);
        let secs = Duration::from_secs;
        Self {
            life: dice.between(least, most),
            told: dice.weighted(&[(6, 100), (1, 60), (1, 150)]),
            refresh_at: dice.weighted(&[(4, 0.75), (1, 0.5), (1, 0.9)]),
            keep_at_most: secs(dice.weighted(&[(4, 8 * 3600), (1, 600), (1, 60)])),
            limit: dice.millis(1000, 10_000),
            grace: dice.weighted(&[(1, secs(300)), (2, secs(5))]),
            idle: secs(dice.weighted(&[(5, 8 * 3600), (1, 600), (1, 120)])),
            absolute: secs(dice.weighted(&[(5, 7 * 24 * 3600), (1, 900)])),
        }
    }
}

impl Chances {
    fn draw(dice: &mut Dice, place: Place) -> Self {
        let mut chance = |often, of: &[u64]| match dice.percent(often) {
            true => of[dice.index(of.len())],
            false => 0,
        };
        let (drops, slow) = (chance(30, &[5, 30, 150, 400]), chance(25, &[20, 200]));
        let has_store = place != Place::Cookie;
        Self {
            store_drops: if has_store { drops } else { 0 },
            store_slow: if has_store { slow } else { 0 },
            provider_fails: chance(25, &[30, 150, 400]),
            provider_slow: chance(30, &[50, 300]),
            lost_answers: chance(30, &[20, 100, 500]),
            gone: chance(25, &[50, 300]),
            slow_answers: chance(50, &[100, 500]),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, place, replicas, workers, browsers, balance, provider, .. } = self;
        writeln!(
            f,
            "seed {seed}: {place:?}, {replicas} replicas of {workers} threads, {browsers} browsers, {balance:?}, {provider:?}"
        )?;
        writeln!(f, "  {:?}", self.times)?;
        writeln!(f, "  {:?}", self.chances)?;
        writeln!(
            f,
            "  long tokens: {}, tells: {}, mutant: {:?}",
            self.long_tokens, self.tells, self.mutant
        )?;
        for (gap, act) in &self.acts {
            writeln!(f, "  after {gap:?}: {act:?}")?;
        }
        Ok(())
    }
}

/// So many persons share the browsers.
pub(super) const USERS: usize = 2;
