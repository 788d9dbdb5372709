//! Where a visitor may be sent: a return address that is proven to be ours or listed.
//!
//! 1. It is a path on our own origin (one `/`, then neither `/` nor `\`), or an absolute address
//!    of an origin of ours, or one that `allowed_redirects` names (C-1 to C-8).
//! 2. Its path passes the same table as the path of a request: no dot segments, no backslash, no
//!    control characters (C-3, C-9).
//! 3. It is no path of the gateway itself, but for the two pages at which a login may end, and no
//!    longer than [`MAX_LENGTH`] (C-10).
//!
//! What fails is never reflected; the visitor is sent to `/` instead.

use super::host::{Host, Origin, is_or_is_below, split_address};
use super::parked::ParkedId;
use super::path::RequestPath;

/// A proven return address, ready for a `Location` field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

/// Which addresses count as ours.
#[derive(Clone, Debug)]
pub struct ReturnRules {
    /// The prefix of the gateway's own paths, such as `/oauth2`.
    pub prefix: String,
    /// Every own path outside the prefix, such as a `redirect_path`.
    pub own_paths: Vec<String>,
    pub allowed: Vec<AllowedHost>,
}

/// One entry of `allowed_redirects`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    name: String,
    below: bool,
    port: AllowedPort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AllowedPort {
    Any,
    /// The scheme's own port.
    Default,
    Exactly(u16),
}

impl ReturnTo {
    /// The landing page.
    pub fn home() -> Self {
        Self(String::from("/"))
    }

    /// The host that it leads to, where it says one, and the path and query there.
    pub fn elsewhere(&self) -> Option<(Host, &str)> {
        let (_, authority, tail) = split_address(&self.0).filter(|_| !self.0.starts_with('/'))?;
        Some((Host::parse(authority)?, tail))
    }

    /// The address for `Location`: ASCII, without control characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ReturnRules {
    /// Judges a return address, decoded once from its query or form. `here` is the origin at
    /// which it was given: its absolute addresses become paths.
    pub fn judge(&self, address: &str, here: &Origin) -> Option<ReturnTo> {
        let sound = !address.is_empty()
            && address.len() <= MAX_LENGTH
            && !address.bytes().any(|byte| byte <= b' ' || byte == 0x7f);
        if !sound {
            return None;
        }
        if address.starts_with('/') {
            return self.own(address);
        }
        let (https, authority, tail) = split_address(address)?;
        // A name with a dot at its end is another origin to a browser (C-6).
        if authority.split(':').next().is_some_and(|name| name.ends_with('.')) {
            return None;
        }
        let target =
            Origin::parse(&format!("{}://{authority}", if https { "https" } else { "http" }))?;
        if target == *here {
            return if tail.starts_with('/') {
                self.own(tail)
            } else {
                self.own(&format!("/{tail}"))
            };
        }
        let allowed = self.allowed.iter().any(|entry| entry.allows(&target));
        let tail = if tail.is_empty() { "/" } else { tail };
        (allowed && is_plain_target(tail)).then(|| ReturnTo(to_ascii(&format!("{target}{tail}"))))
    }

    /// Whether a target is one of the gateway's own paths.
    pub fn is_own(&self, target: &str) -> bool {
        RequestPath::parse(path_of(target)).is_ok_and(|path| self.is_ours(&path))
    }

    /// The page that sends the form `id` on to an address at `path`.
    pub fn resume(&self, id: ParkedId, path: &str) -> ReturnTo {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("p", &id.to_text());
        // It only says whose people are taken there: one that would be dropped (C-10) says nothing.
        let at: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        if at.len() < MAX_LENGTH / 2 {
            query.append_pair("at", path);
        }
        ReturnTo(format!("{}{RESUME}?{}", self.prefix, query.finish()))
    }

    /// Whether an address is that page; then also the path that it sends to, where it is said.
    pub fn resumes(&self, address: &ReturnTo) -> Option<String> {
        let query = address.0.strip_prefix(self.prefix.as_str())?.strip_prefix(RESUME)?;
        let mut members = form_urlencoded::parse(query.strip_prefix('?')?.as_bytes());
        Some(members.find(|(name, _)| name == "at").map_or_else(String::new, |(_, at)| at.into()))
    }

