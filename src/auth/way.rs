//! How a request's path and host are said to the app.
//!
//! What is matched and what is forwarded must not differ in meaning, so a prefix is taken off the
//! bytes that came only where those bytes are surely that prefix: segment by segment, each of
//! which decodes to the prefix's own.

use std::fmt::Write as _;

use http::HeaderValue;

use super::path::BadPath;

/// How a request's path and host are said to the app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppWay(Option<Box<Changes>>);

/// What is said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Changes {
    strip: Option<Prefix>,
    /// Escaped where need be.
    add: String,
    /// In the place of the host that was asked for.
    host: Option<HeaderValue>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Prefix {
    /// Decoded, with a slash before and none behind.
    text: String,
    /// As the app is told it.
    stated: HeaderValue,
}

impl AppWay {
    /// Takes `strip` off paths, puts `add` before them, and says `host`. Both prefixes are plain
    /// paths (see [`super::path`]); none where one of the values can't stand in a field.
    pub fn new(strip: Option<&str>, add: Option<&str>, host: Option<&str>) -> Option<Self> {
        let strip = match strip.map(|text| text.trim_end_matches('/')) {
            Some(text) if !text.is_empty() => {
                let stated = HeaderValue::try_from(escaped(text)).ok()?;
                Some(Prefix { text: text.to_owned(), stated })
            }
            _ => None,
        };
        let add = escaped(add.unwrap_or_default().trim_end_matches('/'));
        let host = host.map(HeaderValue::try_from).transpose().ok()?;
        let changes = Changes { strip, add, host };
        let none = changes.strip.is_none() && changes.add.is_empty() && changes.host.is_none();
        Some(Self((!none).then(|| Box::new(changes))))
    }

    /// Whether the app is told what was asked for.
    pub fn is_plain(&self) -> bool {
        self.0.is_none()
    }

    /// The host to say; none: the one that was asked for.
    pub fn host(&self) -> Option<&HeaderValue> {
        self.0.as_ref()?.host.as_ref()
    }

    /// What is taken off, for `X-Forwarded-Prefix`.
    pub fn stripped(&self) -> Option<&HeaderValue> {
        Some(&self.0.as_ref()?.strip.as_ref()?.stated)
    }

    /// The path for the app; none: as it came. `raw` is a path that [`super::path`] has read; one
    /// that does not surely begin with the prefix is refused.
    pub fn path(&self, raw: &str) -> Result<Option<String>, BadPath> {
        let Some(changes) = &self.0 else { return Ok(None) };
        let rest = match &changes.strip {
            Some(prefix) => without(raw, &prefix.text).ok_or(BadPath::Prefix)?,
            None if changes.add.is_empty() => return Ok(None),
            None => raw,
        };
        let path = format!("{}{rest}", changes.add);
        Ok(Some(if path.is_empty() { String::from("/") } else { path }))
    }
}

/// Whether every path that begins with `literal`, as a whole or up to a slash, has a prefix.
pub fn is_prefix_of(prefix: &str, literal: &str) -> bool {
    let rest = literal.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A raw path without a prefix. Of a path that goes on with several slashes one is left: `//x`
/// alone is another site's address to who makes links of it.
fn without<'a>(raw: &'a str, prefix: &str) -> Option<&'a str> {
    let mut rest = raw;
    for segment in prefix.split('/').skip(1) {
        // Slashes that matching has merged.
        rest = rest.strip_prefix('/')?.trim_start_matches('/');
        let end = rest.find('/').unwrap_or(rest.len());
        if !decodes_to(&rest[..end], segment) {
            return None;
        }
        rest = &rest[end..];
    }
    let slashes = rest.len() - rest.trim_start_matches('/').len();
    Some(&rest[slashes.saturating_sub(1)..])
}

