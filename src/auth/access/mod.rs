//! The access rules of routes: what one may ask of a request, a moment and a person.
//!
//! A rule answers more than yes and no (see `outcome`). A leaf about a person answers "needs a
//! session" while nobody is signed in, so that no `not` around it lets anybody through; an unmet
//! `acr` or `max_age` answers "step up". Where something can't be told at all, such as the value
//! of a `{variable}` with an encoded slash in it, the answer is no, under `not` as well.
//!
//! Who wants a new kind of rule adds a variant to [`Kind`], its judgement in `judge`, and its
//! form to `config/route/access`.

mod claim;
mod email;
mod hours;
mod judge;
mod network;
mod outcome;
mod reads;
mod source;
mod text;

use std::time::Duration;

use http::Method;

use super::expression::Expression;
use super::identity::Source;
pub use claim::ClaimRule;
pub use email::EmailDomain;
pub use hours::{Day, Hours};
pub use network::Network;
pub use outcome::Outcome;
pub use source::ClaimPlace;
pub use text::{Text, Variables};

/// The rule of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Public,
    Rule(Box<Rule>),
    SignedIn,
}

/// One rule, and what the operator says where it is what denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub message: Option<String>,
    pub kind: Kind,
}

/// What a rule asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The authentication had one of these context classes.
    Acr(Vec<String>),
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Claim(ClaimRule),
    EmailDomain(Vec<EmailDomain>),
    Expression(Box<Expression>),
    /// The authentication is not older.
    MaxAge(Duration),
    /// The request line's method is one of these, exactly: HEAD is not GET (C-47).
    Method(Vec<Method>),
    Network(Vec<Network>),
    Not(Box<Rule>),
    Public,
    /// All of these scopes were granted.
    Scope(Vec<String>),
    SignedIn,
    Time(Hours),
}

impl Access {
    /// The claims that have to be kept with a session for it.
    pub fn sources(&self) -> Vec<Source> {
        let mut sources = Vec::new();
        if let Self::Rule(rule) = self {
            rule.add_sources(&mut sources);
        }
        sources
    }
}

impl Rule {
    /// A rule without words of the operator.
    pub const fn new(kind: Kind) -> Self {
        Self { message: None, kind }
    }

    /// Whether it asks anything of a person.
    pub fn is_about_person(&self) -> bool {
        match &self.kind {
            Kind::All(rules) | Kind::Any(rules) => rules.iter().any(Self::is_about_person),
            Kind::Expression(expression) => expression.is_about_person(),
            Kind::Not(rule) => rule.is_about_person(),
            Kind::Method(_) | Kind::Network(_) | Kind::Public | Kind::Time(_) => false,
            Kind::Acr(_)
            | Kind::Claim(_)
            | Kind::EmailDomain(_)
            | Kind::MaxAge(_)
            | Kind::Scope(_)
            | Kind::SignedIn => true,
        }
    }

    fn add_sources(&self, sources: &mut Vec<Source>) {
        match &self.kind {
            Kind::All(rules) | Kind::Any(rules) => {
                rules.iter().for_each(|rule| rule.add_sources(sources));
            }
            Kind::Not(rule) => rule.add_sources(sources),
            Kind::Claim(claim) => sources.extend(claim.place.source()),
            Kind::Expression(expression) => sources.extend(expression.sources()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
