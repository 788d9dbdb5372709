//! One request, from its browser to a replica and back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::sleep;

use super::Sim;
use super::browser::Cookies;
use super::judge::{Answered, Asked};
use super::worker::Worker;
use crate::gateway::sealer::add_cookies;
use crate::gateway::sessions::Unavailable;
use crate::gateway::sessions::{Recalled, RequestTraits, World, recall, refresh_cookie};

/// How a request is made.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) browser: usize,
    pub(super) replica: usize,
    pub(super) cookies: Cookies,
    /// Nothing happens to it on its way.
    pub(super) surely: bool,
    /// Its answer is for nobody's jar.
    pub(super) stolen: bool,
}

/// What happens to a request on its way.
struct Way {
    to: Duration,
    /// None: its answer never gets there.
    back: Option<Duration>,
    /// When the visitor goes away.
    gone: Option<Duration>,
    /// How long the app takes.
    work: Duration,
    image: bool,
    thread: usize,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Served,
    Nobody,
    Unavailable,
    NoAnswer,
}

/// Counts a request for as long as it is under way.
pub(super) struct Counted(Arc<Sim>);

impl Sim {
    /// Sends a request and waits for what comes of it.
    pub(super) async fn visit(self: &Arc<Self>, ask: Ask) -> Got {
        let _counted = Counted::new(self);
        let way = self.way(&ask);
        let (back, gone) = (way.back, way.gone);
        sleep(way.to).await;
        let Some(running) = self.running(ask.replica) else { return Got::NoAnswer };
        let worker = Arc::clone(&running.workers[way.thread]);
        let (sim, asked) = (Arc::clone(self), ask.clone());
        let task = running.process.spawn(async move { sim.answer(&worker, &asked, &way).await });
        if let Some(gone) = gone {
            let going = task.abort_handle();
            tokio::spawn(async move {
                sleep(gone).await;
                going.abort();
            });
        }
        let (got, answer) = match task.await {
            Ok(answered) => answered,
            Err(error) => {
                self.panicked.fetch_or(error.is_panic(), Ordering::Relaxed);
                return Got::NoAnswer;
            }
        };
        let Some(back) = back else { return got };
        sleep(back).await;
        if !ask.stolen {
            self.arrive(&ask, got, &answer);
        }
        got
    }

    fn way(&self, ask: &Ask) -> Way {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut dice = self.dice_of(&[REQUEST, number]);
        let thread = dice.index(self.schedule.workers);
        // No two that are under way finish at the same moment: who comes first would be chance.
        let apart = number % MOMENTS + 1;
        let (image, tick) = (dice.percent(20), Duration::from_millis(1));
        if ask.surely {
            let work = Duration::from_millis(apart);
            return Way { to: tick, back: Some(tick), gone: None, work, image, thread };
        }
        let chances = self.chances();
        let slow = dice.permille(chances.slow_answers);
        let (most, moments) = if slow { (4000, 3000 / MOMENTS) } else { (40, 0) };
        let (to, back) = (dice.millis(0, 40), dice.millis(0, most));
        Way {
            to,
            back: (!dice.permille(chances.lost_answers)).then_some(back),
            gone: dice.permille(chances.gone).then(|| dice.millis(1, 400)),
            work: Duration::from_millis(dice.between(0, moments) * MOMENTS + apart),
            image,
            thread,
        }
    }

    fn arrive(&self, ask: &Ask, got: Got, answer: &HeaderMap) {
        let mut browsers = self.browsers();
        let browser = &mut browsers[ask.browser];
        match got {
            Got::Served => browser.misses = 0,
            Got::Nobody => browser.misses += 1,
            Got::Unavailable | Got::NoAnswer => {}
        }
        let before = browser.has;
        if browser.take(answer) {
            let after = self.read(&browser.cookies().line);
            browser.has = after;
            self.tell(|| format!("browser {}: {before:?} becomes {after:?}", ask.browser));
            let presented = ask.cookies.has;
            self.truth().answered(&Answered { presented, before, after });
        }
    }

