//! The ID token: who signed in, told by the provider to this client (OpenID Connect Core 3.1.3.7;
//! S28, S29, S32).
//!
//! Nothing here is optional by accident: what was sent with the authorization request must come
//! back, and what comes without having been asked for must fit too.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::claims::{BadClaim, Claims};
use super::jwks::KeySet;
use super::jwt::{Algorithm, BadJwt, Jwt};
use super::token_kind::{self, Kind};
use super::{CLOCK_SKEW, Timestamp};
use crate::secret::AccessToken;

/// What an ID token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// The nonce that went with the authorization request; none: none was sent.
    pub nonce: Option<&'a str>,
    /// The access token that came along, for `at_hash`.
    pub access_token: Option<&'a AccessToken>,
    /// The `max_age` that went with the authorization request.
    pub max_age: Option<Duration>,
    /// The `acr` must be one of these; none: any will do.
    pub acr: &'a [String],
    pub algorithms: &'a [Algorithm],
}

/// What the ID token of the sign-in said.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub subject: &'a str,
    pub auth_time: Option<Timestamp>,
}

/// An ID token that holds.
#[derive(Clone, Debug)]
pub struct IdToken {
    /// The person, unique at this issuer.
    pub subject: String,
    /// When the person signed in.
    pub auth_time: Option<Timestamp>,
    /// How they did.
    pub acr: Option<String>,
    /// All that it says.
    pub claims: Value,
}

/// Why an ID token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadIdToken {
    Jwt(BadJwt),
    Claim(BadClaim),
    /// It says that it is another kind of token (C-88).
    Kind,
    /// The sign-in was longer ago than was asked for.
    TooOld,
}

/// Judges the ID token of a sign-in (S28, S29).
pub fn judge(
    jwt: &Jwt<'_>,
    keys: &KeySet,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<IdToken, BadIdToken> {
    let claims =
        of_this_client(jwt, keys, expected.issuer, expected.client_id, expected.algorithms, now)?;
    judge_nonce(&claims, expected.nonce)?;
    if let Some(token) = expected.access_token {
        judge_at_hash(&claims, token, jwt.algorithm())?;
    }
    let auth_time = judge_auth_time(&claims, expected.max_age, now)?;
    if !expected.acr.is_empty() {
        let acr = claims.text("acr")?.ok_or(BadClaim::Missing("acr"))?;
        if !expected.acr.iter().any(|one| one == acr) {
            return Err(BadClaim::Unfit("acr").into());
        }
    }
    let (subject, acr) = (subject(&claims)?.to_owned(), acr(&claims));
    Ok(IdToken { subject, auth_time, acr, claims: claims.into_value() })
}

/// Judges an ID token that came with a refresh: it must speak of the same sign-in (Core 12.2; S32).
/// It need not have a nonce, and the one of the sign-in is not known any more.
pub fn judge_renewed(
    jwt: &Jwt<'_>,
    keys: &KeySet,
    before: &Before<'_>,
    algorithms: &[Algorithm],
    now: Timestamp,
) -> Result<IdToken, BadIdToken> {
    let claims = of_this_client(jwt, keys, before.issuer, before.client_id, algorithms, now)?;
    let subject = subject(&claims)?;
    if subject != before.subject {
        return Err(BadClaim::Unfit("sub").into());
    }
    let auth_time = judge_auth_time(&claims, None, now)?;
    // Some say it in whole seconds at one time and with a fraction at another.
    if let (Some(told), Some(then)) = (auth_time, before.auth_time)
        && told.as_unix() != then.as_unix()
    {
        return Err(BadClaim::Unfit("auth_time").into());
    }
    let (subject, acr) = (subject.to_owned(), acr(&claims));
    let auth_time = auth_time.or(before.auth_time);
    Ok(IdToken { subject, auth_time, acr, claims: claims.into_value() })
}

impl BadIdToken {
    /// Whether a newer key set may change the verdict (C-86).
    pub const fn wants_newer_keys(&self) -> bool {
        matches!(self, Self::Jwt(BadJwt::UnknownKey))
    }
}

impl fmt::Display for BadIdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt(wrong) => wrong.fmt(f),
            Self::Claim(wrong) => wrong.fmt(f),
            Self::Kind => f.write_str("the token is no ID token"),
            Self::TooOld => f.write_str("the sign-in is longer ago than max_age"),
        }
    }
}

impl std::error::Error for BadIdToken {}

impl From<BadJwt> for BadIdToken {
    fn from(wrong: BadJwt) -> Self {
        Self::Jwt(wrong)
    }
}

