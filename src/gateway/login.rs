//! Login: begins attempts, and turns callbacks into sessions by driving [`crate::auth::login`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, Method, Response, StatusCode};
use tokio::sync::watch;

use super::body::Body;
use super::clock::{SystemEntropy, now};
use super::opened::add_cookies;
use super::respond::Failure;
use super::session::Recalled;
use super::visit::Visit;
use super::{Gateway, Worker};
use crate::auth::Timestamp;
use crate::auth::cookie::OwnCookies;
use crate::auth::host::Origin;
use crate::auth::login::{
    ATTEMPT_LIFE, AwaitCallback, AwaitTokens, Callback, MAX_ATTEMPT_BYTES, MAX_ATTEMPTS,
};
use crate::auth::return_to::ReturnTo;
use crate::provider::Lane;
use crate::telemetry::LoginOutcome;

/// Attempts whose code was spent, by the digest of their state: a callback that comes again gets
/// the same answer for a moment, and never a second token call (C-13, C-101).
#[derive(Default)]
pub(super) struct SpentAttempts(Mutex<HashMap<String, Spent>>);

struct Spent {
    since: Timestamp,
    outcome: watch::Receiver<Option<Arc<Outcome>>>,
}

type Outcome = Result<SignedIn, Failure>;

/// What a finished login answers with.
pub(super) struct SignedIn {
    lines: Vec<HeaderValue>,
    return_to: String,
}

impl Worker {
    /// Sends a browser to the provider, to come back to `return_to`.
    pub(super) fn begin_login(&self, visit: &Visit<'_>, return_to: &ReturnTo) -> Response<Body> {
        let gateway = &self.gateway;
        let redirect_uri = format!("{}{}", visit.origin(gateway), gateway.provider.redirect_path);
        let begun = AwaitCallback::begin(
            &gateway.provider,
            redirect_uri,
            return_to.as_str(),
            now(),
            &mut SystemEntropy,
        );
        let cookies = &gateway.sealer.cookies;
        let name = cookies.attempt_name(&begun.attempt.digest());
        let value = gateway.sealer.seal_attempt(&name, &begun.attempt.to_bytes());
        let status =
            if *visit.method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
        let mut answer = gateway.redirect(status, &begun.authorize_url);
        let evicted = self.evicted(&visit.own, name.len() + value.len());
        let set = cookies.set_attempt(&name, &value, ATTEMPT_LIFE);
        let lines = evicted.iter().map(|name| cookies.clear_attempt(name)).chain([set]);
        add_cookies(answer.headers_mut(), lines);
        gateway.metrics.login(LoginOutcome::started);
        answer
    }

    /// Takes the browser back from the provider.
    pub(super) async fn callback(
        self: &Arc<Self>,
        visit: &Visit<'_>,
    ) -> Result<Response<Body>, Failure> {
        if *visit.method != Method::GET {
            return Err(Failure::MethodNotAllowed("GET"));
        }
        let callback = Callback::parse(visit.query).map_err(Failure::Callback)?;
        let name = self.gateway.sealer.cookies.attempt_name(&callback.state.digest());
        let Some(attempt) = self.open_attempt(&visit.own, &name) else {
            return self.without_attempt(visit).await;
        };
        // Whoever starts again wants to get where they wanted to go at first.
        let again = self.gateway.start_path(attempt.return_to());
        let outcome = self.finish(attempt, callback).await;
        let gateway = &self.gateway;
        let mut answer = match &*outcome {
            Ok(signed_in) => {
                let mut answer = gateway.redirect(StatusCode::SEE_OTHER, &signed_in.return_to);
                self.set_cookies(&signed_in.lines, &visit.own, answer.headers_mut());
                answer
            }
            Err(failure) => gateway.respond_again(failure, &visit.asker(), Some(again)),
        };
        add_cookies(answer.headers_mut(), [gateway.sealer.cookies.clear_attempt(&name)]);
        Ok(answer)
    }

    /// A callback whose attempt is not there: a finished one that was opened again, when there is
    /// a session; else one that this browser never began. No token call either way (C-11, C-13).
    async fn without_attempt(
        self: &Arc<Self>,
        visit: &Visit<'_>,
    ) -> Result<Response<Body>, Failure> {
        match self.recall(&visit.own, self.gateway.patience()).await? {
            Recalled::Somebody(_) => Ok(self.gateway.redirect(StatusCode::SEE_OTHER, "/")),
            Recalled::Nobody { .. } => Err(Failure::ForeignCallback),
        }
    }

