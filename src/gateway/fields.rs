//! Fields of the operator's own, and the assertion: what they say of a person is written once and
//! set on every request.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError, TryLockError};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Gateway;
use super::assertion::Signed;
use super::who::Who;
use crate::auth::Timestamp;
use crate::auth::assertion::Assertion;
use crate::auth::fields::{Subject, Written};
use crate::auth::headers::ASKARA_ASSERTION;
use crate::auth::path::RequestPath;
use crate::auth::route::Route;

/// What the apps are told of one person, by route; kept with the session.
#[derive(Default)]
pub(super) struct Prepared(Mutex<Vec<OfRoute>>);

struct OfRoute {
    slot: usize,
    fields: Vec<(HeaderName, HeaderValue)>,
    assertion: Option<Signed>,
}

/// The routes on which something was left out, and the log was told.
#[derive(Default)]
pub(super) struct LeftOut(Mutex<HashSet<(usize, HeaderName)>>);

impl Gateway {
    /// States what the route says on top. What the visitor says under these names goes, whoever it
    /// is (C-34, C-35), and so does what we said ourselves.
    pub(super) fn state_fields(
        &self,
        headers: &mut HeaderMap,
        route: &Route,
        path: &RequestPath<'_>,
        who: &Who,
        clock: impl Fn() -> Timestamp,
    ) {
        let rules = &route.fields;
        if rules.is_silent() {
            return;
        }
        rules.managed.strip(headers);
        for (name, value) in rules.fixed() {
            headers.insert(name.clone(), value.clone());
        }
        let subject = self.subject(who);
        if rules.tells_of_paths() {
            let variable = |name: &str| route.path.variable(name, path.plain());
            let written = self.complete(rules.of_path(subject, variable), route);
            headers.extend(written);
        }
        if rules.tells_of_persons()
            && let Some((subject, prepared)) = subject.zip(who.prepared())
        {
            self.state_prepared(headers, route, (who, subject), prepared, clock());
        }
    }

    fn state_prepared(
        &self,
        headers: &mut HeaderMap,
        route: &Route,
        (who, subject): (&Who, Subject<'_>),
        prepared: &Prepared,
        now: Timestamp,
    ) {
        let prepare = || OfRoute {
            slot: route.fields.slot,
            fields: self.complete(route.fields.of_person(subject), route),
            assertion: self.asserted(route, who, subject, now),
        };
        // Another worker may be at it with the same session: nobody waits, it is written anew.
        let mut kept = match prepared.0.try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return prepare().state(headers),
        };
        match kept.iter_mut().find(|of| of.slot == route.fields.slot) {
            Some(of) => {
                if of.assertion.as_ref().is_some_and(|signed| !signed.is_sent_at(now)) {
                    of.assertion = self.asserted(route, who, subject, now);
                }
                of.state(headers);
            }
            None => {
                let of = prepare();
                of.state(headers);
                if kept.len() >= KEPT {
                    kept.remove(0);
                }
                kept.push(of);
            }
        }
    }

    fn asserted(
        &self,
        route: &Route,
        who: &Who,
        subject: Subject<'_>,
        now: Timestamp,
    ) -> Option<Signed> {
        let (rules, assertions) = route.fields.assertion.as_ref().zip(self.assertions.as_ref())?;
        let assertion = Assertion {
            rules,
            route: &route.name,
            identity: subject.identity,
            provider: subject.provider,
            tells_provider: self.parties.len() > 1,
            session: who.session(),
        };
        let signed = assertions.sign(assertion, now);
        if signed.is_none() {
            self.tell_left_out(route, &ASKARA_ASSERTION);
        }
        signed
    }

    fn subject<'a>(&'a self, who: &'a Who) -> Option<Subject<'a>> {
        Some(Subject {
            identity: who.identity()?,
            provider: &self.parties[who.provider()?].settings().name,
            access_token: &who.statement()?.access_token,
        })
    }

    fn complete(&self, written: Written, route: &Route) -> Vec<(HeaderName, HeaderValue)> {
        for name in &written.too_long {
            self.tell_left_out(route, name);
        }
        written.fields
    }

    fn tell_left_out(&self, route: &Route, name: &HeaderName) {
        let mut told = self.left_out.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert((route.fields.slot, name.clone())) {
            tracing::warn!(
                route = route.name,
                field = name.as_str(),
                "a field would be too long and is left out"
            );
        }
    }
}

impl OfRoute {
    fn state(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.fields {
            headers.insert(name.clone(), value.clone());
        }
        if let Some(signed) = &self.assertion {
            headers.insert(ASKARA_ASSERTION, signed.value.clone());
        }
    }
}

/// Routes for which one session's fields are kept; of more, the oldest are written again.
const KEPT: usize = 8;

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
