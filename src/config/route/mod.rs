//! Routes and the apps behind them.

mod access;
mod browser;
mod fields;
mod limits;
mod login;
mod path;
mod upstream;
mod way;

use http::Method;

use super::environment::Environment;
use super::problem::Problems;
use super::reader::{Section, one_of};
use crate::auth::host::HostPattern;
use crate::auth::route::{Authorization, PathPattern, Route, RouteTable};
pub use upstream::{HealthChecks, Upstream, UpstreamAddress};

/// Reads the routes; `providers` are the names that they may say.
pub(super) fn parse(
    root: &mut Section,
    providers: &[String],
    environment: &Environment,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<(RouteTable, Vec<Upstream>)> {
    let mut upstreams = Vec::new();
    let mut routes: Vec<Route> = Vec::new();
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
            let around = Around { providers, environment };
            routes.extend(parse_one(&mut section, around, &mut upstreams, problems, warnings));
            section.finish(problems);
        }
    }
    for (slot, route) in routes.iter_mut().enumerate() {
        route.fields.slot = slot;
    }
    Some((RouteTable::new(routes), upstreams))
}

/// What a route may name.
#[derive(Clone, Copy)]
struct Around<'a> {
    providers: &'a [String],
    environment: &'a Environment,
}

fn parse_one(
    section: &mut Section,
    around: Around<'_>,
    upstreams: &mut Vec<Upstream>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Route> {
    let host = section.parse("host", problems, |text| {
        HostPattern::parse(text).ok_or_else(|| {
            format!("{text:?} is no host; write \"app.example.com\" or \"*.example.com\", without a port")
        })
    });
    let name = section.text("name", problems);
    let path = path::parse(section, problems);
    let methods = methods(section, problems);
    let access = access::parse(section, problems);
    let authorization = section
        .parse("authorization", problems, |text| match text {
            "replace" => Ok(Authorization::Replace),
            "pass" => Ok(Authorization::Pass),
            "off" => Ok(Authorization::Off),
            _ => Err(format!("{text:?} is none of \"replace\", \"pass\" and \"off\"")),
        })
        .unwrap_or(Authorization::Replace);
    let access_token_header = section.boolean("access_token_header", problems).unwrap_or(false);
    let provider = section.parse("provider", problems, |text| {
        let known = around.providers.iter().position(|name| name == text);
        let names = || one_of(around.providers.iter().map(String::as_str));
        known.ok_or_else(|| format!("{text:?} is no provider; there is {}", names()))
    });
    let login = login::parse(section, problems);
    let way = way::parse(section, problems);
    let environment = around.environment;
    let context = fields::Context { path: path.as_ref(), authorization, environment };
    let fields = fields::parse(section, context, problems, warnings);
    let limits = limits::parse(section, problems);
    let browser = browser::parse(section, problems);
    let upstream = upstream::parse(section, problems, warnings)?;
    let index = upstreams.iter().position(|known| *known == upstream).unwrap_or_else(|| {
        upstreams.push(upstream);
        upstreams.len() - 1
    });
    let path = path?;
    Some(Route {
        name: name.unwrap_or_else(|| default_name(host.as_ref(), &path)),
        host,
        path,
        methods,
        access: access?,
        authorization,
        access_token_header,
        provider,
        login,
        way,
        fields,
        limits,
        browser,
        upstream: index,
    })
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

/// Host and path as they were written: `wiki.example.com/teams/{team}/*`.
fn default_name(host: Option<&HostPattern>, path: &PathPattern) -> String {
    let host = match host {
        Some(HostPattern::Exact(name)) => name.clone(),
        Some(HostPattern::Below(name)) => format!("*.{name}"),
        None => String::new(),
    };
    format!("{host}{path}")
}
