//! The path of a request: what is matched and what is forwarded never differ in meaning.
//!
//! Forwarded are the bytes that came. Matched is one decoded form, by this table:
//!
//! | in the path | matching |
//! |---|---|
//! | dot segments, `\`, control characters (each raw or encoded), invalid escapes, bytes that are no UTF-8 | refused |
//! | `%2F %5C %23 %3F %3B %25` | opaque characters of their segment; never public |
//! | empty segments | merged; never public |
//! | `;parameters` | judged with them and without them; never public |
//! | every other escape | decoded once |

use std::borrow::Cow;

/// A path that was parsed once and means one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath<'a> {
    plain: Cow<'a, str>,
    with_parameters: Option<String>,
    never_public: bool,
}

/// Why a path is refused; the visitor gets 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPath {
    Backslash,
    ControlCharacter,
    DotSegment,
    Escape,
    NoSlash,
    NotText,
    /// It is written so that the prefix of its route can't surely be taken off.
    Prefix,
}

impl<'a> RequestPath<'a> {
    /// Reads the path of a request target, without its query.
    pub fn parse(raw: &'a str) -> Result<Self, BadPath> {
        if !raw.starts_with('/') {
            return Err(BadPath::NoSlash);
        }
        if is_ordinary(raw) {
            return Ok(Self {
                plain: Cow::Borrowed(raw),
                with_parameters: None,
                never_public: false,
            });
        }
        let decoded = decode(raw)?;
        let (merged, had_empty) = merge(&decoded.text);
        let plain = without_parameters(&merged);
        for form in [&merged, &plain] {
            if form.split('/').any(|segment| segment == "." || segment == "..") {
                return Err(BadPath::DotSegment);
            }
        }
        // Taking parameters away can empty a segment (`/a/;x/b`), and only then is this longer.
        let (plain, _) = merge(&plain);
        let parameters = plain != merged;
        Ok(Self {
            never_public: decoded.opaque || had_empty || parameters,
            with_parameters: parameters.then_some(merged),
            plain: Cow::Owned(plain),
        })
    }

    /// The form that chooses the route.
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// The form with `;parameters`, when there are any: the rule found with it counts too.
    pub fn with_parameters(&self) -> Option<&str> {
        self.with_parameters.as_deref()
    }

    /// Whether the path is written so that a `public` rule must not hold for it.
    pub fn never_public(&self) -> bool {
        self.never_public
    }
}

struct Decoded {
    text: String,
    opaque: bool,
}

/// The fast way for almost every request: nothing to decode, merge or refuse.
fn is_ordinary(raw: &str) -> bool {
    let mut previous = 0;
    for byte in raw.bytes() {
        let ordinary = byte.is_ascii_alphanumeric() || b"/-_.~!$&'()*+,=:@".contains(&byte);
        if !ordinary || (previous == b'/' && (byte == b'/' || byte == b'.')) {
            return false;
        }
        previous = byte;
    }
    true
}

fn decode(raw: &str) -> Result<Decoded, BadPath> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut opaque = false;
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => return Err(BadPath::Backslash),
            0..=b' ' | 0x7f => return Err(BadPath::ControlCharacter),
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(BadPath::Escape);
                };
                let value = (high * 16 + low) as u8;
                match value {
                    0..0x20 | 0x7f => return Err(BadPath::ControlCharacter),
                    b'/' | b'\\' | b'#' | b'?' | b';' | b'%' => {
                        opaque = true;
                        bytes.extend_from_slice(format!("%{value:02X}").as_bytes());
                    }
                    _ => bytes.push(value),
                }
            }
            other => bytes.push(other),
        }
    }
    // Overlong forms are no UTF-8 and end here too (C-46).
    let text = String::from_utf8(bytes).map_err(|_| BadPath::NotText)?;
    if text.chars().any(char::is_control) {
        return Err(BadPath::ControlCharacter);
    }
    Ok(Decoded { text, opaque })
}

