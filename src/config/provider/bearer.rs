//! API clients that bring an access token of their own.

use std::time::Duration;

use super::addresses::Addresses;
use super::{identity, openid, words};
use crate::auth::bearer::{BearerRules, Issuer};
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// Reads the `bearer` table of a provider; without one, no token is taken from a visitor.
pub(super) fn parse(
    section: &mut Section,
    addresses: &Addresses,
    proves_itself: bool,
    problems: &mut Problems,
) -> Option<BearerRules> {
    let mut section = section.take("bearer")?.section(problems)?;
    let introspection = section.boolean("introspection", problems).unwrap_or(false);
    let issuer = match (section.text("issuer", problems), &addresses.issuer) {
        (Some(text), _) if text.is_empty() => Issuer::Unnamed,
        (Some(text), _) => Issuer::Is(text),
        (None, Some(issuer)) => Issuer::Is(issuer.clone()),
        (None, None) => Issuer::Any,
    };
    let rules = BearerRules {
        issuer,
        audience: words::texts(&mut section, "audience", problems).unwrap_or_default(),
        algorithms: openid::algorithms(&mut section, "algorithms", problems),
        scopes: words::parse(&mut section, "scopes", problems).unwrap_or_default(),
        clients: words::texts(&mut section, "clients", problems).unwrap_or_default(),
        user: identity::sources(&mut section, "user", problems).unwrap_or_default(),
        only_at_jwt: section.boolean("only_at_jwt", problems).unwrap_or(false),
        introspection,
        cache: section.duration("cache", problems).unwrap_or(CACHE),
    };
    if rules.cache > LONGEST_CACHE {
        let message =
            "must be an hour at most: a token that was taken back would go on for so long";
        problems.push(section.problem("cache", message));
    }
    if introspection {
        judge_introspection(&section, &rules, proves_itself, addresses, problems);
    } else {
        judge_verification(&section, &rules, addresses, problems);
    }
    section.finish(problems);
    Some(rules)
}

fn judge_introspection(
    section: &Section,
    rules: &BearerRules,
    proves_itself: bool,
    addresses: &Addresses,
    problems: &mut Problems,
) {
    if !proves_itself {
        // Anybody could ask otherwise, and the provider answers nobody (RFC 7662 2.1).
        let message = "needs a client that proves itself, and client_auth is \"none\"";
        problems.push(section.problem("introspection", message));
    }
    if rules.audience.is_empty() && rules.clients.is_empty() && rules.scopes.is_empty() {
        let message = "needs audience, clients or scopes: any token of the provider would pass";
        problems.push(section.problem("introspection", message));
    }
    if rules.only_at_jwt {
        let message = "is not used with introspection = true: no token is taken apart then";
        problems.push(section.problem("only_at_jwt", message));
    }
    if !addresses.may_have(addresses.said.introspection.as_deref()) {
        let message = "needs introspection_url, or a provider that is discovered";
        problems.push(section.problem("introspection", message));
    }
    if section.has("algorithms") {
        let message = "is not used with introspection = true: no signature is verified then";
        problems.push(section.problem("algorithms", message));
    }
}

fn judge_verification(
    section: &Section,
    rules: &BearerRules,
    addresses: &Addresses,
    problems: &mut Problems,
) {
    if !addresses.may_have(addresses.said.jwks.as_deref()) {
        let message =
            "needs the provider's jwks_url, a provider that is discovered, or introspection = true";
        problems.push(section.problem("", message));
    }
    if rules.audience.is_empty() {
        // A token for any other app of the same provider would pass.
        let message =
            "must name at least one audience: a token for another app would be taken otherwise";
        problems.push(section.problem("audience", message));
    }
    if rules.issuer == Issuer::Any && !section.has("issuer") {
        let message = "is missing, and the provider has none; say it, or issuer = \"\" for tokens without `iss`";
        problems.push(section.problem("issuer", message));
    }
}

/// Short enough that a token that was taken back soon is worth nothing.
const CACHE: Duration = Duration::from_secs(60);
const LONGEST_CACHE: Duration = Duration::from_secs(3600);
