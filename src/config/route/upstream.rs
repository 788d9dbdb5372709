//! The apps behind routes.

use std::path::PathBuf;

use crate::auth::host::{Host, Origin};
use crate::config::problem::Problems;
use crate::config::reader::{Section, Taken};

/// An app that requests are forwarded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub address: UpstreamAddress,
    /// Authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The name to expect in its certificate instead of the host's.
    pub server_name: Option<String>,
    /// Whether any certificate is taken.
    pub insecure: bool,
}

/// Where an app is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamAddress {
    Http(Host),
    Https(Host),
    Unix(PathBuf),
}

pub(super) fn parse(
    section: &mut Section,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Upstream> {
    let mut tls = section.section("upstream_tls", problems);
    let ca_file = tls.text("ca_file", problems).map(PathBuf::from);
    let server_name = tls.text("server_name", problems);
    let insecure = tls.boolean("insecure", problems).unwrap_or(false);
    tls.finish(problems);
    let Some(taken) = section.take("upstream") else {
        problems.push(section.problem(
            "upstream",
            "is missing; it is the app's address, such as \"http://127.0.0.1:3000\"",
        ));
        return None;
    };
    let address = upstream_address(&taken, problems)?;
    if insecure {
        warnings.push(format!("{}: any certificate is taken, so that anyone on the way can read and change what the app gets", taken.key));
    }
    Some(Upstream { address, ca_file, server_name, insecure })
}

fn upstream_address(taken: &Taken, problems: &mut Problems) -> Option<UpstreamAddress> {
    let text = taken.text(problems)?;
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.starts_with('/') {
            return Some(UpstreamAddress::Unix(PathBuf::from(path)));
        }
    }
    if text.starts_with("h2c://") {
        problems.push(taken.problem("h2c comes with a later version; use http"));
        return None;
    }
    match Origin::parse(&text) {
        Some(Origin { https: false, host }) => Some(UpstreamAddress::Http(host)),
        Some(Origin { https: true, host }) => Some(UpstreamAddress::Https(host)),
        None => {
            problems.push(taken.problem(format!(
                "{text:?} is no address of an app; write \"http://127.0.0.1:3000\", \"https://app.internal\" or \"unix:/run/app.sock\", without a path"
            )));
            None
        }
    }
}
