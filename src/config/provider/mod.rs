//! Providers: `[provider]` alone, or several `[providers.NAME]`, each a preset row and what the
//! configuration overrides of it.

mod addresses;
mod authorization;
mod bearer;
mod client;
mod client_key;
mod identity;
mod one;
mod openid;
mod params;
mod redirect;
mod token;
pub(super) mod words;

use std::path::PathBuf;
use std::sync::Arc;

use self::identity::Given;
use self::redirect::Redirects;
use super::environment::Environment;
use super::problem::Problems;
use super::reader::{Section, Taken};
use super::server::TlsFiles;
use crate::auth::preset::Preset;
use crate::auth::provider::Settings;

/// One provider, and the files that calling it needs.
#[derive(Debug)]
pub struct ProviderConfig {
    pub settings: Arc<Settings>,
    /// The row of its kind, before the configuration changed anything.
    pub preset: Preset,
    /// Authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// What the connection shows to prove the client (RFC 8705).
    pub certificate: Option<TlsFiles>,
}

/// What was read of the providers.
pub(super) struct Providers {
    /// As routes name them, in the order of the file; the wrong ones are among them.
    pub(super) names: Vec<String>,
    /// None while one of them is wrong.
    pub(super) all: Option<Vec<ProviderConfig>>,
}

/// What the rest of the configuration says that matters here.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) environment: &'a Environment,
    /// The prefix of our own paths.
    pub(super) prefix: &'a str,
    /// Also true while nobody can tell: one error is enough.
    pub(super) public_is_https: bool,
    /// Whether replicas share what has ended. Also true while nobody can tell.
    pub(super) has_store: bool,
}

/// What all providers share while they are read.
struct Shared<'a> {
    surroundings: Surroundings<'a>,
    /// `[identity]`, for every provider that says nothing else.
    identity: Given,
    redirects: Redirects,
}

pub(super) fn parse(
    root: &mut Section,
    surroundings: Surroundings<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Providers {
    let identity = Given::parse(root.section("identity", problems), problems);
    let mut shared = Shared { surroundings, identity, redirects: Redirects::default() };
    let read = match root.take("providers") {
        Some(tables) => {
            if let Some(alone) = root.take("provider") {
                problems.push(alone.problem(
                    "is for one provider alone; move it into [providers.NAME], beside the others",
                ));
            }
            several(tables, &mut shared, problems, warnings)
        }
        None => {
            let section = root.section("provider", problems);
            vec![one::parse(section, None, &mut shared, problems, warnings)]
        }
    };
    let names = read.iter().map(|(name, _)| name.clone()).collect();
    let all: Option<Vec<_>> = read.into_iter().map(|(_, provider)| provider).collect();
    warn_of_equal_titles(all.as_deref().unwrap_or_default(), warnings);
    Providers { names, all }
}

fn several(
    tables: Taken,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Vec<(String, Option<ProviderConfig>)> {
    let empty = tables.problem("is empty; add a [providers.NAME]");
    let Some(mut section) = tables.section(problems) else {
        return Vec::new();
    };
    let entries = section.entries();
    if entries.is_empty() {
        problems.push(empty);
    }
    let mut read = Vec::new();
    for (name, taken) in entries {
        if !is_name(&name) {
            problems.push(taken.problem("is no name: it takes 1 to 32 of a-z, 0-9 and \"-\""));
        }
        match taken.section(problems) {
            Some(section) => {
                read.push(one::parse(section, Some(&name), shared, problems, warnings));
            }
            None => read.push((name, None)),
        }
    }
    read
}

/// The name goes into a path, a link and every session.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(fits)
}

fn warn_of_equal_titles(providers: &[ProviderConfig], warnings: &mut Vec<String>) {
    for (index, provider) in providers.iter().enumerate() {
        let ProviderConfig { settings, .. } = provider;
        let same = |other: &&ProviderConfig| other.settings.title == settings.title;
        if let Some(other) = providers.iter().take(index).find(same) {
            warnings.push(format!(
                "providers.{}.title: people can't tell it from {:?}, which is called {:?} as well",
                settings.name, other.settings.name, settings.title
            ));
        }
    }
}
