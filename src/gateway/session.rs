//! The session of a request: recall it from its cookie, renew its token when due, and bring the
//! browser's cookie up to date. The rules are those of [`crate::auth::refresh`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};

use super::Worker;
use super::clock::{SystemEntropy, now};
use super::opened::OpenSession;
use super::registry::{Flight, Look};
use super::respond::Failure;
use crate::auth::cookie::OwnCookies;
use crate::auth::identity::Documents;
use crate::auth::refresh::{Standing, Step, Verdict, verdict};
use crate::auth::seal::NotOpened;
use crate::auth::session::Session;
use crate::auth::token_call::{self, refresh_request, userinfo_request};
use crate::auth::tokens::{Tokens, unverified_claims};
use crate::auth::{Timestamp, draw};
use crate::telemetry::{RefreshOutcome, RejectReason};

/// What a request's cookies turned out to be.
pub(super) enum Recalled {
    /// No session; `clear` when cookies of ours are there that are no good.
    Nobody {
        clear: bool,
    },
    Somebody(Current),
}

/// The session that a request is served with.
pub(super) struct Current {
    /// What the browser presented.
    presented: Arc<OpenSession>,
    /// The newest generation of it.
    pub(super) newest: Arc<OpenSession>,
    epoch: u64,
}

impl Worker {
    /// Finds the session of a request; renews its token where that is due.
    pub(super) async fn recall(
        self: &Arc<Self>,
        own: &OwnCookies<'_>,
        now: Timestamp,
    ) -> Result<Recalled, Failure> {
        let Some(presented) = self.open(own, now) else {
            return Ok(Recalled::Nobody {
                clear: self.may_clear(own),
            });
        };
        // Nothing new is known of any session since this one was last looked up, and its token
        // is fresh: the way of almost every request.
        let registry = &self.gateway.registry;
        let epoch = registry.epoch();
        if presented.is_settled(epoch) && registry.standing(&presented, now) == Standing::Fresh {
            let newest = Arc::clone(&presented);
            return Ok(Recalled::Somebody(Current {
                presented,
                newest,
                epoch,
            }));
        }
        self.look_up(presented, now).await
    }

