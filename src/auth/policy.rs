//! Who may pass. Only this file makes a [`Permit`], and nothing is forwarded without one.
//!
//! 1. A `public` rule passes anyone, unless the path is written so that its meaning to the app
//!    is in doubt (see [`super::path`]): then a session is needed. So it is with every rule that
//!    would let nobody in particular through, such as one about networks.
//! 2. `signed-in` passes whoever has a session that holds; other rules ask more, see
//!    [`super::access`].
//! 3. A path with `;parameters` must pass the rule found with them and the one found without,
//!    each with what its own template finds in its own form of the path.
//! 4. Whom no login could help is not sent on one.

use super::access::{Outcome, Variables};
use super::facts::Facts;
use super::path::RequestPath;
use super::route::{Found, Route};
use super::step_up::Wanted;

pub use super::access::Access;

/// Proof that the policy let a request pass; it is spent by forwarding.
#[derive(Debug)]
pub struct Permit(());

impl Permit {
    /// Spends it: one permit, one request.
    pub fn spend(self) {}
}

/// Why a request may not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied<'a> {
    /// Nobody is signed in, and the rule wants somebody.
    NoSession,
    /// Whoever it is may not, or nobody may; what the operator says of it.
    NotAllowed { message: Option<&'a str> },
    /// Somebody is signed in, but not in the way or as recently as the rule wants.
    StepUp(Wanted<'a>),
}

/// Judges one request.
pub fn judge<'a>(
    found: Found<'a>,
    path: &RequestPath<'_>,
    facts: &Facts<'_>,
) -> Result<Permit, Denied<'a>> {
    let mut outcome = by_rule(found.route, path.plain(), path, facts);
    if let Some(also) = found.also {
        let form = path.with_parameters().unwrap_or(path.plain());
        outcome = outcome.and(by_rule(also, form, path, facts));
    }
    match outcome {
        Outcome::True => Ok(Permit(())),
        Outcome::NeedsSession => Err(Denied::NoSession),
        Outcome::StepUp(wanted) => Err(Denied::StepUp(wanted)),
        Outcome::False { message } | Outcome::Unclear { message } => {
            Err(Denied::NotAllowed { message })
        }
    }
}

/// Judges by the rule of one route, which `form` of the path found.
fn by_rule<'a>(
    route: &'a Route,
    form: &str,
    path: &RequestPath<'_>,
    facts: &Facts<'_>,
) -> Outcome<'a> {
    let variables = Variables { pattern: &route.path, path: form };
    match route.access.judge(facts, &variables) {
        Outcome::True if facts.person.is_none() && path.never_public() => Outcome::NeedsSession,
        outcome => outcome,
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
