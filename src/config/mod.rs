//! The configuration: what the file, the environment and the flags say, parsed into values that
//! are simply right. All errors come at once, each with its key and line, and none with a
//! secret's value.
//!
//! `--set` comes before the environment, and the environment before the file.

mod asked;
mod assertion;
mod doubts;
mod environment;
mod keys;
mod limits;
mod problem;
mod provider;
mod reader;
mod route;

mod secrets;
mod server;
mod session;
mod session_size;
mod store;
mod tree;

use std::path::{Path, PathBuf};

pub use environment::Environment;
pub(crate) use keys::key_text;
pub use keys::{KeySource, NoStateFolder, obtain_key};
pub use limits::Limits;
pub use problem::{Problem, Problems};
pub use provider::ProviderConfig;
pub use route::{HealthChecks, Upstream, UpstreamAddress};
pub use server::{Address, Listen, LogConfig, LogFormat, TlsFiles};
pub use session::{SessionConfig, Sharing};
pub use session_size::LargestSession;
pub use store::{Keeping, StoreAddress, StoreConfig, StoreLogin, StoreServers, StoreTls};

use crate::auth::assertion::AssertionSettings;
use crate::auth::host::Origin;
use crate::auth::realm::Realms;
use crate::auth::return_to::ReturnRules;
use crate::auth::route::RouteTable;
use crate::auth::trust::TrustedProxies;

/// A configuration in which every value is valid.
#[derive(Debug)]
pub struct Config {
    pub public: Origin,
    pub listen: Vec<Listen>,
    pub admin_listen: Vec<Listen>,
    pub trusted_proxies: TrustedProxies,
    /// The prefix of our own paths, such as `/oauth2`.
    pub prefix: String,
    pub returns: ReturnRules,
    pub tls: Vec<TlsFiles>,
    /// In the order of the file; at least one.
    pub providers: Vec<ProviderConfig>,
    pub session: SessionConfig,
    /// Which hosts share sessions.
    pub realms: Realms,
    /// An estimate.
    pub largest_session: LargestSession,
    pub routes: RouteTable,
    pub upstreams: Vec<Upstream>,
    /// Where a route has the gateway vouch for people by its signature.
    pub assertion: Option<AssertionSettings>,
    pub limits: Limits,
    pub log: LogConfig,
    /// How many threads serve; one for each core.
    pub workers: usize,
    /// What is allowed and probably not meant.
    pub warnings: Vec<String>,
    /// Where its secrets were read, as far as these are files.
    pub secret_files: Vec<PathBuf>,
}

/// Where a configuration comes from.
#[derive(Debug, Default)]
pub struct Sources {
    pub file: Option<PathBuf>,
    /// The one app, instead of routes.
    pub upstream: Option<String>,
    /// `key=value`, as given behind `--set`.
    pub set: Vec<String>,
}

impl Config {
    /// Reads the file, the environment and the settings.
    pub fn load(sources: &Sources, environment: &Environment) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let text = match &sources.file {
            Some(path) => read_file(path).map_err(Problems::one)?,
            None => String::new(),
        };
        let name =
            sources.file.as_deref().map_or_else(String::new, |path| path.display().to_string());
        let mut tree = tree::Tree::build(&name, &text, environment, &sources.set, &mut problems);
        if !problems.is_empty() {
            // What can't be read at all would only be missed everywhere.
            return Err(problems);
        }
        if let Some(upstream) = &sources.upstream {
            tree.set_upstream(upstream, &mut problems);
        }
        let config = Self::parse(tree, environment, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems.sorted()),
        }
    }

    fn parse(
        mut tree: tree::Tree,
        environment: &Environment,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut warnings = std::mem::take(&mut tree.warnings);
        let secret_files = tree.secret_files();
        let mut root = reader::Section::root(tree);
        let server = server::parse(&mut root, problems, &mut warnings);
        let session =
            session::parse(&mut root, server.public.as_ref(), environment, problems, &mut warnings);
        let surroundings = provider::Surroundings {
            environment,
            prefix: &server.prefix,
            public_is_https: server.public.as_ref().is_none_or(|public| public.https),
            has_store: session.as_ref().is_none_or(SessionConfig::has_store),
        };
        let providers = provider::parse(&mut root, surroundings, problems, &mut warnings);
        let limits = limits::parse(&mut root, environment, problems);
        let read = route::Reading { providers: &providers.names, environment, limits: &limits };
        let routes = route::parse(&mut root, read, problems, &mut warnings);
        let assertion = assertion::parse(&mut root, server.public.as_ref(), problems);
        root.finish(problems);
        let (public, mut providers) = (server.public.clone()?, providers.all?);
        let (session, (routes, upstreams)) = (session?, routes?);
        let asserts = routes.all().iter().any(|route| route.fields.assertion.is_some());
        doubts::about_sharing(&session.sharing, &public, &routes, problems, &mut warnings);
        doubts::about_addresses(&server, &limits, &routes, &mut warnings);
        let realms = Realms::new(&public, &session.sharing.domains);
        doubts::about_callbacks(&providers, &realms, &routes, &mut warnings);
        asked::settle(&mut providers, &routes, &mut warnings);
        let cookies = realms.home().cookies;
        let largest_session = LargestSession::of(&providers, cookies, session.is_stored())?;
        warnings.extend(largest_session.warning());
        let returns = ReturnRules {
            prefix: server.prefix.clone(),
            own_paths: providers
                .iter()
                .map(|provider| provider.settings.authorization.redirect_path.clone())
                .collect(),
            allowed: server.allowed_redirects,
        };
        Some(Self {
            public,
            listen: server.listen,
            admin_listen: server.admin_listen,
            trusted_proxies: server.trusted_proxies,
            prefix: server.prefix,
            returns,
            tls: server.tls,
            providers,
            session,
            realms,
            largest_session,
            routes,
            upstreams,
            assertion: asserts.then_some(assertion),
            limits,
            log: server.log,
            workers: server.workers,
            warnings,
            secret_files,
        })
    }
}

/// Reads a file of reasonable size; the problem names the path and never the content.
fn read_file(path: &Path) -> Result<String, Problem> {
    let said = |error: &dyn std::fmt::Display| {
        Problem::plain("", format!("can't read {}: {error}", path.display()))
    };
    let length = std::fs::metadata(path).map_err(|error| said(&error))?.len();
    if length > MAX_FILE {
        return Err(said(&"larger than 16 MiB"));
    }
    std::fs::read_to_string(path).map_err(|error| said(&error))
}

/// Some hundred thousand routes.
const MAX_FILE: u64 = 16 << 20;

#[cfg(test)]
mod tests;
