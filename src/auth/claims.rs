//! The claims of a token, read by type.
//!
//! A claim of the wrong type is a refusal, never "not there": a reader that takes
//! `"exp": "never"` for no `exp` lets the token live for ever (C-85, CVE-2026-25537; S13). That
//! goes for `null` too.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Timestamp;

/// What a token, or an answer about one, says. Always a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Value);

/// What is wrong with a claim, or with the lack of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadClaim {
    Missing(&'static str),
    /// Of another type than it must have.
    Type(&'static str),
    /// Sound, and not what is asked for.
    Unfit(&'static str),
    /// `exp` is past.
    Expired,
    /// A moment that lies further ahead than two clocks differ.
    Ahead(&'static str),
}

impl Claims {
    pub(super) const fn of(object: Map<String, Value>) -> Self {
        Self(Value::Object(object))
    }

    /// The whole object, for keeps.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// The issuer.
    pub fn iss(&self) -> Result<Option<&str>, BadClaim> {
        self.text("iss")
    }

    /// Whom the token speaks of.
    pub fn sub(&self) -> Result<Option<&str>, BadClaim> {
        self.text("sub")
    }

    /// Whom the token is for: one text, or a list of texts. None when it says nothing.
    pub fn aud(&self) -> Result<Vec<&str>, BadClaim> {
        self.texts("aud")
    }

    /// The client that the token was given to.
    pub fn azp(&self) -> Result<Option<&str>, BadClaim> {
        self.text("azp")
    }

    /// When the token ends.
    pub fn exp(&self) -> Result<Option<Timestamp>, BadClaim> {
        self.moment("exp")
    }

    /// When the person signed in.
    pub fn auth_time(&self) -> Result<Option<Timestamp>, BadClaim> {
        self.moment("auth_time")
    }

    /// Judges `exp`, `nbf` and `iat` and gives the end; `skew` is granted on either side. `exp` is
    /// required (S13).
    pub fn check_times(&self, now: Timestamp, skew: Duration) -> Result<Timestamp, BadClaim> {
        self.check_times_if_told(now, skew)?.ok_or(BadClaim::Missing("exp"))
    }

    /// The same where `exp` may be missing: an answer about a token tells whether it holds.
    pub(super) fn check_times_if_told(
        &self,
        now: Timestamp,
        skew: Duration,
    ) -> Result<Option<Timestamp>, BadClaim> {
        let exp = self.exp()?;
        if exp.is_some_and(|exp| exp.plus(skew) <= now) {
            return Err(BadClaim::Expired);
        }
        for name in ["nbf", "iat"] {
            if self.moment(name)?.is_some_and(|moment| moment > now.plus(skew)) {
                return Err(BadClaim::Ahead(name));
            }
        }
        Ok(exp)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    pub(super) fn object(
        &self,
        name: &'static str,
    ) -> Result<Option<&Map<String, Value>>, BadClaim> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value.as_object().map(Some).ok_or(BadClaim::Type(name)),
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, BadClaim> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(BadClaim::Type(name)),
        }
    }

    /// A text counts as a list of one.
    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<&str>, BadClaim> {
        match self.0.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().ok_or(BadClaim::Type(name))).collect()
            }
            Some(_) => Err(BadClaim::Type(name)),
        }
    }

    /// A number of seconds, whole or not: Askara's kind of server says `exp` as a float.
    pub(super) fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, BadClaim> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| (0.0..LATEST).contains(seconds));
        let seconds = seconds.ok_or(BadClaim::Type(name))?;
        Ok(Some(Timestamp::since_epoch(Duration::from_secs_f64(seconds))))
    }
}

impl fmt::Display for BadClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "no {name}"),
            Self::Type(name) => write!(f, "{name} is of a wrong type"),
            Self::Unfit(name) => write!(f, "{name} is not the one asked for"),
            Self::Expired => f.write_str("expired"),
            Self::Ahead(name) => write!(f, "{name} lies in the future"),
        }
    }
}

impl std::error::Error for BadClaim {}

