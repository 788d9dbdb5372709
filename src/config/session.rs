//! Sessions: keys, where they are kept, lifetimes, and when tokens are renewed.

use std::time::Duration;

use super::environment::Environment;
use super::keys::{KeySource, parse_key};
use super::problem::Problems;
use super::reader::Section;
use super::secrets;
use super::store::{self, Keeping};
use crate::auth::host::{Host, Origin, is_or_is_below};
use crate::auth::refresh::RefreshPolicy;
use crate::auth::session::Lifetimes;

/// How sessions are kept.
#[derive(Debug)]
pub struct SessionConfig {
    pub keys: KeySource,
    pub keeping: Keeping,
    /// How long live sessions go on while the store is away; matters only with one.
    pub store_grace: Duration,
    /// How long streams go on after their session has ended.
    pub stream_grace: Duration,
    pub sharing: Sharing,
    pub lifetimes: Lifetimes,
    pub refresh: RefreshPolicy,
}

/// Which hosts share sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// The subdomains of each of these.
    pub domains: Vec<String>,
    /// Whether every host must be below, as it is where one domain stands for all.
    pub is_for_all: bool,
}

impl SessionConfig {
    /// Whether replicas share what has ended.
    pub(super) const fn has_store(&self) -> bool {
        !matches!(self.keeping, Keeping::Cookie)
    }

    /// Whether the cookie is only a ticket.
    pub(super) const fn is_stored(&self) -> bool {
        matches!(self.keeping, Keeping::Stored(_))
    }
}

pub(super) fn parse(
    root: &mut Section,
    public: Option<&Origin>,
    environment: &Environment,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<SessionConfig> {
    let mut section = root.section("session", problems);
    let keys = keys(&mut section, environment, problems, warnings);
    let sharing = sharing(&mut section, problems);
    let home = public.map(|public| public.host.name());
    let above = |domain: &&String| home.is_none_or(|home| is_or_is_below(home, domain));
    let cookie_domain = sharing.domains.iter().find(above).map(String::as_str);
    let around = store::Surroundings { environment, public, cookie_domain };
    let store = store::parse(&mut section, around, problems, warnings);
    if let (Some(Keeping::Coordinated(_) | Keeping::Stored(_)), Some(KeySource::File(_))) =
        (&store.keeping, &keys)
    {
        warnings.push(String::from("session.keys is left out: a key is made here, and replicas that share a store must have the same keys"));
    }
    let mut lifetime = |key, default| match section.duration(key, problems) {
        Some(duration) if duration.as_secs() == 0 => {
            problems.push(section.problem(key, "must be at least a second"));
            default
        }
        duration => duration.unwrap_or(default),
    };
    let idle = lifetime("idle_timeout", IDLE);
    let absolute = lifetime("max_age", ABSOLUTE);
    // Somebody who reads one page for long has not got the cookie of the refresh that it began: a
    // successor has to wait for as long as the session does.
    let keep_at_most = lifetime("successor_grace", idle);
    let stream_grace = section.duration("stream_grace", problems).unwrap_or_default();
    let at = match section.number("refresh_at", problems) {
        Some(at) if at > 0.0 && at <= 1.0 => at,
        Some(_) => {
            problems.push(section.problem("refresh_at", "must be more than 0 and at most 1"));
            REFRESH_AT
        }
        None => REFRESH_AT,
    };
    section.finish(problems);
    Some(SessionConfig {
        keys: keys?,
        keeping: store.keeping?,
        store_grace: store.grace,
        stream_grace,
        sharing,
        lifetimes: Lifetimes { idle, absolute },
        refresh: RefreshPolicy { at, keep_at_most },
    })
}

fn sharing(section: &mut Section, problems: &mut Problems) -> Sharing {
    let Some(taken) = section.take("cookie_domain") else { return Sharing::default() };
    let is_for_all = !taken.is_list();
    let mut domains = Vec::new();
    for item in taken.items(problems) {
        let Some(text) = item.text(problems) else { continue };
        let name = text.strip_prefix('.').unwrap_or(&text);
        let host =
            Host::parse(name).filter(|host| host.port().is_none() && host.name().contains('.'));
        match host.map(|host| host.name().to_owned()) {
            Some(name) if domains.contains(&name) => problems.push(item.problem("is there twice")),
            Some(name) => domains.push(name),
            None => {
                let message = format!("{text:?} must be a domain such as \"example.com\"");
                problems.push(item.problem(message));
            }
        }
    }
    Sharing { domains, is_for_all }
}

fn keys(
    section: &mut Section,
    environment: &Environment,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<KeySource> {
    let Some(taken) = section.take("keys") else {
        return Some(KeySource::state_folder(environment));
    };
    let mut keys = Vec::new();
    let mut complete = true;
    let items = if taken.is_table() { vec![taken] } else { taken.items(problems) };
    let empty = items.is_empty();
    for item in items {
        let place = item.problem("must be 32 bytes in base64 or hexadecimal; `askara-gate keygen` makes one, and a passphrase is none");
        match secrets::read(item, environment, problems, warnings).map(|text| parse_key(&text)) {
            Some(Some(key)) => {
                // Two of the same would make a rotation do nothing.
                if keys.iter().any(|known: &crate::secret::SealKey| known.ct_eq(key.expose())) {
                    problems
                        .push(super::Problem { message: String::from("is there twice"), ..place });
                    complete = false;
                } else {
                    keys.push(key);
                }
            }
            Some(None) => {
                problems.push(place);
                complete = false;
            }
            None => complete = false,
        }
    }
    if empty {
        problems.push(section.problem("keys", "is empty; leave it out to have a key made"));
    }
    (complete && !empty).then_some(KeySource::Given(keys))
}

const IDLE: Duration = Duration::from_secs(8 * 3600);
const ABSOLUTE: Duration = Duration::from_secs(7 * 24 * 3600);
/// A quarter of a token's life is time enough to survive a provider that is away.
const REFRESH_AT: f64 = 0.75;
