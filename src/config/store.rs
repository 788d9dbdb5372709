//! Where sessions are kept: in cookies alone, in cookies whose replicas agree through a store, or
//! in the store itself.

mod address;

use std::path::PathBuf;
use std::time::Duration;

pub use address::{StoreAddress, StoreLogin, StoreServers};

use super::environment::Environment;
use super::problem::Problems;
use super::reader::{Section, Taken};
use super::secrets;
use super::server::TlsFiles;
use crate::auth::host::Origin;
use crate::secret::Secret;

/// Where sessions are kept.
#[derive(Debug)]
pub enum Keeping {
    /// In the cookie, and nothing anywhere else.
    Cookie,
    /// In the cookie; the store has what replicas need to know of each other.
    Coordinated(StoreConfig),
    /// In the store; the cookie is the ticket to it.
    Stored(StoreConfig),
}

/// A store and how to use it.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    pub servers: StoreServers,
    pub login: Option<StoreLogin>,
    /// Only 0 in a Cluster.
    pub database: u32,
    /// None: connections are not encrypted.
    pub tls: Option<StoreTls>,
    /// What the names of all entries begin with.
    pub prefix: String,
    /// The most that a call may take.
    pub limit: Duration,
}

/// Whom to believe to be the store, and how to prove who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreTls {
    /// Authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    pub certificate: Option<TlsFiles>,
    /// The name to expect in its certificate instead of the host's.
    pub server_name: Option<String>,
    /// Whether any certificate is taken.
    pub insecure: bool,
}

/// What was read of these keys.
pub(super) struct Store {
    /// None while it is wrong.
    pub(super) keeping: Option<Keeping>,
    /// How long live sessions go on while the store is away.
    pub(super) grace: Duration,
}

/// What these keys depend on.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) environment: &'a Environment,
    pub(super) public: Option<&'a Origin>,
    pub(super) cookie_domain: Option<&'a str>,
}

/// What one of the two addresses says.
enum Said {
    Cookie,
    Store(address::StoreUrl),
}

pub(super) fn parse(
    section: &mut Section,
    around: Surroundings<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Store {
    let before = problems.len();
    let store = section.take("store").map(|taken| said(taken, around, problems, warnings));
    let coordination =
        section.take("coordination").map(|taken| said(taken, around, problems, warnings));
    let url = match (store, coordination) {
        (Some(Some(Said::Store(_))), Some(_)) => {
            let message = "goes with store = \"cookie\"; a store of sessions coordinates as well";
            problems.push(section.problem("coordination", message));
            None
        }
        (_, Some(Some(Said::Cookie))) => {
            problems.push(section.problem("coordination", address::EXAMPLES));
            None
        }
        (_, Some(Some(Said::Store(url)))) => Some((url, Keeping::Coordinated as fn(_) -> _)),
        (Some(Some(Said::Store(url))), None) => Some((url, Keeping::Stored as fn(_) -> _)),
        (Some(None), _) | (_, Some(None)) => None,
        (Some(Some(Said::Cookie)) | None, None) => {
            refuse_what_is_about_a_store(section, problems);
            return Store { keeping: Some(Keeping::Cookie), grace: GRACE };
        }
    };
    let is_encrypted = url.as_ref().is_none_or(|(url, _)| url.is_encrypted);
    let tls = tls(section, is_encrypted, problems, warnings);
    let prefix = prefix(section, around, problems);
    let limit = limit(section, problems);
    let grace = section.duration("store_grace", problems).unwrap_or(GRACE);
    let keeping = url.filter(|_| problems.len() == before).map(|(url, keeping)| {
        keeping(StoreConfig {
            servers: url.servers,
            login: url.login,
            database: url.database,
            tls: url.is_encrypted.then_some(tls),
            prefix,
            limit,
        })
    });
    Store { keeping, grace }
}

/// Reads one address. It is a secret only if it has a password in it.
fn said(
    taken: Taken,
    around: Surroundings<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Said> {
    let blame = taken.problem("");
    let is_literal = !taken.is_table();
    let text = match is_literal {
        true => Secret::new(taken.text(problems)?),
        false => secrets::read(taken, around.environment, problems, warnings)?,
    };
    if text.ct_eq(b"cookie") {
        return Some(Said::Cookie);
    }
    match address::parse(&text) {
        Ok(url) => {
            if is_literal && url.login.is_some() {
                warnings.push(secrets::literal_warning(&blame.key));
            }
            Some(Said::Store(url))
        }
        Err(message) => {
            problems.push(super::Problem { message, ..blame });
            None
        }
    }
}

fn refuse_what_is_about_a_store(section: &mut Section, problems: &mut Problems) {
    for key in ABOUT_A_STORE {
        if let Some(taken) = section.take(key) {
            let message = "is about a store; session.store or session.coordination has its address";
            problems.push(taken.problem(message));
        }
    }
}

fn tls(
    section: &mut Section,
    is_encrypted: bool,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> StoreTls {
    let is_there = section.has("store_tls");
    let mut tls = section.section("store_tls", problems);
    let ca_file = tls.text("ca_file", problems).map(PathBuf::from);
    let certificate = tls.text("certificate", problems).map(PathBuf::from);
    let key = tls.text("key", problems).map(PathBuf::from);
    let server_name = tls.text("server_name", problems);
    let insecure = tls.boolean("insecure", problems).unwrap_or(false);
    for (one, other) in [("certificate", "key"), ("key", "certificate")] {
        if tls.has(one) && !tls.has(other) {
            problems.push(tls.problem(other, format!("is missing; {one} needs it")));
        }
    }
    tls.finish(problems);
    if is_there && !is_encrypted {
        let message = "needs an address with TLS, such as \"rediss://host:6379\"";
        problems.push(section.problem("store_tls", message));
    }
    if insecure {
        warnings.push(String::from(
            "session.store_tls: any certificate is taken, so that anyone on the way can be the store",
        ));
    }
    let certificate = certificate.zip(key).map(|(certificate, key)| TlsFiles { certificate, key });
    StoreTls { ca_file, certificate, server_name, insecure }
}

/// Gateways of several apps may share a store.
fn prefix(section: &mut Section, around: Surroundings<'_>, problems: &mut Problems) -> String {
    let prefix = section.parse("store_prefix", problems, |text| {
        let sound = (1..=100).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"{}".contains(&byte));
        match sound {
            true => Ok(text.to_owned()),
            // In a Cluster, braces say where an entry lies.
            false => Err(String::from(
                "must be up to 100 letters, digits and signs, without spaces and braces",
            )),
        }
    });
    prefix.unwrap_or_else(|| {
        let host = around.public.map(|public| public.host.name());
        format!("askara-gate:{}", around.cookie_domain.or(host).unwrap_or_default())
    })
}

fn limit(section: &mut Section, problems: &mut Problems) -> Duration {
    match section.duration("store_limit", problems) {
        Some(limit) if !(SHORTEST_LIMIT..=LONGEST_LIMIT).contains(&limit) => {
            problems.push(section.problem("store_limit", "must be between 10ms and 10s"));
            LIMIT
        }
        limit => limit.unwrap_or(LIMIT),
    }
}

const ABOUT_A_STORE: &[&str] = &["store_grace", "store_limit", "store_prefix", "store_tls"];
const GRACE: Duration = Duration::from_secs(300);
/// Longer than any healthy store takes, and so short that people wait for nothing (C-114).
const LIMIT: Duration = Duration::from_millis(250);
const SHORTEST_LIMIT: Duration = Duration::from_millis(10);
const LONGEST_LIMIT: Duration = Duration::from_secs(10);
