//! E-mail domains (C-90).

use crate::auth::host::Host;

/// The domain of an e-mail address, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// Reads `example.com`; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let host = Host::parse(text).filter(|host| host.port().is_none());
        match host {
            Some(host) if text.contains('.') && !text.starts_with('[') => {
                Ok(Self(host.name().to_owned()))
            }
            _ => Err(format!(
                "{text:?} is no domain; write what stands behind the @, such as \"example.com\"; subdomains are named each"
            )),
        }
    }

    /// Whether an address is of this very domain: exactly one `@`, a plain local part, the same
    /// domain but for ASCII case. Whatever else could be read in two ways is of none.
    pub fn has(&self, address: &str) -> bool {
        let Some((local, domain)) = address.split_once('@') else { return false };
        is_plain(local) && domain.eq_ignore_ascii_case(&self.0)
    }
}

/// No quotes, comments, routes or spaces (RFC 5322 3.4.1): mail programs read past them.
fn is_plain(local: &str) -> bool {
    let odd = |character: char| {
        character.is_control() || character.is_whitespace() || "\"(),:;<>@[\\]".contains(character)
    };
    !local.is_empty() && !local.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c90_an_address_is_of_one_domain_or_of_none() {
        let domain = EmailDomain::parse("Example.com").unwrap();
        for (address, fits) in [
            ("a@example.com", true),
            ("A@EXAMPLE.COM", true),
            ("first.last+tag@example.com", true),
            ("ä@example.com", true),
            ("a@evil@example.com", false),
            ("a@example.com@evil", false),
            ("a@example.com.evil", false),
            ("a@evil-example.com", false),
            ("a@sub.example.com", false),
            ("a@example.com.", false),
            ("a@ example.com", false),
            ("a@example.com ", false),
            ("\"a@x\"@example.com", false),
            ("\"a\"@example.com", false),
            ("a b@example.com", false),
            ("<a@example.com", false),
            ("a(x)@example.com", false),
            ("a\u{0}@example.com", false),
            ("a@example\u{3002}com", false),
            ("a@example\u{ff0e}com", false),
            ("a@\u{ff45}xample.com", false),
            ("a@exam\u{212a}ple.com", false),
            ("@example.com", false),
            ("example.com", false),
            ("a@", false),
            ("", false),
        ] {
            assert_eq!(domain.has(address), fits, "{address:?}");
        }
    }

    #[test]
    fn c90_a_rule_names_a_whole_domain() {
        for text in
            ["", "com", "@example.com", "*.example.com", ".example.com", "a@b.c", "b.c:1", "[::1]"]
        {
            assert!(EmailDomain::parse(text).is_err(), "{text}");
        }
    }
}
