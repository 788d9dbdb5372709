//! One provider, read key by key.

use std::path::PathBuf;
use std::sync::Arc;

use super::addresses::Addresses;
use super::client::{self, Client};
use super::{ProviderConfig, Shared, authorization, bearer, openid, token};
use crate::auth::preset::{ASKARA, PRESETS, Preset};
use crate::auth::provider::{ClientAuth, Settings};
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// Reads one table; `own` is its name among several. Gives the name that routes and sessions
/// know it by, and the provider unless something in it is wrong.
pub(super) fn parse(
    mut section: Section,
    own: Option<&str>,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> (String, Option<ProviderConfig>) {
    let preset = kind(&mut section, problems);
    let name = own.unwrap_or(preset.kind).to_owned();
    let around = shared.surroundings;
    let title = section.parse("title", problems, title);
    let addresses = Addresses::parse(&mut section, &preset, problems);
    let redirect_path = shared.redirects.parse(&mut section, own, around.prefix, problems);
    let context = authorization::Context { preset: &preset, addresses: &addresses, around };
    let authorization =
        authorization::parse(&mut section, context, redirect_path, problems, warnings);
    let token = token::parse(&mut section, &preset, authorization.send_redirect_uri, problems);
    let context = client::Context {
        preset: &preset,
        pkce: authorization.pkce,
        environment: around.environment,
        alone: own.is_none(),
    };
    let client = Client::parse(&mut section, context, problems, warnings);
    let openid = openid::parse(&mut section, &preset, &addresses, around.has_store, problems);
    let proves_itself = !matches!(client.auth, Some(ClientAuth::None));
    let bearer = bearer::parse(&mut section, &addresses, proves_itself, problems);
    let identity = shared.identity.parse_for(&mut section, &preset, problems);
    let ca_file = section.text("ca_file", problems).map(PathBuf::from);
    section.finish(problems);
    let Some((client_id, client_auth)) = client.id.zip(client.auth) else {
        return (name, None);
    };
    let settings = Settings {
        name: name.clone(),
        title: title.unwrap_or_else(|| preset.title.to_owned()),
        issuer: addresses.issuer,
        client_id,
        client_auth: client_auth.into(),
        authorization,
        token,
        verify_access_token: openid.is_none()
            && addresses.said.jwks.as_deref().is_some_and(|url| !url.is_empty()),
        openid,
        identity,
        keeps_scopes: false,
        bearer,
        said: addresses.said,
    };
    let certificate = client.certificate;
    (name, Some(ProviderConfig { settings: Arc::new(settings), preset, ca_file, certificate }))
}

/// The preset of a kind. Of an unknown kind the one that was probably meant: whatever else is
/// wrong is then told in its sense.
fn kind(section: &mut Section, problems: &mut Problems) -> Preset {
    let Some(taken) = section.take("kind") else {
        return ASKARA;
    };
    let Some(text) = taken.text(problems) else {
        return ASKARA;
    };
    let distance = |preset: &&Preset| strsim::damerau_levenshtein(&text, preset.kind);
    let nearest = PRESETS.iter().min_by_key(distance).copied().unwrap_or(ASKARA);
    if nearest.kind != text {
        let known: Vec<&str> = PRESETS.iter().map(|preset| preset.kind).collect();
        let known = known.join(", ");
        problems.push(taken.problem(format!("{text:?} is not spoken; this version knows {known}")));
    }
    nearest
}

fn title(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= 64;
    if fits && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(String::from("must be 1 to 64 characters, such as \"Askara\""))
    }
}
