//! What a rule has sessions keep and logins ask for, read off its form.

use super::{Access, Kind, Rule};
use crate::auth::step_up::StepUp;

impl Access {
    /// Whether it looks at the scopes that were granted.
    pub fn reads_scopes(&self) -> bool {
        self.has(&|kind| match kind {
            Kind::Expression(expression) => expression.reads_scopes(),
            Kind::Scope(_) => true,
            _ => false,
        })
    }

    /// Whether it looks at how, or when, somebody proved who they are.
    pub fn reads_authentication(&self) -> bool {
        self.has(&|kind| matches!(kind, Kind::Acr(_) | Kind::MaxAge(_)))
    }

    /// Whether it looks at the method.
    pub fn reads_method(&self) -> bool {
        self.has(&|kind| match kind {
            Kind::Expression(expression) => expression.reads_request(),
            Kind::Method(_) => true,
            _ => false,
        })
    }

    /// What it wants of everybody's authentication: nothing that only one of several ways through
    /// it wants.
    pub fn step_up(&self) -> StepUp {
        let Self::Rule(rule) = self else { return StepUp::default() };
        rule.step_up()
    }

    /// The scopes that it wants: not those that it wants nobody to have.
    pub fn scopes(&self) -> Vec<&str> {
        let mut scopes = Vec::new();
        if let Self::Rule(rule) = self {
            rule.add_scopes(&mut scopes);
        }
        scopes
    }

    fn has(&self, wanted: &dyn Fn(&Kind) -> bool) -> bool {
        let mut found = false;
        if let Self::Rule(rule) = self {
            rule.each(&mut |kind| found |= wanted(kind));
        }
        found
    }
}

impl Rule {
    fn step_up(&self) -> StepUp {
        match &self.kind {
            Kind::Acr(acr) => StepUp { acr: acr.clone(), max_age: None },
            Kind::All(rules) => {
                rules.iter().map(Self::step_up).fold(StepUp::default(), StepUp::and)
            }
            Kind::MaxAge(age) => StepUp { acr: Vec::new(), max_age: Some(*age) },
            _ => StepUp::default(),
        }
    }

    fn add_scopes<'a>(&'a self, scopes: &mut Vec<&'a str>) {
        match &self.kind {
            Kind::Scope(named) => scopes.extend(named.iter().map(String::as_str)),
            Kind::All(rules) | Kind::Any(rules) => {
                rules.iter().for_each(|rule| rule.add_scopes(scopes));
            }
            _ => {}
        }
    }

    /// Goes through it and all rules inside.
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a Kind)) {
        see(&self.kind);
        match &self.kind {
            Kind::All(rules) | Kind::Any(rules) => rules.iter().for_each(|rule| rule.each(see)),
            Kind::Not(rule) => rule.each(see),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rule(kind: Kind) -> Access {
        Access::Rule(Box::new(Rule::new(kind)))
    }

    fn inside(kinds: Vec<Kind>) -> Vec<Rule> {
        kinds.into_iter().map(Rule::new).collect()
    }

    fn acr() -> Kind {
        Kind::Acr(vec![String::from("urn:mfa")])
    }

    fn age(seconds: u64) -> Kind {
        Kind::MaxAge(Duration::from_secs(seconds))
    }

    fn scope() -> Kind {
        Kind::Scope(vec![String::from("read")])
    }

    #[test]
    fn what_everybody_has_to_prove_is_known_before_anybody_comes() {
        let deep = Kind::All(inside(vec![age(9), Kind::All(inside(vec![acr(), age(5)]))]));
        for (kind, acr, max_age) in [
            (acr(), 1, None),
            (age(7), 0, Some(7)),
            (deep, 1, Some(5)),
            (Kind::Any(inside(vec![acr(), scope()])), 0, None),
            (Kind::SignedIn, 0, None),
        ] {
            let wanted = rule(kind).step_up();
            assert_eq!((wanted.acr.len(), wanted.max_age), (acr, max_age.map(Duration::from_secs)));
        }
        assert_eq!(Access::SignedIn.step_up(), StepUp::default());
    }

    #[test]
    fn what_stands_anywhere_in_a_rule_is_read() {
        let nested = |kind| Kind::Any(inside(vec![Kind::SignedIn, Kind::All(inside(vec![kind]))]));
        for (kind, scopes, wanted, authentication) in [
            (nested(scope()), true, &["read"][..], false),
            (Kind::Not(Box::new(Rule::new(scope()))), true, &[], false),
            (nested(acr()), false, &[], true),
            (nested(age(1)), false, &[], true),
            (Kind::SignedIn, false, &[], false),
        ] {
            let rule = rule(kind);
            assert_eq!(rule.reads_scopes(), scopes, "{rule:?}");
            assert_eq!(rule.scopes(), wanted, "{rule:?}");
            assert_eq!(rule.reads_authentication(), authentication, "{rule:?}");
        }
        assert!(!Access::Public.reads_scopes());
    }
}