    /// Brings the browser's cookie up to date, on the way of an answer.
    pub(super) fn refresh_cookie(
        &self,
        current: &Current,
        own: &OwnCookies<'_>,
        request: &RequestTraits,
        answer: &mut HeaderMap,
    ) {
        let gateway = &self.gateway;
        let presented = &current.presented.session;
        let moved = current.epoch != gateway.registry.epoch()
            || current.newest.session.generation > presented.generation;
        let successor = moved
            .then(|| {
                gateway
                    .registry
                    .successor_lines(presented.id, presented.generation)
            })
            .flatten();
        let lines = match successor {
            Some(lines) => {
                gateway.metrics.refresh(RefreshOutcome::replayed);
                lines
            }
            None => self.touch(current, request, answer),
        };
        if lines.is_empty() {
            return;
        }
        for line in gateway.sealer.cookies.clear_parts(own) {
            let set_again = lines
                .iter()
                .any(|new| same_cookie(new.as_bytes(), line.as_bytes()));
            if !set_again {
                answer.extend(
                    super::opened::cookie_field(&line).map(|line| (header::SET_COOKIE, line)),
                );
            }
        }
        for line in lines {
            answer.append(header::SET_COOKIE, line);
        }
        // No cache between here and the browser may keep this answer (C-107).
        answer.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        );
    }

    /// The lines that write down that the session was seen, where that is worth a cookie.
    fn touch(
        &self,
        current: &Current,
        request: &RequestTraits,
        answer: &HeaderMap,
    ) -> Vec<HeaderValue> {
        let now = now();
        let newest = &current.newest;
        let lifetimes = self.gateway.lifetimes;
        let same = newest.session.generation == current.presented.session.generation;
        let public = answer
            .get(header::CACHE_CONTROL)
            .is_some_and(|value| memchr::memmem::find(value.as_bytes(), b"public").is_some());
        let wanted = same
            && request.may_touch
            && !public
            && newest.session.wants_touch(lifetimes, now)
            && self.gateway.registry.standing(newest, now) == Standing::Fresh;
        if !wanted {
            return Vec::new();
        }
        let touched = newest.session.touched(now);
        self.gateway
            .sealer
            .session_lines(&touched, touched.cookie_life(now))
            .unwrap_or_default()
    }

    async fn look_up(
        self: &Arc<Self>,
        presented: Arc<OpenSession>,
        mut now: Timestamp,
    ) -> Result<Recalled, Failure> {
        let gateway = &self.gateway;
        for _ in 0..MAX_LOOKS {
            let epoch = gateway.registry.epoch();
            let Look {
                step,
                newest,
                flight,
                landing,
                known,
            } = gateway.registry.look(&presented, now);
            if !known && flight.is_none() {
                presented.settle(epoch);
            }
            let landing = match flight {
                Some(flight) => {
                    let landing = flight.landing();
                    self.renew_beside(Arc::clone(&newest), flight);
                    Some(landing)
                }
                None => landing,
            };
            match step {
                Step::Serve | Step::ServeAndRenew => {
                    return Ok(Recalled::Somebody(Current {
                        presented,
                        newest,
                        epoch,
                    }));
                }
                Step::End => {
                    let reason = match newest.session.tokens.refresh {
                        Some(_) => RejectReason::signed_out,
                        None => RejectReason::ended,
                    };
                    gateway.metrics.rejected(reason);
                    return Ok(Recalled::Nobody { clear: true });
                }
                Step::Unavailable { retry_after } => {
                    return Err(Failure::SessionUnavailable { retry_after });
                }
                Step::RenewAndWait | Step::Wait => {
                    if step == Step::Wait {
                        gateway.metrics.refresh(RefreshOutcome::shared);
                    }
                    self.wait(landing).await?;
                    now = super::clock::now();
                }
            }
        }
        Err(Failure::SessionUnavailable {
            retry_after: Duration::from_secs(1),
        })
    }

    /// Waits for a refresh to land, longer than its own limits let it fly.
    async fn wait(&self, landing: Option<tokio::sync::watch::Receiver<()>>) -> Result<(), Failure> {
        let Some(mut landing) = landing else {
            return Ok(());
        };
        let limit = self.gateway.provider_limit * 2 + Duration::from_secs(1);
        // A closed channel is the landing: its sender lives as long as the flight.
        match tokio::time::timeout(limit, landing.changed()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::SessionUnavailable {
                retry_after: Duration::from_secs(1),
            }),
        }
    }

    /// Renews in a task of its own: a visitor who goes away cancels nothing, and a shutdown
    /// waits for it (rule 2).
    fn renew_beside(self: &Arc<Self>, open: Arc<OpenSession>, flight: Flight) {
        let worker = Arc::clone(self);
        self.tasks.spawn(async move {
            worker.renew(&open).await;
            drop(flight);
        });
    }

    async fn renew(&self, open: &OpenSession) {
        let gateway = &self.gateway;
        let Some(refresh) = &open.session.tokens.refresh else {
            return;
        };
        if gateway.breaker().admit(now()).is_err() {
            gateway.registry.failed(open, Verdict::Passing, now(), 0);
            return;
        }
        let answer = self
            .provider
            .send(refresh_request(&gateway.provider, refresh))
            .await;
        let (verdict, why) = match answer {
            Ok(answer) => match token_call::read_tokens(&answer, now()) {
                Ok(tokens) => return self.renewed(open, tokens).await,
                Err(failure) => (verdict(&failure), format!("{failure:?}")),
            },
            Err(failure) => (Verdict::Passing, failure.to_string()),
        };
        match verdict {
            Verdict::Definitive => gateway.breaker().answered(),
            Verdict::Operator | Verdict::Passing => gateway.breaker().failed(now()),
        }
        let [jitter] = draw(&mut SystemEntropy);
        gateway.registry.failed(open, verdict, now(), jitter);
        let session = &open.session;
        match verdict {
            Verdict::Definitive => {
                gateway.metrics.refresh(RefreshOutcome::ended);
                tracing::info!(session = ?session.id, why, "the provider ended the session");
            }
            Verdict::Operator => {
                gateway.metrics.refresh(RefreshOutcome::provider_error);
                tracing::error!(session = ?session.id, why, "the provider refuses this gateway; check client_id and client_secret");
            }
            Verdict::Passing => {
                gateway.metrics.refresh(RefreshOutcome::provider_error);
                tracing::warn!(session = ?session.id, why, "a token could not be renewed; it will be tried again");
            }
        }
    }

    async fn renewed(&self, open: &OpenSession, tokens: Tokens) {
        let gateway = &self.gateway;
        gateway.breaker().answered();
        let mut session = open.session.renewed(tokens, now());
        match self.identity_after(&session).await {
            Some(identity) if identity.user != session.identity.user => {
                gateway.registry.revoke(session.id, session.ends, now());
                gateway.metrics.refresh(RefreshOutcome::ended);
                tracing::error!(session = ?session.id, "a refresh brought another person: the session is ended");
                return;
            }
            Some(identity) => session.identity = identity,
            None => {}
        }
        let life = session.cookie_life(now());
        let lines = match gateway.sealer.session_lines(&session, life) {
            Ok(lines) => lines,
            Err(too_large) => {
                tracing::error!(
                    bytes = too_large.bytes,
                    "a renewed session no longer fits in two cookies; it lasts only as long as this process remembers it: keep sessions in a store"
                );
                Vec::new()
            }
        };
        let (id, generation) = (session.id, session.generation);
        let Some(open) = OpenSession::new(session) else {
            gateway.registry.failed(open, Verdict::Passing, now(), 0);
            return;
        };
        if gateway.registry.renewed(Arc::new(open), lines, now()) {
            gateway.metrics.refresh(RefreshOutcome::refreshed);
            tracing::debug!(session = ?id, generation, "token renewed");
        }
    }

    /// Who the new token speaks for; none when nobody says, and then the old claims stay
    /// (rule 7, C-102).
    async fn identity_after(&self, session: &Session) -> Option<crate::auth::identity::Identity> {
        let provider = &self.gateway.provider;
        let me = match userinfo_request(provider, &session.tokens.access) {
            Some(request) if provider.identity.want_userinfo() => {
                let answer: Response<Bytes> = self.provider.send(request).await.ok()?;
                Some(token_call::read_userinfo(&answer).ok()?)
            }
            _ => None,
        };
        let token = unverified_claims(&session.tokens.access);
        provider.identity.read(&Documents { token, me }).ok()
    }

    /// Opens the one candidate that is good. Two good ones of different sessions are none: one
    /// of them was tossed in (S45).
    pub(super) fn open(&self, own: &OwnCookies<'_>, now: Timestamp) -> Option<Arc<OpenSession>> {
        if let [value] = own.single.as_slice()
            && own.parts.iter().all(Vec::is_empty)
        {
            return self.open_value(value, now);
        }
        let mut best: Option<Arc<OpenSession>> = None;
        for value in own.candidates() {
            let Some(open) = self.open_value(&value, now) else {
                continue;
            };
            match &best {
                Some(other) if other.session.id != open.session.id => return None,
                Some(other) if other.session.generation >= open.session.generation => {}
                _ => best = Some(open),
            }
        }
        best
    }

    fn open_value(&self, value: &str, now: Timestamp) -> Option<Arc<OpenSession>> {
        let cached = self.cache().find(value);
        let open = match cached {
            Some(open) => open,
            None => {
                let open = match self.gateway.sealer.open_session(value) {
                    Ok(open) => Arc::new(open),
                    Err(refused) => {
                        self.gateway.metrics.rejected(match refused {
                            NotOpened::Broken => RejectReason::broken,
                            NotOpened::Unknown => RejectReason::unknown_key,
                        });
                        return None;
                    }
                };
                self.cache().keep(value, Arc::clone(&open));
                open
            }
        };
        if open.session.ended(self.gateway.lifetimes, now).is_some() {
            self.gateway.metrics.rejected(RejectReason::ended);
            return None;
        }
        Some(open)
    }

    /// Only what is ours and no good may be cleared; a key or format that another replica may
    /// know already is left alone (rule 8).
    fn may_clear(&self, own: &OwnCookies<'_>) -> bool {
        if own.single.is_empty() && own.parts.iter().all(Vec::is_empty) {
            return false;
        }
        let unknown = |value: &String| {
            matches!(
                self.gateway.sealer.open_session(value),
                Err(NotOpened::Unknown)
            )
        };
        !own.candidates().iter().any(unknown)
    }
}

/// What of a request decides whether its answer may carry a touched cookie.
pub(super) struct RequestTraits {
    may_touch: bool,
}

impl RequestTraits {
    /// Answers to images, scripts and the like set no cookie: they come in crowds, and caches
    /// like to keep them.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let destination = headers.get("sec-fetch-dest").map(HeaderValue::as_bytes);
        let crowd = [
            &b"image"[..],
            b"script",
            b"style",
            b"font",
            b"audio",
            b"video",
            b"track",
        ];
        let may_touch = destination.is_none_or(|destination| !crowd.contains(&destination))
            && !headers.contains_key(header::UPGRADE);
        Self { may_touch }
    }
}

fn same_cookie(one: &[u8], other: &[u8]) -> bool {
    crate::auth::cookie::set_cookie_name(one) == crate::auth::cookie::set_cookie_name(other)
}

/// Once to find it due, once after waiting, once more when another refresh had begun meanwhile.
const MAX_LOOKS: usize = 3;
