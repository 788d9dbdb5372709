//! What the stand-in has given out: codes, access tokens, refresh tokens.

use std::time::{Duration, SystemTime};

use super::shelf::Shelf;
use super::{Unwell, random_hex};

/// Everything that a client can bring back.
pub(super) struct Grants {
    codes: Shelf<CodeGrant>,
    access_tokens: Shelf<()>,
    refresh_tokens: Shelf<Vec<String>>,
}

/// What the person allowed, and what the client has to prove when it spends the code.
pub(super) struct CodeGrant {
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    /// The S256 challenge, when the client sent one.
    pub(super) challenge: Option<String>,
}

impl Grants {
    pub(super) fn new(code_life: Duration, access_token_life: Duration) -> Self {
        Self {
            codes: Shelf::new(code_life, CAPACITY),
            access_tokens: Shelf::new(access_token_life, CAPACITY),
            refresh_tokens: Shelf::new(REFRESH_TOKEN_LIFE, CAPACITY),
        }
    }

    /// Returns a new code for `grant`.
    pub(super) fn give_code(
        &mut self,
        grant: CodeGrant,
        now: SystemTime,
    ) -> Result<String, Unwell> {
        let code = format!("def502{}", random_hex(CODE_BYTES)?);
        self.codes.put(code.clone(), grant, now);
        Ok(code)
    }

    /// Returns what `code` was given for, once.
    pub(super) fn spend_code(&mut self, code: &str, now: SystemTime) -> Option<CodeGrant> {
        self.codes.take(code, now)
    }

    /// Remembers an access token that was signed.
    pub(super) fn keep_access_token(&mut self, token: String, now: SystemTime) {
        self.access_tokens.put(token, (), now);
    }

    pub(super) fn knows_access_token(&mut self, token: &str, now: SystemTime) -> bool {
        self.access_tokens.find(token, now).is_some()
    }

    /// Returns a new refresh token for `scopes`.
    #[expect(clippy::disallowed_methods, reason = "the demo has its own edge to the system")]
    pub(super) fn give_refresh_token(
        &mut self,
        scopes: Vec<String>,
        now: SystemTime,
    ) -> Result<String, Unwell> {
        let mut length = [0];
        getrandom::fill(&mut length).map_err(|_| Unwell)?;
        let more = usize::from(length[0]) % (REFRESH_BYTES_SPREAD + 1);
        let token = format!("def502{}", random_hex(REFRESH_BYTES + more)?);
        self.refresh_tokens.put(token.clone(), scopes, now);
        Ok(token)
    }

    /// Returns the scopes of a refresh token, once: the next one takes its place.
    pub(super) fn spend_refresh_token(
        &mut self,
        token: &str,
        now: SystemTime,
    ) -> Option<Vec<String>> {
        self.refresh_tokens.take(token, now)
    }
}

const CAPACITY: usize = 10_000;
const CODE_BYTES: usize = 64;
/// With `def502` in front, a refresh token has 740 to 800 characters.
const REFRESH_BYTES: usize = 367;
const REFRESH_BYTES_SPREAD: usize = 30;
const REFRESH_TOKEN_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
