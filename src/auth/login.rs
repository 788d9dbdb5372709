//! The authorization code flow (RFC 6749 4.1, RFC 7636, RFC 9700), one step after the other.
//!
//! `begin` makes an [`AwaitCallback`], which travels in a sealed cookie of its own, one per
//! attempt, so that five tabs can sign in at once (C-15). The callback turns it into
//! [`AwaitTokens`], the token answer into [`AwaitIdentity`], and the userinfo answer into a
//! [`Session`]. Each step consumes the one before.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::identity::Documents;
use super::provider::Provider;
use super::session::{Lifetimes, Session, SessionId};
use super::token_call::{self, ErrorCode, TokenFailure, UserinfoFailure};
use super::tokens::{Tokens, to_hex, unverified_claims};
use super::{CLOCK_SKEW, Entropy, Timestamp, draw};
use crate::secret::{AuthorizationCode, CodeVerifier, Secret};

/// What a login attempt starts with.
pub struct Begun {
    /// Where the browser is sent.
    pub authorize_url: String,
    pub attempt: AwaitCallback,
}

/// A login attempt between the redirect to the provider and the callback.
#[derive(Serialize, Deserialize)]
pub struct AwaitCallback {
    state_digest: [u8; 32],
    verifier: Option<[u8; 32]>,
    provider: String,
    redirect_uri: String,
    return_to: String,
    created: Timestamp,
}

/// What the provider sent back with the browser.
#[derive(Debug)]
pub struct Callback {
    pub state: State,
    pub outcome: Outcome,
}

/// The `state` of a callback, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State(String);

/// What a callback says.
#[derive(Debug)]
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

/// A login attempt that has its code.
pub struct AwaitTokens {
    code: AuthorizationCode,
    verifier: Option<CodeVerifier>,
    redirect_uri: String,
    return_to: String,
}

/// A login attempt that has its tokens.
pub struct AwaitIdentity {
    tokens: Tokens,
    return_to: String,
}

/// Why an attempt ends without a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// The attempt is older than [`ATTEMPT_LIFE`], or from the future.
    Expired,
    /// The person, or the provider, said no.
    Denied(ErrorCode),
    /// The callback belongs to another attempt or another browser.
    Foreign,
    /// No source of the configuration finds a `user` in what the provider told.
    NoUser,
    Token(TokenFailure),
    Userinfo(UserinfoFailure),
}

impl AwaitCallback {
    /// Starts an attempt: where to send the browser, and what to remember until it is back.
    /// `return_to` was judged before.
    pub fn begin(
        provider: &Provider,
        redirect_uri: String,
        return_to: &str,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Begun {
        let state = URL_SAFE_NO_PAD.encode(draw::<32>(entropy));
        let verifier = provider.pkce.then(|| draw::<32>(entropy));
        let scope = provider.scopes.join(" ");
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("response_type", "code").append_pair("client_id", &provider.client_id);
        if provider.send_redirect_uri {
            query.append_pair("redirect_uri", &redirect_uri);
        }
        if !scope.is_empty() {
            query.append_pair("scope", &scope);
        }
        query.append_pair("state", &state);
        if let Some(verifier) = verifier {
            let challenge = Sha256::digest(URL_SAFE_NO_PAD.encode(verifier));
            query.append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge));
            query.append_pair("code_challenge_method", "S256");
        }
        // Scopes are shown as `%20` in the provider's documents; `+` is for forms.
        let query = query.finish().replace('+', "%20");
        let join = if provider.authorize_url.contains('?') { '&' } else { '?' };
        Begun {
            authorize_url: format!("{}{join}{query}", provider.authorize_url),
            attempt: Self {
                state_digest: Sha256::digest(&state).into(),
                verifier,
                provider: provider.name.clone(),
                redirect_uri,
                return_to: return_to.to_owned(),
                created: now,
            },
        }
    }

    /// The digest of `state` that names the cookie.
    pub fn digest(&self) -> String {
        to_hex(&self.state_digest)
    }

    /// When it began.
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// Where the person wanted to go.
    pub fn return_to(&self) -> &str {
        &self.return_to
    }

    /// Takes the callback. The provider's code is spent by what comes next, so this consumes the
    /// attempt.
    pub fn accept(
        self,
        callback: Callback,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<AwaitTokens, LoginError> {
        let matches: bool = callback.state.digest_bytes().ct_eq(&self.state_digest).into();
        // The code goes to the provider that was asked, and to no other (S18).
        if !matches || self.provider != provider.name {
            return Err(LoginError::Foreign);
        }
        if now.since(self.created) > ATTEMPT_LIFE || self.created.since(now) > CLOCK_SKEW {
            return Err(LoginError::Expired);
        }
        match callback.outcome {
            Outcome::Error(error) => Err(LoginError::Denied(error)),
            Outcome::Code(code) => Ok(AwaitTokens {
                code,
                verifier: self.verifier.map(|bytes| Secret::new(URL_SAFE_NO_PAD.encode(bytes))),
                redirect_uri: self.redirect_uri,
                return_to: self.return_to,
            }),
        }
    }

    /// Writes the attempt down, to be sealed.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(postcard::to_allocvec(self).expect("an attempt has only plain data"))
    }

    /// Reads an attempt that was opened.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

