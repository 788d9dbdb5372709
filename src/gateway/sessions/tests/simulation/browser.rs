//! Browsers: a jar of cookies, and which replica a request gets to.

use std::sync::Arc;

use http::{HeaderMap, header};

use super::schedule::{Balance, USERS};
use super::{KEYS, Sim, lock, sealer};
use crate::auth::session::{Session, SessionId};
use crate::gateway::sessions::Place;

/// A person's browser.
pub(super) struct Browser {
    pub(super) user: usize,
    pub(super) jar: Vec<(String, String)>,
    /// The session in the jar and its generation.
    pub(super) has: Option<(usize, u32)>,
    /// Answers in a row that were nobody's.
    pub(super) misses: u32,
    pub(super) is_logging_in: bool,
    /// Cookies that somebody has stolen.
    pub(super) copies: Vec<Cookies>,
    turn: usize,
}

/// What a request carries.
#[derive(Clone)]
pub(super) struct Cookies {
    pub(super) line: String,
    pub(super) has: Option<(usize, u32)>,
}

/// What is in a cookie.
#[derive(Clone)]
pub(super) struct Content {
    id: SessionId,
    pub(super) generation: u32,
    /// The key that sealed it.
    pub(super) key: u8,
    /// The session, where it is not in a store.
    pub(super) session: Option<Arc<Session>>,
}

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
    pub(super) fn take(&mut self, answer: &HeaderMap) -> bool {
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

    /// The session that cookies carry and its generation; none where there are several.
    pub(super) fn read(&self, line: &str) -> Option<(usize, u32)> {
        let contents = self.contents(line);
        let newest = contents.iter().max_by_key(|content| content.generation)?;
        let is_one = contents.iter().all(|content| content.id == newest.id);
        let facts = &self.truth().facts;
        let index = facts.iter().position(|fact| fact.session.id == newest.id)?;
        is_one.then_some((index, newest.generation))
    }

    pub(super) fn contents(&self, line: &str) -> Vec<Content> {
        let own = self.sealer.realms.home().sort([line.as_bytes()].into_iter());
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
            let sealer = sealer(&[key]);
            if self.schedule.place == Place::Stored {
                let id = sealer.open_ticket(sealer.realms.home(), value).ok()?.ticket.id;
                return Some(Content { id, generation: 0, key, session: None });
            }
            let session = sealer.open_session(sealer.realms.home(), value).ok()?;
            let (id, generation) = (session.id, session.generation);
            Some(Content { id, generation, key, session: Some(Arc::new(session)) })
        })
    }
}
