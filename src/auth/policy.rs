//! Who may pass. Only this file makes a [`Permit`], and nothing is forwarded without one.
//!
//! 1. A `public` rule passes anyone, unless the path is written so that its meaning to the app
//!    is in doubt (see [`super::path`]): then a session is needed. So it is with every rule that
//!    would let nobody in particular through, such as one about networks.
//! 2. `signed-in` passes whoever has a session that holds; other rules ask more, see
//!    [`super::access`].
//! 3. A path with `;parameters`, or with encoded slashes, backslashes or semicolons, must pass the
//!    rules found with each form of it, each with what its own template finds in that form.
//! 4. Where a proxy asks and does not say about which path, the rules of all of them must hold.
//! 5. Whom no login could help is not sent on one.

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
    for (also, form) in found.also.into_iter().zip(path.others()) {
        let Some(also) = also else { continue };
        outcome = outcome.and(by_rule(also, form, path, facts));
    }
    permitted(outcome)
}

/// Judges a request of which nobody told the path (see [`super::told`]): every route that it may
/// belong to must let it pass, and none of them does so for nobody in particular.
pub fn judge_anywhere<'a>(routes: &[&'a Route], facts: &Facts<'_>) -> Result<Permit, Denied<'a>> {
    if facts.person.is_none() {
        return Err(Denied::NoSession);
    }
    if !are_alike(routes) {
        return Err(Denied::NotAllowed { message: None });
    }
    let judge = |route: &&'a Route| {
        route.access.judge(facts, &Variables { pattern: &route.path, path: "/" })
    };
    let judged = routes.iter().map(judge).reduce(Outcome::and);
    permitted(judged.unwrap_or(Outcome::False { message: None }))
}

/// Whether a request can be judged without its path: one route is known for what it says, and of
/// several nothing but the rules may differ (S26).
pub fn are_alike(routes: &[&Route]) -> bool {
    match routes {
        [one] => !one.rests_on_method,
        routes => routes.windows(2).all(|pair| pair[0].is_like(pair[1])),
    }
}

fn permitted(outcome: Outcome<'_>) -> Result<Permit, Denied<'_>> {
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
