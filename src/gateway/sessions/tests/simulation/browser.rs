//! Browsers: a jar of cookies, tabs that ask at once, answers that come in any order or never.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use tokio::time::sleep;

use super::judge::{Answered, Asked};
use super::replica::{PROVIDER, Worker, tokens};
use super::schedule::{Balance, USERS};
use super::{KEYS, Sim, lock, sealer};
use crate::auth::Timestamp;
use crate::auth::ending::{Ending, Whom};
use crate::auth::identity::Identity;
use crate::auth::session::{Session, SessionId};
use crate::gateway::sealer::add_cookies;
use crate::gateway::sessions::Unavailable;
use crate::gateway::sessions::{
    Place, Presented, Recalled, RequestTraits, World, begin, end_all, end_session, presented,
    recall, refresh_cookie, set_cookies,
};

/// A person's browser.
pub(super) struct Browser {
    pub(super) user: usize,
    jar: Vec<(String, String)>,
    /// The session in the jar and its generation.
    pub(super) has: Option<(usize, u32)>,
    /// Answers in a row that were nobody's.
    pub(super) misses: u32,
    is_logging_in: bool,
    /// Cookies that somebody has stolen.
    pub(super) copies: Vec<Cookies>,
    turn: usize,
}

/// What a request carries.
#[derive(Clone)]
pub(super) struct Cookies {
    line: String,
    pub(super) has: Option<(usize, u32)>,
}

/// What is in a cookie.
#[derive(Clone)]
pub(super) struct Content {
    id: SessionId,
    generation: u32,
    /// The key that sealed it.
    key: u8,
    /// The session, where it is not in a store.
    session: Option<Arc<Session>>,
}

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

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Served,
    Nobody,
    Unavailable,
    NoAnswer,
}

/// Counts a request for as long as it is under way.
struct Counted(Arc<Sim>);

impl Browser {
    pub(super) fn new(number: usize) -> Self {
        Self {
            user: number % USERS,
            jar: Vec::new(),
            has: None,
            misses: 0,
            is_logging_in: false,
            copies: Vec::new(),
            turn: number,
        }
    }

    pub(super) fn cookies(&self) -> Cookies {
        let pairs: Vec<String> =
            self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Cookies { line: pairs.join("; "), has: self.has }
    }

    /// Takes the cookies of an answer. True when there were any.
    fn take(&mut self, answer: &HeaderMap) -> bool {
        for line in answer.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap_or_default();
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.jar.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0") {
                self.jar.push((name.to_owned(), value.to_owned()));
            }
        }
        answer.contains_key(header::SET_COOKIE)
    }
}

impl Sim {
    /// The replica that the next request of a browser gets to.
    pub(super) fn balanced(&self, browser: usize) -> usize {
        let count = self.schedule.replicas;
        let replica = match self.schedule.balance {
            Balance::RoundRobin => {
                let browser = &mut self.browsers()[browser];
                browser.turn += 1;
                browser.turn % count
            }
            Balance::Random => self.dice().index(count),
            Balance::Sticky => browser % count,
        };
        // Nobody is sent to a replica that does not run.
        let runs = |replica: &usize| self.running(*replica).is_some();
        (0..count).map(|next| (replica + next) % count).find(runs).unwrap_or(replica)
    }

