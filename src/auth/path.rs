//! The path of a request: what is matched and what is forwarded never differ in meaning.
//!
//! Forwarded are the bytes that came. Matched is one decoded form, by this table:
//!
//! | in the path | matching |
//! |---|---|
//! | dot segments, `\`, control characters (each raw or encoded), invalid escapes, bytes that are no UTF-8 | refused |
//! | `%2F %5C %23 %3F %3B %25` | opaque characters of their segment; never public |
//! | `%2F %5C %3B` | judged as what some apps take them for, too; refused where that has dot segments |
//! | empty segments | merged; never public |
//! | `;parameters` | judged with them and without them; never public |
//! | every other escape | decoded once |

use std::borrow::Cow;

/// A path that was parsed once and means one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath<'a> {
    plain: Cow<'a, str>,
    others: Vec<String>,
    /// Whether the last of them is the one that is decoded first.
    has_decoded_first: bool,
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
                others: Vec::new(),
                has_decoded_first: false,
                never_public: false,
            });
        }
        let decoded = decode(raw)?;
        let (merged, had_empty) = merge(&decoded.text);
        let plain = without_parameters(&merged);
        if has_dot_segments(&merged) || has_dot_segments(&plain) {
            return Err(BadPath::DotSegment);
        }
        // Taking parameters away can empty a segment (`/a/;x/b`), and only then is this longer.
        let (plain, _) = merge(&plain);
        let parameters = plain != merged;
        let decoded_first = decoded_first(&merged)?.filter(|form| *form != plain);
        let others = [parameters.then_some(merged), decoded_first];
        Ok(Self {
            has_decoded_first: others[1].is_some(),
            never_public: decoded.opaque || had_empty || parameters,
            others: others.into_iter().flatten().collect(),
            plain: Cow::Owned(plain),
        })
    }

    /// The form that chooses the route.
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// What else an app may take it for, at most [`OTHER_FORMS`]: with its `;parameters`, and with
    /// encoded delimiters as delimiters. The rules found with these count too.
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// Whether another form may well have no route: an identifier with an encoded slash has none of
    /// the longer path. An app that decodes it first gets that path, which no rule of ours is about;
    /// a session is needed in any case.
    pub fn may_have_no_route(&self, form: usize) -> bool {
        self.has_decoded_first && form + 1 == self.others.len()
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

/// What an app takes a path for that decodes it before it cuts it into segments, as nginx does for
/// a `proxy_pass` with a path (C-43); none where that is the same. Whether dots are resolved before
/// or after, or slashes merged, is for the app to say: with dots in it, it has no meaning.
fn decoded_first(path: &str) -> Result<Option<String>, BadPath> {
    if !["%2F", "%5C", "%3B"].iter().any(|escape| path.contains(escape)) {
        return Ok(None);
    }
    let path = path.replace("%2F", "/").replace("%5C", "/").replace("%3B", ";");
    let plain = without_parameters(&path);
    if has_dot_segments(&path) || has_dot_segments(&plain) {
        return Err(BadPath::DotSegment);
    }
    Ok(Some(merge(&plain).0))
}

fn has_dot_segments(path: &str) -> bool {
    path.split('/').any(|segment| segment == "." || segment == "..")
}

fn without_parameters(path: &str) -> String {
    let bare: Vec<&str> =
        path.split('/').map(|segment| segment.split(';').next().unwrap_or(segment)).collect();
    bare.join("/")
}

/// How many other forms a path has at most.
pub const OTHER_FORMS: usize = 2;

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
        assert_eq!(path.others(), ["/a;x=1/b"]);
        assert!(RequestPath::parse("/a/b").unwrap().others().is_empty());
    }

    #[test]
    fn c43_encoded_delimiters_are_judged_as_delimiters_too() {
        for (raw, others) in [
            ("/a%2Fb", &["/a/b"][..]),
            ("/a%5cb", &["/a/b"]),
            ("/%2fadmin", &["/admin"]),
            ("/admin%3Bx", &["/admin"]),
            ("/public%2f...%2fadmin", &["/public/.../admin"]),
            ("/a;x/b%2Fc", &["/a;x/b%2Fc", "/a/b/c"]),
            ("/a;b%2Fc", &["/a;b%2Fc", "/a/c"]),
            ("/a%252Fb", &[]),
        ] {
            assert_eq!(RequestPath::parse(raw).unwrap().others(), others, "{raw}");
        }
        for raw in [
            "/public%2f..%2fadmin",
            "/public/..%2fadmin",
            "/public%2F..",
            "/public/.%5cadmin",
            "/public;x%2f..%2fadmin",
            "/admin%2f..;a%2fx",
            "/public/..%3Bx/admin",
            "/admin%2f%2f..%2fx",
        ] {
            assert_eq!(RequestPath::parse(raw), Err(BadPath::DotSegment), "{raw}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_panics_and_what_is_matched_is_stable(raw in "/[ -~]{0,40}") {
            if let Ok(path) = RequestPath::parse(&raw) {
                proptest::prop_assert!(path.plain().starts_with('/'));
                proptest::prop_assert!(path.others().len() <= OTHER_FORMS);
                for form in path.others().iter().map(String::as_str).chain([path.plain()]) {
                    proptest::prop_assert!(form.starts_with('/') && !form.contains("//"));
                    proptest::prop_assert!(!form.split('/').any(|s| s == ".." || s == "."));
                }
            }
        }
    }
}
