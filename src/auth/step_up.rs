//! How a route wants people to be signed in, and what a rule wants of somebody who is.
//!
//! A step-up is a login that a rule asked for. Its attempt remembers what was wanted, so that a
//! login that brought less ends on a page of ours, and never in another redirect.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::facts::Person;
use super::{CLOCK_SKEW, Timestamp};

/// What the login of a route asks the provider for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginWishes {
    /// Authentication context classes, in the order of preference (OpenID Connect Core 3.1.2.1).
    pub acr_values: Vec<String>,
    /// How long ago the person may have proved who they are.
    pub max_age: Option<Duration>,
    pub prompt: Option<String>,
}

/// What is missing of an authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// One of these classes; empty: any.
    pub acr: &'a [String],
    /// How long ago it may have been.
    pub max_age: Option<Duration>,
}

/// The same, as a login attempt remembers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUp {
    pub acr: Vec<String>,
    pub max_age: Option<Duration>,
}

impl From<Wanted<'_>> for StepUp {
    fn from(wanted: Wanted<'_>) -> Self {
        Self { acr: wanted.acr.to_vec(), max_age: wanted.max_age }
    }
}

impl StepUp {
    /// Both at once: of two lists of classes the first, and the shorter of two ages.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let acr = if self.acr.is_empty() { other.acr } else { self.acr };
        let max_age = self.max_age.into_iter().chain(other.max_age).min();
        Self { acr, max_age }
    }

    /// Whether somebody is signed in as it was wanted. What nobody tells is not so.
    pub fn is_met_by(&self, person: &Person<'_>, now: Timestamp) -> bool {
        let is_wanted = |acr: &str| self.acr.iter().any(|one| one == acr);
        let is_recent = |age: Duration| {
            // A moment from the future beyond clock skew proves nothing (C-103).
            let holds = |then| now.since(then) <= age && then <= now.plus(CLOCK_SKEW);
            person.authenticated.is_some_and(holds)
        };
        (self.acr.is_empty() || person.acr.is_some_and(is_wanted))
            && self.max_age.is_none_or(is_recent)
    }

    /// The challenge of the answer (RFC 9470 3).
    pub fn challenge(&self) -> String {
        let mut text =
            String::from(r#"Bearer realm="askara-gate", error="insufficient_user_authentication""#);
        if !self.acr.is_empty() {
            // Of the configuration; a quote in one would end the text early.
            let acr = self.acr.join(" ").replace(['"', '\\'], "");
            let _ = write!(text, r#", acr_values="{acr}""#);
        }
        if let Some(age) = self.max_age {
            let _ = write!(text, r#", max_age="{}""#, age.as_secs());
        }
        text
    }

    /// Writes it down, to be sealed into a link.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("it has only plain data, which always serialises")
    }

    /// Reads what was opened.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::identity::Identity;

    fn wanted(acr: &[&str], max_age: Option<u64>) -> StepUp {
        let acr = acr.iter().map(|&one| one.to_owned()).collect();
        StepUp { acr, max_age: max_age.map(Duration::from_secs) }
    }

    #[test]
    fn what_nobody_tells_meets_nothing() {
        let identity = Identity::for_test("42");
        for (acr, max_age, told, since, met) in [
            (&["urn:mfa"][..], None, Some("urn:mfa"), None, true),
            (&["urn:mfa", "urn:key"], None, Some("urn:key"), None, true),
            (&["urn:mfa"], None, Some("urn:mfa2"), None, false),
            (&["urn:mfa"], None, None, Some(0), false),
            (&[], Some(600), None, Some(600), true),
            (&[], Some(600), None, Some(601), false),
            (&[], Some(0), None, Some(0), true),
            (&[], Some(600), Some("urn:mfa"), None, false),
            (&["urn:mfa"], Some(600), Some("urn:mfa"), Some(700), false),
            (&["urn:mfa"], Some(600), Some("urn:mfa"), Some(7), true),
        ] {
            let now = Timestamp::from_unix(10_000);
            let person = Person {
                identity: &identity,
                scopes: &[],
                authenticated: since.map(|since| Timestamp::from_unix(10_000 - since)),
                acr: told,
                provider: None,
            };
            let wanted = wanted(acr, max_age);
            assert_eq!(wanted.is_met_by(&person, now), met, "{wanted:?} {person:?}");
        }
    }

    #[test]
    fn a_challenge_names_what_is_missing_as_rfc_9470_says_it() {
        let head = r#"Bearer realm="askara-gate", error="insufficient_user_authentication""#;
        for (wanted, rest) in [
            (wanted(&["a", "b\"c"], Some(0)), r#", acr_values="a bc", max_age="0""#),
            (wanted(&["a"], None), r#", acr_values="a""#),
            (wanted(&[], Some(90)), r#", max_age="90""#),
        ] {
            assert_eq!(wanted.challenge(), format!("{head}{rest}"));
            assert_eq!(StepUp::from_bytes(&wanted.to_bytes()), Some(wanted));
        }
        assert_eq!(StepUp::from_bytes(b"\xff"), None);
    }
}
