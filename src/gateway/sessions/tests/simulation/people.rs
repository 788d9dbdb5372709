//! What people do beside asking: they log in, sign out, and are signed out by the operator.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::sleep;

use super::Sim;
use super::call::{PROVIDER, tokens};
use super::request::Counted;
use super::schedule::USERS;
use crate::auth::Timestamp;
use crate::auth::ending::{Ending, Whom};
use crate::auth::identity::Identity;
use crate::auth::session::{Session, SessionId};
use crate::auth::tokens::Tokens;
use crate::gateway::sessions::{
    Presented, World, begin, end_all, end_session, presented, set_cookies,
};

impl Sim {
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
        let length = self.token_length(&mut self.dice());
        let (family, grant) = self.provider().begin(&self.schedule.times, length);
        let now = worker.now();
        let session = self.new_session(browser, now, &tokens(&grant, now));
        let index = self.truth().begun(session.clone(), family);
        self.tell(|| format!("{}: browser {browser} logs in as {:?}", running.process, session.id));
        let line = self.browsers()[browser].cookies().line;
        let task = running.process.spawn(async move {
            let lines = begin(&worker, None, &session).await.ok()?;
            let sessions = worker.sessions();
            let own = sessions.sealer.realms.home().sort([line.as_bytes()].into_iter());
            let mut answer = HeaderMap::new();
            set_cookies(&lines, &own, &mut answer);
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

    fn new_session(&self, browser: usize, now: Timestamp, tokens: &Tokens) -> Session {
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
            acr: None,
            scopes: Vec::new(),
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
            let own = worker.sessions().sealer.realms.home().sort([line.as_bytes()].into_iter());
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
fn user(number: usize) -> String {
    format!("user {number}")
}