impl State {
    /// The digest that names the cookie of its attempt.
    pub fn digest(&self) -> String {
        to_hex(&self.digest_bytes())
    }

    fn digest_bytes(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

impl Callback {
    /// Reads the query of a callback: each member at most once, a state, and either a code or an
    /// error.
    pub fn parse(query: &str) -> Result<Self, BadCallback> {
        let [mut state, mut code, mut error] = [None, None, None];
        let mut issuer = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
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
        Ok(Self { state: State(state), outcome })
    }
}

impl AwaitTokens {
    /// The token call (RFC 6749 4.1.3). `redirect_uri` is the one of the authorization request,
    /// byte for byte (S2).
    pub fn request(&self, provider: &Provider) -> Request<Bytes> {
        // Code and verifier leave secrecy for the provider's token endpoint alone.
        let mut members = vec![("grant_type", "authorization_code"), ("code", self.code.expose())];
        if provider.send_redirect_uri {
            members.push(("redirect_uri", &self.redirect_uri));
        }
        if let Some(verifier) = &self.verifier {
            members.push(("code_verifier", verifier.expose()));
        }
        token_call::token_request(provider, &members)
    }

    /// Takes the answer of the token call.
    pub fn accept(
        self,
        answer: &Response<Bytes>,
        now: Timestamp,
    ) -> Result<AwaitIdentity, LoginError> {
        let tokens = token_call::read_tokens(answer, now).map_err(LoginError::Token)?;
        Ok(AwaitIdentity { tokens, return_to: self.return_to })
    }
}

impl AwaitIdentity {
    /// The userinfo call; none when the provider has no such address or nothing asks for it.
    pub fn request(&self, provider: &Provider) -> Option<Request<Bytes>> {
        if !provider.identity.want_userinfo() {
            return None;
        }
        token_call::userinfo_request(provider, &self.tokens.access)
    }

    /// Takes the answer of the userinfo call, where there was one, and makes a session that has
    /// nothing of any earlier one (C-31). Returns it with the address to go back to.
    pub fn accept(
        self,
        userinfo: Option<&Response<Bytes>>,
        provider: &Provider,
        lifetimes: Lifetimes,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<(Session, String), LoginError> {
        let me = match userinfo {
            Some(answer) => Some(token_call::read_userinfo(answer).map_err(LoginError::Userinfo)?),
            None => None,
        };
        let documents = Documents { token: unverified_claims(&self.tokens.access), me };
        let identity = provider.identity.read(&documents).map_err(|_| LoginError::NoUser)?;
        let session = Session {
            id: SessionId::draw(entropy),
            generation: 0,
            provider: provider.name.clone(),
            created: now,
            seen: now,
            ends: now.plus(lifetimes.absolute),
            tokens: self.tokens,
            identity,
        };
        Ok((session, self.return_to))
    }
}

/// Visible ASCII and spaces, bounded (RFC 6749 appendix A.11; C-20).
fn is_code(code: &str) -> bool {
    (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// How long a person may take at the provider.
pub const ATTEMPT_LIFE: Duration = Duration::from_secs(600);
/// So many attempts of one browser are remembered at once; the oldest makes room (C-16).
pub const MAX_ATTEMPTS: usize = 5;
/// So many bytes their cookies may take together.
pub const MAX_ATTEMPT_BYTES: usize = 4096;
const MAX_CODE: usize = 4096;

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
