//! Routes and the apps behind them.

mod access;
mod browser;
mod doubts;
mod fields;
mod limits;
mod login;
mod path;
mod upstream;
mod way;

use std::collections::HashMap;

use http::Method;

use super::environment::Environment;
use super::limits::Limits;
use super::problem::Problems;
use super::reader::{Section, one_of};
use crate::auth::fields::FieldRules;
use crate::auth::host::HostPattern;
use crate::auth::route::{Authorization, PathPattern, Route, RouteTable};
use doubts::Written;
pub(super) use limits::read_limited;
use upstream::Carried;
pub use upstream::{HealthChecks, Upstream, UpstreamAddress};

/// What routes are read with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The names that a route may say.
    pub(super) providers: &'a [String],
    pub(super) environment: &'a Environment,
    pub(super) limits: &'a Limits,
}

/// The apps of all routes, each once.
#[derive(Default)]
struct Upstreams {
    all: Vec<Upstream>,
    /// Where they are, by how they show: few are compared with each other.
    places: HashMap<String, Vec<usize>>,
}

/// Reads the routes; `providers` are the names that they may say.
pub(super) fn parse(
    root: &mut Section,
    read: Reading<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<(RouteTable, Vec<Upstream>)> {
    let mut upstreams = Upstreams::default();
    let mut written: Vec<Written> = Vec::new();
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
    for (index, taken) in items.into_iter().enumerate() {
        let key = taken.key.clone();
        if let Some(mut section) = taken.section(problems) {
            let route = parse_one(&mut section, read, index, &mut upstreams, problems, warnings);
            written.extend(route.map(|route| Written { key, route }));
            section.finish(problems);
        }
    }
    doubts::warn(&written, warnings);
    doubts::shared_audiences(&written, warnings);
    let routes = written.into_iter().map(|written| written.route).collect();
    Some((RouteTable::new(routes), upstreams.all))
}

impl Upstreams {
    fn place_of(&mut self, upstream: Upstream) -> usize {
        let places = self.places.entry(format!("{upstream:?}")).or_default();
        let known = places.iter().copied().find(|&place| self.all[place] == upstream);
        known.unwrap_or_else(|| {
            places.push(self.all.len());
            self.all.push(upstream);
            self.all.len() - 1
        })
    }
}

fn parse_one(
    section: &mut Section,
    read: Reading<'_>,
    index: usize,
    upstreams: &mut Upstreams,
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
    let about = access::About { path: path.as_ref(), methods: &methods };
    let access = access::parse(section, about, problems, warnings);
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
        let known = read.providers.iter().position(|name| name == text);
        let names = || one_of(read.providers.iter().map(String::as_str));
        known.ok_or_else(|| format!("{text:?} is no provider; there is {}", names()))
    });
    let login = login::parse(section, problems);
    let context =
        fields::Context { path: path.as_ref(), authorization, environment: read.environment };
    let fields = FieldRules { slot: index, ..fields::parse(section, context, problems, warnings) };
    let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
    let limits = limits::parse(section, read.limits, number, problems);
    let browser = browser::parse(section, problems);
    let carried = upstream::parse(section, problems, warnings);
    let any = PathPattern::prefix("/");
    let way = way::parse(section, path.as_ref().unwrap_or(&any), carried.as_ref(), problems);
    let upstream = match carried? {
        Carried::To(upstream) => Some(upstreams.place_of(*upstream)),
        Carried::InFront => None,
    };
    let (path, access) = (path?, access?);
    Some(Route {
        name: name.unwrap_or_else(|| default_name(host.as_ref(), &path)),
        host,
        path,
        rests_on_method: !methods.is_empty() || browser.csrf || access.reads_method(),
        methods,
        access,
        authorization,
        access_token_header,
        provider,
        login,
        way,
        fields,
        limits,
        browser,
        upstream,
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
