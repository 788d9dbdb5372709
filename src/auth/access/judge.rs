//! Judging a rule for one request.

use std::time::Duration;

use super::outcome::Outcome;
use super::text::Variables;
use super::{Access, Kind, Rule};
use crate::auth::CLOCK_SKEW;
use crate::auth::Timestamp;
use crate::auth::facts::{Facts, Person};
use crate::auth::step_up::Wanted;

impl Access {
    /// Judges the rule of a route; `variables` are what its template found in the path.
    pub fn judge<'a>(&'a self, facts: &Facts<'_>, variables: &Variables<'_>) -> Outcome<'a> {
        match self {
            Self::Public => Outcome::True,
            Self::Rule(rule) => rule.judge(facts, variables),
            Self::SignedIn => of_person(facts, |_| Outcome::True),
        }
    }
}

impl Rule {
    /// Judges the rule, with the words for a denial.
    pub fn judge<'a>(&'a self, facts: &Facts<'_>, variables: &Variables<'_>) -> Outcome<'a> {
        let outcome = match &self.kind {
            Kind::Acr(classes) => of_person(facts, |person| acr(classes, person)),
            Kind::All(rules) => all(rules, facts, variables),
            Kind::Any(rules) => any(rules, facts, variables),
            Kind::Claim(claim) => of_person(facts, |person| claim.judge(person, variables)),
            Kind::EmailDomain(domains) => of_person(facts, |person| {
                let email = person.identity.email.as_deref();
                Outcome::of(
                    email.is_some_and(|email| domains.iter().any(|domain| domain.has(email))),
                )
            }),
            Kind::Expression(expression) => {
                if expression.is_about_person() && facts.person.is_none() {
                    Outcome::NeedsSession
                } else {
                    expression
                        .holds(facts, variables)
                        .map_or(Outcome::Unclear { message: None }, Outcome::of)
                }
            }
            Kind::MaxAge(age) => of_person(facts, |person| max_age(*age, person, facts.now)),
            Kind::Method(methods) => Outcome::of(methods.contains(facts.method)),
            Kind::Network(networks) => match facts.client {
                Some(client) => Outcome::of(networks.iter().any(|network| network.has(client))),
                None => Outcome::Unclear { message: None },
            },
            Kind::Not(rule) => not(rule, facts, variables),
            Kind::Public => Outcome::True,
            // A session of before the rule kept no scopes: then none is known to be missing.
            Kind::Scope(scopes) => of_person(facts, |person| match person.scopes {
                [] => Outcome::Unclear { message: None },
                granted => Outcome::of(scopes.iter().all(|scope| granted.contains(scope))),
            }),
            Kind::SignedIn => of_person(facts, |_| Outcome::True),
            Kind::Time(hours) => Outcome::of(hours.has(facts.now)),
        };
        outcome.saying(self.message.as_deref())
    }
}

/// A rule about a person; while there is none, one could come.
fn of_person<'a, 'f>(
    facts: &Facts<'f>,
    judge: impl FnOnce(&Person<'f>) -> Outcome<'a>,
) -> Outcome<'a> {
    facts.person.as_ref().map_or(Outcome::NeedsSession, judge)
}

fn all<'a>(rules: &'a [Rule], facts: &Facts<'_>, variables: &Variables<'_>) -> Outcome<'a> {
    let mut joined = Outcome::True;
    for rule in rules {
        joined = joined.and(rule.judge(facts, variables));
        if matches!(joined, Outcome::False { .. }) {
            break;
        }
    }
    joined
}

fn any<'a>(rules: &'a [Rule], facts: &Facts<'_>, variables: &Variables<'_>) -> Outcome<'a> {
    let mut joined = Outcome::of(false);
    for rule in rules {
        joined = joined.or(rule.judge(facts, variables));
        if joined == Outcome::True {
            break;
        }
    }
    joined
}

/// What is denied to some people is open to nobody in particular: `not` over anything about a
/// person needs one, even where the request alone would decide.
fn not<'a>(rule: &'a Rule, facts: &Facts<'_>, variables: &Variables<'_>) -> Outcome<'a> {
    match rule.judge(facts, variables).negated() {
        Outcome::True if facts.person.is_none() && rule.is_about_person() => Outcome::NeedsSession,
        outcome => outcome,
    }
}

fn acr<'a>(classes: &'a [String], person: &Person<'_>) -> Outcome<'a> {
    match person.acr {
        Some(told) if classes.iter().any(|class| class == told) => Outcome::True,
        _ => Outcome::StepUp(Wanted { acr: classes, max_age: None }),
    }
}

fn max_age(age: Duration, person: &Person<'_>, now: Timestamp) -> Outcome<'static> {
    // A moment from the future beyond clock skew proves nothing (C-103).
    let recent = |at: Timestamp| now.since(at) <= age && at <= now.plus(CLOCK_SKEW);
    if person.authenticated.is_some_and(recent) {
        Outcome::True
    } else {
        Outcome::StepUp(Wanted { acr: &[], max_age: Some(age) })
    }
}
