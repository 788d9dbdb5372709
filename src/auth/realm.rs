//! Which hosts share sessions: all below a domain of the configuration; every other host has its
//! own.
//!
//! A realm is what a session is good for. Its cookies are called and set as its hosts need it,
//! and its seals are bound to it: what was sealed for one realm does not open in another, even
//! where somebody carries it over.

use super::cookie::{CookieStyle, OwnCookies};
use super::host::{Origin, is_or_is_below};

/// All realms of a gateway.
#[derive(Clone, Debug)]
pub struct Realms {
    home_host: String,
    home_scope: String,
    /// Of hosts that share with nobody.
    own: CookieStyle,
    /// The longest first, so that the nearest one counts.
    domains: Vec<(String, CookieStyle)>,
}

/// The hosts that share sessions with one.
#[derive(Clone, Copy, Debug)]
pub struct Realm<'a> {
    /// How its cookies are called and set.
    pub cookies: &'a CookieStyle,
    scope: &'a str,
    is_home: bool,
}

impl Realms {
    /// Those of a gateway at `public` that shares sessions below each of `domains`.
    pub fn new(public: &Origin, domains: &[String]) -> Self {
        let style = |domain: &String| {
            (domain.clone(), CookieStyle::new(public.https, Some(domain.as_str())))
        };
        let mut domains: Vec<(String, CookieStyle)> = domains.iter().map(style).collect();
        domains.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let home_host = public.host.name().to_owned();
        let shared = domains.iter().find(|(name, _)| is_or_is_below(&home_host, name));
        let home_scope = shared.map_or_else(|| public.host.as_str(), |(name, _)| name).to_owned();
        Self { home_host, home_scope, own: CookieStyle::new(public.https, None), domains }
    }

    /// The realm of public_url's host.
    pub fn home(&self) -> Realm<'_> {
        match self.shared(&self.home_host) {
            Some(realm) => realm,
            None => Realm { cookies: &self.own, scope: &self.home_scope, is_home: true },
        }
    }

    /// The realm of a host, by its name without the port. Nobody can sign in at one that
    /// `is_known` denies: what comes there is taken as if it had come home.
    pub fn at<'a>(&'a self, host: &'a str, is_known: impl FnOnce() -> bool) -> Realm<'a> {
        match self.shared(host) {
            Some(realm) => realm,
            None if host == self.home_host || !is_known() => self.home(),
            None => Realm { cookies: &self.own, scope: host, is_home: false },
        }
    }

    /// The realm that [`Realm::kept`] told.
    pub fn of<'a>(&'a self, kept: Option<&'a str>) -> Realm<'a> {
        kept.map_or_else(|| self.home(), |scope| self.at(scope, || true))
    }

    fn shared(&self, host: &str) -> Option<Realm<'_>> {
        let (scope, cookies) =
            self.domains.iter().find(|(domain, _)| is_or_is_below(host, domain))?;
        Some(Realm { cookies, scope, is_home: *scope == self.home_scope })
    }
}

impl<'a> Realm<'a> {
    /// What its seals are bound to.
    pub const fn scope(self) -> &'a str {
        self.scope
    }

    /// Its name, to be kept with a session; none: it is home.
    pub fn kept(self) -> Option<Box<str>> {
        (!self.is_home).then(|| self.scope.into())
    }

    /// Whether it is the one that was kept.
    pub fn is(self, kept: Option<&str>) -> bool {
        match kept {
            None => self.is_home,
            Some(scope) => !self.is_home && scope == self.scope,
        }
    }

    /// Sorts out the request's `Cookie` lines.
    pub fn sort(self, lines: impl Iterator<Item = &'a [u8]>) -> OwnCookies<'a> {
        let mut own = OwnCookies::none(self);
        self.cookies.sort_into(&mut own, lines);
        own
    }

    /// Of hosts that share with nobody, in tests of what is in cookies.
    #[cfg(test)]
    pub(crate) fn for_test(cookies: &'a CookieStyle) -> Self {
        Self { cookies, scope: "app.example.com", is_home: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realms(public: &str, domains: &[&str]) -> Realms {
        let domains: Vec<String> = domains.iter().map(|&domain| domain.to_owned()).collect();
        Realms::new(&Origin::parse(public).unwrap(), &domains)
    }

    #[test]
    fn each_host_has_its_own_realm_but_below_a_domain_they_share() {
        let realms = realms(
            "https://app.example.com:8443",
            &["example.org", "dev.example.org", "example.net"],
        );
        for (host, known, name, scope, home) in [
            ("app.example.com", true, "__Host-askara", "app.example.com:8443", true),
            ("wiki.example.com", true, "__Host-askara", "wiki.example.com", false),
            ("stranger.example.com", false, "__Host-askara", "app.example.com:8443", true),
            ("a.example.org", true, "__Secure-askara", "example.org", false),
            ("example.org", true, "__Secure-askara", "example.org", false),
            ("a.dev.example.org", false, "__Secure-askara", "dev.example.org", false),
            ("notexample.org", true, "__Host-askara", "notexample.org", false),
        ] {
            let realm = realms.at(host, || known);
            let told = (realm.cookies.session_name(), realm.scope(), realm.is_home);
            assert_eq!(told, (name, scope, home), "{host}");
            let kept = realm.kept();
            assert!(realm.is(kept.as_deref()), "{host}");
            assert_eq!(realms.of(kept.as_deref()).scope(), scope, "{host}");
            assert_eq!(realm.is(None), home, "{host}");
        }
    }

    #[test]
    fn home_may_lie_below_a_domain_itself() {
        let realms = realms("https://app.example.com", &["example.com"]);
        for host in ["app.example.com", "wiki.example.com", "other.org"] {
            let realm = realms.at(host, || false);
            assert_eq!((realm.scope(), realm.kept()), ("example.com", None), "{host}");
            assert_eq!(realm.cookies.session_name(), "__Secure-askara");
        }
        assert_eq!(realms.at("other.org", || true).kept().as_deref(), Some("other.org"));
    }
}
