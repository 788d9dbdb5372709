//! The logout token: a provider ends sessions, told from server to server (OpenID Connect
//! Back-Channel Logout 1.0; S34).
//!
//! It is signed as an ID token is, by the same keys, so that everything that tells the two apart
//! is demanded: the event, a name of its own, and no `nonce` (section 2.4; C-88).

use std::fmt;
use std::time::Duration;

use super::claims::{BadClaim, Claims};
use super::ending::Whom;
use super::id_token::MAX_SUBJECT;
use super::jwks::KeySet;
use super::jwt::{Algorithm, BadJwt, Jwt};
use super::token_kind::{self, Kind};
use super::{CLOCK_SKEW, Timestamp};

/// What a logout token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub algorithms: &'a [Algorithm],
}

/// A logout token that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    pub whose: Whose,
    /// Its own name, unique at this issuer: it counts once.
    pub jti: String,
}

/// Whose sessions end. A token that names a person and a session means that session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// All that began in this session of the provider (the claim `sid`).
    Session(String),
    /// All of this person (the claim `sub`).
    Subject(String),
}

/// Why a logout token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLogoutToken {
    Jwt(BadJwt),
    Claim(BadClaim),
    /// It says that it is another kind of token (C-88).
    Kind,
    /// It has a `nonce`, as only an ID token may.
    Nonce,
    /// It was issued longer ago than [`MAX_AGE`].
    TooOld,
}

/// Judges a logout token (section 2.6).
pub fn judge(
    jwt: &Jwt<'_>,
    keys: &KeySet,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<LogoutToken, BadLogoutToken> {
    let claims = keys.verify(jwt, expected.algorithms)?;
    judge_kind(jwt.typ(), &claims)?;
    if claims.iss()?.ok_or(BadClaim::Missing("iss"))? != expected.issuer {
        return Err(BadClaim::Unfit("iss").into());
    }
    // Of several it tells all alike: nobody has to be its one receiver, as `azp` says of ID tokens.
    if !claims.aud()?.contains(&expected.client_id) {
        return Err(BadClaim::Unfit("aud").into());
    }
    judge_age(&claims, now)?;
    let jti = named(&claims, "jti", usize::MAX)?.ok_or(BadClaim::Missing("jti"))?;
    let subject = named(&claims, "sub", MAX_SUBJECT)?;
    let sid = named(&claims, "sid", MAX_SID)?;
    let whose = sid.map(Whose::Session).or(subject.map(Whose::Subject));
    Ok(LogoutToken { whose: whose.ok_or(BadClaim::Missing("sub"))?, jti })
}

/// The provider's name of its session, in the claims of an ID token (section 2.1). It may be
/// anything; one that can't be one is none.
pub fn sid_of(id_token: &serde_json::Value) -> Option<&str> {
    let sid = id_token.get("sid")?.as_str()?;
    (1..=MAX_SID).contains(&sid.len()).then_some(sid)
}

impl Whose {
    /// The same, at the provider of this name.
    pub fn at(self, provider: &str) -> Whom {
        let provider = provider.to_owned();
        match self {
            Self::Session(sid) => Whom::ProviderSession { provider, sid },
            Self::Subject(subject) => Whom::Subject { provider, subject },
        }
    }
}

impl BadLogoutToken {
    /// Whether a newer key set may change the verdict (C-86).
    pub const fn wants_newer_keys(&self) -> bool {
        matches!(self, Self::Jwt(BadJwt::UnknownKey))
    }
}

impl fmt::Display for BadLogoutToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt(wrong) => wrong.fmt(f),
            Self::Claim(wrong) => wrong.fmt(f),
            Self::Kind => f.write_str("the token is no logout token"),
            Self::Nonce => f.write_str("the token has a nonce"),
            Self::TooOld => f.write_str("the token was issued too long ago"),
        }
    }
}

impl std::error::Error for BadLogoutToken {}

impl From<BadJwt> for BadLogoutToken {
    fn from(wrong: BadJwt) -> Self {
        Self::Jwt(wrong)
    }
}

impl From<BadClaim> for BadLogoutToken {
    fn from(wrong: BadClaim) -> Self {
        Self::Claim(wrong)
    }
}

/// A logout token says so by its event; whatever says something else as well is none.
fn judge_kind(typ: Option<&str>, claims: &Claims) -> Result<(), BadLogoutToken> {
    // Prohibited, so that no logout token ever passes for an ID token (section 2.4).
    if claims.has("nonce") {
        return Err(BadLogoutToken::Nonce);
    }
    let is_other = |kind: &Kind| *kind != Kind::Event;
    if !token_kind::may_be_logout(typ) || token_kind::told(claims)?.iter().any(is_other) {
        return Err(BadLogoutToken::Kind);
    }
    let events = claims.object("events")?.ok_or(BadClaim::Missing("events"))?;
    match events.get(EVENT) {
        Some(event) if event.is_object() => Ok(()),
        Some(_) => Err(BadClaim::Type("events").into()),
        None => Err(BadClaim::Unfit("events").into()),
    }
}

/// Only the errata of 2023 demand `exp`, and providers leave it out to this day: `iat` bounds the
/// life of every token as tightly.
fn judge_age(claims: &Claims, now: Timestamp) -> Result<(), BadLogoutToken> {
    claims.check_times_if_told(now, CLOCK_SKEW)?;
    let issued = claims.moment("iat")?.ok_or(BadClaim::Missing("iat"))?;
    match now.since(issued) > MAX_AGE + CLOCK_SKEW {
        true => Err(BadLogoutToken::TooOld),
        false => Ok(()),
    }
}

/// A text that names something: never empty, and no longer than `most` bytes.
fn named(
    claims: &Claims,
    name: &'static str,
    most: usize,
) -> Result<Option<String>, BadLogoutToken> {
    match claims.text(name)? {
        Some(text) if text.is_empty() || text.len() > most => Err(BadClaim::Unfit(name).into()),
        text => Ok(text.map(str::to_owned)),
    }
}

/// How long a logout token may be on its way.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// How long a token that was used is remembered: until no replica would take it any more. It may
/// come from a clock that is ahead, and go to one that is behind.
pub const REMEMBERED: Duration = Duration::from_secs(MAX_AGE.as_secs() + 3 * CLOCK_SKEW.as_secs());

/// The longest `sid` that is kept, in bytes: it lies in every cookie.
const MAX_SID: usize = 255;

/// The member of `events` that makes a token a logout token (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[cfg(test)]
#[path = "logout_token_tests.rs"]
mod tests;
