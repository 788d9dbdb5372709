//! The authorization code flow (RFC 6749 4.1, RFC 7636, RFC 9700), one step after the other.
//!
//! `begin` makes an [`AwaitCallback`], which travels in a sealed cookie of its own, one per
//! attempt, so that five tabs can sign in at once (C-15). The callback turns it into
//! [`AwaitTokens`], the token answer into [`AwaitProof`], the judged tokens into
//! [`AwaitIdentity`], and the userinfo answer into a [`Session`]. Each step consumes the one
//! before.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::asking::Asking;
use super::authorization::Parameters;
use super::callback::{Callback, Outcome};
use super::client_call::{Moment, token_request};
use super::id_token::{BadIdToken, IdToken};
use super::identity::Documents;
use super::jwks::KeySet;
use super::jwt::BadJwt;
use super::logout_token::sid_of;
use super::loop_guard::Began;
use super::proof::{self, Proven, Unproven};
use super::provider::{Provider, ResponseMode, Settings};
use super::session::{Lifetimes, Session, SessionId};
use super::step_up::StepUp;
use super::token_call::{self, ErrorCode, Granted, TokenFailure, UserinfoFailure};
use super::tokens::to_hex;
use super::{CLOCK_SKEW, Timestamp, draw};
use crate::secret::{AuthorizationCode, CodeVerifier, Secret};

/// What a login attempt starts with.
pub struct Begun {
    /// What the provider is asked.
    pub parameters: Parameters,
    pub attempt: AwaitCallback,
}

/// What an attempt is for, from its first step to its last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Where the person wanted to go.
    pub return_to: String,
    /// What a rule wanted of somebody who was signed in already.
    pub step_up: Option<StepUp>,
    /// How long ago the person may have proved who they are.
    max_age: Option<Duration>,
}

/// A login attempt between the redirect to the provider and the callback.
#[derive(Serialize, Deserialize)]
pub struct AwaitCallback {
    state_digest: [u8; 32],
    verifier: Option<[u8; 32]>,
    nonce: Option<[u8; 32]>,
    provider: String,
    issuer: Option<String>,
    redirect_uri: String,
    goal: Goal,
    created: Timestamp,
    /// How many logins in a row came before it.
    round: u8,
}

/// A login attempt that has its code.
pub struct AwaitTokens {
    code: AuthorizationCode,
    verifier: Option<CodeVerifier>,
    nonce: Option<String>,
    redirect_uri: String,
    goal: Goal,
}

/// A login attempt whose tokens have not been judged.
pub struct AwaitProof {
    granted: Granted,
    nonce: Option<String>,
    goal: Goal,
}

/// A login attempt that has its tokens.
pub struct AwaitIdentity {
    granted: Granted,
    proven: Proven,
    goal: Goal,
}

/// Why an attempt ends without a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// The access token does not verify, which the configuration asks for.
    AccessToken(BadJwt),
    /// The attempt is older than [`ATTEMPT_LIFE`], or from the future.
    Expired,
    /// The person, or the provider, said no.
    Denied(ErrorCode),
    /// The callback belongs to another attempt or another browser.
    Foreign,
    IdToken(BadIdToken),
    /// The callback does not name the issuer that was asked (S17).
    Issuer,
    /// The answer to an OpenID request has no id_token.
    NoIdToken,
    /// No source of the configuration finds a `user` in what the provider told.
    NoUser,
    /// The userinfo answer speaks of somebody else than the id_token (S30).
    OtherPerson,
    Token(TokenFailure),
    Userinfo(UserinfoFailure),
}

impl From<Unproven> for LoginError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::AccessToken(bad) => Self::AccessToken(bad),
            Unproven::IdToken(bad) => Self::IdToken(bad),
        }
    }
}

impl LoginError {
    /// Whether a visitor can cause it at will.
    pub fn is_of_the_visitor(&self) -> bool {
        match self {
            Self::Denied(_) | Self::Expired | Self::Foreign => true,
            Self::Token(TokenFailure::Refused { error, .. }) => error.as_str() == "invalid_grant",
            _ => false,
        }
    }
}

