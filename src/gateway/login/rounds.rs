//! Stops a browser that goes round in circles, by the rules of [`crate::auth::loop_guard`].

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, Response};

use crate::auth::Timestamp;
use crate::auth::facts::Facts;
use crate::auth::host::Host;
use crate::auth::loop_guard::{Began, Came, Cause, ROUND_LIFE, Rounds, Standing};
use crate::auth::policy::{self, Denied};
use crate::auth::return_to::ReturnTo;
use crate::auth::session::SessionId;
use crate::auth::step_up::StepUp;
use crate::gateway::body::Body;
use crate::gateway::clock::now;
use crate::gateway::denied::all_of;
use crate::gateway::respond::Failure;
use crate::gateway::sessions::{Current, Recalled, came, recall};
use crate::gateway::visit::Visit;
use crate::gateway::{Gateway, Worker};

/// A circle that was stopped.
#[derive(Debug)]
pub struct Looped {
    pub(in crate::gateway) cause: Cause,
    /// How many logins there were in a row.
    pub(in crate::gateway) count: u8,
    /// Where a person begins one all the same.
    pub(in crate::gateway) again: String,
    /// Whether the operator has not heard of it yet.
    pub(in crate::gateway) is_news: bool,
}

/// When each cause was last spoken of, in seconds. Anybody can write themselves a count, and is
/// not to fill the log with it.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Alarms([AtomicU64; Cause::ALL.len()]);

/// What another login could change for a session.
pub(in crate::gateway) enum Wants {
    Nothing,
    /// Somebody of another provider.
    AnotherProvider,
    /// More of the same person.
    StepUp(StepUp),
}

impl Worker {
    /// After how many logins in a row another one begins; none begins where they did not help.
    pub(in crate::gateway) async fn round(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        return_to: &ReturnTo,
    ) -> Result<u8, Failure> {
        let Some(rounds) = visit.rounds() else { return Ok(0) };
        if !rounds.are_enough() {
            return Ok(rounds.count());
        }
        // Boxed: what few requests need would make the state of every request larger.
        let Some(came) = Box::pin(self.came_of(visit, return_to, rounds)).await else {
            return Ok(rounds.count());
        };
        let Some(cause) = came.cause() else { return Ok(rounds.count()) };
        Err(self.gateway.looped(cause, rounds, return_to))
    }

    /// What came back of the session; none where nobody can say.
    async fn came_of(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        return_to: &ReturnTo,
        rounds: Rounds,
    ) -> Option<Came> {
        match recall(self, &visit.own, SHORT).await.ok()? {
            Recalled::Nobody { .. } => Some(came(self, &visit.own, now()).await),
            Recalled::Somebody(current) => Some(Came::Session {
                is_last: rounds.made(current.newest.session.id),
                standing: match self.gateway.wants(visit, return_to, &current) {
                    Wants::Nothing => Standing::Settled,
                    Wants::AnotherProvider => Standing::Stranger,
                    Wants::StepUp(_) => Standing::Lacking,
                },
            }),
        }
    }

    /// The session that a browser brought, where what it is wanted for does not wait long.
    pub(in crate::gateway) async fn current_session(
        self: &Arc<Self>,
        visit: &Visit<'_>,
    ) -> Option<Current> {
        if !visit.own.has_session() {
            return None;
        }
        match Box::pin(recall(self, &visit.own, SHORT)).await {
            Ok(Recalled::Somebody(current)) => Some(current),
            Ok(Recalled::Nobody { .. }) | Err(_) => None,
        }
    }
}

impl Gateway {
    /// What the rules of where somebody wants to go want of a session that another login could
    /// bring.
    pub(in crate::gateway) fn wants(
        &self,
        visit: &Visit<'_>,
        return_to: &ReturnTo,
        current: &Current,
    ) -> Wants {
        let (host, address, method) = self.destination(visit, return_to);
        let Some((path, found)) = self.found(&host, &address, &method) else {
            return Wants::Nothing;
        };
        if !found.takes(current.newest.provider) {
            return Wants::AnotherProvider;
        }
        let facts = Facts {
            method: &method,
            host: &host,
            client: visit.client,
            now: now(),
            person: Some(current.newest.session.person()),
        };
        match policy::judge(found, &path, &facts) {
            Err(Denied::StepUp(wanted)) => Wants::StepUp(all_of(found, wanted.into())),
            _ => Wants::Nothing,
        }
    }

    /// Where a return address leads: the host, the address there, and by which method.
    pub(in crate::gateway) fn destination<'a>(
        &self,
        visit: &Visit<'_>,
        return_to: &'a ReturnTo,
    ) -> (Host, Cow<'a, str>, Method) {
        let (address, method) = self.aim(return_to);
        if let Some((host, at)) = return_to.elsewhere() {
            let slash = if at.starts_with('/') { "" } else { "/" };
            return (host, Cow::Owned(format!("{slash}{at}")), method);
        }
        (visit.host.clone(), address, method)
    }

    /// The `Set-Cookie` line of a login that succeeded.
    pub(super) fn rounds_line(
        &self,
        visit: &Visit<'_>,
        began: Began,
        session: SessionId,
    ) -> String {
        let rounds = Rounds::next(visit.rounds(), began, session, now());
        visit.own.realm.cookies.set_rounds(&rounds.to_text(), ROUND_LIFE)
    }

    /// The page for somebody whose logins begin where their cookies are not seen; only where they
    /// come back from the provider is it known how many there were.
    pub(super) fn withheld(
        &self,
        visit: &Visit<'_>,
        began: Began,
        return_to: &ReturnTo,
    ) -> Option<Response<Body>> {
        let rounds = visit.rounds().filter(|rounds| rounds.were_withheld(began))?;
        let looped = self.looped(Cause::CookieWithheld, rounds, return_to);
        Some(self.respond(&looped, &visit.asker()))
    }

    fn looped(&self, cause: Cause, rounds: Rounds, return_to: &ReturnTo) -> Failure {
        Failure::Looped(Box::new(Looped {
            cause,
            count: rounds.count(),
            again: self.afresh_path(return_to),
            is_news: self.alarms.rings(cause, now()),
        }))
    }
}

impl Visit<'_> {
    /// How many logins there were in a row.
    pub(in crate::gateway) fn rounds(&self) -> Option<Rounds> {
        self.own.rounds.and_then(Rounds::parse).filter(|rounds| rounds.are_of_late(now()))
    }
}

impl Alarms {
    /// Whether a cause is to be spoken of, for the first time in [`QUIET`].
    fn rings(&self, cause: Cause, now: Timestamp) -> bool {
        let (last, now) = (&self.0[cause as usize], now.as_unix());
        let before = last.load(Ordering::Relaxed);
        let is_due = before == 0 || now.abs_diff(before) >= QUIET.as_secs();
        is_due && last.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// How long a session is waited for that only tells what to do next.
const SHORT: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_spoken_of_once_a_minute() {
        let alarms = Alarms::default();
        let at = |second: u64| Timestamp::from_unix(1_000_000 + second);
        for (cause, second, rings) in [
            (Cause::Clock, 0, true),
            (Cause::Clock, 59, false),
            (Cause::OtherKey, 59, true),
            (Cause::Clock, 60, true),
            (Cause::Clock, 61, false),
            // A clock that jumped back silences nothing for long.
            (Cause::Clock, 0, true),
        ] {
            assert_eq!(alarms.rings(cause, at(second)), rings, "{cause:?} at {second}");
        }
    }
}
