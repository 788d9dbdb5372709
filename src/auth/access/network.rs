//! Networks of visitors.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// A network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or an address; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let network = network.map_err(|_| {
            format!("{text:?} is no network; write \"10.0.0.0/8\", \"2001:db8::/32\" or an address")
        })?;
        if network.addr() != network.network() {
            return Err(format!(
                "{text:?} has bits behind its prefix; is {} meant?",
                network.trunc()
            ));
        }
        Ok(Self(as_ipv4(network).unwrap_or(network)))
    }

    /// Whether an address is in it; an IPv4 address in IPv6 clothes is the IPv4 address (C-126).
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether it is every address of its kind.
    pub fn is_everything(&self) -> bool {
        self.0.prefix_len() == 0
    }
}

/// A network of addresses in IPv6 clothes (RFC 4291 2.5.5.2) as what they are.
fn as_ipv4(network: IpNet) -> Option<IpNet> {
    let IpNet::V6(network) = network else { return None };
    let address = network.addr().to_ipv4_mapped()?;
    let prefix = network.prefix_len().checked_sub(96)?;
    Ipv4Net::new(address, prefix).ok().map(IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_in_whatever_clothes() {
        for (network, address, is_in) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::a01:203", false),
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.8", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "11.1.2.3", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("0.0.0.0/0", "203.0.113.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "203.0.113.1", false),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.has(address.parse().unwrap()), is_in, "{network:?} {address}");
        }
    }

    #[test]
    fn a_network_says_what_it_means() {
        for text in ["", "10.0.0.0/33", "10.0.0", "everyone", "10.1.2.3/8", "2001:db8::1/32"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }
}