impl AwaitCallback {
    /// Starts an attempt: what to ask the provider, and what to remember until the browser is
    /// back. `return_to` was judged before.
    pub fn begin(
        provider: &Provider,
        redirect_uri: String,
        return_to: &str,
        asking: &Asking<'_>,
        moment: Moment<'_>,
    ) -> Begun {
        let settings = &provider.settings;
        let asked = &settings.authorization;
        let state = URL_SAFE_NO_PAD.encode(draw::<32>(moment.entropy));
        let verifier = asked.pkce.then(|| draw::<32>(moment.entropy));
        let nonce = settings.openid.as_ref().map(|_| draw::<32>(moment.entropy));
        let mut parameters = Parameters::default();
        asking.say(asked, &mut parameters);
        parameters.set("response_type", "code");
        parameters.set("client_id", settings.client_id.as_str());
        if asked.send_redirect_uri {
            parameters.set("redirect_uri", redirect_uri.as_str());
        }
        parameters.set_if_any("scope", asked.scopes.join(" "));
        parameters.set("state", state.as_str());
        if asked.response_mode == ResponseMode::FormPost {
            parameters.set("response_mode", "form_post");
        }
        if let Some(nonce) = nonce {
            parameters.set("nonce", URL_SAFE_NO_PAD.encode(nonce));
        }
        if let Some(verifier) = verifier {
            let challenge = Sha256::digest(URL_SAFE_NO_PAD.encode(verifier));
            parameters.set("code_challenge", URL_SAFE_NO_PAD.encode(challenge));
            parameters.set("code_challenge_method", "S256");
        }
        let attempt = Self {
            state_digest: Sha256::digest(&state).into(),
            verifier,
            nonce,
            provider: settings.name.clone(),
            issuer: settings.issuer.clone(),
            redirect_uri,
            goal: Goal {
                return_to: return_to.to_owned(),
                step_up: asking.step_up.clone(),
                max_age: asking.judged_age(asked),
            },
            created: moment.now,
            round: 0,
        };
        Begun { parameters, attempt }
    }

    /// The same attempt, after so many logins in a row.
    #[must_use]
    pub fn after(self, round: u8) -> Self {
        Self { round, ..self }
    }

    /// How it began.
    pub const fn began(&self) -> Began {
        Began { after: self.round, at: self.created }
    }

    /// The digest of `state` that names the cookie.
    pub fn digest(&self) -> String {
        to_hex(&self.state_digest)
    }