impl From<BadClaim> for BadIdToken {
    fn from(wrong: BadClaim) -> Self {
        Self::Claim(wrong)
    }
}

/// What every ID token must be, at a sign-in and later: signed by this issuer, for this client, an
/// ID token, and of this time.
fn of_this_client(
    jwt: &Jwt<'_>,
    keys: &KeySet,
    issuer: &str,
    client_id: &str,
    algorithms: &[Algorithm],
    now: Timestamp,
) -> Result<Claims, BadIdToken> {
    let claims = keys.verify(jwt, algorithms)?;
    let is_other = |kind: &Kind| *kind != Kind::Id;
    if !token_kind::may_be_id(jwt.typ()) || token_kind::told(&claims)?.iter().any(is_other) {
        return Err(BadIdToken::Kind);
    }
    if claims.iss()?.ok_or(BadClaim::Missing("iss"))? != issuer {
        return Err(BadClaim::Unfit("iss").into());
    }
    judge_audience(&claims, client_id)?;
    claims.check_times(now, CLOCK_SKEW)?;
    claims.moment("iat")?.ok_or(BadClaim::Missing("iat"))?;
    Ok(claims)
}

/// A token for others too must say that it was given to this client.
fn judge_audience(claims: &Claims, client_id: &str) -> Result<(), BadClaim> {
    let aud = claims.aud()?;
    if !aud.contains(&client_id) {
        return Err(BadClaim::Unfit("aud"));
    }
    match claims.azp()? {
        Some(azp) if azp != client_id => Err(BadClaim::Unfit("azp")),
        None if aud.iter().any(|one| *one != client_id) => Err(BadClaim::Missing("azp")),
        _ => Ok(()),
    }
}

/// A nonce that nobody sent belongs to another attempt.
fn judge_nonce(claims: &Claims, sent: Option<&str>) -> Result<(), BadClaim> {
    match (claims.text("nonce")?, sent) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(BadClaim::Missing("nonce")),
        (Some(told), Some(sent)) if bool::from(told.as_bytes().ct_eq(sent.as_bytes())) => Ok(()),
        (Some(_), _) => Err(BadClaim::Unfit("nonce")),
    }
}

/// The left half of the token's digest, by the digest of the signature (Core 3.1.3.6).
fn judge_at_hash(
    claims: &Claims,
    token: &AccessToken,
    algorithm: Algorithm,
) -> Result<(), BadClaim> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let Some(told) = claims.text("at_hash")? else { return Ok(()) };
    // The access token leaves secrecy only into a digest.
    let token = token.expose();
    let digest = match algorithm {
        RS256 | PS256 | ES256 => Sha256::digest(token).to_vec(),
        RS384 | PS384 | ES384 => Sha384::digest(token).to_vec(),
        // Ed25519 digests with SHA-512 (RFC 8032 5.1).
        RS512 | PS512 | EdDSA => Sha512::digest(token).to_vec(),
    };
    let half = URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2]);
    if half == told { Ok(()) } else { Err(BadClaim::Unfit("at_hash")) }
}

fn judge_auth_time(
    claims: &Claims,
    max_age: Option<Duration>,
    now: Timestamp,
) -> Result<Option<Timestamp>, BadIdToken> {
    let told = claims.auth_time()?;
    if told.is_some_and(|told| told > now.plus(CLOCK_SKEW)) {
        return Err(BadClaim::Ahead("auth_time").into());
    }
    if let Some(max_age) = max_age {
        let told = told.ok_or(BadClaim::Missing("auth_time"))?;
        if now.since(told) > max_age.saturating_add(CLOCK_SKEW) {
            return Err(BadIdToken::TooOld);
        }
    }
    Ok(told)
}

fn subject(claims: &Claims) -> Result<&str, BadClaim> {
    let subject = claims.sub()?.ok_or(BadClaim::Missing("sub"))?;
    if (1..=MAX_SUBJECT).contains(&subject.len()) {
        Ok(subject)
    } else {
        Err(BadClaim::Unfit("sub"))
    }
}

/// How somebody signed in. Of another type, or too long to be kept, it is none.
pub(super) fn acr(claims: &Claims) -> Option<String> {
    let told = claims.text("acr").ok().flatten();
    told.filter(|acr| (1..=MAX_ACR).contains(&acr.len())).map(str::to_owned)
}

const MAX_ACR: usize = 256;
/// OpenID Connect Core section 2.
pub(super) const MAX_SUBJECT: usize = 255;

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
