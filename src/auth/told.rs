//! The request that a proxy in front asks about: what it tells of method, host and address
//! (C-38, C-44, C-45).
//!
//! 1. Only a listed peer tells anything. Where anyone else does, it may be an attempt, and nothing
//!    is decided.
//! 2. Several fields may tell the same; where they differ, or one is there twice, nobody knows
//!    which the proxy wrote and which the visitor did.
//! 3. What is told is what the app gets: a path in origin form, without a fragment. How it is
//!    matched is for [`super::path`] to say.

use http::{HeaderMap, HeaderValue, Method};

use super::host::{Host, split_address};
use super::request::never_served;

/// What a subrequest is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// None where nobody said; the subrequest's own method says nothing, it is a GET whatever the
    /// visitor sent.
    pub method: Option<Method>,
    pub host: Host,
    /// Path and query; none where nobody said.
    pub target: Option<String>,
}

/// What the subrequest is in itself.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Whether its peer is listed in `trusted_proxies`.
    pub listed: bool,
    /// The host that it came to itself.
    pub host: &'a Host,
    /// Whether visitors come to that host. Then the proxy hands on the visitor's `Host`, and another
    /// one in `X-Forwarded-Host` may well be the visitor's word, which it left in its place.
    pub is_visited: bool,
    /// The method and target that it repeats, where its dialect has it do so (Envoy's
    /// `path_prefix`).
    pub repeated: Option<(&'a Method, &'a str)>,
}

/// Why it is not known what a subrequest is about; nobody passes then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadTold {
    /// Two fields tell different things.
    Differing(&'static str),
    /// A field can't be read.
    Malformed(&'static str),
    /// The app would see another method than the one that was told (C-47).
    MethodOverride,
    /// The rule rests on the method, and nobody told it.
    NoMethod,
    /// Nobody told the path, and the routes are too different to do without it.
    NoPath,
    /// It is about a path of the gateway's own, which no app gets (C-50).
    OwnPath,
    /// What follows on the connection could not be asked about (C-60).
    Tunnel,
    /// A field is there twice.
    Twice(&'static str),
    /// A peer that is not listed tells it.
    Unlisted(&'static str),
}

impl Told {
    /// Reads what `headers` tell, and what the subrequest repeats itself.
    pub fn read(headers: &HeaderMap, source: Source<'_>) -> Result<Self, BadTold> {
        if !source.listed {
            return Self::of_anyone(headers, source);
        }
        let mut method = source.repeated.map(|(method, _)| method.clone());
        for name in METHODS {
            let Some(text) = one(headers, name)? else { continue };
            let told = Method::from_bytes(text.as_bytes()).ok();
            let told = told.filter(|told| !never_served(told)).ok_or(BadTold::Malformed(name))?;
            agree(&mut method, told, name)?;
        }
        let repeated = source.repeated.map(|(_, target)| (target.to_owned(), PATH));
        let mut target = repeated.map(|(target, name)| sound(target, name)).transpose()?;
        for name in TARGETS {
            let Some(text) = one(headers, name)? else { continue };
            agree(&mut target, sound(text.to_owned(), name)?, name)?;
        }
        let is_told_before = target.is_some();
        let mut host = None;
        if headers.get(HOST).is_some_and(HeaderValue::is_empty) {
            return Err(BadTold::Malformed(HOST));
        }
        if let Some(text) = one(headers, HOST)? {
            host = Some(Host::parse(text).ok_or(BadTold::Malformed(HOST))?);
        }
        let mut other = HOST;
        if let Some(text) = one(headers, URL)? {
            let (told, rest) = split(text).ok_or(BadTold::Malformed(URL))?;
            if host.as_ref().is_some_and(|host| host.name() != told.name()) {
                return Err(BadTold::Differing(URL));
            }
            host.get_or_insert(told);
            agree(&mut target, sound(rest, URL)?, URL)?;
            other = URL;
        }
        // A proxy that writes nothing but the whole address may ask at one host about all.
        let is_alone = other == URL && !is_told_before;
        if let Some(host) = &host
            && source.is_visited
            && !is_alone
            && host.name() != source.host.name()
        {
            return Err(BadTold::Differing(other));
        }
        Ok(Self { method, host: host.unwrap_or_else(|| source.host.clone()), target })
    }

    /// Anyone may ask whether they are signed in, and nothing else.
    fn of_anyone(headers: &HeaderMap, source: Source<'_>) -> Result<Self, BadTold> {
        if source.repeated.is_some() {
            return Err(BadTold::Unlisted(PATH));
        }
        let named = METHODS.into_iter().chain(TARGETS).chain([URL, ENVOY_PATH]);
        for name in named {
            if headers.contains_key(name) {
                return Err(BadTold::Unlisted(name));
            }
        }
        Ok(Self { method: None, host: source.host.clone(), target: None })
    }
}

/// The only value of a field; a proxy that has nothing to say may leave it empty.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, BadTold> {
    let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BadTold::Twice(name));
    }
    let text = std::str::from_utf8(first).map_err(|_| BadTold::Malformed(name))?;
    Ok((!text.is_empty()).then_some(text))
}

