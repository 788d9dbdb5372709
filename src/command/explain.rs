//! `explain`: who may do what. Judges one request as the gateway would, without serving, calling
//! or keeping anything.

mod asked;
mod visitor;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use http::{HeaderName, HeaderValue, Method};

use super::{Failed, Settings};
use crate::auth::facts::Facts;
use crate::auth::fields::Subject;
use crate::auth::headers::Statement;
use crate::auth::path::RequestPath;
use crate::auth::policy::{self, Denied};
use crate::auth::route::{Authorization, Found, NoRoute};
use crate::config::{Config, Environment};
use crate::gateway::clock::now;
use crate::secret::Secret;
use asked::Asked;
use visitor::Visitor;

/// What is to be explained.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Settings,
    /// What the provider tells of the visitor: a JSON object of claims, or one with the members
    /// `token`, `me` and `id`. Left out: nobody is signed in.
    #[arg(long = "as", value_name = "FILE")]
    claims: Option<PathBuf>,
    /// The provider that vouches for the visitor; needed where there are several.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The address that the request comes from.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// The method, such as GET.
    method: Method,
    /// The whole address, such as <https://app.example.com/admin>.
    #[arg(value_parser = Asked::parse)]
    url: Asked,
}

/// Explains one request.
pub(super) fn explain(options: &Options) -> Result<ExitCode, Failed> {
    let config = options.settings.load(&Environment::of_process())?;
    let visitor = match &options.claims {
        Some(path) => Some(Visitor::read(path, options.provider.as_deref(), &config)?),
        None => None,
    };
    print!("{}", explained(&config, options, visitor.as_ref()));
    Ok(ExitCode::SUCCESS)
}

/// The lines, each a word and what it is.
fn explained(config: &Config, options: &Options, visitor: Option<&Visitor>) -> String {
    let asked = &options.url;
    let mut out = Lines(String::new());
    out.line("request", format_args!("{} {}", options.method, asked.url));
    let who = visitor.map_or_else(|| String::from("nobody is signed in"), Visitor::to_string);
    out.line("visitor", who);
    let path = match RequestPath::parse(&asked.path) {
        Ok(path) => path,
        Err(why) => {
            out.line("decision", format_args!("refused: the path can't be read ({why:?}), 400"));
            return out.0;
        }
    };
    if is_own(config, asked, &path) {
        out.line("decision", "answered by the gateway itself, for everybody");
        return out.0;
    }
    let found = match config.routes.find(&asked.host, &path, &options.method) {
        Ok(found) => found,
        Err(NoRoute::Path) => {
            out.line("decision", "refused: no route covers it, 404");
            return out.0;
        }
        Err(NoRoute::Method(methods)) => {
            let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
            let methods = methods.join(", ");
            out.line(
                "decision",
                format_args!("refused: the route takes {methods} and nothing else, 405"),
            );
            return out.0;
        }
    };
    state_route(&mut out, found);
    let facts = Facts {
        method: &options.method,
        host: &asked.host,
        client: options.from,
        now: now(),
        person: None,
    };
    // Who another provider vouches for is nobody here.
    let here = visitor.filter(|visitor| found.takes(visitor.provider));
    if visitor.is_some() && here.is_none() {
        out.line("provider", "the route takes people of another provider: the visitor is nobody");
    }
    let judged = policy::judge(found, &path, &facts.of(here.map(Visitor::person)));
    let allowed = judged.is_ok();
    out.line("decision", decision(judged.err()));
    if allowed {
        state_fields(&mut out, config, found, &path, here);
    }
    out.0
}

fn state_route(out: &mut Lines, found: Found<'_>) {
    out.line("route", &found.route.name);
    for also in found.also.into_iter().flatten() {
        out.line("route", format_args!("{} (another way to read the path)", also.name));
    }
}

fn decision(denied: Option<Denied<'_>>) -> String {
    match denied {
        None => String::from("allowed"),
        Some(Denied::NoSession) => {
            String::from("sign-in needed: 302 to the provider for a navigation, 401 else")
        }
        Some(Denied::NotAllowed { message: None }) => String::from("not allowed, 403"),
        Some(Denied::NotAllowed { message: Some(message) }) => {
            format!("not allowed: {message}, 403")
        }
        Some(Denied::StepUp(wanted)) => {
            let mut needs = String::from("another sign-in needed");
            if !wanted.acr.is_empty() {
                let _ = write!(needs, ", acr {}", wanted.acr.join(" or "));
            }
            if let Some(age) = wanted.max_age {
                let _ = write!(needs, ", no older than {}", humantime::format_duration(age));
            }
            needs + ": 302 to the provider for a navigation, 401 else"
        }
    }
}

/// The fields that say who the visitor is, as the app would get them.
fn state_fields(
    out: &mut Lines,
    config: &Config,
    found: Found<'_>,
    path: &RequestPath<'_>,
    visitor: Option<&Visitor>,
) {
    let (route, rules) = (found.route, &found.route.fields);
    let token = HeaderValue::from_static("(the access token)");
    let person = visitor.map(Visitor::person);
    if let (Some(visitor), Some(person)) = (visitor, &person) {
        if route.authorization == Authorization::Replace {
            out.line("header", "authorization: Bearer (the access token)");
        }
        if route.access_token_header {
            out.line("header", "x-forwarded-access-token: (the access token)");
        }
        if config.providers.len() > 1 {
            out.line("header", format_args!("x-askara-provider: {}", visitor.name()));
        }
        let statement = Statement::new(person.identity, &Secret::new(String::from("token")));
        for (name, value) in statement.iter().flat_map(|statement| &statement.identity) {
            out.field(name, value);
        }
        if rules.assertion.is_some() {
            out.line("header", "x-askara-assertion: (signed when it is sent)");
        }
    }
    let subject = visitor.zip(person).map(|(visitor, person)| Subject {
        identity: person.identity,
        provider: visitor.name(),
        access_token: &token,
    });
    rules.fixed().for_each(|(name, _)| out.line("header", format_args!("{name}: (fixed)")));
    let of_person = subject.map(|subject| rules.of_person(subject)).unwrap_or_default();
    let of_path = rules.of_path(subject, |name| route.path.variable(name, path.plain()));
    for written in [of_person, of_path] {
        written.fields.iter().for_each(|(name, value)| out.field(name, value));
        for name in &written.too_long {
            out.line("header", format_args!("{name}: (left out: too long)"));
        }
    }
}

/// Whether the gateway answers it, whoever asks.
fn is_own(config: &Config, asked: &Asked, path: &RequestPath<'_>) -> bool {
    let plain = path.plain();
    let below = plain.strip_prefix(config.prefix.as_str());
    let callback = |own: &String| own == plain;
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || config.returns.own_paths.iter().any(callback)
        || ["/ping", "/ready"].contains(&plain) && !config.routes.has_exact(&asked.host, plain)
}

struct Lines(String);

impl Lines {
    fn field(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.line("header", format_args!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }

    fn line(&mut self, word: &str, text: impl std::fmt::Display) {
        // A String takes everything.
        let _ = writeln!(self.0, "{word:<10} {text}");
    }
}