fn decodes_to(raw: &str, text: &str) -> bool {
    let mut bytes = raw.bytes();
    let mut decoded = std::iter::from_fn(|| match bytes.next()? {
        b'%' => {
            let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            Some((high * 16 + low) as u8)
        }
        byte => Some(byte),
    });
    text.bytes().all(|byte| decoded.next() == Some(byte)) && decoded.next().is_none()
}

fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~!$&'()*+,=:@".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::path::RequestPath;

    fn way(strip: &str, add: &str) -> AppWay {
        AppWay::new(Some(strip), Some(add), None).unwrap()
    }

    #[test]
    fn a_prefix_is_taken_off_what_surely_is_that_prefix() {
        for (strip, add, raw, path) in [
            ("/wiki", "", "/wiki/x", Ok(Some("/x"))),
            ("/wiki/", "", "/wiki", Ok(Some("/"))),
            ("/wiki", "", "/wiki/", Ok(Some("/"))),
            ("/wiki", "", "/%77iki/x", Ok(Some("/x"))),
            ("/wiki", "", "/wik%69", Ok(Some("/"))),
            ("/wiki", "", "/wiki/a%2Fb;c/%2e", Ok(Some("/a%2Fb;c/%2e"))),
            ("/wiki", "", "//wiki/x", Ok(Some("/x"))),
            ("/wiki", "", "/wiki//evil.example/x", Ok(Some("/evil.example/x"))),
            ("/a b/c\u{e9}", "", "/a%20b///c%C3%A9/d", Ok(Some("/d"))),
            ("/wiki", "", "/wikipedia", Err(BadPath::Prefix)),
            ("/wiki", "", "/wiki;x=1/page", Err(BadPath::Prefix)),
            ("/wiki", "", "/wiki%2Fx", Err(BadPath::Prefix)),
            ("/wiki", "", "/WIKI/x", Err(BadPath::Prefix)),
            ("/wiki", "/app", "/wiki", Ok(Some("/app"))),
            ("/wiki", "/app/", "/wiki/", Ok(Some("/app/"))),
            ("/", "/app", "//x", Ok(Some("/app//x"))),
            ("", "/a b", "/x", Ok(Some("/a%20b/x"))),
            ("", "", "/x", Ok(None)),
        ] {
            let said = way(strip, add).path(raw);
            assert_eq!(
                said.as_ref().map(Option::as_deref),
                path.as_ref().map(|path| *path),
                "{raw}"
            );
        }
    }

    #[test]
    fn what_is_plain_costs_nothing_and_the_rest_is_stated() {
        assert!(way("", "/").is_plain());
        let way = AppWay::new(Some("/caf\u{e9}"), None, Some("app.internal:8080")).unwrap();
        assert_eq!(way.stripped().unwrap(), "/caf%C3%A9");
        assert_eq!(way.host().unwrap(), "app.internal:8080");
    }

    #[test]
    fn a_prefix_of_all_paths_that_begin_so() {
        for (prefix, literal, is) in [
            ("/wiki", "/wiki", true),
            ("/wiki", "/wiki/x", true),
            ("/wiki", "/wikis", false),
            ("/wiki", "", false),
            ("/wiki/x", "/wiki", false),
        ] {
            assert_eq!(is_prefix_of(prefix, literal), is, "{prefix} {literal}");
        }
    }

    proptest::proptest! {
        /// What the app is asked for means what was matched, without the prefix.
        #[test]
        fn what_is_forwarded_means_what_was_matched(raw in "/(wiki|%77iki|/wiki)[a-z/;%.]{0,12}") {
            let read = RequestPath::parse(&raw);
            if let (Ok(path), Ok(Some(said))) = (&read, way("/wiki", "").path(&raw)) {
                let told = RequestPath::parse(&said).unwrap();
                proptest::prop_assert!(!said.starts_with("//"));
                let whole = format!("/wiki{}", told.plain());
                let same = whole == path.plain() || path.plain() == "/wiki" && told.plain() == "/";
                proptest::prop_assert!(same, "{raw} {said}");
            }
        }
    }
}