    /// Sends a request and waits for what comes of it.
    pub(super) async fn visit(self: &Arc<Self>, ask: Ask) -> Got {
        let _counted = Counted::new(self);
        let (to, back, gone) = self.way(&ask);
        sleep(to).await;
        let Some(running) = self.running(ask.replica) else { return Got::NoAnswer };
        let thread = self.dice().index(running.workers.len());
        let worker = Arc::clone(&running.workers[thread]);
        let (sim, asked) = (Arc::clone(self), ask.clone());
        let task = running.process.spawn(async move { sim.answer(&worker, &asked).await });
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

    /// How long a request and its answer are on their way, and whether they get there.
    fn way(&self, ask: &Ask) -> (Duration, Option<Duration>, Option<Duration>) {
        if ask.surely {
            return (Duration::from_millis(1), Some(Duration::from_millis(1)), None);
        }
        let slow = self.happens(|chances| chances.slow_answers);
        let lost = self.happens(|chances| chances.lost_answers);
        let gone = self.happens(|chances| chances.gone);
        let mut dice = self.dice();
        let most = if slow { 4000 } else { 40 };
        let (to, back) = (dice.millis(0, 40), dice.millis(0, most));
        let gone = gone.then(|| dice.millis(1, 400));
        (to, (!lost).then_some(back), gone)
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

    /// The session that cookies carry and its generation; none where there are several.
    fn read(&self, line: &str) -> Option<(usize, u32)> {
        let contents = self.contents(line);
        let newest = contents.iter().max_by_key(|content| content.generation)?;
        let is_one = contents.iter().all(|content| content.id == newest.id);
        let facts = &self.truth().facts;
        let index = facts.iter().position(|fact| fact.session.id == newest.id)?;
        is_one.then_some((index, newest.generation))
    }

    fn contents(&self, line: &str) -> Vec<Content> {
        let own = self.sealer.cookies.sort([line.as_bytes()].into_iter());
        let mut opened = lock(&self.opened);
        let candidates = own.candidates().into_iter();
        let content = |value: String| match opened.get(&value) {
            Some(known) => known.clone(),
            None => {
                let content = self.open(&value);
                opened.insert(value, content.clone());
                content
            }
        };
        candidates.filter_map(content).collect()
    }

    /// Opens a cookie, by whichever key.
    fn open(&self, value: &str) -> Option<Content> {
        (1..=KEYS).find_map(|key| {
            if self.schedule.place == Place::Stored {
                let id = sealer(&[key]).open_ticket(value).ok()?.ticket.id;
                return Some(Content { id, generation: 0, key, session: None });
            }
            let session = sealer(&[key]).open_session(value).ok()?;
            let (id, generation) = (session.id, session.generation);
            Some(Content { id, generation, key, session: Some(Arc::new(session)) })
        })
    }

    /// What a replica does with a request.
    async fn answer(self: &Arc<Self>, worker: &Arc<Worker>, ask: &Ask) -> (Got, HeaderMap) {
        let sealer = &worker.sessions().sealer;
        let own = sealer.cookies.sort([ask.cookies.line.as_bytes()].into_iter());
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
                let slow = self.happens(|chances| chances.slow_answers);
                let work = self.dice().millis(1, if slow { 3000 } else { 20 });
                sleep(work).await;
                let traits = RequestTraits::of(&self.traits());
                refresh_cookie(worker, &current, &own, &traits, &mut headers);
                (Got::Served, headers)
            }
            Ok(Recalled::Nobody { clear }) => {
                if clear {
                    add_cookies(&mut headers, sealer.cookies.clear_session(&own));
                }
                (Got::Nobody, headers)
            }
            Err(_) => (Got::Unavailable, headers),
        }
    }

