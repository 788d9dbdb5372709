//! What a request asks for that is to begin a login: where it leads back to, and whether a person
//! is behind it who can be sent to a provider.
//!
//! The return address is the first of these that is sound (see [`super::return_to`]):
//!
//! 1. `rd` of the query, or of a posted form;
//! 2. `X-Auth-Request-Redirect`, from anyone: it says no more than `rd` does;
//! 3. `X-Forwarded-Uri` of a listed peer, at the host that it told where that is another one of
//!    ours;
//! 4. `X-Original-URL` and `X-Original-URI` of a listed peer;
//! 5. the landing page.
//!
//! Some proxies can't percent-encode: theirs is the address as the browser asked for it, with all
//! that stands behind its first `&`.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Method};

use super::headers::once;
use super::host::{Host, Origin, split_address, split_scheme};
use super::request::{Intent, intent};
use super::return_to::{ReturnRules, ReturnTo};
use super::told::{METHODS, TARGETS as PATHS, URL};

/// The query of a link that begins a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartQuery<'a> {
    /// The members that say how.
    pub members: &'a str,
    rd: Option<Rd<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rd<'a> {
    /// The whole member.
    Encoded(&'a str),
    /// The value as a proxy put it there that can't encode.
    Raw(&'a str),
}

/// A request to begin a login.
#[derive(Clone, Copy, Debug)]
pub struct BeginRequest<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    pub query: StartQuery<'a>,
    /// What was posted.
    pub form: &'a str,
    /// The host that it is for, as a listed peer told it where one did.
    pub host: &'a Host,
    /// The scheme that a listed peer told.
    pub https: Option<bool>,
    /// Whether its peer is listed in `trusted_proxies`.
    pub listed: bool,
}

impl<'a> StartQuery<'a> {
    /// Takes the return address out of a query. Of several the first counts.
    pub fn parse(query: &'a str) -> Self {
        let mut start = 0;
        for member in query.split('&') {
            if let Some(value) = member.strip_prefix(RD) {
                // Whoever encodes a value encodes its `?`.
                let absolute = value.starts_with('/') || split_scheme(value).is_some();
                if absolute && value.contains('?') {
                    // No member of ours follows: what does is the app's own, whatever its name.
                    let members = query[..start].trim_end_matches('&');
                    return Self { members, rd: Some(Rd::Raw(&query[start + RD.len()..])) };
                }
                return Self { members: query, rd: Some(Rd::Encoded(member)) };
            }
            start += member.len() + 1;
        }
        Self { members: query, rd: None }
    }

    /// Whether it names a return address.
    pub const fn has_rd(self) -> bool {
        self.rd.is_some()
    }

    /// How the return address may be read, the likelier way first.
    fn readings(self) -> impl Iterator<Item = Cow<'a, str>> {
        let (first, second) = match self.rd {
            Some(Rd::Raw(raw)) => (Some(Cow::Borrowed(raw)), None),
            // What decodes to nonsense may be what no one encoded: `/a%20b`.
            Some(Rd::Encoded(member)) => {
                let decoded = form_urlencoded::parse(member.as_bytes()).next();
                (decoded.map(|(_, value)| value), member.strip_prefix(RD).map(Cow::Borrowed))
            }
            None => (None, None),
        };
        first.into_iter().chain(second)
    }
}

