//! Whom we believe about where a request came from (RFC 7239; S61, S62).
//!
//! Trust is by the address of the direct peer, and nobody is trusted unless listed. A listed
//! proxy's `X-Forwarded-*` are read, each by its grammar and only as a single value; everybody
//! else's are removed unread.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

use super::headers::once;
use super::host::Host;

/// The direct peer of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Address(IpAddr),
    Unix,
}

/// The proxies whose word counts; none by default.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    unix: bool,
}

/// How a request reached the outermost proxy that is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// The visitor's address; none behind a Unix socket that said nothing.
    pub client: Option<IpAddr>,
    /// What came in `X-Forwarded-For` from a trusted peer, to be continued.
    pub chain: Option<String>,
    pub host: Option<Host>,
    pub https: Option<bool>,
    /// Whether the peer is listed.
    pub listed: bool,
}

impl Peer {
    /// The peer at an address; an IPv4 address in IPv6 clothes is the IPv4 address (C-126).
    pub fn at(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }

    /// Its address; a Unix socket has none.
    pub const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Unix => None,
        }
    }
}

impl TrustedProxies {
    /// Adds an entry: an address, a network, or `unix`.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        if text == "unix" {
            self.unix = true;
            return Ok(());
        }
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        self.networks.push(network.map_err(|_| {
            format!("{text:?} is no address; write \"10.0.0.7\", \"10.0.0.0/8\" or \"unix\"")
        })?);
        Ok(())
    }

    /// Whether a peer's word counts.
    pub fn trusts(&self, peer: Peer) -> bool {
        match peer {
            Peer::Address(address) => {
                self.networks.iter().any(|network| network.contains(&address))
            }
            Peer::Unix => self.unix,
        }
    }

    /// Reads how a request came: from the peer itself, or from what a trusted peer says.
    pub fn read(&self, peer: Peer, headers: &HeaderMap) -> Forwarded {
        let direct = peer.address();
        if !self.trusts(peer) {
            return Forwarded { client: direct, ..Forwarded::default() };
        }
        let (chain, _) = chain(headers);
        let https = match once(headers, "x-forwarded-proto") {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => Some(true),
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => Some(false),
            _ => None,
        };
        Forwarded {
            client: self.outermost(&chain).or(direct),
            chain: (!chain.is_empty()).then(|| chain.join(", ")),
            host: once(headers, "x-forwarded-host").and_then(Host::parse),
            https,
            listed: true,
        }
    }

    /// Whom a listed peer asks about: the address that it tells for sure. The proxy's own address
    /// is not the visitor's, and one that writes only `X-Real-IP` leaves `X-Forwarded-For` to
    /// visitors.
    pub fn asked_about(&self, peer: Peer, headers: &HeaderMap) -> Option<IpAddr> {
        let (chain, is_whole) = chain(headers);
        if !is_whole || !self.trusts(peer) {
            return None;
        }
        let client = self.outermost(&chain)?;
        let mut real = headers.get_all("x-real-ip").iter();
        let agrees = |value: &http::HeaderValue| {
            let real = value.to_str().ok().and_then(|text| text.trim().parse::<IpAddr>().ok());
            let real = real.map(|real| real.to_canonical());
            // A listed one only says who stood before the proxy.
            real.is_some_and(|real| real == client || self.trusts(Peer::Address(real)))
        };
        real.all(agrees).then_some(client)
    }

    /// The right-most address that is no trusted proxy: what stands left of it, anyone could
    /// have written.
    fn outermost(&self, chain: &[&str]) -> Option<IpAddr> {
        let mut last = None;
        for entry in chain.iter().rev() {
            let address = entry.trim_matches(['[', ']']).parse::<IpAddr>().ok()?.to_canonical();
            last = Some(address);
            if !self.trusts(Peer::Address(address)) {
                break;
            }
        }
        last
    }
}