/// Merges runs of slashes; tells whether there were any.
fn merge(path: &str) -> (String, bool) {
    let mut merged = String::with_capacity(path.len());
    let mut had_empty = false;
    for character in path.chars() {
        if character == '/' && merged.ends_with('/') {
            had_empty = true;
        } else {
            merged.push(character);
        }
    }
    (merged, had_empty)
}

fn without_parameters(path: &str) -> String {
    let bare: Vec<&str> =
        path.split('/').map(|segment| segment.split(';').next().unwrap_or(segment)).collect();
    bare.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c41_to_c46_a_path_means_one_thing_or_is_refused() {
        use BadPath::*;
        for (raw, read) in [
            ("/", Ok(("/", false))),
            ("/a/b.c/~d", Ok(("/a/b.c/~d", false))),
            ("/%70ublic", Ok(("/public", false))),
            ("/a%20b", Ok(("/a b", false))),
            ("/caf%C3%A9", Ok(("/café", false))),
            ("/a%40b%2Bc", Ok(("/a@b+c", false))),
            ("/...", Ok(("/...", false))),
            ("/.well-known/x", Ok(("/.well-known/x", false))),
            ("/a%2fb", Ok(("/a%2Fb", true))),
            ("/a%5Cb", Ok(("/a%5Cb", true))),
            ("/foo/secret%23/bar", Ok(("/foo/secret%23/bar", true))),
            ("/%252e%252e/x", Ok(("/%252e%252e/x", true))),
            ("/a%3Fb", Ok(("/a%3Fb", true))),
            ("/a%3bb", Ok(("/a%3Bb", true))),
            ("//public", Ok(("/public", true))),
            ("/a///b/", Ok(("/a/b/", true))),
            ("/admin;.css", Ok(("/admin", true))),
            ("/a;x=1/b;y", Ok(("/a/b", true))),
            ("/a/;x/b", Ok(("/a/b", true))),
            ("/a/../b", Err(DotSegment)),
            ("/a/./b", Err(DotSegment)),
            ("/..", Err(DotSegment)),
            ("/.", Err(DotSegment)),
            ("/a/%2e%2e/b", Err(DotSegment)),
            ("/a/.%2E/b", Err(DotSegment)),
            ("/a/..;x/b", Err(DotSegment)),
            ("/admin/.;/", Err(DotSegment)),
            ("/public//../admin", Err(DotSegment)),
            ("/a\\b", Err(Backslash)),
            ("/a%00", Err(ControlCharacter)),
            ("/a%0d%0a", Err(ControlCharacter)),
            ("/a%7f", Err(ControlCharacter)),
            ("/a%C2%80", Err(ControlCharacter)),
            ("/a\tb", Err(ControlCharacter)),
            ("/%zz", Err(Escape)),
            ("/%4", Err(Escape)),
            ("/%", Err(Escape)),
            ("/%c0%ae", Err(NotText)),
            ("/%ff", Err(NotText)),
            ("a", Err(NoSlash)),
            ("*", Err(NoSlash)),
            ("", Err(NoSlash)),
        ] {
            let path = RequestPath::parse(raw);
            let seen = path.as_ref().map(|path| (path.plain(), path.never_public()));
            assert_eq!(seen, read.as_ref().map(|&(text, never)| (text, never)), "{raw}");
        }
    }

    #[test]
    fn parameters_are_kept_for_the_second_judgement() {
        let path = RequestPath::parse("/a;x=1/b").unwrap();
        assert_eq!(path.with_parameters(), Some("/a;x=1/b"));
        assert_eq!(RequestPath::parse("/a/b").unwrap().with_parameters(), None);
    }

    proptest::proptest! {
        #[test]
        fn no_path_panics_and_what_is_matched_is_stable(raw in "/[ -~]{0,40}") {
            if let Ok(path) = RequestPath::parse(&raw) {
                proptest::prop_assert!(path.plain().starts_with('/'));
                proptest::prop_assert!(!path.plain().contains("//"));
                proptest::prop_assert!(!path.plain().split('/').any(|s| s == ".." || s == "."));
            }
        }
    }
}
