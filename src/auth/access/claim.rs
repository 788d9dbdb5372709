//! Rules about one claim: its members as text, against the texts of the rule.

use std::fmt::Write as _;

use serde_json::Value;

use super::outcome::Outcome;
use super::source::{ClaimPlace, NoClaim};
use super::text::{Text, Variables};
use crate::auth::claim_source::Claim;
use crate::auth::facts::Person;

/// A rule about one claim; an empty list asks nothing. A claim that is not there is a no, for
/// `none` too: who is not described is not cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRule {
    pub place: ClaimPlace,
    /// One of these is among its members.
    pub any: Vec<Text>,
    /// All of these are.
    pub all: Vec<Text>,
    /// None of these is, and every member is such as can be compared.
    pub none: Vec<Text>,
}

/// How one member compares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    Equal,
    Unequal,
    /// It is no text, number or boolean.
    Uncomparable,
}

impl ClaimRule {
    /// Judges it for a person.
    pub fn judge(&self, person: &Person<'_>, variables: &Variables<'_>) -> Outcome<'static> {
        let claim = match self.place.find(person, variables) {
            Ok(claim) => claim,
            Err(NoClaim::Missing) => return Outcome::of(false),
            Err(NoClaim::Unclear) => return Outcome::Unclear { message: None },
        };
        let mut lists = [&self.any, &self.all, &self.none].into_iter().flatten();
        if !lists.all(|text| text.is_clear(variables)) {
            return Outcome::Unclear { message: None };
        }
        let has = |text: &Text| {
            let is_equal = |compared| compared == Compared::Equal;
            claim.some_member(&|member| text.is(member, variables), &is_equal)
        };
        let any = self.any.is_empty() || self.any.iter().any(has);
        let none = self.none.is_empty() || !(claim.is_uncomparable() || self.none.iter().any(has));
        Outcome::of(any && self.all.iter().all(has) && none)
    }
}

impl Claim<'_> {
    /// Whether it, or some of what it lists, is no text, number or boolean.
    fn is_uncomparable(&self) -> bool {
        self.some_member(&|_| false, &|compared| compared == Compared::Uncomparable)
    }

    /// Whether some member compares as wanted; what is no list is its only member.
    fn some_member(&self, is: &dyn Fn(&str) -> bool, wanted: &dyn Fn(Compared) -> bool) -> bool {
        let text = |text: &str| if is(text) { Compared::Equal } else { Compared::Unequal };
        match self {
            Self::Text(one) => wanted(text(one)),
            Self::Texts(texts) => texts.iter().any(|one| wanted(text(one))),
            Self::Value(Value::Array(members)) => {
                members.iter().any(|member| wanted(compare(member, is)))
            }
            Self::Value(value) => wanted(compare(value, is)),
        }
    }
}

/// Compares as text: 42 is `42`, true is `true`. Nothing is allocated.
fn compare(value: &Value, is: &dyn Fn(&str) -> bool) -> Compared {
    let mut digits = Digits { bytes: [0; 40], length: 0 };
    let text = match value {
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(number) => match write!(digits, "{number}") {
            Ok(()) => digits.text(),
            Err(_) => return Compared::Uncomparable,
        },
        Value::String(text) => text,
        Value::Null | Value::Array(_) | Value::Object(_) => return Compared::Uncomparable,
    };
    if is(text) { Compared::Equal } else { Compared::Unequal }
}

/// A number's text, where it is written without an allocation.
struct Digits {
    bytes: [u8; 40],
    length: usize,
}

impl Digits {
    fn text(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }
}

impl std::fmt::Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let place = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