/// Later moments, in seconds since the Unix epoch, are a mistake: milliseconds, most likely.
const LATEST: f64 = 1e12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::CLOCK_SKEW;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        let Value::Object(object) = value else { panic!("no object") };
        Claims::of(object)
    }

    #[test]
    fn c85_times_hold_within_the_skew_and_never_by_a_wrong_type() {
        use BadClaim::{Ahead, Expired, Missing, Type};
        let now = Timestamp::from_unix(1000);
        for (told, judged) in [
            (json!({"exp": 1001}), Ok(1001)),
            (json!({"exp": 1001.75}), Ok(1001)),
            (json!({"exp": 941}), Ok(941)),
            (json!({"exp": 940.5}), Ok(940)),
            (json!({"exp": 940}), Err(Expired)),
            (json!({"exp": 0}), Err(Expired)),
            (json!({}), Err(Missing("exp"))),
            (json!({"exp": null}), Err(Type("exp"))),
            (json!({"exp": "never"}), Err(Type("exp"))),
            (json!({"exp": "2000"}), Err(Type("exp"))),
            (json!({"exp": -1}), Err(Type("exp"))),
            (json!({"exp": true}), Err(Type("exp"))),
            (json!({"exp": [2000]}), Err(Type("exp"))),
            (json!({"exp": 1e12}), Err(Type("exp"))),
            (json!({"exp": 1e300}), Err(Type("exp"))),
            (json!({"exp": u64::MAX}), Err(Type("exp"))),
            (json!({"exp": 2000, "nbf": 1060, "iat": 1060}), Ok(2000)),
            (json!({"exp": 2000, "nbf": -0.0}), Ok(2000)),
            (json!({"exp": 2000, "nbf": 1060.5}), Err(Ahead("nbf"))),
            (json!({"exp": 2000, "nbf": 1061}), Err(Ahead("nbf"))),
            (json!({"exp": 2000, "nbf": "0"}), Err(Type("nbf"))),
            (json!({"exp": 2000, "iat": 1061}), Err(Ahead("iat"))),
            (json!({"exp": 2000, "iat": null}), Err(Type("iat"))),
            (json!({"exp": 2000, "iat": -1}), Err(Type("iat"))),
        ] {
            let end = claims(told.clone()).check_times(now, CLOCK_SKEW).map(Timestamp::as_unix);
            assert_eq!(end, judged, "{told}");
        }
    }

    #[test]
    fn texts_and_lists_are_read_by_type() {
        for (told, aud) in [
            (json!({}), Ok(vec![])),
            (json!({"aud": "a"}), Ok(vec!["a"])),
            (json!({"aud": ["a", "b"]}), Ok(vec!["a", "b"])),
            (json!({"aud": []}), Ok(vec![])),
            (json!({"aud": null}), Err(BadClaim::Type("aud"))),
            (json!({"aud": 7}), Err(BadClaim::Type("aud"))),
            (json!({"aud": {"a": 1}}), Err(BadClaim::Type("aud"))),
            (json!({"aud": ["a", 7]}), Err(BadClaim::Type("aud"))),
            (json!({"aud": [["a"]]}), Err(BadClaim::Type("aud"))),
        ] {
            assert_eq!(claims(told.clone()).aud(), aud, "{told}");
        }
        for (told, iss) in [
            (json!({}), Ok(None)),
            (json!({"iss": ""}), Ok(Some(""))),
            (json!({"iss": "a"}), Ok(Some("a"))),
            (json!({"iss": ["a"]}), Err(BadClaim::Type("iss"))),
            (json!({"iss": null}), Err(BadClaim::Type("iss"))),
        ] {
            assert_eq!(claims(told.clone()).iss(), iss, "{told}");
        }
    }

    #[test]
    fn the_log_is_told_which_claim_and_nothing_of_what_it_says() {
        for (wrong, said) in [
            (BadClaim::Missing("exp"), "no exp"),
            (BadClaim::Type("exp"), "exp is of a wrong type"),
            (BadClaim::Unfit("aud"), "aud is not the one asked for"),
            (BadClaim::Expired, "expired"),
            (BadClaim::Ahead("nbf"), "nbf lies in the future"),
        ] {
            assert_eq!(wrong.to_string(), said);
        }
    }
}