    fn traits(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.dice().percent(20) {
            headers.insert("sec-fetch-dest", HeaderValue::from_static("image"));
        }
        headers
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

    /// Somebody logs in. The browser's answer comes surely.
    pub(super) async fn log_in(self: &Arc<Self>, browser: usize) {
        let replica = self.balanced(browser);
        let Some(running) = self.running(replica) else { return };
        {
            let browser = &mut self.browsers()[browser];
            if std::mem::replace(&mut browser.is_logging_in, true) {
                return;
            }
        }
        let _counted = Counted::new(self);
        // People take longer to log in than answers take to come.
        sleep(Duration::from_secs(5)).await;
        let worker = Arc::clone(&running.workers[0]);
        let length = self.token_length();
        let (family, grant) = self.provider().begin(&self.schedule.times, length);
        let now = worker.now();
        let session = self.new_session(browser, now, &tokens(&grant, now));
        let index = self.truth().begun(session.clone(), family);
        self.tell(|| format!("{}: browser {browser} logs in as {:?}", running.process, session.id));
        let line = self.browsers()[browser].cookies().line;
        let task = running.process.spawn(async move {
            let lines = begin(&worker, &session).await.ok()?;
            let sessions = worker.sessions();
            let own = sessions.sealer.cookies.sort([line.as_bytes()].into_iter());
            let mut answer = HeaderMap::new();
            set_cookies(sessions, &lines, &own, &mut answer);
            Some(answer)
        });
        let answer = task.await.ok().flatten();
        let mut browsers = self.browsers();
        let browser = &mut browsers[browser];
        browser.is_logging_in = false;
        browser.misses = 0;
        match answer {
            Some(answer) => {
                browser.take(&answer);
                browser.has = self.read(&browser.cookies().line);
            }
            None => {
                self.truth().facts[index].over = Some("it never began");
            }
        }
    }

    fn new_session(
        &self,
        browser: usize,
        now: Timestamp,
        tokens: &crate::auth::tokens::Tokens,
    ) -> Session {
        let mut id = [0; 16];
        let mut dice = self.dice();
        id[..8].copy_from_slice(&dice.draw().to_le_bytes());
        id[8..].copy_from_slice(&dice.draw().to_le_bytes());
        Session {
            id: SessionId::from_bytes(id),
            generation: 0,
            provider: PROVIDER.to_owned(),
            created: now,
            seen: now,
            ends: now.plus(self.schedule.times.absolute),
            tokens: tokens.clone(),
            subject: Some(format!("subject {}", browser % USERS)),
            sid: Some(format!("sid {}", dice.draw())),
            authenticated: None,
            hint: None,
            identity: Identity::for_test(&user(browser % USERS)),
        }
    }

    /// Somebody signs out; a copy of the cookie stays with somebody else.
    pub(super) async fn sign_out(self: &Arc<Self>, browser: usize) {
        let replica = self.balanced(browser);
        let Some(running) = self.running(replica) else { return };
        let cookies = self.browsers()[browser].cookies();
        let Some((index, _)) = cookies.has else { return };
        let _counted = Counted::new(self);
        let (sim, worker) = (Arc::clone(self), Arc::clone(&running.workers[0]));
        let line = cookies.line.clone();
        let task = running.process.spawn(async move {
            let own = worker.sessions().sealer.cookies.sort([line.as_bytes()].into_iter());
            if let Ok(Presented::Session(open)) = presented(&worker, &own, worker.now()).await {
                sim.tell(|| format!("{}: {:?} signs out", worker.process, open.session.id));
                let now = sim.millis();
                {
                    let fact = &mut sim.truth().facts[index];
                    fact.over.get_or_insert("it was signed out");
                    fact.ended_at.push((worker.process.number, now));
                }
                end_session(&worker, &open).await;
            }
        });
        let done = task.await.is_ok();
        let mut browsers = self.browsers();
        let browser = &mut browsers[browser];
        browser.copies.push(cookies);
        if done {
            browser.jar.clear();
            browser.has = None;
        }
    }

    /// The operator ends all sessions of a person.
    pub(super) async fn end_user(self: &Arc<Self>, number: usize) {
        let replica = self.dice().index(self.schedule.replicas);
        let Some(running) = self.running(replica) else { return };
        let (sim, worker) = (Arc::clone(self), Arc::clone(&running.workers[0]));
        for browser in self.browsers().iter_mut().filter(|browser| browser.user == number) {
            let cookies = browser.cookies();
            browser.copies.extend(cookies.has.is_some().then_some(cookies));
        }
        let task = running.process.spawn(async move {
            let whom = Whom::User(user(number));
            let before = worker.now();
            let until = before.plus(sim.schedule.times.absolute);
            let ending = Ending { whom: whom.clone(), before, until };
            sim.truth().end_user(&user(number));
            sim.truth().ended(&ending, worker.process.number, sim.millis());
            let ended = end_all(&worker, whom).await;
            sim.tell(|| format!("{}: all of user {number} end: {ended:?}", worker.process));
        });
        let _ = task.await;
    }
}

impl Counted {
    fn new(sim: &Arc<Sim>) -> Self {
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

fn user(number: usize) -> String {
    format!("user {number}")
}

/// How long the store may be asked on the way of a request, beside what it waits for its token.
const LATE: Duration = Duration::from_secs(3);