fn agree<T: PartialEq>(known: &mut Option<T>, told: T, name: &'static str) -> Result<(), BadTold> {
    match known {
        Some(known) if *known != told => Err(BadTold::Differing(name)),
        _ => {
            *known = Some(told);
            Ok(())
        }
    }
}

/// A target in origin form (RFC 9112 3.2.1). A raw `#` would be cut by some and kept by others
/// (C-45).
fn sound(target: String, name: &'static str) -> Result<String, BadTold> {
    let odd = |byte: u8| byte <= b' ' || byte == 0x7f || byte == b'#';
    if target.starts_with('/') && !target.bytes().any(odd) {
        Ok(target)
    } else {
        Err(BadTold::Malformed(name))
    }
}

/// The host of an absolute address, and what stands behind it.
fn split(address: &str) -> Option<(Host, String)> {
    let (_, authority, target) = split_address(address)?;
    let slash = if target.starts_with('/') { "" } else { "/" };
    Some((Host::parse(authority)?, format!("{slash}{target}")))
}

pub(super) const METHODS: [&str; 2] = ["x-forwarded-method", "x-original-method"];
pub(super) const TARGETS: [&str; 2] = ["x-forwarded-uri", "x-original-uri"];
pub(super) const URL: &str = "x-original-url";
const HOST: &str = "x-forwarded-host";
/// Read from nobody.
const ENVOY_PATH: &str = "x-envoy-original-path";
/// The subrequest's own path.
const PATH: &str = "path";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&'static str, &str)], trusted: bool) -> Result<Told, BadTold> {
        read_repeating(fields, trusted, None)
    }

    fn read_repeating(
        fields: &[(&'static str, &str)],
        trusted: bool,
        repeated: Option<(&Method, &str)>,
    ) -> Result<Told, BadTold> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let host = Host::parse("gate.example.com").unwrap();
        let source = Source { listed: trusted, host: &host, is_visited: false, repeated };
        Told::read(&headers, source)
    }

    fn told(method: Option<Method>, host: &str, target: Option<&str>) -> Result<Told, BadTold> {
        let host = Host::parse(host).unwrap();
        Ok(Told { method, host, target: target.map(str::to_owned) })
    }

    #[test]
    fn every_proxy_tells_it_in_fields_of_its_own() {
        for (fields, expected) in [
            (&[][..], told(None, "gate.example.com", None)),
            (
                &[("x-forwarded-uri", "/a?b=http://c//d"), ("x-forwarded-method", "POST")],
                told(Some(Method::POST), "gate.example.com", Some("/a?b=http://c//d")),
            ),
            (
                &[
                    ("x-original-url", "https://app.example.com/a?b"),
                    ("x-original-method", "GET"),
                    ("x-original-uri", "/a?b"),
                ],
                told(Some(Method::GET), "app.example.com", Some("/a?b")),
            ),
            (
                &[("x-forwarded-host", "app.example.com:8443"), ("x-forwarded-uri", "/")],
                told(None, "app.example.com:8443", Some("/")),
            ),
            (&[("x-original-url", "https://a.example?b")], told(None, "a.example", Some("/?b"))),
            (&[("x-forwarded-uri", "")], told(None, "gate.example.com", None)),
            (&[("x-forwarded-uri", "/ü")], told(None, "gate.example.com", Some("/ü"))),
        ] {
            assert_eq!(read(fields, true), expected, "{fields:?}");
        }
    }

    #[test]
    fn c38_only_listed_peers_tell_and_only_one_thing() {
        use BadTold::{Differing, Malformed, Twice, Unlisted};
        for (fields, trusted, bad) in [
            (&[("x-forwarded-uri", "/a")][..], false, Unlisted("x-forwarded-uri")),
            (&[("x-forwarded-method", "GET")], false, Unlisted("x-forwarded-method")),
            (&[("x-original-url", "https://a/")], false, Unlisted("x-original-url")),
            (&[("x-envoy-original-path", "/a")], false, Unlisted("x-envoy-original-path")),
            (
                &[("x-forwarded-uri", "/a"), ("x-forwarded-uri", "/a")],
                true,
                Twice("x-forwarded-uri"),
            ),
            (
                &[("x-forwarded-uri", "/a"), ("x-original-uri", "/b")],
                true,
                Differing("x-original-uri"),
            ),
            (
                &[("x-forwarded-uri", "/public"), ("x-original-url", "https://a/admin")],
                true,
                Differing("x-original-url"),
            ),
            (
                &[("x-forwarded-host", "b.example"), ("x-original-url", "https://a.example/")],
                true,
                Differing("x-original-url"),
            ),
            (
                &[("x-forwarded-method", "GET"), ("x-original-method", "POST")],
                true,
                Differing("x-original-method"),
            ),
            (&[("x-forwarded-host", "a, b")], true, Malformed("x-forwarded-host")),
            (&[("x-forwarded-host", "")], true, Malformed("x-forwarded-host")),
            (&[("x-forwarded-method", "G T")], true, Malformed("x-forwarded-method")),
            (&[("x-forwarded-method", "CONNECT")], true, Malformed("x-forwarded-method")),
            (&[("x-original-method", "TRACE")], true, Malformed("x-original-method")),
            (&[("x-original-url", "https://u@a/")], true, Malformed("x-original-url")),
            (&[("x-original-url", "/a")], true, Malformed("x-original-url")),
            (&[("x-forwarded-uri", "a")], true, Malformed("x-forwarded-uri")),
            (&[("x-forwarded-uri", "/a b")], true, Malformed("x-forwarded-uri")),
            (&[("x-forwarded-uri", "/public#/../admin")], true, Malformed("x-forwarded-uri")),
        ] {
            assert_eq!(read(fields, trusted), Err(bad), "{fields:?}");
        }
        assert!(read(&[("x-forwarded-host", "elsewhere.example")], false).is_ok(), "not read");
    }

    #[test]
    fn c38_two_hosts_of_visitors_are_one_too_many() {
        let read = |fields: &[(&'static str, &str)], is_visited| {
            let headers = fields.iter().map(|&(name, value)| {
                (http::HeaderName::from_static(name), value.parse().unwrap())
            });
            let host = Host::parse("app.example.com:8443").unwrap();
            let source = Source { listed: true, host: &host, is_visited, repeated: None };
            Told::read(&headers.collect(), source).map(|told| told.host.as_str().to_owned())
        };
        let other = ("x-forwarded-host", "open.example.com");
        assert_eq!(read(&[other], true), Err(BadTold::Differing("x-forwarded-host")));
        assert_eq!(read(&[other], false).as_deref(), Ok("open.example.com"), "Traefik");
        let same = ("x-forwarded-host", "app.example.com");
        assert_eq!(read(&[same], true).as_deref(), Ok("app.example.com"));
        // ingress-nginx asks at one host about all, and writes the address itself.
        let address = ("x-original-url", "https://open.example.com/");
        assert_eq!(read(&[address], true).as_deref(), Ok("open.example.com"));
        let uri = ("x-forwarded-uri", "/");
        assert_eq!(read(&[uri, address], true), Err(BadTold::Differing("x-original-url")));
        assert_eq!(read(&[uri, address], false).as_deref(), Ok("open.example.com"));
    }

    #[test]
    fn c38_what_is_repeated_is_told_as_well() {
        let repeated = Some((&Method::PUT, "/a?b"));
        let read = |fields, trusted| read_repeating(fields, trusted, repeated);
        assert_eq!(read(&[], true), told(Some(Method::PUT), "gate.example.com", Some("/a?b")));
        assert_eq!(read(&[], false), Err(BadTold::Unlisted("path")));
        let uri = [("x-forwarded-uri", "/public")];
        assert_eq!(read(&uri, true), Err(BadTold::Differing("x-forwarded-uri")));
        let method = [("x-forwarded-method", "GET")];
        assert_eq!(read(&method, true), Err(BadTold::Differing("x-forwarded-method")));
    }
}
