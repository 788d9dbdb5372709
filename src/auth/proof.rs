//! What a provider's signature proves of the tokens that it gave: the id_token of OpenID Connect
//! (S29, S32), and the access token where `jwks_url` is set. Everything else that the token
//! endpoint gave over TLS is taken at its word (OpenID Connect Core 1.0 3.1.3.7; S15).

use std::time::Duration;

use serde_json::Value;

use super::Timestamp;
use super::claims::BadClaim;
use super::id_token::{self, BadIdToken, Before, Expected, IdToken};
use super::jwks::KeySet;
use super::jwt::{Algorithm, BadJwt, Jwt};
use super::provider::{OpenId, Provider};
use super::session::Session;
use super::token_call::Granted;
use super::tokens::unverified_claims;
use crate::secret::AccessToken;

/// What a token answer proves.
#[derive(Debug, Default)]
pub struct Proven {
    pub id_token: Option<IdToken>,
    /// The claims of the access token, when it is a JWT.
    pub token_claims: Option<Value>,
    /// Whether all that is to be judged was judged.
    pub judged: bool,
}

/// Why tokens are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    AccessToken(BadJwt),
    IdToken(BadIdToken),
}

impl Proven {
    /// What is known while nothing was judged: the token endpoint's word.
    pub fn unjudged(granted: &Granted) -> Self {
        let token_claims = unverified_claims(&granted.tokens.access);
        Self { id_token: None, token_claims, judged: false }
    }
}

impl Unproven {
    /// Whether a sound id_token is about another person than before.
    pub fn is_somebody_else(&self) -> bool {
        matches!(self, Self::IdToken(BadIdToken::Claim(BadClaim::Unfit("sub"))))
    }

    /// Whether a key is missing that the provider may have published since (C-86).
    pub fn wants_newer_keys(&self) -> bool {
        match self {
            Self::AccessToken(bad) => *bad == BadJwt::UnknownKey,
            Self::IdToken(bad) => bad.wants_newer_keys(),
        }
    }
}

/// Whether tokens of this provider can't be judged without its keys.
pub fn needs_keys(provider: &Provider, granted: &Granted) -> bool {
    provider.settings.openid.is_some() && granted.id_token.is_some()
        || provider.settings.verify_access_token
}

/// Judges what a code brought.
pub(super) fn at_login(
    granted: &Granted,
    nonce: Option<&str>,
    max_age: Option<Duration>,
    provider: &Provider,
    keys: &KeySet,
    now: Timestamp,
) -> Result<Proven, Unproven> {
    let settings = &provider.settings;
    let judge = |openid: &OpenId, text: &str| {
        let expected = Expected {
            issuer: &openid.issuer,
            client_id: &settings.client_id,
            nonce,
            access_token: Some(&granted.tokens.access),
            max_age,
            acr: &openid.required_acr,
            algorithms: &openid.algorithms,
        };
        let jwt = Jwt::parse(text).map_err(BadIdToken::Jwt)?;
        id_token::judge(&jwt, keys, &expected, now)
    };
    // The id_token leaves secrecy to be judged here.
    let id_token = match (&settings.openid, &granted.id_token) {
        (Some(openid), Some(text)) => {
            Some(judge(openid, text.expose()).map_err(Unproven::IdToken)?)
        }
        _ => None,
    };
    let token_claims = access_claims(provider, &granted.tokens.access, keys)?;
    Ok(Proven { id_token, token_claims, judged: true })
}

/// Judges what a refresh of `before` brought. An answer without id_token proves as much (rule 7).
pub fn at_refresh(
    granted: &Granted,
    before: &Session,
    provider: &Provider,
    keys: &KeySet,
    now: Timestamp,
) -> Result<Proven, Unproven> {
    let settings = &provider.settings;
    let judge = |openid: &OpenId, text: &str, subject: &str| {
        let before = Before {
            issuer: &openid.issuer,
            client_id: &settings.client_id,
            subject,
            auth_time: before.authenticated,
        };
        let jwt = Jwt::parse(text).map_err(BadIdToken::Jwt)?;
        id_token::judge_renewed(&jwt, keys, &before, &openid.algorithms, now)
    };
    // The id_token leaves secrecy to be judged here. A session from before the provider spoke
    // OpenID Connect has no subject to compare with: then it says nothing.
    let id_token = match (&settings.openid, &granted.id_token, &before.subject) {
        (Some(openid), Some(text), Some(subject)) => {
            Some(judge(openid, text.expose(), subject).map_err(Unproven::IdToken)?)
        }
        _ => None,
    };
    let token_claims = access_claims(provider, &granted.tokens.access, keys)?;
    Ok(Proven { id_token, token_claims, judged: true })
}

/// The claims of an access token: verified where the configuration says by whom, and else as the
/// token endpoint gave them. One that is no JWT has none.
fn access_claims(
    provider: &Provider,
    token: &AccessToken,
    keys: &KeySet,
) -> Result<Option<Value>, Unproven> {
    if !provider.settings.verify_access_token {
        return Ok(unverified_claims(token));
    }
    // The token leaves secrecy to be judged here.
    let text = token.expose();
    if text.split('.').count() != 3 {
        return Ok(None);
    }
    let claims = Jwt::parse(text).and_then(|jwt| keys.verify(&jwt, ANY_ALGORITHM));
    claims.map(|claims| Some(claims.into_value())).map_err(Unproven::AccessToken)
}

/// Its key decides: each fits its own algorithms only, and none of them is symmetric.
const ANY_ALGORITHM: &[Algorithm] = &Algorithm::ALL;
