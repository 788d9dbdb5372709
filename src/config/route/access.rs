//! Who may pass on a route: a word, or a rule.

mod claim;
mod leaf;
mod list;

use http::Method;

use self::list::texts;
use crate::auth::access::{Access, Kind, Rule};
use crate::auth::route::PathPattern;
use crate::config::problem::Problems;
use crate::config::reader::{Section, Taken, one_of};

/// What of its route a rule depends on.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) path: Option<&'a PathPattern>,
    /// Empty: every method.
    pub(super) methods: &'a [Method],
}

pub(super) fn parse(
    section: &mut Section,
    about: About<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Access> {
    let Some(taken) = section.take("access") else {
        return Some(Access::SignedIn);
    };
    let variables = about.path.into_iter().flat_map(PathPattern::variables).collect();
    let mut reading = Reading { about, variables, depth: 0, nots: 0, problems, warnings };
    if taken.is_table() {
        return reading.table(taken).map(|rule| Access::Rule(Box::new(rule)));
    }
    match taken.text(reading.problems)?.as_str() {
        "public" => Some(Access::Public),
        "signed-in" => Some(Access::SignedIn),
        text => reading.refuse(&taken, format!("{text:?} is none of \"signed-in\" and \"public\", and no rule such as {{ claim = \"me:/organization/id\", any = [\"42\"] }}")),
    }
}

/// A rule, being read.
struct Reading<'a> {
    about: About<'a>,
    /// Of the route's template.
    variables: Vec<&'a str>,
    depth: usize,
    /// How many `not` are around.
    nots: usize,
    problems: &'a mut Problems,
    warnings: &'a mut Vec<String>,
}

impl Reading<'_> {
    /// A member of a list: a word or a table.
    fn member(&mut self, taken: Taken) -> Option<Rule> {
        if taken.is_table() {
            return self.table(taken);
        }
        match taken.text(self.problems)?.as_str() {
            "public" => Some(Rule::new(Kind::Public)),
            "signed-in" => Some(Rule::new(Kind::SignedIn)),
            text => self.refuse(
                &taken,
                format!("{text:?} is none of \"signed-in\" and \"public\", and no rule"),
            ),
        }
    }

    fn table(&mut self, taken: Taken) -> Option<Rule> {
        if self.depth == MOST_DEEP {
            return self.refuse(&taken, format!("is nested deeper than {MOST_DEEP} rules"));
        }
        self.depth += 1;
        let rule = taken.section(self.problems).and_then(|section| self.section(section));
        self.depth -= 1;
        rule
    }

    fn section(&mut self, mut section: Section) -> Option<Rule> {
        let before = self.problems.len();
        let message = section.text("message", self.problems);
        let asked: Vec<_> =
            KINDS.iter().filter_map(|&kind| Some((kind, section.take(kind)?))).collect();
        let empty = section
            .problem("", format!("asks nothing; write one of {}", one_of(KINDS.iter().copied())));
        section.finish(self.problems);
        if asked.is_empty() && self.problems.len() == before {
            self.problems.push(empty);
        }
        let kind = self.kind(asked);
        Some(Rule { message, kind: kind? })
    }

    fn kind(&mut self, mut asked: Vec<(&'static str, Taken)>) -> Option<Kind> {
        if let Some(place) = asked.iter().position(|(kind, _)| *kind == "claim") {
            let (_, source) = asked.remove(place);
            return self.claim(&source, asked);
        }
        let mut asked = asked.into_iter();
        let (kind, taken) = asked.next()?;
        if let Some((other, taken)) = asked.next() {
            let message = match kind {
                "none" => String::from("is for claims: the rule names none"),
                _ => format!(
                    "stands beside {kind}; join the two by all = [{{ {kind} = … }}, {{ {other} = … }}]"
                ),
            };
            return self.refuse(&taken, message);
        }
        match kind {
            "acr" | "max_age" if self.nots > 0 => {
                self.refuse(&taken, "can't be under not: nobody could be sent to get worse")
            }
            "acr" => self.texts(taken).map(Kind::Acr),
            "all" => self.rules(taken).map(Kind::All),
            "any" => self.any(taken),
            "email_domain" => self.email_domain(taken),
            "expression" => self.expression(&taken),
            "max_age" => self.max_age(&taken),
            "method" => self.method(taken),
            "network" => self.network(taken),
            "none" => self.refuse(&taken, "is for claims: the rule names none"),
            "not" => self.not(taken),
            "scope" => self.texts(taken).map(Kind::Scope),
            _ => self.time(taken),
        }
    }

    fn rules(&mut self, taken: Taken) -> Option<Vec<Rule>> {
        let empty = taken.problem("is empty; it is a list of rules");
        let before = self.problems.len();
        let items = taken.items(self.problems);
        if items.is_empty() && self.problems.len() == before {
            self.problems.push(empty);
        }
        let rules: Vec<_> = items.into_iter().map(|item| self.member(item)).collect();
        rules.into_iter().collect::<Option<Vec<_>>>().filter(|rules| !rules.is_empty())
    }

    fn any(&mut self, taken: Taken) -> Option<Kind> {
        let key = taken.key.clone();
        let rules = self.rules(taken)?;
        if rules.iter().any(|rule| rule.kind == Kind::Public) && self.nots == 0 {
            self.warnings.push(format!("{key}: \"public\" among them lets everybody through"));
        }
        Some(Kind::Any(rules))
    }

    fn not(&mut self, taken: Taken) -> Option<Kind> {
        if !taken.is_table() {
            return self.refuse(&taken, "must be a rule, such as { network = [\"10.0.0.0/8\"] }");
        }
        self.nots += 1;
        let rule = self.table(taken);
        self.nots -= 1;
        rule.map(|rule| Kind::Not(Box::new(rule)))
    }

    /// Texts that mean themselves.
    fn texts(&mut self, taken: Taken) -> Option<Vec<String>> {
        texts(taken, self.problems, |text| match text {
            "" => Err(String::from("is empty")),
            text => Ok(text.to_owned()),
        })
    }

    fn refuse<T>(&mut self, taken: &Taken, message: impl Into<String>) -> Option<T> {
        self.problems.push(taken.problem(message));
        None
    }
}

const KINDS: &[&str] = &[
    "claim",
    "all",
    "any",
    "none",
    "not",
    "scope",
    "email_domain",
    "network",
    "method",
    "time",
    "acr",
    "max_age",
    "expression",
];
/// Rules inside of rules.
const MOST_DEEP: usize = 16;
