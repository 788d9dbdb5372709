//! Routes and the apps behind them.

use std::path::PathBuf;

use http::Method;

use super::problem::Problems;
use super::reader::{Section, Taken, one_of};
use crate::auth::host::{Host, HostPattern, Origin};
use crate::auth::path::RequestPath;
use crate::auth::policy::Access;
use crate::auth::route::{Authorization, PathPattern, Route, RouteTable};

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

/// Reads the routes; `providers` are the names that they may say.
pub(super) fn parse(
    root: &mut Section,
    providers: &[String],
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<(RouteTable, Vec<Upstream>)> {
    let mut upstreams = Vec::new();
    let mut routes = Vec::new();
    let Some(taken) = root.take("route") else {
        problems.push(root.problem(
            "route",
            "is missing; add a [[route]] with path and upstream, or use --upstream",
        ));
        return None;
    };
    let items = taken.items(problems);
    if items.is_empty() {
        problems.push(root.problem("route", "is empty; add a [[route]] with path and upstream"));
    }
    for taken in items {
        if let Some(mut section) = taken.section(problems) {
            routes.extend(parse_one(&mut section, providers, &mut upstreams, problems, warnings));
            section.finish(problems);
        }
    }
    Some((RouteTable::new(routes), upstreams))
}

fn parse_one(
    section: &mut Section,
    providers: &[String],
    upstreams: &mut Vec<Upstream>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Route> {
    let host = section.parse("host", problems, |text| {
        HostPattern::parse(text).ok_or_else(|| {
            format!("{text:?} is no host; write \"app.example.com\" or \"*.example.com\", without a port")
        })
    });
    let path = path(section, problems);
    let methods = methods(section, problems);
    let access = access(section, problems);
    let authorization = section.parse("authorization", problems, |text| match text {
        "replace" => Ok(Authorization::Replace),
        "pass" => Ok(Authorization::Pass),
        "off" => Ok(Authorization::Off),
        _ => Err(format!("{text:?} is none of \"replace\", \"pass\" and \"off\"")),
    });
    let access_token_header = section.boolean("access_token_header", problems).unwrap_or(false);
    let provider = section.parse("provider", problems, |text| {
        let known = providers.iter().position(|name| name == text);
        let names = || one_of(providers.iter().map(String::as_str));
        known.ok_or_else(|| format!("{text:?} is no provider; there is {}", names()))
    });
    let upstream = upstream(section, problems, warnings)?;
    let index = upstreams.iter().position(|known| *known == upstream).unwrap_or_else(|| {
        upstreams.push(upstream);
        upstreams.len() - 1
    });
    Some(Route {
        host,
        path: path?,
        methods,
        access: access?,
        authorization: authorization.unwrap_or(Authorization::Replace),
        access_token_header,
        upstream: index,
        provider,
    })
}

fn path(section: &mut Section, problems: &mut Problems) -> Option<PathPattern> {
    let kind = section.parse("match", problems, |text| match text {
        "prefix" | "exact" | "template" | "regex" => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is none of \"prefix\", \"exact\", \"template\" and \"regex\"")),
    });
    let kind = kind.unwrap_or_else(|| String::from("prefix"));
    let path = section.parse("path", problems, |text| pattern(&kind, text));
    Some(path.unwrap_or_else(|| PathPattern::prefix("/")))
}

/// Patterns are compared with the decoded path, so they have to be such as can occur.
fn pattern(kind: &str, text: &str) -> Result<PathPattern, String> {
    if kind == "regex" {
        return PathPattern::regex(text);
    }
    let plain =
        RequestPath::parse(text).is_ok_and(|path| path.plain() == text && !path.never_public());
    if !plain && kind != "template" {
        return Err(format!(
            "{text:?} must be a plain path that begins with \"/\", without escapes, \"//\" or dots"
        ));
    }
    match kind {
        "exact" => Ok(PathPattern::Exact(text.to_owned())),
        "template" => PathPattern::template(text)
            .filter(|_| text.starts_with('/'))
            .ok_or_else(|| format!("{text:?} is no template; write it like \"/teams/{{team}}/*\"")),
        _ => Ok(PathPattern::prefix(text)),
    }
}

fn methods(section: &mut Section, problems: &mut Problems) -> Vec<Method> {
    let list = section.texts("methods", problems).unwrap_or_default();
    let mut methods = Vec::new();
    for taken in list {
        let Some(text) = taken.text(problems) else {
            continue;
        };
        let upper = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
        match Method::from_bytes(text.as_bytes()) {
            Ok(method) if upper => methods.push(method),
            _ => {
                problems.push(taken.problem(format!(
                    "{text:?} is no method; write it in capitals, such as \"GET\""
                )))
            }
        }
    }
    methods
}

fn access(section: &mut Section, problems: &mut Problems) -> Option<Access> {
    let Some(taken) = section.take("access") else {
        return Some(Access::SignedIn);
    };
    if taken.is_table() {
        problems.push(
            taken.problem(
                "rules on claims come with a later version; use \"signed-in\" or \"public\"",
            ),
        );
        return None;
    }
    let text = taken.text(problems)?;
    match text.as_str() {
        "public" => Some(Access::Public),
        "signed-in" => Some(Access::SignedIn),
        _ => {
            problems
                .push(taken.problem(format!("{text:?} is none of \"signed-in\" and \"public\"")));
            None
        }
    }
}

fn upstream(
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