impl BeginRequest<'_> {
    /// A member of ours, of the query or the form, decoded once.
    pub fn member(&self, name: &str) -> Option<String> {
        [self.query.members, self.form].into_iter().find_map(|members| member_of(members, name))
    }

    /// Where it leads back to. `here` is our origin at its host.
    pub fn goal(&self, rules: &ReturnRules, here: &Origin) -> ReturnTo {
        let posted = member_of(self.form, "rd").map(Cow::Owned);
        let redirect = once(self.headers, "x-auth-request-redirect").map(Cow::Borrowed);
        let asked = self.query.readings().chain(posted).chain(redirect);
        asked
            .chain(self.told(here))
            .find_map(|address| judged(rules, &address, here))
            .unwrap_or_else(ReturnTo::home)
    }

    /// What a person may be led to by an answer. A request that a proxy in front was asked for, and
    /// that it sends here in its place, counts as what it was.
    pub fn intent(&self, rules: &ReturnRules) -> Intent {
        let told = self.told_method();
        let changes = |method: &Method| *method != Method::GET && *method != Method::HEAD;
        match *self.method {
            // The form of a page that leads here, unless it was sent elsewhere.
            Method::POST if !self.is_told_elsewhere(rules) => intent(&Method::GET, self.headers),
            _ if told.is_some_and(|method| changes(&method)) => Intent::Other,
            _ if is_of_a_program(self.headers) => Intent::Other,
            _ => intent(self.method, self.headers),
        }
    }

    /// The method of the request that a listed peer sends here in its place; none where it tells
    /// two.
    pub fn told_method(&self) -> Option<Method> {
        let mut told = METHODS.into_iter().filter_map(|name| self.listed_word(name));
        let first = told.next()?;
        told.all(|other| other == first).then(|| Method::from_bytes(first.as_bytes()).ok())?
    }

    /// Whether a listed peer tells that it was for another address than ours.
    pub fn is_told_elsewhere(&self, rules: &ReturnRules) -> bool {
        let words = TARGETS.into_iter().filter_map(|name| self.listed_word(name));
        words.into_iter().any(|target| !rules.is_own(path_and_query(target)))
    }

    /// The addresses that a listed peer tells, each at its host, and then at ours.
    fn told(&self, here: &Origin) -> impl Iterator<Item = Cow<'_, str>> {
        let elsewhere = self.host.name() != here.host.name();
        let origin = Origin { https: self.https.unwrap_or(here.https), host: self.host.clone() };
        let words = TARGETS.into_iter().filter_map(|name| self.listed_word(name));
        words.into_iter().flat_map(move |target| {
            let whole = match target.starts_with('/') {
                true => elsewhere.then(|| Cow::Owned(format!("{origin}{target}"))),
                false => Some(Cow::Borrowed(target)),
            };
            whole.into_iter().chain([Cow::Borrowed(path_and_query(target))])
        })
    }

    fn listed_word(&self, name: &str) -> Option<&str> {
        once(self.headers, name).filter(|_| self.listed)
    }
}

/// Judges an address. One at our own name is ours, whatever scheme and port a proxy in between was
/// asked at: its path leads there too.
fn judged(rules: &ReturnRules, address: &str, here: &Origin) -> Option<ReturnTo> {
    let at_our_name = || {
        let (_, authority, _) = split_address(address)?;
        let host = Host::parse(authority)?;
        (host.name() == here.host.name())
            .then(|| rules.judge(path_and_query(address), here))
            .flatten()
    };
    rules.judge(address, here).or_else(at_our_name)
}

/// An address without its scheme and host.
fn path_and_query(address: &str) -> &str {
    let Some((_, _, rest)) = split_address(address).filter(|_| !address.starts_with('/')) else {
        return address;
    };
    if rest.starts_with('/') { rest } else { "/" }
}

/// Whether it brings a token of its own, which no browser does by itself: who came with a bad one
/// is told so, and not led to a login.
fn is_of_a_program(headers: &HeaderMap) -> bool {
    let scheme = |value: &HeaderValue| value.as_bytes().get(..7).map(<[u8]>::to_ascii_lowercase);
    let mut brought = headers.get_all("authorization").iter().filter_map(scheme);
    !headers.contains_key("sec-fetch-mode") && brought.any(|scheme| scheme == b"bearer ")
}

fn member_of(members: &str, name: &str) -> Option<String> {
    let mut members = form_urlencoded::parse(members.as_bytes());
    members.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

const RD: &str = "rd=";
const TARGETS: [&str; 3] = [PATHS[0], URL, PATHS[1]];

#[cfg(test)]
#[path = "begin_tests.rs"]
mod tests;
