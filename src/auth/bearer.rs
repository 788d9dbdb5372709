//! API clients that bring an access token of their own (RFC 6750), judged by its signature.
//!
//! A token counts for what it says and proves, never for being there (C-89): it is this issuer's,
//! meant for this gateway, given to a client that may come, and an access token (S12 to S14,
//! RFC 9068, RFC 8725). See [`super::introspection`] for providers that must be asked instead.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, header};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::claims::{BadClaim, Claims};
use super::facts::KnownPerson;
use super::id_token;
use super::identity::{Identity, Source};
use super::jwks::KeySet;
use super::jwt::{Algorithm, BadJwt, Jwt, MAX_TOKEN};
use super::token_call::read_scopes;
use super::token_kind::{self, Kind};
use super::{CLOCK_SKEW, Timestamp};
use crate::secret::{AccessToken, Secret};

/// Which tokens are believed.
#[derive(Clone, Debug)]
pub struct BearerRules {
    pub issuer: Issuer,
    /// Whom they are for: one of these. An empty list fits no token that is judged here, and any
    /// that the provider is asked about.
    pub audience: Vec<String>,
    /// Where a person or a program is found in a token; none: where a session finds people.
    pub user: Vec<Source>,
    /// Whether only tokens count that call themselves access tokens (RFC 9068 2.1).
    pub only_at_jwt: bool,
    pub algorithms: Vec<Algorithm>,
    /// What they must allow: all of these.
    pub scopes: Vec<String>,
    /// Whom they were given to: one of these; none: anybody.
    pub clients: Vec<String>,
    /// Whether the provider is asked, instead of the signature being judged.
    pub introspection: bool,
    /// How long a verdict is believed at most.
    pub cache: Duration,
}

/// Whose tokens count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// Anybody's, where the provider itself is asked.
    Any,
    /// Nobody's by name: only tokens without `iss`.
    Unnamed,
    /// This one's.
    Is(String),
}

/// What a request says in `Authorization`.
#[derive(Debug)]
pub enum Presented {
    None,
    /// Another scheme than Bearer.
    Other,
    /// More than one answer, or none that can be read.
    Malformed,
    Token(AccessToken),
}

/// A token that is believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// All that it says, or that the provider says of it.
    pub claims: Value,
    /// When it ends.
    pub expires: Timestamp,
}

impl Accepted {
    /// Who comes with it, as rules look at it: its scopes, and how and when a person stands behind
    /// it, where it tells (RFC 9470 6).
    pub fn known(&self, identity: Identity, provider: &str, now: Timestamp) -> KnownPerson {
        let scopes = told_scopes(&self.claims);
        let claims = self.claims.as_object().cloned().map(Claims::of);
        let claims = claims.as_ref();
        // One from the future would be recent for ever.
        let told = claims.and_then(|claims| claims.auth_time().ok().flatten());
        let authenticated = told.filter(|told| *told <= now.plus(CLOCK_SKEW));
        KnownPerson {
            identity,
            scopes,
            authenticated,
            acr: claims.and_then(id_token::acr),
            provider: Some(provider.to_owned()),
        }
    }
}

/// The scopes that a token's claims tell of (RFC 9068 2.2.3), under each name that is in use.
pub fn told_scopes(claims: &Value) -> Vec<String> {
    let told = ["scope", "scp", "scopes"].map(|name| claims.get(name));
    told.into_iter().flatten().flat_map(read_scopes).collect()
}

/// Why a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadBearer {
    /// The client needs another token: 401 (RFC 6750 3.1).
    Invalid(Refusal),
    /// The token is sound and allows too little: 403. `needed` is what the answer names.
    InsufficientScope { needed: String },
    /// The request says more than one thing, or nothing that can be read: 400.
    Malformed,
    /// The provider could not be asked, or what it said can't be read: 503.
    Unavailable(&'static str),
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Jwt(BadJwt),
    Claim(BadClaim),
    /// It says that it is another kind of token (C-88).
    Kind,
    /// It is good only with the proof of a key, and a Bearer brings none (RFC 9449, RFC 8705).
    Bound,
    /// The provider says that it does not hold.
    Inactive,
    /// No provider of this route judges tokens of its issuer.
    Issuer,
    /// It does not say whose it is, at any place where the configuration looks.
    Nobody,
}