    async fn finish(self: &Arc<Self>, attempt: AwaitCallback, callback: Callback) -> Arc<Outcome> {
        let digest = attempt.digest();
        let waiting = match attempt.accept(callback, &self.gateway.provider, now()) {
            Ok(waiting) => waiting,
            Err(error) => {
                self.gateway.metrics.login(LoginOutcome::denied);
                return Arc::new(Err(Failure::Login(error)));
            }
        };
        let mut outcome = match self.gateway.spent.claim(digest, now()) {
            Claim::First(sender, receiver) => {
                // In a task of its own: the code is spent once, whoever goes away meanwhile.
                let worker = Arc::clone(self);
                self.tasks.spawn(async move {
                    let outcome = worker.exchange(waiting).await;
                    worker.note(&outcome);
                    drop(sender.send(Some(Arc::new(outcome))));
                });
                receiver
            }
            Claim::Again(receiver) => receiver,
            Claim::Over => return Arc::new(Err(Failure::ForeignCallback)),
        };
        let landed = outcome.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone());
        // Only a task that died leaves nothing behind.
        landed.unwrap_or_else(|| Arc::new(Err(Failure::ForeignCallback)))
    }

    async fn exchange(&self, waiting: AwaitTokens) -> Outcome {
        let gateway = &self.gateway;
        let provider = &gateway.provider;
        let answer = self
            .provider
            .send(waiting.request(provider), Lane::Login)
            .await
            .map_err(Failure::LoginCall)?;
        let waiting = waiting.accept(&answer, now()).map_err(Failure::Login)?;
        let userinfo = match waiting.request(provider) {
            Some(request) => {
                Some(self.provider.send(request, Lane::Login).await.map_err(Failure::LoginCall)?)
            }
            None => None,
        };
        let (session, return_to) = waiting
            .accept(userinfo.as_ref(), provider, gateway.lifetimes, now(), &mut SystemEntropy)
            .map_err(Failure::Login)?;
        let life = session.cookie_life(now());
        let lines =
            gateway.sealer.session_lines(&session, life).map_err(Failure::SessionTooLarge)?;
        tracing::info!(session = ?session.id, user = session.identity.user, "signed in");
        Ok(SignedIn { lines, return_to })
    }

    fn note(&self, outcome: &Outcome) {
        self.gateway.metrics.login(match outcome {
            Ok(_) => LoginOutcome::completed,
            Err(Failure::LoginCall(_)) => LoginOutcome::provider_error,
            Err(_) => LoginOutcome::refused,
        });
    }

    fn open_attempt(&self, own: &OwnCookies<'_>, name: &str) -> Option<AwaitCallback> {
        let values = own.attempts.iter().filter(|(own, _)| *own == name);
        values.into_iter().find_map(|(_, value)| {
            AwaitCallback::from_bytes(&self.gateway.sealer.open_attempt(name, value)?)
        })
    }

    /// The attempts that make room for one more: the oldest (C-16).
    fn evicted<'a>(&self, own: &OwnCookies<'a>, bytes: usize) -> Vec<&'a str> {
        let age = |name: &str, value: &str| {
            let plain = self.gateway.sealer.open_attempt(name, value)?;
            AwaitCallback::from_bytes(&plain).map(|attempt| attempt.created())
        };
        let mut kept: Vec<(Option<Timestamp>, &str, usize)> = own
            .attempts
            .iter()
            .map(|(name, value)| (age(name, value), *name, name.len() + value.len()))
            .collect();
        // Youngest first; what does not open, perhaps for want of another replica's key, has no
        // age and comes last.
        kept.sort_by_key(|(created, ..)| std::cmp::Reverse(*created));
        let (mut room, mut places) = (MAX_ATTEMPT_BYTES.saturating_sub(bytes), MAX_ATTEMPTS - 1);
        let mut evicted = Vec::new();
        for (_, name, size) in kept {
            if size <= room && places > 0 {
                room -= size;
                places -= 1;
            } else {
                evicted.push(name);
                room = 0;
            }
        }
        evicted
    }
}

impl Gateway {
    /// The path that begins a login, to come back to an address that was judged before.
    pub(super) fn start_path(&self, return_to: &str) -> String {
        let rd: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        format!("{}/start?rd={rd}", self.prefix)
    }

    /// Tells a refused request where to sign in, to come back to `return_to`: at the host that it
    /// was for, where the session's cookie will be.
    pub(super) fn sign_in(&self, visit: &Visit<'_>, return_to: &ReturnTo) -> Failure {
        let start = self.start_path(return_to.as_str());
        Failure::SignIn { login: format!("{}{start}", visit.origin(self)), start }
    }

    /// A return address as it was asked for, or the landing page.
    pub(super) fn judged(&self, address: Option<&str>, here: &Origin) -> ReturnTo {
        address.and_then(|address| self.returns.judge(address, here)).unwrap_or_else(ReturnTo::home)
    }
}

enum Claim {
    First(watch::Sender<Option<Arc<Outcome>>>, watch::Receiver<Option<Arc<Outcome>>>),
    Again(watch::Receiver<Option<Arc<Outcome>>>),
    Over,
}

impl SpentAttempts {
    fn claim(&self, digest: String, now: Timestamp) -> Claim {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = spent.get(&digest) {
            return match now.since(known.since) < REPLAY {
                true => Claim::Again(known.outcome.clone()),
                false => Claim::Over,
            };
        }
        if spent.len() >= MAX_SPENT {
            spent.retain(|_, spent| now.since(spent.since) <= ATTEMPT_LIFE);
        }
        let (sender, receiver) = watch::channel(None);
        if spent.len() < MAX_SPENT {
            spent.insert(digest, Spent { since: now, outcome: receiver.clone() });
        }
        Claim::First(sender, receiver)
    }

    /// Forgets answers that nobody may ask for again, and attempts that are over by themselves.
    pub(super) fn sweep(&self, now: Timestamp) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|_, spent| now.since(spent.since) <= ATTEMPT_LIFE);
        for known in spent.values_mut().filter(|known| now.since(known.since) >= REPLAY) {
            known.outcome = watch::channel(None).1;
        }
    }
}

/// How long a callback that comes again gets the answer of the first.
const REPLAY: Duration = Duration::from_secs(60);
const MAX_SPENT: usize = 65_536;
