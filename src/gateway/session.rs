//! The session of a request: recall it from its cookie, have its token renewed when due, and bring
//! the browser's cookie up to date. The rules are those of [`crate::auth::refresh`].

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use tokio::sync::watch;

use super::Worker;
use super::candidates::Presented;
use super::clock::now;
use super::opened::{OpenSession, cookie_field};
use super::registry::{Look, Newer};
use super::respond::Failure;
use crate::auth::Timestamp;
use crate::auth::cookie::{OwnCookies, set_cookie_name};
use crate::auth::refresh::{Standing, Step};
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

/// What of a request decides whether its answer may carry a touched cookie.
pub(super) struct RequestTraits {
    may_touch: bool,
}

impl Worker {
    /// Finds the session of a request; has its token renewed where that is due, and past expiry
    /// waits for it, but no longer than `patience`.
    pub(super) async fn recall(
        self: &Arc<Self>,
        own: &OwnCookies<'_>,
        patience: Duration,
    ) -> Result<Recalled, Failure> {
        let now = now();
        let presented = match self.presented(own, now) {
            Presented::Session(presented) => presented,
            Presented::Nothing { clear } => return Ok(Recalled::Nobody { clear }),
        };
        // Nothing new is known of any session since this one was last looked up, and its token
        // is fresh: the way of almost every request.
        let registry = &self.gateway.registry;
        let epoch = registry.epoch();
        if presented.is_settled(epoch) && registry.standing(&presented, now) == Standing::Fresh {
            let newest = Arc::clone(&presented);
            return Ok(Recalled::Somebody(Current { presented, newest, epoch }));
        }
        self.look_up(presented, now, patience).await
    }

    /// Brings the browser's cookie up to date, on the way of an answer.
    pub(super) fn refresh_cookie(
        &self,
        current: &Current,
        own: &OwnCookies<'_>,
        request: &RequestTraits,
        answer: &mut HeaderMap,
    ) {
        let registry = &self.gateway.registry;
        let presented = &current.presented.session;
        let newer = if current.epoch == registry.epoch()
            && current.newest.session.generation == presented.generation
        {
            Newer::Nothing
        } else {
            registry.newer(presented.id, presented.generation)
        };
        let lines = match newer {
            Newer::Lines(lines) => {
                self.gateway.metrics.refresh(RefreshOutcome::replayed);
                lines
            }
            Newer::Nothing => self.touch(current, request, answer),
            // A cookie set now would come after the sign-out, or before the one that is on its way.
            Newer::Flying | Newer::Revoked => Vec::new(),
        };
        if !lines.is_empty() {
            self.set_cookies(&lines, own, answer);
        }
    }

    /// Sets the cookies of a session, and clears parts that the new form does not use any more.
    pub(super) fn set_cookies(
        &self,
        lines: &[HeaderValue],
        own: &OwnCookies<'_>,
        answer: &mut HeaderMap,
    ) {
        for line in self.gateway.sealer.cookies.clear_parts(own) {
            let name = set_cookie_name(line.as_bytes());
            let set_again = lines.iter().any(|new| set_cookie_name(new.as_bytes()) == name);
            if !set_again {
                answer.extend(cookie_field(&line).map(|line| (header::SET_COOKIE, line)));
            }
        }
        for line in lines {
            answer.append(header::SET_COOKIE, line.clone());
        }
        // No cache between here and the browser may keep this answer (C-107).
        let kept = answer.get(header::CACHE_CONTROL).map(HeaderValue::as_bytes);
        if kept.is_none_or(|kept| memchr::memmem::find(kept, b"no-store").is_none()) {
            answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
    }

    /// The lines that write down that the session was seen, where that is worth a cookie.
    fn touch(
        &self,
        current: &Current,
        request: &RequestTraits,
        answer: &HeaderMap,
    ) -> Vec<HeaderValue> {
        let now = now();
        let session = &current.newest.session;
        let public = answer
            .get(header::CACHE_CONTROL)
            .is_some_and(|value| memchr::memmem::find(value.as_bytes(), b"public").is_some());
        if !request.may_touch || public || !session.wants_touch(self.gateway.lifetimes, now) {
            return Vec::new();
        }
        let touched = session.touched(now);
        self.gateway.sealer.session_lines(&touched, touched.cookie_life(now)).unwrap_or_default()
    }

    async fn look_up(
        self: &Arc<Self>,
        presented: Arc<OpenSession>,
        mut now: Timestamp,
        patience: Duration,
    ) -> Result<Recalled, Failure> {
        let gateway = &self.gateway;
        let provider = presented.provider;
        for _ in 0..MAX_LOOKS {
            let epoch = gateway.registry.epoch();
            let Look { step, newest, flight, landing, known } =
                gateway.registry.look(&presented, now);
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
                    return Ok(Recalled::Somebody(Current { presented, newest, epoch }));
                }
                Step::End => {
                    gateway.metrics.rejected(RejectReason::ended);
                    return Ok(Recalled::Nobody { clear: true });
                }
                Step::Unavailable { retry_after } => {
                    return Err(Failure::SessionUnavailable { provider, retry_after });
                }
                Step::RenewAndWait | Step::Wait => {
                    if step == Step::Wait {
                        gateway.metrics.refresh(RefreshOutcome::shared);
                    }
                    wait(landing, patience).await.map_err(|retry_after| {
                        Failure::SessionUnavailable { provider, retry_after }
                    })?;
                    now = super::clock::now();
                }
            }
        }
        Err(Failure::SessionUnavailable { provider, retry_after: Duration::from_secs(1) })
    }
}

impl RequestTraits {
    /// Answers to images, scripts and the like set no cookie: they come in crowds, and caches
    /// like to keep them.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let destination = headers.get("sec-fetch-dest").map(HeaderValue::as_bytes);
        let crowd = [&b"image"[..], b"script", b"style", b"font", b"audio", b"video", b"track"];
        let may_touch = destination.is_none_or(|destination| !crowd.contains(&destination))
            && !headers.contains_key(header::UPGRADE);
        Self { may_touch }
    }
}

/// Waits for a refresh to land; an error says when to ask again.
async fn wait(landing: Option<watch::Receiver<()>>, patience: Duration) -> Result<(), Duration> {
    let Some(mut landing) = landing else { return Ok(()) };
    // A closed channel is the landing: its sender lives as long as the flight.
    match tokio::time::timeout(patience, landing.changed()).await {
        Ok(_) => Ok(()),
        Err(_) => Err(Duration::from_secs(1)),
    }
}

/// Once to find it due, once after waiting, once more when another refresh had begun meanwhile.
const MAX_LOOKS: usize = 3;