/// Reads what a request brings.
pub fn presented(headers: &HeaderMap) -> Presented {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (lines.next(), lines.next()) {
        (None, _) => return Presented::None,
        (Some(value), None) => value.as_bytes(),
        (Some(_), Some(_)) => return Presented::Malformed,
    };
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    // A scheme that is no word may be read as another one further on.
    if scheme.is_empty() || !scheme.iter().all(|byte| is_word(*byte)) {
        return Presented::Malformed;
    }
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Presented::Other;
    }
    let token = rest.trim_ascii_start();
    match std::str::from_utf8(token) {
        Ok(text) if token.len() <= MAX_TOKEN && is_token68(token) => {
            Presented::Token(Secret::new(text.to_owned()))
        }
        _ => Presented::Malformed,
    }
}

/// Takes a presented token apart.
pub fn taken_apart(token: &AccessToken) -> Result<Jwt<'_>, BadBearer> {
    // The token stays where it is; what is taken from it never shows it.
    Ok(Jwt::parse(token.expose())?)
}

/// Judges a token by its signature and by what it says.
pub fn judge_jwt(
    jwt: &Jwt<'_>,
    keys: &KeySet,
    rules: &BearerRules,
    now: Timestamp,
) -> Result<Accepted, BadBearer> {
    let claims = keys.verify(jwt, &rules.algorithms)?;
    let by_name = !rules.only_at_jwt || token_kind::is_named_access(jwt.typ());
    if !by_name || !token_kind::may_be_access(jwt.typ()) {
        return Err(Refusal::Kind.into());
    }
    if !rules.issuer.fits(claims.iss()?) {
        return Err(BadClaim::Unfit("iss").into());
    }
    judge_audience(&claims, &rules.audience)?;
    let expires = claims.check_times(now, CLOCK_SKEW)?;
    judge_rest(&claims, rules)?;
    Ok(Accepted { claims: claims.into_value(), expires })
}

/// A name for a token and everything that it is judged by: two tokens, two providers or two sets
/// of rules never share one (S11, C-125, CVE-2026-33496).
pub fn cache_key(token: &AccessToken, provider_name: &str, rules: &BearerRules) -> [u8; 32] {
    let mut digest = Sha256::new_with_prefix(b"askara-gate bearer 1\0");
    let mut add = |bytes: &[u8]| {
        digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(bytes);
    };
    // The token leaves secrecy only into a digest.
    add(token.expose().as_bytes());
    add(provider_name.as_bytes());
    let (kind, issuer) = match &rules.issuer {
        Issuer::Any => (0, ""),
        Issuer::Unnamed => (1, ""),
        Issuer::Is(issuer) => (2, issuer.as_str()),
    };
    add(&[u8::from(rules.introspection), u8::from(rules.only_at_jwt), kind]);
    add(issuer.as_bytes());
    add(&rules.cache.as_nanos().to_be_bytes());
    let algorithms = rules.algorithms.iter().map(|one| one.as_str()).collect();
    for list in [algorithms, texts(&rules.audience), texts(&rules.scopes), texts(&rules.clients)] {
        // How many follow, so that no member slips from one list into the next.
        add(&u64::try_from(list.len()).unwrap_or(u64::MAX).to_be_bytes());
        list.into_iter().for_each(|item| add(item.as_bytes()));
    }
    digest.finalize().into()
}

impl Issuer {
    /// Whether a token fits that names `told`.
    pub fn fits(&self, told: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Unnamed => told.is_none(),
            Self::Is(issuer) => told == Some(issuer),
        }
    }
}

/// Until when a verdict made at `now` is believed.
pub fn believe_until(accepted: &Accepted, rules: &BearerRules, now: Timestamp) -> Timestamp {
    accepted.expires.min(now.plus(rules.cache))
}

/// Until when a refusal made at `now` is remembered: long enough against a client in a loop, and
/// short enough for a key or a grant that comes a moment later. That nothing could be found out
/// is remembered for a second, so that not every request waits for a provider that is down.
pub fn refuse_until(bad: &BadBearer, now: Timestamp) -> Timestamp {
    match bad {
        BadBearer::Unavailable(_) => now.plus(Duration::from_secs(1)),
        _ => now.plus(REFUSAL_BELIEVED),
    }
}

