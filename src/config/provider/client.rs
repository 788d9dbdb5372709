//! Who we are at a provider, and how we prove it: in exactly one way (S3).

use std::path::PathBuf;

use super::client_key;
use crate::auth::preset::Preset;
use crate::auth::provider::ClientAuth;
use crate::config::environment::Environment;
use crate::config::problem::Problems;
use crate::config::reader::Section;
use crate::config::secrets;
use crate::config::server::TlsFiles;
use crate::secret::ClientSecret;

/// What was read; none: it is missing or wrong.
pub(super) struct Client {
    pub(super) id: Option<String>,
    pub(super) auth: Option<ClientAuth>,
    pub(super) certificate: Option<TlsFiles>,
}

/// What these keys have to fit to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) preset: &'a Preset,
    pub(super) pkce: bool,
    pub(super) environment: &'a Environment,
    /// `[provider]`: the variables `ASKARA_CLIENT_…` are about it.
    pub(super) alone: bool,
}

/// A way to prove it, before its keys are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Basic,
    Body,
    Mtls,
    None,
    PrivateKeyJwt,
}

impl Client {
    pub(super) fn parse(
        section: &mut Section,
        context: Context<'_>,
        problems: &mut Problems,
        warnings: &mut Vec<String>,
    ) -> Self {
        let id = client_id(section, context, problems, warnings);
        let said = section.choice("client_auth", problems, MANNERS);
        if said.is_none() && section.has("client_auth") {
            // Which of the keys belong to it, nobody can tell.
            KEYS.iter().for_each(|(key, _)| drop(section.take(key)));
            return Self { id, auth: None, certificate: None };
        }
        let manner = said.unwrap_or_else(|| Manner::of_preset(context.preset));
        refuse_what_is_not_used(section, manner, problems);
        let mut certificate = None;
        let auth = match manner {
            Manner::Body => secret(section, context, problems, warnings).map(ClientAuth::Body),
            Manner::Basic => secret(section, context, problems, warnings).map(ClientAuth::Basic),
            Manner::PrivateKeyJwt => {
                client_key::parse(section, context.environment, problems, warnings)
            }
            Manner::Mtls => {
                certificate = client_certificate(section, problems);
                certificate.is_some().then_some(ClientAuth::Mtls)
            }
            Manner::None => {
                if !context.pkce {
                    let message = "must be \"S256\" with client_auth \"none\": nothing else would protect the code";
                    problems.push(section.problem("pkce", message));
                }
                Some(ClientAuth::None)
            }
        };
        Self { id, auth, certificate }
    }
}

/// The client's name; without the key, `ASKARA_CLIENT_ID` says it for a provider that is alone.
fn client_id(
    section: &mut Section,
    context: Context<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<String> {
    let id = match section.take("client_id") {
        // No secret, but it may stand in the same places as one.
        Some(taken) if taken.is_table() => {
            secrets::read(taken, context.environment, problems, warnings)?.expose().clone()
        }
        Some(taken) => taken.text(problems)?,
        None => context.variable(CLIENT_ID).map(str::to_owned).unwrap_or_default(),
    };
    if id.is_empty() {
        problems.push(section.problem("client_id", context.missing(CLIENT_ID)));
        return None;
    }
    Some(id)
}

fn secret(
    section: &mut Section,
    context: Context<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<ClientSecret> {
    if let Some(taken) = section.take("client_secret") {
        let blame = taken.problem("is empty");
        let secret = secrets::read(taken, context.environment, problems, warnings)?;
        if secret.ct_eq(b"") {
            problems.push(blame);
            return None;
        }
        return Some(secret);
    }
    let secret = context.variable(CLIENT_SECRET).map(|text| ClientSecret::new(text.to_owned()));
    if secret.is_none() {
        problems.push(section.problem("client_secret", context.missing(CLIENT_SECRET)));
    }
    secret
}

fn client_certificate(section: &mut Section, problems: &mut Problems) -> Option<TlsFiles> {
    let mut file = |key| {
        if !section.has(key) {
            let message = "is missing; client_auth \"mtls\" needs it, the path of a PEM file";
            problems.push(section.problem(key, message));
        }
        section.text(key, problems).map(PathBuf::from)
    };
    let (certificate, key) = (file("client_certificate"), file("client_certificate_key"));
    Some(TlsFiles { certificate: certificate?, key: key? })
}

/// A key that belongs to another way is refused: somebody believes that it does something.
fn refuse_what_is_not_used(section: &mut Section, manner: Manner, problems: &mut Problems) {
    let word = MANNERS.iter().find(|(_, known)| *known == manner).map_or("", |(word, _)| word);
    for (key, manners) in KEYS {
        if !manners.contains(&manner)
            && let Some(taken) = section.take(key)
        {
            problems.push(taken.problem(format!("is not used with client_auth {word:?}")));
        }
    }
}

impl Manner {
    fn of_preset(preset: &Preset) -> Self {
        let row = MANNERS.iter().find(|(word, _)| *word == preset.client_auth);
        row.expect("a preset names one of the ways that are spoken").1
    }
}

impl<'a> Context<'a> {
    fn variable(self, name: &str) -> Option<&'a str> {
        self.environment.get(name).filter(|_| self.alone)
    }

    fn missing(self, variable: &str) -> String {
        match self.alone {
            true => format!("is missing; set it, or the variable {variable}"),
            false => format!("is missing; the variable {variable} is only for one [provider]"),
        }
    }
}

const MANNERS: &[(&str, Manner)] = &[
    ("body", Manner::Body),
    ("basic", Manner::Basic),
    ("private_key_jwt", Manner::PrivateKeyJwt),
    ("mtls", Manner::Mtls),
    ("none", Manner::None),
];

/// The keys of the file, each with the ways that it belongs to.
const KEYS: &[(&str, &[Manner])] = &[
    ("client_secret", &[Manner::Body, Manner::Basic]),
    ("client_key", &[Manner::PrivateKeyJwt]),
    ("client_key_id", &[Manner::PrivateKeyJwt]),
    ("client_assertion_audience", &[Manner::PrivateKeyJwt]),
    ("client_certificate", &[Manner::Mtls]),
    ("client_certificate_key", &[Manner::Mtls]),
];

const CLIENT_ID: &str = "ASKARA_CLIENT_ID";
const CLIENT_SECRET: &str = "ASKARA_CLIENT_SECRET";
