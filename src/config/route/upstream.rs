//! The apps behind routes: the servers of each, and how they are reached.

mod health;

use std::path::PathBuf;

use crate::auth::host::{Host, Origin};
use crate::config::problem::Problems;
use crate::config::reader::{Section, Taken};
use crate::config::server::TlsFiles;
pub use health::HealthChecks;

/// An app that requests are forwarded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Where it runs; at least one, and all alike.
    pub servers: Vec<UpstreamAddress>,
    /// Authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// What is shown to a server that asks who we are.
    pub certificate: Option<TlsFiles>,
    /// The name to expect in its certificate instead of the host's.
    pub server_name: Option<String>,
    /// Whether any certificate is taken.
    pub insecure: bool,
    /// Whether HTTP/2 is offered over TLS.
    pub http2: bool,
    /// None: a server is only judged by how it serves.
    pub health: Option<HealthChecks>,
    /// Connections in use at once, of each server and for the whole process; requests in hand where
    /// HTTP/2 is spoken, which many share a connection of. None: no limit.
    pub connections: Option<usize>,
}

/// Where one server of an app is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamAddress {
    Http(Host),
    Https(Host),
    /// HTTP/2 without TLS, from the first byte on.
    H2c(Host),
    Unix(PathBuf),
}

struct Tls {
    ca_file: Option<PathBuf>,
    certificate: Option<TlsFiles>,
    server_name: Option<String>,
    insecure: bool,
    http2: bool,
    /// Whether the table says anything that matters.
    is_set: bool,
}

/// Who carries the requests of a route.
pub(super) enum Carried {
    To(Box<Upstream>),
    /// A proxy in front does, and only asks the gateway.
    InFront,
}

pub(super) fn parse(
    section: &mut Section,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Carried> {
    let tls = tls(section, problems);
    let health = health::parse(section, problems);
    let connections = connections(section, problems);
    let Some(taken) = section.take("upstream") else {
        problems.push(section.problem(
            "upstream",
            "is missing; it is the app's address, such as \"http://127.0.0.1:3000\", or \"none\" where a proxy in front carries the traffic and only asks",
        ));
        return None;
    };
    let key = taken.key.clone();
    if taken.is("none") {
        if tls.is_set || connections.is_some() || health.as_ref().is_some_and(Option::is_some) {
            problems.push(section.problem("upstream", "is \"none\", and other keys say how it is reached; leave these out, or name the app"));
        }
        return Some(Carried::InFront);
    }
    let servers = servers(taken, section, problems)?;
    if tls.insecure {
        warnings.push(format!("{key}: any certificate is taken, so that anyone on the way can read and change what the app gets"));
    }
    let is_tls = |server: &UpstreamAddress| matches!(server, UpstreamAddress::Https(_));
    if tls.is_set && !servers.iter().any(is_tls) {
        problems
            .push(section.problem("upstream_tls", "is for https alone; none of the addresses is"));
    }
    let Tls { ca_file, certificate, server_name, insecure, http2, .. } = tls;
    Some(Carried::To(Box::new(Upstream {
        servers,
        ca_file,
        certificate,
        server_name,
        insecure,
        http2,
        health: health?,
        connections,
    })))
}

fn tls(section: &mut Section, problems: &mut Problems) -> Tls {
    let mut tls = section.section("upstream_tls", problems);
    let ca_file = tls.text("ca_file", problems).map(PathBuf::from);
    let certificate = tls.text("certificate", problems).map(PathBuf::from);
    let key = tls.text("key", problems).map(PathBuf::from);
    let server_name = tls.text("server_name", problems);
    let insecure = tls.boolean("insecure", problems).unwrap_or(false);
    let http2 = tls.boolean("http2", problems).unwrap_or(false);
    for (one, other) in [("certificate", "key"), ("key", "certificate")] {
        if tls.has(one) && !tls.has(other) {
            problems.push(tls.problem(other, format!("is missing; {one} needs it")));
        }
    }
    tls.finish(problems);
    let certificate = certificate.zip(key).map(|(certificate, key)| TlsFiles { certificate, key });
    let named = ca_file.is_some() || certificate.is_some() || server_name.is_some();
    Tls { ca_file, certificate, server_name, insecure, http2, is_set: named || insecure || http2 }
}

/// How many connections to a server are in use at once; 0 is no limit.
fn connections(section: &mut Section, problems: &mut Problems) -> Option<usize> {
    let number = section.number("upstream_connections", problems)?;
    if number.fract() != 0.0 || !(0.0..=MAX_CONNECTIONS).contains(&number) {
        problems.push(section.problem("upstream_connections", "must be 0 or a whole number"));
    }
    Some(number as usize).filter(|number| *number > 0)
}

fn servers(
    taken: Taken,
    section: &Section,
    problems: &mut Problems,
) -> Option<Vec<UpstreamAddress>> {
    let mut servers = Vec::new();
    let before = problems.len();
    for taken in taken.items(problems) {
        let Some(server) = address(&taken, problems) else {
            continue;
        };
        if servers.contains(&server) {
            problems.push(taken.problem("is there twice"));
        }
        servers.push(server);
    }
    if servers.is_empty() && problems.len() == before {
        problems.push(section.problem("upstream", "is empty; an app has at least one address"));
    }
    (problems.len() == before).then_some(servers)
}

fn address(taken: &Taken, problems: &mut Problems) -> Option<UpstreamAddress> {
    let text = taken.text(problems)?;
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.starts_with('/') {
            return Some(UpstreamAddress::Unix(PathBuf::from(path)));
        }
    }
    let (http2, origin) = match text.strip_prefix("h2c://") {
        Some(host) => (true, Origin::parse(&format!("http://{host}"))),
        None => (false, Origin::parse(&text)),
    };
    match origin {
        Some(Origin { host, .. }) if http2 => Some(UpstreamAddress::H2c(host)),
        Some(Origin { https: false, host }) => Some(UpstreamAddress::Http(host)),
        Some(Origin { https: true, host }) => Some(UpstreamAddress::Https(host)),
        None => {
            problems.push(taken.problem(format!(
                "{text:?} is no address of an app; write \"http://127.0.0.1:3000\", \"https://app.internal\", \"h2c://127.0.0.1:3000\" or \"unix:/run/app.sock\", without a path"
            )));
            None
        }
    }
}

impl std::fmt::Display for UpstreamAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http(host) => write!(f, "http://{}", host.as_str()),
            Self::Https(host) => write!(f, "https://{}", host.as_str()),
            Self::H2c(host) => write!(f, "h2c://{}", host.as_str()),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

const MAX_CONNECTIONS: f64 = 1e6;
