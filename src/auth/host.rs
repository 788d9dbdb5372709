//! Hosts and origins, parsed strictly: what a `Host` field, a route or an address may name.

use std::fmt;

/// A host name or address literal, lower-case, with the port that was written (RFC 3986 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    text: String,
    name_length: usize,
}

/// An origin: scheme, host and port (RFC 6454), without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub https: bool,
    pub host: Host,
}

/// Which hosts something is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    Exact(String),
    /// `*.example.com`: every name below, at any depth, not the name itself.
    Below(String),
}

impl Host {
    /// Reads `name`, `name:port`, `[address]` or `[address]:port`. User information, an empty
    /// name, characters outside host names and bad ports are refused (C-63); one trailing dot
    /// of a fully qualified name is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, port) = split_port(text)?;
        let mut name = name.to_ascii_lowercase();
        if name.ends_with('.') {
            name.pop();
        }
        if !is_name(&name) || name.len() > 253 {
            return None;
        }
        let name_length = name.len();
        if let Some(port) = port {
            name.push(':');
            name.push_str(&port.to_string());
        }
        Some(Self { text: name, name_length })
    }

    /// The host without its port.
    pub fn name(&self) -> &str {
        &self.text[..self.name_length]
    }

    /// The port that was written.
    pub fn port(&self) -> Option<u16> {
        self.text.get(self.name_length + 1..)?.parse().ok()
    }

    /// Host and port as they stand in a URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is a loopback host, where plain HTTP is safe.
    pub fn is_loopback(&self) -> bool {
        let name = self.name().trim_matches(['[', ']']);
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl Origin {
    /// Reads `http://host[:port]` or `https://host[:port]`, with at most one slash behind it.
    pub fn parse(text: &str) -> Option<Self> {
        let (https, rest) = split_scheme(text)?;
        let mut host = Host::parse(rest.strip_suffix('/').unwrap_or(rest))?;
        if host.port() == Some(if https { 443 } else { 80 }) {
            host.text.truncate(host.name_length);
        }
        Some(Self { https, host })
    }

    /// `https` or `http`.
    pub const fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.host.as_str())
    }
}

impl HostPattern {
    /// Reads `name` or `*.name`; a route's host has no port.
    pub fn parse(text: &str) -> Option<Self> {
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let host = Host::parse(name).filter(|host| host.port().is_none())?;
        let name = host.name().to_owned();
        Some(if below { Self::Below(name) } else { Self::Exact(name) })
    }

    /// Whether a host's name matches, on label boundaries (C-6).
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Below(parent) => name
                .strip_suffix(parent.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    }
}

/// Whether a name is `parent` or lies below it, on label boundaries (C-6).
pub fn is_or_is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Splits `http://` or `https://` off, in any case.
pub fn split_scheme(text: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    if scheme.eq_ignore_ascii_case("https") {
        Some((true, rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Some((false, rest))
    } else {
        None
    }
}

/// Splits an absolute address: whether it is `https`, its authority, and what stands behind that. A
/// browser takes `\` for `/`.
pub fn split_address(text: &str) -> Option<(bool, &str, &str)> {
    let (https, rest) = split_scheme(text)?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    Some((https, authority, tail))
}

fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (name, rest) = text.split_at(end);
    let Some(port) = rest.strip_prefix(':') else {
        return rest.is_empty().then_some((name, None));
    };
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.then(|| port.parse::<u16>().ok())?.filter(|&port| port != 0)?;
    Some((name, Some(port)))
}

fn is_name(name: &str) -> bool {
    if let Some(address) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    !name.is_empty() && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c63_a_host_is_well_formed_or_refused() {
        for (text, read) in [
            ("app.example.com", Some("app.example.com")),
            ("APP.example.com:8080", Some("app.example.com:8080")),
            ("app.example.com.", Some("app.example.com")),
            ("[::1]:4180", Some("[::1]:4180")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("", None),
            (":80", None),
            ("a@b", None),
            ("a:b", None),
            ("a:", None),
            ("a:0", None),
            ("a:65536", None),
            ("a:+80", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[zz]", None),
            ("a..b", None),
            ("a b", None),
            ("a/b", None),
            ("ä.example", None),
            ("a,b", None),
            (&"a".repeat(64), None),
            (&"a.".repeat(128), None),
        ] {
            assert_eq!(Host::parse(text).as_ref().map(Host::as_str), read, "{text}");
        }
    }

    #[test]
    fn an_origin_has_no_path_and_loses_its_default_port() {
        for (text, read) in [
            ("https://app.example.com", Some("https://app.example.com")),
            ("HTTPS://app.example.com:443/", Some("https://app.example.com")),
            ("http://localhost:4180", Some("http://localhost:4180")),
            ("https://app.example.com/path", None),
            ("https://user@app.example.com", None),
            ("ftp://app.example.com", None),
            ("app.example.com", None),
        ] {
            let origin = Origin::parse(text).map(|origin| origin.to_string());
            assert_eq!(origin.as_deref(), read, "{text}");
        }
    }

    #[test]
    fn a_wildcard_matches_below_its_name_and_not_beside_it() {
        let pattern = HostPattern::parse("*.example.com").unwrap();
        for (name, yes) in [
            ("a.example.com", true),
            ("a.b.example.com", true),
            ("example.com", false),
            ("evilexample.com", false),
            (".example.com", false),
            ("example.com.evil", false),
        ] {
            assert_eq!(pattern.matches(name), yes, "{name}");
        }
        assert_eq!(HostPattern::parse("example.com:80"), None);
        assert_eq!(HostPattern::parse("*"), None);
    }
}
