//! The signed assertion: how it is signed, and what routes say in it.

use std::time::Duration;

use super::problem::Problems;
use super::reader::{Section, Taken};
use crate::auth::assertion::{
    AssertionRules, AssertionSettings, LONGEST_LIFE, OWN_CLAIMS, SigningAlgorithm,
};
use crate::auth::claim_source::ClaimSource;
use crate::auth::host::Origin;

/// Reads `[assertion]`; the issuer is `public` unless it says another one.
pub(super) fn parse(
    root: &mut Section,
    public: Option<&Origin>,
    problems: &mut Problems,
) -> AssertionSettings {
    let mut section = root.section("assertion", problems);
    let algorithms = [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];
    let choices = algorithms.map(|algorithm| (algorithm.name(), algorithm));
    let algorithm = section.choice("algorithm", problems, &choices);
    let issuer = section.parse("issuer", problems, |text| match text {
        "" => Err(String::from("is empty; leave it out")),
        _ => Ok(text.to_owned()),
    });
    let mut within = |key, shortest: Duration, longest: Duration| {
        let duration = section.duration(key, problems)?;
        if (shortest..=longest).contains(&duration) {
            return Some(duration);
        }
        let shown = |duration| humantime::format_duration(duration).to_string();
        let (shortest, longest) = (shown(shortest), shown(longest));
        problems.push(section.problem(key, format!("must be from {shortest} to {longest}")));
        None
    };
    let life = within("life", Duration::from_secs(10), LONGEST_LIFE);
    let rotate_every = within("rotate_every", HOUR, HOUR * 24 * 366);
    section.finish(problems);
    AssertionSettings {
        algorithm: algorithm.unwrap_or(SigningAlgorithm::Es256),
        issuer: issuer.or_else(|| public.map(ToString::to_string)).unwrap_or_default(),
        life: life.unwrap_or(LONGEST_LIFE),
        rotate_every: rotate_every.unwrap_or(ROTATE_EVERY),
    }
}

/// Reads a route's `assertion`: whether there is one, or what it says.
pub(super) fn parse_rules(
    section: &mut Section,
    problems: &mut Problems,
) -> Option<AssertionRules> {
    let taken = section.take("assertion")?;
    if !taken.is_table() {
        return taken.truth(problems)?.then(AssertionRules::default);
    }
    let mut table = taken.section(problems)?;
    let audience = table.parse("audience", problems, |text| match text {
        "" => Err(String::from("is empty; leave it out for the route's name")),
        _ => Ok(text.to_owned()),
    });
    let mut claims = Vec::new();
    for (name, taken) in table.section("claims", problems).entries() {
        claims.extend(claim(&name, &taken, problems).map(|source| (name, source)));
    }
    table.finish(problems);
    Some(AssertionRules { audience, claims })
}

fn claim(name: &str, taken: &Taken, problems: &mut Problems) -> Option<ClaimSource> {
    if OWN_CLAIMS.contains(&name) {
        problems.push(taken.problem("is what the gateway says itself; call yours something else"));
        return None;
    }
    let source = ClaimSource::parse(&taken.text(problems)?);
    source.map_err(|message| problems.push(taken.problem(message))).ok()
}

const HOUR: Duration = Duration::from_secs(3600);
const ROTATE_EVERY: Duration = Duration::from_secs(30 * 24 * 3600);