    /// Whether a target is one of the own pages at which a login may end: they change nothing.
    fn is_landing(&self, target: &str) -> bool {
        let Some(page) = target.strip_prefix(self.prefix.as_str()) else { return false };
        let resume = page.strip_prefix(RESUME).and_then(|rest| rest.strip_prefix("?p="));
        let id = resume.map(|query| query.split('&').next().unwrap_or(query));
        page == DONE || id.is_some_and(|id| ParkedId::parse(id).is_some()) && !target.contains('#')
    }

    fn own(&self, target: &str) -> Option<ReturnTo> {
        if self.is_landing(target) {
            return Some(ReturnTo(to_ascii(target)));
        }
        let second = target.as_bytes().get(1);
        if matches!(second, Some(b'/' | b'\\')) || !is_plain_target(target) {
            return None;
        }
        let path = RequestPath::parse(path_of(target)).ok()?;
        (!self.is_ours(&path)).then(|| ReturnTo(to_ascii(target)))
    }

    fn is_ours(&self, path: &RequestPath<'_>) -> bool {
        let plain = path.plain();
        plain == self.prefix
            || plain.strip_prefix(self.prefix.as_str()).is_some_and(|rest| rest.starts_with('/'))
            || self.own_paths.iter().any(|own| own == plain)
    }
}

impl AllowedHost {
    /// Reads `app.example.com`, `.example.com` or `*.example.com` (both with the bare host),
    /// each with `:8443` or `:*` behind it.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, "*")) => (host, AllowedPort::Any),
            Some((host, port)) => (host, AllowedPort::Exactly(port.parse().ok()?)),
            None => (text, AllowedPort::Default),
        };
        let bare = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        let name = Host::parse(bare.unwrap_or(host)).filter(|name| name.port().is_none())?;
        Some(Self { name: name.name().to_owned(), below: bare.is_some(), port })
    }

    fn allows(&self, target: &Origin) -> bool {
        let name = target.host.name();
        let named = name == self.name || self.below && is_or_is_below(name, &self.name);
        let default = if target.https { 443 } else { 80 };
        named
            && match self.port {
                AllowedPort::Any => true,
                AllowedPort::Default => target.host.port().is_none(),
                AllowedPort::Exactly(port) => target.host.port().unwrap_or(default) == port,
            }
    }
}

fn is_plain_target(target: &str) -> bool {
    let path = path_of(target);
    path.is_empty() || RequestPath::parse(path).is_ok()
}

fn path_of(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or(target)
}

fn to_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii() {
            ascii.push(char::from(byte));
        } else {
            ascii.push_str(&format!("%{byte:02X}"));
        }
    }
    ascii
}

