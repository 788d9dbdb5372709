//! The provider: a preset row, and what the configuration overrides of it.

use std::path::PathBuf;

use super::environment::Environment;
use super::problem::Problems;
use super::reader::Section;
use super::secrets;
use crate::auth::host::{Host, split_scheme};
use crate::auth::identity::{IdentitySources, Source};
use crate::auth::provider::{ASKARA, ClientAuth, PRESETS, Preset, Provider, TokenBody};
use crate::secret::ClientSecret;

pub(super) fn parse(
    root: &mut Section,
    environment: &Environment,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<(Provider, Option<PathBuf>)> {
    if let Some(several) = root.take("providers") {
        problems.push(several.problem("several providers are not there yet; use one [provider]"));
    }
    let identity = root.section("identity", problems);
    let mut section = root.section("provider", problems);
    let preset = section.parse("kind", problems, kind).unwrap_or(ASKARA);
    let identity = parse_identity(identity, &preset, problems);
    let client_id = client_id(&mut section, environment, problems, warnings);
    let client_secret = client_secret(&mut section, environment, problems, warnings);
    let endpoints = Endpoints::parse(&mut section, &preset, problems);
    let manner = Manner::parse(&mut section, &preset, problems);
    let redirect_path = section.parse("redirect_path", problems, redirect_path);
    let ca_file = section.text("ca_file", problems).map(PathBuf::from);
    refuse_what_is_not_there(&mut section, problems);
    section.finish(problems);
    let provider = Provider {
        name: preset.kind.to_owned(),
        authorize_url: endpoints.authorize,
        token_url: endpoints.token,
        userinfo_url: endpoints.userinfo,
        client_id: client_id?,
        client_secret: client_secret?,
        scopes: manner.scopes,
        token_body: manner.token_body,
        client_auth: manner.client_auth,
        pkce: manner.pkce,
        send_redirect_uri: manner.send_redirect_uri,
        redirect_path: redirect_path.unwrap_or_default(),
        identity,
    };
    Some((provider, ca_file))
}

/// Where a provider is.
struct Endpoints {
    authorize: String,
    token: String,
    userinfo: Option<String>,
}

/// How a provider wants to be spoken to.
struct Manner {
    scopes: Vec<String>,
    token_body: TokenBody,
    client_auth: ClientAuth,
    pkce: bool,
    send_redirect_uri: bool,
}

impl Endpoints {
    fn parse(section: &mut Section, preset: &Preset, problems: &mut Problems) -> Self {
        // An empty userinfo address switches that call off.
        let optional = |text: &str| match text {
            "" => Ok(String::new()),
            _ => endpoint(text),
        };
        let userinfo = section.parse("userinfo_url", problems, optional);
        Self {
            authorize: section
                .parse("authorize_url", problems, endpoint)
                .unwrap_or_else(|| preset.authorize_url.to_owned()),
            token: section
                .parse("token_url", problems, endpoint)
                .unwrap_or_else(|| preset.token_url.to_owned()),
            userinfo: userinfo
                .or_else(|| preset.userinfo_url.map(str::to_owned))
                .filter(|url| !url.is_empty()),
        }
    }
}

impl Manner {
    fn parse(section: &mut Section, preset: &Preset, problems: &mut Problems) -> Self {
        let scopes = section.texts("scopes", problems);
        let scopes =
            scopes.map(|list| list.into_iter().filter_map(|taken| taken.text(problems)).collect());
        let token_body = section.parse("token_body", problems, |text| match text {
            "json" => Ok(TokenBody::Json),
            "form" => Ok(TokenBody::Form),
            _ => Err(format!(
                "{text:?} is no way to write the token call; it is \"json\" or \"form\""
            )),
        });
        let client_auth = section.parse("client_auth", problems, |text| match text {
            "body" => Ok(ClientAuth::Body),
            "basic" => Ok(ClientAuth::Basic),
            _ => Err(format!("{text:?} is not spoken; it is \"body\" or \"basic\"")),
        });
        let pkce = section.parse("pkce", problems, |text| match text {
            "S256" => Ok(true),
            "off" => Ok(false),
            _ => Err(format!("{text:?} is no PKCE method; it is \"S256\" or \"off\"")),
        });
        let send_redirect_uri = section.boolean("send_redirect_uri", problems);
        Self {
            scopes: scopes
                .unwrap_or_else(|| preset.scopes.iter().map(|&text| text.to_owned()).collect()),
            token_body: token_body.unwrap_or(preset.token_body),
            client_auth: client_auth.unwrap_or(preset.client_auth),
            pkce: pkce.unwrap_or(preset.pkce),
            send_redirect_uri: send_redirect_uri.unwrap_or(preset.send_redirect_uri),
        }
    }
}

fn kind(text: &str) -> Result<Preset, String> {
    let known: Vec<&str> = PRESETS.iter().map(|preset| preset.kind).collect();
    PRESETS
        .iter()
        .find(|preset| preset.kind == text)
        .copied()
        .ok_or_else(|| format!("{text:?} is not spoken; this version knows {}", known.join(", ")))
}

/// The client's name; without the key, `ASKARA_CLIENT_ID` says it.
fn client_id(
    section: &mut Section,
    environment: &Environment,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<String> {
    let id = match section.take("client_id") {
        // No secret, but it may stand in the same places as one.
        Some(taken) if taken.is_table() => {
            secrets::read(taken, environment, problems, warnings)?.expose().clone()
        }
        Some(taken) => taken.text(problems)?,
        None => environment.get(CLIENT_ID).map(str::to_owned).unwrap_or_default(),
    };
    if id.is_empty() {
        let message = format!("is missing; set it, or the variable {CLIENT_ID}");
        problems.push(section.problem("client_id", message));
        return None;
    }
    Some(id)
}

fn client_secret(
    section: &mut Section,
    environment: &Environment,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<ClientSecret> {
    if let Some(taken) = section.take("client_secret") {
        return secrets::read(taken, environment, problems, warnings);
    }
    let secret = environment.get(CLIENT_SECRET).map(|text| ClientSecret::new(text.to_owned()));
    if secret.is_none() {
        let message = format!("is missing; set it, or the variable {CLIENT_SECRET}");
        problems.push(section.problem("client_secret", message));
    }
    secret
}

fn parse_identity(
    mut section: Section,
    preset: &Preset,
    problems: &mut Problems,
) -> IdentitySources {
    let mut sources = |key, default: &[&str]| {
        let Some(list) = section.texts(key, problems) else {
            return default.iter().filter_map(|text| Source::parse(text)).collect();
        };
        let mut read = Vec::new();
        for taken in list {
            let Some(text) = taken.text(problems) else {
                continue;
            };
            match Source::parse(&text) {
                Some(source) => read.push(source),
                None => problems.push(taken.problem(format!(
                    "{text:?} is no source; write \"me:/pointer\" or \"token:/pointer\""
                ))),
            }
        }
        read
    };
    let identity = IdentitySources {
        user: sources("user", preset.user),
        email: sources("email", preset.email),
        name: sources("name", preset.name),
        groups: sources("groups", preset.groups),
        organization: sources("organization", preset.organization),
        preferred_username: sources("preferred_username", preset.preferred_username),
    };
    section.finish(problems);
    identity
}

/// An endpoint of the provider: https, or http on loopback; a secret is never sent in the clear.
fn endpoint(text: &str) -> Result<String, String> {
    // Not quoted: an address may have a password in it.
    let wanted = || {
        String::from("must be an https address without user or fragment (http only on loopback)")
    };
    let uri: http::Uri = text.parse().map_err(|_| wanted())?;
    let (https, _) = split_scheme(text).ok_or_else(wanted)?;
    let host = uri.authority().and_then(|authority| Host::parse(authority.as_str()));
    let host = host.ok_or_else(wanted)?;
    if !https && !host.is_loopback() || text.contains('#') {
        return Err(wanted());
    }
    Ok(text.to_owned())
}

fn redirect_path(text: &str) -> Result<String, String> {
    let sound = crate::auth::path::RequestPath::parse(text)
        .is_ok_and(|path| path.plain() == text && !path.never_public());
    if sound && text.len() > 1 {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} must be a plain path such as \"/oauth2/callback\""))
    }
}

/// Keys that the design fixes and that this version does not act on: refusing them beats letting
/// somebody believe that they do something.
fn refuse_what_is_not_there(section: &mut Section, problems: &mut Problems) {
    for key in ["issuer", "jwks_url", "end_session_url", "revocation_url"] {
        if let Some(taken) = section.take(key) {
            problems.push(taken.problem("is not there yet: this version speaks plain OAuth 2.0"));
        }
    }
    if let Some(taken) = section.take("authorize_method")
        && taken.text(problems).is_some_and(|method| method != "get")
    {
        problems.push(taken.problem("only \"get\" is spoken by this version"));
    }
}

const CLIENT_ID: &str = "ASKARA_CLIENT_ID";
const CLIENT_SECRET: &str = "ASKARA_CLIENT_SECRET";
