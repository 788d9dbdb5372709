//! What a provider says of an access token when it is asked (RFC 7662; S11).
//!
//! The answer is the provider's own word over an authenticated connection, so that it needs no
//! issuer and no end; what it does say must fit.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use super::bearer::{self, Accepted, BadBearer, BearerRules, Refusal};
use super::claims::{BadClaim, Claims};
use super::json;
use super::token_kind::{self, Kind};
use super::{CLOCK_SKEW, Timestamp};

/// Reads the answer that came at `now`.
pub fn read_introspection(
    answer: &Response<Bytes>,
    rules: &BearerRules,
    now: Timestamp,
) -> Result<Accepted, BadBearer> {
    if answer.status() != StatusCode::OK {
        return Err(BadBearer::Unavailable("the status of the answer is not 200"));
    }
    let object = json::object(answer.body()).map_err(|bad| BadBearer::Unavailable(bad.as_str()))?;
    // The text "true" is no boolean, and no word for yes either.
    if object.get("active") != Some(&Value::Bool(true)) {
        return Err(Refusal::Inactive.into());
    }
    let claims = Claims::of(object);
    let kind = claims.text("token_type")?;
    // The answer itself is the issuer's, who need not repeat its name.
    if let told @ Some(_) = claims.iss()?
        && !rules.issuer.fits(told)
    {
        return Err(BadClaim::Unfit("iss").into());
    }
    // Read in any case: a claim of the wrong type is a refusal.
    claims.aud()?;
    match kind {
        Some(kind) if kind.eq_ignore_ascii_case("bearer") => {}
        // A refresh token is active too; where nothing says whom the token is for, something must
        // say that it is none (C-88).
        None if !rules.audience.is_empty() => {}
        None if token_kind::told(&claims)?.contains(&Kind::Access) => {}
        _ => return Err(Refusal::Kind.into()),
    }
    if !rules.audience.is_empty() {
        bearer::judge_audience(&claims, &rules.audience)?;
    }
    let expires = claims.check_times_if_told(now, CLOCK_SKEW)?;
    bearer::judge_rest(&claims, rules)?;
    let expires = expires.unwrap_or_else(|| now.plus(rules.cache));
    Ok(Accepted { claims: claims.into_value(), expires })
}

#[cfg(test)]
#[path = "introspection_tests.rs"]
mod tests;