/// The entries of `X-Forwarded-For`, and whether every line of it could be read.
fn chain(headers: &HeaderMap) -> (Vec<&str>, bool) {
    let mut entries = Vec::new();
    let mut is_whole = true;
    for line in headers.get_all("x-forwarded-for") {
        match line.to_str() {
            Ok(line) => entries.extend(line.split(',').map(str::trim)),
            Err(_) => is_whole = false,
        }
    }
    entries.retain(|entry| !entry.is_empty());
    (entries, is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> TrustedProxies {
        let mut proxies = TrustedProxies::default();
        for entry in ["10.0.0.0/8", "::1", "unix"] {
            proxies.add(entry).unwrap();
        }
        proxies
    }

    fn read(peer: &str, fields: &[(&'static str, &str)]) -> Forwarded {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        proxies().read(Peer::at(peer.parse().unwrap()), &headers)
    }

    #[test]
    fn an_unlisted_peer_says_nothing() {
        let said = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")];
        let forwarded = read("192.0.2.1", &said);
        assert_eq!(forwarded.client, Some("192.0.2.1".parse().unwrap()));
        assert_eq!((forwarded.chain, forwarded.https), (None, None));
    }

    #[test]
    fn the_right_most_untrusted_address_is_the_visitor() {
        for (chain, client) in [
            ("1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4, 10.0.0.9", "1.2.3.4"),
            ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
            ("1.2.3.4, nonsense", "10.1.1.1"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
        ] {
            let forwarded = read("::ffff:10.1.1.1", &[("x-forwarded-for", chain)]);
            assert_eq!(forwarded.client, Some(client.parse().unwrap()), "{chain}");
        }
    }

    #[test]
    fn c38_a_visitor_s_address_is_told_for_sure_or_not_at_all() {
        for (fields, client) in [
            (&[("x-forwarded-for", "1.2.3.4")][..], Some("1.2.3.4")),
            (&[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.9")], Some("1.2.3.4")),
            (&[("x-forwarded-for", "1.2.3.4"), ("x-real-ip", "1.2.3.4")], Some("1.2.3.4")),
            (&[("x-forwarded-for", "10.0.0.1"), ("x-real-ip", "1.2.3.4")], None),
            (
                &[("x-forwarded-for", "1.2.3.4, 10.0.0.9"), ("x-real-ip", "10.0.0.9")],
                Some("1.2.3.4"),
            ),
            (&[("x-forwarded-for", "1.2.3.4, nonsense")], None),
            (&[("x-forwarded-for", "")], None),
            (&[("x-real-ip", "1.2.3.4")], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, value.parse().unwrap());
            }
            let told =
                |peer: &str| proxies().asked_about(Peer::at(peer.parse().unwrap()), &headers);
            assert_eq!(
                told("10.1.1.1"),
                client.map(|client| client.parse().unwrap()),
                "{fields:?}"
            );
            assert_eq!(told("192.0.2.1"), None);
        }
    }

    #[test]
    fn s62_each_word_is_read_by_its_grammar_and_only_once() {
        let forwarded =
            read("10.1.1.1", &[("x-forwarded-host", "a, b"), ("x-forwarded-proto", "ws")]);
        assert_eq!((forwarded.host, forwarded.https), (None, None));
        let twice = [("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")];
        assert_eq!(read("10.1.1.1", &twice).https, None);
        let once = read(
            "10.1.1.1",
            &[("x-forwarded-host", "A.example:8080"), ("x-forwarded-proto", "HTTPS")],
        );
        assert_eq!(once.host.unwrap().as_str(), "a.example:8080");
        assert_eq!(once.https, Some(true));
    }

    #[test]
    fn an_entry_is_an_address_a_network_or_unix() {
        assert!(proxies().trusts(Peer::Unix));
        assert!(!TrustedProxies::default().trusts(Peer::Unix));
        for bad in ["", "localhost", "10.0.0.0/33", "*"] {
            assert!(TrustedProxies::default().add(bad).is_err(), "{bad}");
        }
    }
}