    /// When it began.
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// What it is for.
    pub const fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Where the callback would come to, were the provider told: at the host where it began.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
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
        if !matches || self.provider != provider.settings.name {
            return Err(LoginError::Foreign);
        }
        if now.since(self.created) > ATTEMPT_LIFE || self.created.since(now) > CLOCK_SKEW {
            return Err(LoginError::Expired);
        }
        // One provider's answer must not pass for another's (RFC 9207 2.4, C-17). Who names no
        // issuer in the configuration can't be compared.
        match (&callback.issuer, &self.issuer) {
            (Some(told), Some(asked)) if told != asked => return Err(LoginError::Issuer),
            (None, _) if provider.tells_issuer() => return Err(LoginError::Issuer),
            _ => {}
        }
        match callback.outcome {
            Outcome::Error(error) => Err(LoginError::Denied(error)),
            Outcome::Code(code) => Ok(AwaitTokens {
                code,
                verifier: self.verifier.map(|bytes| Secret::new(URL_SAFE_NO_PAD.encode(bytes))),
                nonce: self.nonce.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
                redirect_uri: self.redirect_uri,
                goal: self.goal,
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

impl AwaitTokens {
    /// The token call (RFC 6749 4.1.3). `redirect_uri` is the one of the authorization request,
    /// byte for byte (S2).
    pub fn request(&self, provider: &Provider, moment: Moment<'_>) -> Request<Bytes> {
        let settings = &provider.settings;
        // Code and verifier leave secrecy for the provider's token endpoint alone.
        let mut members = vec![("grant_type", "authorization_code"), ("code", self.code.expose())];
        if settings.authorization.send_redirect_uri && settings.token.redirect_uri {
            members.push(("redirect_uri", &self.redirect_uri));
        }
        if let Some(verifier) = &self.verifier {
            members.push(("code_verifier", verifier.expose()));
        }
        token_request(provider, &members, moment)
    }

    /// Takes the answer of the token call.
    pub fn accept(
        self,
        answer: &Response<Bytes>,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<AwaitProof, LoginError> {
        let granted = token_call::read_tokens(answer, &provider.settings.token, now)
            .map_err(LoginError::Token)?;
        if provider.settings.openid.is_some() && granted.id_token.is_none() {
            return Err(LoginError::NoIdToken);
        }
        Ok(AwaitProof { granted, nonce: self.nonce, goal: self.goal })
    }
}

impl AwaitProof {
    /// What the token call brought.
    pub const fn granted(&self) -> &Granted {
        &self.granted
    }

    /// Judges the tokens by the provider's keys, where it is of a kind that signs for us. An
    /// error that [`Unproven::wants_newer_keys`] may be another with newer keys.
    pub fn judge(
        &self,
        provider: &Provider,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<Proven, Unproven> {
        let nonce = self.nonce.as_deref();
        proof::at_login(&self.granted, nonce, self.goal.max_age, provider, keys, now)
    }

    /// Goes on with what was judged.
    pub fn proven(self, proven: Proven) -> AwaitIdentity {
        AwaitIdentity { granted: self.granted, proven, goal: self.goal }
    }
}

impl AwaitIdentity {
    /// The userinfo call; none when the provider has no such address or nothing asks for it.
    pub fn request(&self, provider: &Provider) -> Option<Request<Bytes>> {
        if !provider.settings.identity.want_userinfo() {
            return None;
        }
        token_call::userinfo_request(provider, &self.granted.tokens.access)
    }

    /// Takes the answer of the userinfo call, where there was one, and makes a session that has
    /// nothing of any earlier one (C-31). Returns it with what the
    /// attempt was for.
    pub fn accept(
        self,
        userinfo: Option<&Response<Bytes>>,
        provider: &Provider,
        lifetimes: Lifetimes,
        moment: Moment<'_>,
    ) -> Result<(Session, Goal), LoginError> {
        let settings = &provider.settings;
        let scopes = self.granted.scopes_or(&settings.authorization.scopes, settings);
        let me = match userinfo {
            Some(answer) => Some(token_call::read_userinfo(answer).map_err(LoginError::Userinfo)?),
            None => None,
        };
        let Proven { id_token, token_claims, .. } = self.proven;
        if let (Some(id_token), Some(me)) = (&id_token, &me)
            && me.get("sub").and_then(serde_json::Value::as_str) != Some(&id_token.subject)
        {
            return Err(LoginError::OtherPerson);
        }
        let keeps_hint = settings.openid.as_ref().is_some_and(|openid| openid.keep_hint);
        let sid = sid(settings, id_token.as_ref());
        let subject = id_token.as_ref().map(|id_token| id_token.subject.clone());
        let authenticated = id_token.as_ref().and_then(|id_token| id_token.auth_time);
        let acr = id_token.as_ref().and_then(|id_token| id_token.acr.clone());
        let id = id_token.map(|id_token| id_token.claims);
        let documents = Documents { token: token_claims, me, id };
        let identity = settings.identity.read(&documents).map_err(|_| LoginError::NoUser)?;
        let session = Session {
            id: SessionId::draw(moment.entropy),
            generation: 0,
            provider: settings.name.clone(),
            created: moment.now,
            seen: moment.now,
            ends: moment.now.plus(lifetimes.absolute),
            tokens: self.granted.tokens,
            subject,
            sid,
            authenticated,
            acr,
            scopes,
            hint: self.granted.id_token.filter(|_| keeps_hint),
            identity,
        };
        Ok((session, self.goal))
    }
}

/// The provider's name of its session, where it may end ours by it; elsewhere it would only make
/// the cookie larger.
fn sid(settings: &Settings, id_token: Option<&IdToken>) -> Option<String> {
    settings.openid.as_ref().filter(|openid| openid.backchannel_logout)?;
    sid_of(&id_token?.claims).map(str::to_owned)
}

/// How long a person may take at the provider.
pub const ATTEMPT_LIFE: Duration = Duration::from_secs(600);
/// So many attempts of one browser are remembered at once; the oldest makes room (C-16).
pub const MAX_ATTEMPTS: usize = 5;
/// So many bytes their cookies may take together.
pub const MAX_ATTEMPT_BYTES: usize = 4096;

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
