//! Where we listen, under which address we are known, whom we trust and how we log.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use super::problem::Problems;
use super::reader::Section;
use crate::auth::host::Origin;
use crate::auth::return_to::AllowedHost;
use crate::auth::trust::TrustedProxies;

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub address: Address,
    pub tls: bool,
}

/// What a listener is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Sockets that systemd hands over.
    Systemd,
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// How we log.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    pub level: tracing::level_filters::LevelFilter,
    pub format: LogFormat,
    /// Whether every request gets a line.
    pub access: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

pub(super) struct Server {
    /// None while it is missing or wrong.
    pub(super) public: Option<Origin>,
    pub(super) listen: Vec<Listen>,
    pub(super) admin_listen: Vec<Listen>,
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) prefix: String,
    pub(super) allowed_redirects: Vec<AllowedHost>,
    pub(super) tls: Vec<TlsFiles>,
    pub(super) log: LogConfig,
    pub(super) workers: usize,
}

pub(super) fn parse(
    root: &mut Section,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Server {
    let public = public_url(root, problems, warnings);
    let tls = tls(root, problems);
    let listen = listeners(root, "listen", &tls, problems);
    let listen = if listen.is_empty() { vec![default_listen(!tls.is_empty())] } else { listen };
    let admin_listen = listeners(root, "admin_listen", &[], problems);
    let prefix = root.parse("prefix", problems, prefix).unwrap_or_else(|| String::from("/oauth2"));
    let mut trusted_proxies = TrustedProxies::default();
    for taken in root.texts("trusted_proxies", problems).unwrap_or_default() {
        if let Some(text) = taken.text(problems)
            && let Err(message) = trusted_proxies.add(text.trim())
        {
            problems.push(taken.problem(message));
        }
    }
    let mut allowed_redirects = Vec::new();
    for taken in root.texts("allowed_redirects", problems).unwrap_or_default() {
        let Some(text) = taken.text(problems) else {
            continue;
        };
        match AllowedHost::parse(&text) {
            Some(host) => allowed_redirects.push(host),
            None => problems.push(taken.problem(format!(
                "{text:?} is no host; write \"app.example.com\", \".example.com\", \"host:8443\" or \"host:*\""
            ))),
        }
    }
    let log = log(root, problems);
    let workers = workers(root, problems);
    Server {
        public,
        listen,
        admin_listen,
        trusted_proxies,
        prefix,
        allowed_redirects,
        tls,
        log,
        workers,
    }
}

fn public_url(
    root: &mut Section,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Origin> {
    let insecure = root.boolean("insecure_public_url", problems).unwrap_or(false);
    let Some(taken) = root.take("public_url") else {
        problems.push(root.problem(
            "public_url",
            "is missing; it is how browsers reach the gateway, such as \"https://app.example.com\"",
        ));
        return None;
    };
    let text = taken.text(problems)?;
    let Some(origin) = Origin::parse(&text) else {
        problems
            .push(taken.problem(format!("{text:?} must be http(s)://host[:port] without a path")));
        return None;
    };
    if !origin.https && !origin.host.is_loopback() {
        if !insecure {
            problems.push(taken.problem("must be https: cookies and tokens would travel in the clear; for a closed network set insecure_public_url = true"));
            return None;
        }
        warnings.push(String::from("public_url is http: cookies and tokens travel in the clear"));
    }
    Some(origin)
}

fn tls(root: &mut Section, problems: &mut Problems) -> Vec<TlsFiles> {
    let tables = root.take("tls").map(|taken| taken.items(problems)).unwrap_or_default();
    let mut files = Vec::new();
    for taken in tables {
        let Some(mut section) = taken.section(problems) else {
            continue;
        };
        let mut file = |key| match section.text(key, problems) {
            Some(path) => Some(PathBuf::from(path)),
            None => {
                problems.push(section.problem(key, "is missing; it is the path of a PEM file"));
                None
            }
        };
        let (certificate, key) = (file("certificate"), file("key"));
        section.finish(problems);
        if let (Some(certificate), Some(key)) = (certificate, key) {
            files.push(TlsFiles { certificate, key });
        }
    }
    files
}

fn listeners(
    root: &mut Section,
    key: &'static str,
    tls: &[TlsFiles],
    problems: &mut Problems,
) -> Vec<Listen> {
    let mut listeners = Vec::new();
    for taken in root.texts(key, problems).unwrap_or_default() {
        let Some(text) = taken.text(problems) else {
            continue;
        };
        match listener(text.trim(), !tls.is_empty()) {
            Ok(listen) if listen.tls && tls.is_empty() => {
                problems.push(taken.problem("https needs a [[tls]] with certificate and key"));
            }
            Ok(listen) => listeners.push(listen),
            Err(message) => problems.push(taken.problem(message)),
        }
    }
    listeners
}

/// Reads `host:port`, `http://…`, `https://…`, `unix:…` or `systemd`; bare means TLS where there
/// is a certificate.
fn listener(text: &str, have_tls: bool) -> Result<Listen, String> {
    if text == "systemd" {
        return Ok(Listen { address: Address::Systemd, tls: have_tls });
    }
    if let Some(path) = text.strip_prefix("unix:") {
        return match path.starts_with('/') {
            true => Ok(Listen { address: Address::Unix(PathBuf::from(path)), tls: false }),
            false => {
                Err(format!("{text:?} needs an absolute path, such as \"unix:/run/gate.sock\""))
            }
        };
    }
    let (tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        (None, None) => (have_tls, text),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let whole = if rest.starts_with(':') { format!("[::]{rest}") } else { rest.to_owned() };
    let address = whole.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    match address {
        Some(address) => Ok(Listen { address: Address::Tcp(address), tls }),
        None => Err(format!(
            "{text:?} is no address to listen on; write \"0.0.0.0:4180\", \"https://0.0.0.0:443\", \"unix:/run/gate.sock\" or \"systemd\""
        )),
    }
}

fn default_listen(tls: bool) -> Listen {
    Listen { address: Address::Tcp(SocketAddr::from(([0, 0, 0, 0], 4180))), tls }
}

fn prefix(text: &str) -> Result<String, String> {
    let sound = text.starts_with('/')
        && text.len() > 1
        && text[1..].split('/').all(|segment| {
            !segment.is_empty()
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
    if sound {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} must be a path such as \"/oauth2\""))
    }
}

fn log(root: &mut Section, problems: &mut Problems) -> LogConfig {
    let mut section = root.section("log", problems);
    let level = section.parse("level", problems, |text| {
        text.parse().map_err(|_| {
            format!("{text:?} is no level; it is one of off, error, warn, info, debug, trace")
        })
    });
    let format = section.parse("format", problems, |text| match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err(format!("{text:?} is no format; it is \"text\" or \"json\"")),
    });
    let access = section.boolean("access", problems).unwrap_or(false);
    section.finish(problems);
    LogConfig {
        level: level.unwrap_or(tracing::level_filters::LevelFilter::INFO),
        format: format.unwrap_or(LogFormat::Text),
        access,
    }
}

fn workers(root: &mut Section, problems: &mut Problems) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match root.number("workers", problems) {
        Some(number) if (1.0..=1024.0).contains(&number) => number as usize,
        Some(_) => {
            problems.push(root.problem("workers", "must be between 1 and 1024"));
            cores
        }
        None => cores,
    }
}