/// The page that sends on what was entered before a login.
const RESUME: &str = "/resume";
/// The page at which a login in a window of its own ends.
const DONE: &str = "/done";
/// Longer addresses are dropped (C-10).
pub const MAX_LENGTH: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allowed: &[&str]) -> ReturnRules {
        ReturnRules {
            prefix: String::from("/oauth2"),
            own_paths: vec![String::from("/callback")],
            allowed: allowed.iter().map(|text| AllowedHost::parse(text).unwrap()).collect(),
        }
    }

    fn here() -> Origin {
        Origin::parse("https://app.example.com").unwrap()
    }

    #[test]
    fn c1_to_c10_only_addresses_of_ours_are_kept() {
        let long = format!("/{}", "a".repeat(MAX_LENGTH));
        for (address, kept) in [
            ("/", Some("/")),
            ("/deep/link?a=1&b=//x#frag", Some("/deep/link?a=1&b=//x#frag")),
            ("/?next=https://evil.com", Some("/?next=https://evil.com")),
            ("/https://evil.com", Some("/https://evil.com")),
            ("/caf\u{e9}", Some("/caf%C3%A9")),
            ("/%2f%2fevil", Some("/%2f%2fevil")),
            ("https://app.example.com/x?y", Some("/x?y")),
            ("HTTPS://APP.example.com:443/x", Some("/x")),
            ("https://app.example.com", Some("/")),
            ("https://app.example.com?x", Some("/?x")),
            ("https://app.example.com//evil.com", None),
            ("http://app.example.com/x", None),
            ("//evil", None),
            ("///evil", None),
            ("/\\evil", None),
            ("\\\\evil", None),
            ("/a\\evil", None),
            ("/\t/evil", None),
            ("/ /evil", None),
            ("/a\r\nb", None),
            ("/%0a/evil", None),
            (" /x", None),
            ("", None),
            (".", None),
            ("?x", None),
            ("#x", None),
            ("x:y", None),
            ("https:evil", None),
            ("http:/evil", None),
            ("javascript:alert(1)", None),
            ("https://app.example.com@evil.com", None),
            ("https://evil.com\\@app.example.com", None),
            ("https://evil.com", None),
            ("https://app.example.com.evil.com/", None),
            ("https://app.example.com./", None),
            ("https://evil\u{3002}com", None),
            ("/..//evil", None),
            ("/a/../..//evil", None),
            ("/./\\evil", None),
            ("/oauth2/callback?code=1", None),
            ("/oauth2", None),
            ("/oauth2x", Some("/oauth2x")),
            ("/callback", None),
            (&long, None),
        ] {
            let seen = rules(&[]).judge(address, &here());
            assert_eq!(seen.as_ref().map(ReturnTo::as_str), kept, "{address}");
        }
    }

    #[test]
    fn c6_listed_hosts_are_matched_on_label_boundaries_and_ports() {
        let rules = rules(&["foo.bar", ".bar.foo", "port.bar:8080", "*.any.bar:*"]);
        for (address, kept) in [
            ("http://foo.bar/x", true),
            ("https://foo.bar/x", true),
            ("https://foo.bar:443/x", true),
            ("https://a.foo.bar/x", false),
            ("https://foo.bar:3838/x", false),
            ("https://bar.foo", true),
            ("https://a.b.bar.foo", true),
            ("https://evilbar.foo", false),
            ("http://port.bar:8080/", true),
            ("http://port.bar/", false),
            ("http://x.any.bar:1/", true),
            ("http://any.bar/", true),
            ("http://foo.bar.evil.corp/", false),
            ("http://evil.corp/?rd=foo.bar", false),
            ("http://user@foo.bar/", false),
            ("ftp://foo.bar/", false),
            ("http://foo.bar/../x", false),
        ] {
            assert_eq!(rules.judge(address, &here()).is_some(), kept, "{address}");
        }
    }

    #[test]
    fn c10_of_our_own_pages_only_those_are_kept_at_which_a_login_ends() {
        let id = "00112233445566778899aabbccddeeff";
        for (address, kept) in [
            (String::from("/oauth2/done"), true),
            (format!("/oauth2/resume?p={id}"), true),
            (format!("/oauth2/resume?p={id}&at=%2Fform"), true),
            (format!("https://app.example.com/oauth2/resume?p={id}"), true),
            (String::from("/oauth2/done?x"), false),
            (String::from("/oauth2/done/"), false),
            (String::from("/oauth2/resume"), false),
            (String::from("/oauth2/resume?p="), false),
            (format!("/oauth2/resume?p={id}0"), false),
            (format!("/oauth2/resume?p={id}#x"), false),
            (format!("/oauth2/resume/../start?p={id}"), false),
            (format!("/oauth2/sign_out?p={id}"), false),
        ] {
            assert_eq!(rules(&[]).judge(&address, &here()).is_some(), kept, "{address}");
        }
    }

    #[test]
    fn the_page_that_sends_a_form_on_says_where_to() {
        let id = ParkedId::parse("00112233445566778899aabbccddeeff").unwrap();
        let rules = rules(&[]);
        for (path, told) in [("/form/%20?", "/form/%20?"), (&*"/\u{e9}".repeat(1000), "")] {
            let address = rules.resume(id, path);
            assert_eq!(rules.judge(address.as_str(), &here()), Some(address.clone()));
            assert_eq!(rules.resumes(&address).as_deref(), Some(told));
        }
        assert_eq!(rules.resumes(&ReturnTo::home()), None);
    }

    proptest::proptest! {
        #[test]
        fn a_browser_never_leaves_our_origin(address in "[/\\\\.:a-z%0-9@?#\t ]{0,24}") {
            if let Some(kept) = rules(&[]).judge(&address, &here()) {
                let base = url::Url::parse("https://app.example.com/start").unwrap();
                let landed = base.join(kept.as_str()).unwrap();
                proptest::prop_assert_eq!(landed.origin(), base.origin());
            }
        }
    }
}
