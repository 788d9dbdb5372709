//! Takes browsers back from the provider.

use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};

use super::exchange::{Outcome as Ended, SignedIn};
use super::spent::Claim;
use crate::auth::callback::{Callback, Outcome};
use crate::auth::cookie::OwnCookies;
use crate::auth::host::Origin;
use crate::auth::login::AwaitCallback;
use crate::auth::provider::ProviderIndex;
use crate::auth::provider::ResponseMode;
use crate::gateway::Worker;
use crate::gateway::body::Body;
use crate::gateway::clock::now;
use crate::gateway::respond::Failure;
use crate::gateway::sealer::add_cookies;
use crate::gateway::sessions::{Recalled, recall, set_cookies};
use crate::gateway::visit::Visit;
use crate::provider::Lane;
use crate::telemetry::LoginOutcome;

impl Worker {
    /// Takes the browser back from the provider whose callback this is. `form` is what was
    /// posted.
    pub(in crate::gateway) async fn callback(
        self: &Arc<Self>,
        index: ProviderIndex,
        visit: &Visit<'_>,
        form: &str,
    ) -> Result<Response<Body>, Failure> {
        let gateway = &self.gateway;
        let settings = gateway.parties[index].settings();
        let posted = settings.authorization.response_mode == ResponseMode::FormPost;
        let members = match *visit.method {
            Method::GET => visit.query,
            Method::POST if posted => form,
            _ if posted => return Err(Failure::MethodNotAllowed("GET, POST")),
            _ => return Err(Failure::MethodNotAllowed("GET")),
        };
        let callback = Callback::parse(members).map_err(Failure::Callback)?;
        // A provider that does not know the mode says so in a query; a code never comes there.
        if posted && *visit.method == Method::GET && matches!(callback.outcome, Outcome::Code(_)) {
            return Err(Failure::MethodNotAllowed("POST"));
        }
        let realm = visit.own.realm;
        let name = realm.cookies.attempt_name(&callback.state.digest());
        let Some(attempt) = self.open_attempt(&visit.own, &name) else {
            return self.without_attempt(visit).await;
        };
        // Whoever starts again wants to get where they wanted to go at first.
        let goal = attempt.goal().clone();
        let back = gateway.judged(Some(&goal.return_to), &visit.origin(gateway));
        let attempt_began = attempt.began();
        let began = self.began_elsewhere(&attempt, &settings.authorization.redirect_path, visit);
        let host = began.as_ref().map_or(visit.host, |origin| &origin.host);
        let outcome = self.finish(index, attempt, callback, realm.kept()).await;
        let mut answer = match &*outcome {
            Ok(signed_in) => {
                let short = gateway.falls_short(signed_in, index, visit, (host, &back));
                // On a page of ours no circle goes on.
                let holds = short.is_none();
                let mut answer = match short {
                    Some(wanted) => gateway.stepped_in_vain(visit, index, signed_in, wanted),
                    None => gateway.withheld(visit, attempt_began, &back).unwrap_or_else(|| {
                        let to = landing(&signed_in.goal.return_to, began.as_ref());
                        gateway.redirect(StatusCode::SEE_OTHER, &to)
                    }),
                };
                self.set_signed_in(signed_in, posted, visit, answer.headers_mut());
                let rounds = holds.then_some(signed_in.session);
                let rounds = rounds.map(|id| gateway.rounds_line(visit, attempt_began, id));
                add_cookies(answer.headers_mut(), rounds);
                answer
            }
            Err(failure) => {
                let again = gateway.start_again(index, &back, goal.step_up.as_ref());
                let provider = settings.name.as_str();
                let answer = || gateway.respond_again(failure, &visit.asker(), Some(again));
                tracing::info_span!("login", provider).in_scope(answer)
            }
        };
        add_cookies(answer.headers_mut(), [realm.cookies.clear_attempt(&name)]);
        Ok(answer)
    }

    /// Where an attempt began, when that is not the host that the provider came back to, as one
    /// does that knows only one address: where hosts share sessions it ends where it began.
    fn began_elsewhere(
        &self,
        attempt: &AwaitCallback,
        path: &str,
        visit: &Visit<'_>,
    ) -> Option<Origin> {
        let origin = Origin::parse(attempt.redirect_uri().strip_suffix(path)?)?;
        let elsewhere = origin.host.name() != visit.host.name() && self.gateway.knows(&origin.host);
        elsewhere.then_some(origin)
    }

    /// A callback whose attempt is not there: a finished one that was opened again, when there is
    /// a session; else one that this browser never began. No token call either way (C-11, C-13).
    async fn without_attempt(
        self: &Arc<Self>,
        visit: &Visit<'_>,
    ) -> Result<Response<Body>, Failure> {
        match recall(self, &visit.own, self.gateway.patience()).await? {
            Recalled::Somebody(_) => Ok(self.gateway.redirect(StatusCode::SEE_OTHER, "/")),
            Recalled::Nobody { .. } => Err(Failure::ForeignCallback),
        }
    }

    async fn finish(
        self: &Arc<Self>,
        index: ProviderIndex,
        attempt: AwaitCallback,
        callback: Callback,
        realm: Option<Box<str>>,
    ) -> Arc<Ended> {
        let provider = match self.provider(index, Lane::Login).await {
            Ok(provider) => provider,
            Err(why) => return Arc::new(Err(Failure::NotLearnt(why))),
        };
        let digest = attempt.digest();
        let waiting = match attempt.accept(callback, &provider, now()) {
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
                    let outcome =
                        worker.exchange(index, &provider, waiting, realm.as_deref()).await;
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

    fn set_signed_in(
        &self,
        signed_in: &SignedIn,
        posted: bool,
        visit: &Visit<'_>,
        answer: &mut HeaderMap,
    ) {
        if !posted {
            return set_cookies(&signed_in.lines, &visit.own, answer);
        }
        // The browser brings no session along with another site's POST: parts of an old one,
        // unseen, would lie beside the new one ever after.
        let set: Vec<&[u8]> = signed_in.lines.iter().map(HeaderValue::as_bytes).collect();
        add_cookies(answer, visit.own.realm.cookies.clear_unseen(&set));
        answer.extend(signed_in.lines.iter().map(|line| (header::SET_COOKIE, line.clone())));
    }

    fn note(&self, outcome: &Ended) {
        self.gateway.metrics.login(match outcome {
            Ok(_) => LoginOutcome::completed,
            Err(Failure::LoginCall(_) | Failure::NotLearnt(_)) => LoginOutcome::provider_error,
            Err(_) => LoginOutcome::refused,
        });
    }

    fn open_attempt(&self, own: &OwnCookies<'_>, name: &str) -> Option<AwaitCallback> {
        let values = own.attempts.iter().filter(|(own, _)| *own == name);
        values.into_iter().find_map(|(_, value)| {
            AwaitCallback::from_bytes(
                &self.gateway.sessions.sealer.open_attempt(own.realm, name, value)?,
            )
        })
    }
}

/// Where a login ends: at the host where it began, when that is another one.
fn landing(to: &str, began: Option<&Origin>) -> String {
    match began.filter(|_| to.starts_with('/')) {
        Some(origin) => format!("{origin}{to}"),
        None => to.to_owned(),
    }
}
