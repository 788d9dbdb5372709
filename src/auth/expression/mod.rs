//! Expressions in CEL, for what the other rules can't say.
//!
//! Compiled and judged for cost when the configuration is loaded. What an expression may look at:
//!
//! - `request.method`, `.host`, `.path`, `.ip`, and `request.variables.NAME` of the route's
//!   template;
//! - `user email name groups organization preferred_username provider scopes`: the identity as
//!   the gateway knows it; one that is not known is an error, as a claim that is missing is;
//! - `token`, `me`, `id`: what the provider told, of which every member is named, so that only
//!   these are kept with a session.
//!
//! The interpreter has no budget of its own, so an expression is held to one before it runs: its
//! worst cost is known from its form, the longest list and the largest member (see `cost`).
//! Whatever goes wrong while one is judged denies.

mod check;
mod cost;
mod fault;
mod language;
mod names;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::types::CelBool;
use cel::{Context, IdedExpr, Value};

use self::check::Checked;
use self::cost::Bounds;
use self::language::Pattern;
use self::names::Wants;
use self::values::Measure;
use super::access::Variables;
use super::facts::Facts;
use super::identity::Source;
pub use fault::Fault;

/// An expression, compiled.
#[derive(Clone)]
pub struct Expression {
    source: String,
    tree: IdedExpr,
    wants: Wants,
    /// What has to be kept with a session for it.
    sources: Vec<Source>,
    patterns: Vec<Pattern>,
    bounds: Bounds,
}

impl Expression {
    /// Compiles; `variables` are those of the route's template. All that is wrong is told.
    pub fn compile(source: &str, variables: &[&str]) -> Result<Self, Vec<Fault>> {
        let mut tree = language::parse(source)?;
        let checked = Checked::of(&tree, variables);
        if !checked.faults.is_empty() {
            return Err(checked.faults.into_iter().map(|fault| fault.placed(source)).collect());
        }
        let bounds = Bounds::of(&tree).map_err(|message| vec![Fault::whole(message)])?;
        let patterns = language::take_patterns(&mut tree);
        let (source, wants) = (source.to_owned(), checked.wants);
        Ok(Self { source, tree, sources: wants.sources(), wants, patterns, bounds })
    }

    /// Whether it looks at anything but the request.
    pub fn is_about_person(&self) -> bool {
        self.wants.are_about_person()
    }

    /// Whether it looks at the request.
    pub fn reads_request(&self) -> bool {
        self.wants.have_request()
    }

    /// Whether it looks at the scopes that were granted.
    pub fn reads_scopes(&self) -> bool {
        self.wants.have_scopes()
    }

    /// What has to be kept with a session for it.
    pub fn sources(&self) -> Vec<Source> {
        self.sources.clone()
    }

    /// What is allowed and probably not meant.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.patterns.iter().filter_map(Pattern::warning).collect();
        if self.wants.is_empty() {
            warnings.push(String::from("looks at nothing, so that it is always the same"));
        }
        warnings
    }

    /// Judges it; none where it fails, gives neither true nor false, or would cost too much.
    pub fn holds(&self, facts: &Facts<'_>, variables: &Variables<'_>) -> Option<bool> {
        // A fault in the interpreter denies one request and ends nothing.
        catch_unwind(AssertUnwindSafe(|| self.evaluate(facts, variables))).ok().flatten()
    }

    fn evaluate(&self, facts: &Facts<'_>, variables: &Variables<'_>) -> Option<bool> {
        // What is not known may say anything.
        let knows = |source| facts.person.is_none_or(|person| person.identity.claims.know(source));
        let knows_scopes = || facts.person.is_none_or(|person| !person.scopes.is_empty());
        if !self.sources.iter().all(knows) || self.reads_scopes() && !knows_scopes() {
            return None;
        }
        let mut context = Context::with_env(language::standard());
        let mut measure = Measure::default();
        self.wants.bind(&mut context, facts, variables, &mut measure)?;
        if !self.bounds.allow(&measure) {
            return None;
        }
        language::bind_patterns(&mut context, &self.patterns);
        let value = Value::resolve_val(&self.tree, &context).ok()?;
        value.downcast_ref::<CelBool>().map(|truth| *truth.inner())
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

#[cfg(test)]
mod tests;