    /// What a replica does with a request.
    async fn answer(
        self: &Arc<Self>,
        worker: &Arc<Worker>,
        ask: &Ask,
        way: &Way,
    ) -> (Got, HeaderMap) {
        let sealer = &worker.sessions().sealer;
        let own = sealer.realms.home().sort([ask.cookies.line.as_bytes()].into_iter());
        let (arrived, ahead) = (self.millis(), self.ahead(worker.process.replica));
        let patience = self.schedule.patience();
        let recalled = recall(worker, &own, patience).await;
        let took = Duration::from_millis(self.millis() - arrived);
        if took > patience + LATE {
            self.truth().violate(format!("a request was answered after {took:?}"));
        }
        self.judge(worker, ask, (arrived, ahead), &recalled);
        let mut headers = HeaderMap::new();
        match recalled {
            Ok(Recalled::Somebody(current)) => {
                sleep(way.work).await;
                let mut head = HeaderMap::new();
                if way.image {
                    head.insert("sec-fetch-dest", HeaderValue::from_static("image"));
                }
                let traits = RequestTraits::of(&head);
                refresh_cookie(worker, &current, &own, &traits, &mut headers);
                (Got::Served, headers)
            }
            Ok(Recalled::Nobody { clear }) => {
                if clear {
                    add_cookies(&mut headers, sealer.realms.home().cookies.clear_session(&own));
                }
                (Got::Nobody, headers)
            }
            Err(_) => (Got::Unavailable, headers),
        }
    }

    fn judge(
        &self,
        worker: &Arc<Worker>,
        ask: &Ask,
        (arrived, ahead): (u64, i64),
        recalled: &Result<Recalled, Unavailable>,
    ) {
        let Some((index, generation)) = ask.cookies.has else { return };
        let process = &worker.process;
        let is_nobody = matches!(recalled, Ok(Recalled::Nobody { .. }));
        let contents = if is_nobody { self.contents(&ask.cookies.line) } else { Vec::new() };
        let newest = contents.iter().max_by_key(|content| content.generation);
        let cookie = newest.and_then(|content| content.session.clone());
        let heard = process.heard();
        let asked = Asked {
            index,
            generation,
            cookie: cookie.as_deref(),
            process: process.number,
            knows_key: contents.iter().all(|content| process.keys.contains(&content.key)),
            clock: worker.now(),
            earliest: worker.now().min(self.clock(ahead)),
            arrived,
            now: self.millis(),
            heard: &heard,
        };
        let mut truth = self.truth();
        truth.row.requests += 1;
        let id = truth.facts[index].session.id;
        let told = |what: String| {
            self.tell(|| format!("{process}: {id:?} generation {generation}: {what}"));
        };
        match recalled {
            Ok(Recalled::Somebody(current)) => {
                let newest = &current.newest.session;
                told(format!("served with generation {}", newest.generation));
                truth.somebody(&asked, newest, newest.tokens.access.expose());
            }
            Ok(Recalled::Nobody { clear }) => {
                told(format!("nobody, clear: {clear}"));
                truth.nobody(&asked, *clear);
            }
            Err(failure) => {
                let what = match failure {
                    Unavailable::Token { .. } => "the session is unavailable",
                    Unavailable::Store => "the store is unavailable",
                };
                told(what.to_owned());
                truth.unavailable(&asked, what);
            }
        }
    }
}

impl Counted {
    pub(super) fn new(sim: &Arc<Sim>) -> Self {
        sim.requests.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(sim))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.notice_panic();
    }
}

/// What dice are thrown for.
const REQUEST: u64 = 4;
/// More than requests are ever under way, in milliseconds.
const MOMENTS: u64 = 128;
/// How long the store may be asked on the way of a request, beside what it waits for its token.
const LATE: Duration = Duration::from_secs(3);
