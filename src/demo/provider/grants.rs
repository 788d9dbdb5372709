//! What the stand-in has given out: codes, access tokens, refresh tokens.

use std::time::{Duration, SystemTime};

use super::shelf::Shelf;
use super::{Options, Unwell, random_hex};

/// Everything that a client can bring back.
pub(super) struct Grants {
    codes: Shelf<CodeGrant>,
    access_tokens: Shelf<Permission>,
    refresh_tokens: Shelf<Permission>,
    /// Codes and refresh tokens that were spent, and the permission that they stood for.
    spent: Shelf<String>,
    replay_revokes: bool,
}

/// What the person allowed; it goes from the code to every token that comes of it.
#[derive(Clone)]
pub(super) struct Permission {
    id: String,
    pub(super) scopes: Vec<String>,
    /// When the person signed in.
    pub(super) auth_time: SystemTime,
}

/// What a code is good for, and what the client has to prove when it spends it.
pub(super) struct CodeGrant {
    pub(super) permission: Permission,
    pub(super) redirect_uri: String,
    /// The authorization request named the address, so the token call has to.
    pub(super) redirect_uri_named: bool,
    /// The S256 challenge, when the client sent one.
    pub(super) challenge: Option<String>,
    pub(super) nonce: Option<String>,
}

impl Permission {
    pub(super) fn new(scopes: Vec<String>, auth_time: SystemTime) -> Result<Self, Unwell> {
        Ok(Self { id: random_hex(ID_BYTES)?, scopes, auth_time })
    }

    /// Returns the same permission for less.
    pub(super) fn narrowed(&self, scopes: Vec<String>) -> Self {
        Self { scopes, ..self.clone() }
    }

    pub(super) fn covers(&self, scope: &str) -> bool {
        self.scopes.iter().any(|allowed| allowed == scope)
    }
}

impl Grants {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            codes: Shelf::new(options.code_life, CAPACITY),
            access_tokens: Shelf::new(options.access_token_life, CAPACITY),
            refresh_tokens: Shelf::new(REFRESH_TOKEN_LIFE, CAPACITY),
            spent: Shelf::new(REFRESH_TOKEN_LIFE, CAPACITY),
            replay_revokes: options.kind.manner().replay_revokes,
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
        let grant = self.codes.take(code, now);
        self.note_spent(code, grant.as_ref().map(|grant| grant.permission.id.clone()), now);
        grant
    }

    /// Remembers an access token that was made.
    pub(super) fn keep_access_token(
        &mut self,
        token: String,
        permission: Permission,
        now: SystemTime,
    ) {
        self.access_tokens.put(token, permission, now);
    }

    /// Returns what an access token is good for.
    pub(super) fn access(&mut self, token: &str, now: SystemTime) -> Option<&Permission> {
        self.access_tokens.find(token, now).map(|permission| &*permission)
    }

    /// Returns a new refresh token.
    #[expect(clippy::disallowed_methods, reason = "the demo has its own edge to the system")]
    pub(super) fn give_refresh_token(
        &mut self,
        permission: Permission,
        now: SystemTime,
    ) -> Result<String, Unwell> {
        let mut length = [0];
        getrandom::fill(&mut length).map_err(|_| Unwell)?;
        let more = usize::from(length[0]) % (REFRESH_BYTES_SPREAD + 1);
        let token = format!("def502{}", random_hex(REFRESH_BYTES + more)?);
        self.refresh_tokens.put(token.clone(), permission, now);
        Ok(token)
    }

    /// Returns what a refresh token is good for, once: the next one takes its place.
    pub(super) fn spend_refresh_token(
        &mut self,
        token: &str,
        now: SystemTime,
    ) -> Option<Permission> {
        let permission = self.refresh_tokens.take(token, now);
        self.note_spent(token, permission.as_ref().map(|permission| permission.id.clone()), now);
        permission
    }

    /// Takes a token back: a refresh token with everything that came of it, an access token alone
    /// (RFC 7009, section 2.1).
    pub(super) fn revoke(&mut self, token: &str, now: SystemTime) {
        if let Some(permission) = self.refresh_tokens.take(token, now) {
            self.withdraw(&permission.id);
        }
        self.access_tokens.take(token, now);
    }

    fn note_spent(&mut self, key: &str, permission: Option<String>, now: SystemTime) {
        match permission {
            Some(id) => self.spent.put(key.to_owned(), id, now),
            None if self.replay_revokes => {
                if let Some(id) = self.spent.find(key, now).cloned() {
                    self.withdraw(&id);
                }
            }
            None => {}
        }
    }

    fn withdraw(&mut self, id: &str) {
        self.access_tokens.forget(|permission| permission.id == id);
        self.refresh_tokens.forget(|permission| permission.id == id);
    }
}

const CAPACITY: usize = 10_000;
const CODE_BYTES: usize = 64;
const ID_BYTES: usize = 16;
/// With `def502` in front, a refresh token has 740 to 800 characters.
const REFRESH_BYTES: usize = 367;
const REFRESH_BYTES_SPREAD: usize = 30;
const REFRESH_TOKEN_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
