//! What OpenID Connect adds: how id_tokens are judged, and whether the provider may end sessions.

use super::addresses::Addresses;
use super::words;
use crate::auth::jwt::Algorithm;
use crate::auth::preset::Preset;
use crate::auth::provider::OpenId;
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// Reads what is said of OpenID Connect; none where it is not spoken. `has_store` says whether what
/// one replica is told reaches the others.
pub(super) fn parse(
    section: &mut Section,
    preset: &Preset,
    addresses: &Addresses,
    has_store: bool,
    problems: &mut Problems,
) -> Option<OpenId> {
    let given = section.has("id_token_algorithms");
    let algorithms = algorithms(section, "id_token_algorithms", problems);
    let keep_hint = section.boolean("id_token_hint", problems).unwrap_or(false);
    let required_acr = words::parse(section, "required_acr", problems).unwrap_or_default();
    let backchannel_logout = section.boolean("backchannel_logout", problems).unwrap_or(false);
    if preset.openid {
        if backchannel_logout && !has_store {
            problems.push(section.problem("backchannel_logout", NEEDS_STORE));
        }
        // Without an issuer there was an error already.
        let issuer = addresses.issuer.clone()?;
        return Some(OpenId {
            issuer,
            algorithms,
            keep_hint,
            required_acr,
            backchannel_logout,
            discovers: addresses.discovers,
        });
    }
    if backchannel_logout {
        let message = "is OpenID Connect's, which only kind \"oidc\" speaks";
        problems.push(section.problem("backchannel_logout", message));
    }
    for (key, is_set) in [
        ("id_token_algorithms", given),
        ("id_token_hint", keep_hint),
        ("required_acr", !required_acr.is_empty()),
    ] {
        if is_set {
            let message = "is about id_tokens, which only kind \"oidc\" brings";
            problems.push(section.problem(key, message));
        }
    }
    None
}

/// The provider tells one replica, once; a cookie alone goes on opening at all of them (S34).
const NEEDS_STORE: &str = "needs session.store or session.coordination: a session that is only a cookie can't be ended from elsewhere";

/// Takes a list of signature algorithms; RS256 unless it says others.
pub(super) fn algorithms(
    section: &mut Section,
    key: &'static str,
    problems: &mut Problems,
) -> Vec<Algorithm> {
    let list = section.list(key, problems, |text| {
        Algorithm::parse(text)
            .ok_or_else(|| format!("{text:?} is no signature that is verified; RS256 is one"))
    });
    if list.as_ref().is_some_and(Vec::is_empty) {
        problems.push(section.problem(key, "is empty; leave it out for RS256"));
    }
    list.unwrap_or_else(|| Algorithm::parse("RS256").into_iter().collect())
}
