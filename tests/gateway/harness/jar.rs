//! A cookie jar with a browser's rules, and a Set-Cookie line taken apart.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use url::Url;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    /// By lower-case name; flags have an empty value.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl SetCookie {
    pub(crate) fn parse(line: &str) -> Self {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self { name: name.to_owned(), value: value.to_owned(), attributes }
    }

    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
    }

    pub(crate) fn is(&self, attribute: &str, value: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|is| is.eq_ignore_ascii_case(value))
    }

    pub(crate) fn max_age(&self) -> Option<i64> {
        self.attributes.get("max-age")?.parse().ok()
    }

    /// By Max-Age, or else by the date that everyone uses for it.
    pub(crate) fn deletes(&self) -> bool {
        match self.max_age() {
            Some(age) => age <= 0,
            None => self.attributes.get("expires").is_some_and(|date| date.contains("1970")),
        }
    }

    /// What must not differ between setting and deleting (S43).
    pub(crate) fn scope(&self) -> BTreeMap<&str, &str> {
        self.attributes
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "max-age" | "expires"))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    fn is_accepted_from(&self, origin: &Url) -> bool {
        let secure = self.has("secure");
        let https = origin.scheme() == "https";
        let domain = self.attributes.get("domain");
        let host = origin.host_str().unwrap_or_default();
        let small = self.name.len() + self.value.len() <= 4096
            && self.attributes.values().all(|value| value.len() <= 1024);
        let host_prefix_kept = !self.name.starts_with("__Host-")
            || (secure && domain.is_none() && self.is("path", "/"));
        let secure_prefix_kept = !self.name.starts_with("__Secure-") || secure;
        let domain_ours = domain.is_none_or(|domain| {
            let domain = domain.trim_start_matches('.');
            host == domain || host.ends_with(&format!(".{domain}"))
        });
        small && (https || !secure) && host_prefix_kept && secure_prefix_kept && domain_ours
    }
}

struct Kept {
    name: String,
    value: String,
    host: String,
    path: String,
    secure: bool,
    /// Whether it goes along when another site's page posts here.
    cross_site: bool,
    until: Option<Instant>,
}

#[derive(Default)]
pub(crate) struct Jar {
    kept: Vec<Kept>,
}

impl Jar {
    pub(crate) fn take(&mut self, origin: &Url, cookie: &SetCookie) {
        if !cookie.is_accepted_from(origin) {
            return;
        }
        let host = origin.host_str().unwrap_or_default().to_owned();
        let path = match cookie.attributes.get("path") {
            Some(path) if path.starts_with('/') => path.clone(),
            _ => "/".to_owned(),
        };
        self.kept
            .retain(|kept| (&kept.name, &kept.host, &kept.path) != (&cookie.name, &host, &path));
        if cookie.deletes() {
            return;
        }
        let age = cookie.max_age().map(i64::unsigned_abs);
        self.kept.push(Kept {
            name: cookie.name.clone(),
            value: cookie.value.clone(),
            host,
            path,
            secure: cookie.has("secure"),
            cross_site: cookie.is("samesite", "None") && cookie.has("secure"),
            until: age.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        });
    }

    /// The Cookie line for a request: longer paths first, then older cookies first.
    pub(crate) fn line(&self, origin: &Url, target: &str) -> Option<String> {
        self.line_of(origin, target, |_| true)
    }

    /// The same for a form that a page of another site posts.
    pub(crate) fn cross_site_line(&self, origin: &Url, target: &str) -> Option<String> {
        self.line_of(origin, target, |kept| kept.cross_site)
    }

    fn line_of(&self, origin: &Url, target: &str, goes: fn(&Kept) -> bool) -> Option<String> {
        let path = target.split('?').next().unwrap_or("/");
        let mut found: Vec<&Kept> =
            self.kept.iter().filter(|kept| goes(kept) && kept.goes_to(origin, path)).collect();
        found.sort_by_key(|kept| std::cmp::Reverse(kept.path.len()));
        let pairs: Vec<_> =
            found.iter().map(|kept| format!("{}={}", kept.name, kept.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let kept = self.kept.iter().find(|kept| kept.name == name)?;
        Some(kept.value.clone())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.kept.iter().map(|kept| kept.name.clone()).collect()
    }

    pub(crate) fn put(&mut self, origin: &Url, pair: &str) {
        self.take(origin, &SetCookie::parse(&format!("{pair}; Path=/")));
    }

    pub(crate) fn forget(&mut self) {
        self.kept.clear();
    }
}

impl Kept {
    fn goes_to(&self, origin: &Url, path: &str) -> bool {
        let under = path == self.path
            || path.starts_with(&self.path)
                && (self.path.ends_with('/') || path[self.path.len()..].starts_with('/'));
        let living = self.until.is_none_or(|until| Instant::now() < until);
        let host = origin.host_str() == Some(self.host.as_str());
        host && under && living && (!self.secure || origin.scheme() == "https")
    }
}
