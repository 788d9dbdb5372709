//! The callback: what the provider sent back with the browser, in a query or in a form.

use sha2::{Digest, Sha256};

use super::token_call::ErrorCode;
use super::tokens::to_hex;
use crate::secret::{AuthorizationCode, Secret};

/// What the provider sent back with the browser.
pub struct Callback {
    pub state: State,
    /// Who the answer says that it is from (RFC 9207).
    pub issuer: Option<String>,
    pub outcome: Outcome,
}

/// The `state` of a callback, as it came.
pub struct State(String);

/// What a callback says.
pub enum Outcome {
    Code(AuthorizationCode),
    Error(ErrorCode),
}

/// A callback that is none (S4, C-20, C-22); the visitor gets 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCallback {
    Contradiction,
    Duplicate,
    Malformed,
    Missing,
}

impl State {
    /// The digest that names the cookie of its attempt.
    pub fn digest(&self) -> String {
        to_hex(&self.digest_bytes())
    }

    pub(super) fn digest_bytes(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

impl Callback {
    /// Reads the members of a callback: each at most once, a state, and either a code or an
    /// error.
    pub fn parse(members: &str) -> Result<Self, BadCallback> {
        let [mut state, mut code, mut error, mut issuer] = [None, None, None, None];
        for (name, value) in form_urlencoded::parse(members.as_bytes()) {
            let slot = match &*name {
                "state" => &mut state,
                "code" => &mut code,
                "error" => &mut error,
                "iss" => &mut issuer,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(BadCallback::Duplicate);
            }
        }
        let state = state.filter(|state| !state.is_empty()).ok_or(BadCallback::Missing)?;
        let outcome = match (code, error) {
            (Some(_), Some(_)) => return Err(BadCallback::Contradiction),
            (None, None) => return Err(BadCallback::Missing),
            (Some(code), None) if !is_code(&code) => return Err(BadCallback::Malformed),
            (Some(code), None) => Outcome::Code(Secret::new(code)),
            (None, Some(error)) => Outcome::Error(ErrorCode::parse(&error)),
        };
        Ok(Self { state: State(state), issuer, outcome })
    }
}

/// Visible ASCII and spaces, bounded (RFC 6749 appendix A.11; C-20).
fn is_code(code: &str) -> bool {
    (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

const MAX_CODE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c20_and_c22_a_callback_is_well_formed_or_none() {
        let long = format!("state=a&code={}", "x".repeat(MAX_CODE + 1));
        for (query, bad) in [
            ("", BadCallback::Missing),
            ("code=x", BadCallback::Missing),
            ("state=&code=x", BadCallback::Missing),
            ("state=a", BadCallback::Missing),
            ("state=a&state=b&code=x", BadCallback::Duplicate),
            ("state=a&code=x&code=y", BadCallback::Duplicate),
            ("state=a&code=x&iss=p&iss=q", BadCallback::Duplicate),
            ("state=a&error=x&error=y", BadCallback::Duplicate),
            ("state=a&code=x&error=y", BadCallback::Contradiction),
            ("state=a&code=", BadCallback::Malformed),
            ("state=a&code=%00", BadCallback::Malformed),
            ("state=a&code=x%0d%0a", BadCallback::Malformed),
            (&long, BadCallback::Malformed),
        ] {
            assert_eq!(Callback::parse(query).err(), Some(bad), "{query:.60}");
        }
        assert!(Callback::parse("state=a&code=x&session_state=y&z&z").is_ok());
    }
}