impl BadBearer {
    /// The challenge of the answer (RFC 6750 3). It names no reason beyond the standard's codes:
    /// what exactly was wrong with a token is for the log.
    pub fn challenge(&self) -> String {
        let mut text = String::from(r#"Bearer realm="askara-gate""#);
        match self {
            Self::Malformed => text.push_str(r#", error="invalid_request""#),
            Self::Invalid(_) => text.push_str(r#", error="invalid_token""#),
            Self::InsufficientScope { needed } => {
                // Scopes of the configuration; a quote in one would end the text early.
                let needed = needed.replace(['"', '\\'], "");
                text.push_str(&format!(r#", error="insufficient_scope", scope="{needed}""#));
            }
            Self::Unavailable(_) => {}
        }
        text
    }

    /// Whether a newer key set may change the verdict (C-86).
    pub const fn wants_newer_keys(&self) -> bool {
        matches!(self, Self::Invalid(Refusal::Jwt(BadJwt::UnknownKey)))
    }
}

impl fmt::Display for BadBearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(refusal) => refusal.fmt(f),
            Self::InsufficientScope { needed } => write!(f, "not all of the scopes {needed}"),
            Self::Malformed => f.write_str("the Authorization field can't be read"),
            Self::Unavailable(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt(wrong) => wrong.fmt(f),
            Self::Claim(wrong) => wrong.fmt(f),
            Self::Kind => f.write_str("the token is no access token"),
            Self::Bound => f.write_str("the token is bound to a key"),
            Self::Inactive => f.write_str("the provider says the token does not hold"),
            Self::Issuer => f.write_str("no provider of this route judges tokens of this issuer"),
            Self::Nobody => f.write_str("the token does not say whose it is"),
        }
    }
}

impl std::error::Error for BadBearer {}

impl From<Refusal> for BadBearer {
    fn from(refusal: Refusal) -> Self {
        Self::Invalid(refusal)
    }
}

impl From<BadJwt> for BadBearer {
    fn from(wrong: BadJwt) -> Self {
        Self::Invalid(Refusal::Jwt(wrong))
    }
}

impl From<BadClaim> for BadBearer {
    fn from(wrong: BadClaim) -> Self {
        Self::Invalid(Refusal::Claim(wrong))
    }
}

pub(super) fn judge_audience(claims: &Claims, audience: &[String]) -> Result<(), BadClaim> {
    let told = claims.aud()?;
    let fits = audience.iter().any(|one| told.contains(&one.as_str()));
    if fits { Ok(()) } else { Err(BadClaim::Unfit("aud")) }
}

/// What is judged alike in a token and in an answer about one: the kind, the client, the scopes.
pub(super) fn judge_rest(claims: &Claims, rules: &BearerRules) -> Result<(), BadBearer> {
    if token_kind::told(claims)?.iter().any(|kind| *kind != Kind::Access) {
        return Err(Refusal::Kind.into());
    }
    if claims.has("cnf") {
        return Err(Refusal::Bound.into());
    }
    judge_client(claims, &rules.clients)?;
    let told = [claims.texts("scope")?, claims.texts("scp")?, claims.texts("scopes")?].concat();
    let told: Vec<&str> = told.into_iter().flat_map(|text| text.split(' ')).collect();
    if rules.scopes.iter().all(|scope| told.contains(&scope.as_str())) {
        Ok(())
    } else {
        Err(BadBearer::InsufficientScope { needed: rules.scopes.join(" ") })
    }
}

/// Whatever the token says of the client must be allowed: `azp`, `client_id` (RFC 9068), or both.
fn judge_client(claims: &Claims, clients: &[String]) -> Result<(), BadClaim> {
    let told: Vec<&str> =
        [claims.azp()?, claims.text("client_id")?].into_iter().flatten().collect();
    let is_allowed = |client: &&str| clients.iter().any(|one| one == client);
    match told.as_slice() {
        _ if clients.is_empty() => Ok(()),
        [] => Err(BadClaim::Missing("azp")),
        told if told.iter().all(is_allowed) => Ok(()),
        _ => Err(BadClaim::Unfit("azp")),
    }
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// RFC 9110 5.6.2.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// RFC 9110 11.2: at least one of the alphabet, then any number of `=`.
fn is_token68(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = &token[..token.len() - padding];
    let is_part = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    !body.is_empty() && body.iter().all(is_part)
}

/// How long a refusal is believed: a client that hammers with a bad token costs no more than a
/// look-up, and one whose token has just begun to hold soon gets in.
pub const REFUSAL_BELIEVED: Duration = Duration::from_secs(5);

#[cfg(test)]
#[path = "bearer_tests.rs"]
mod tests;
