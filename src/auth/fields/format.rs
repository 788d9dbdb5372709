//! How a claim is written into a field: always printable ASCII, so that none splits it (C-40).

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::auth::claim_source::Claim;
use crate::auth::headers::encode;

/// How a claim is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Percent-encoded UTF-8 where it is not printable ASCII.
    Plain,
    /// RFC 4648 section 4, of the UTF-8.
    Base64,
    /// `UTF-8''…`, an `ext-value` (RFC 8187 section 3.2.1).
    Rfc8187,
    /// JSON (RFC 8259), beyond ASCII by `\u` escapes.
    Json,
}

/// What stands between the members of a list: 1 to 8 printable characters that are neither
/// letters nor digits, nor such as the format writes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Separator(String);

impl Separator {
    /// Reads one for lists in this format; the error says what is wrong.
    pub fn parse(text: &str, format: Format) -> Result<Self, String> {
        let own = match format {
            Format::Plain | Format::Json => "%",
            Format::Base64 => "+/=",
            Format::Rfc8187 => "%'!#$&+-.^_`|~",
        };
        let fits = |byte: u8| {
            (byte == b' ' || byte.is_ascii_punctuation()) && !own.as_bytes().contains(&byte)
        };
        if (1..=8).contains(&text.len()) && text.bytes().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "must be 1 to 8 signs such as \",\" or \"; \", and here none of {own}, letters and digits"
        ))
    }
}

impl Default for Separator {
    fn default() -> Self {
        Self(String::from(","))
    }
}

impl Format {
    /// Writes a claim; none where it says nothing, or what has no such form: an object is only
    /// written as JSON.
    pub fn write(self, claim: Claim<'_>, separator: &Separator) -> Option<String> {
        if self == Self::Json {
            return Some(match claim {
                Claim::Value(value) => ascii_json(value),
                Claim::Text(text) => ascii_json(&Value::from(text)),
                Claim::Texts([]) => return None,
                Claim::Texts(texts) => ascii_json(&Value::from(texts)),
            });
        }
        written(claim, &separator.0, |text, separator| self.encoded(text, separator))
    }

    fn encoded(self, text: &str, separator: &str) -> String {
        match self {
            Self::Plain | Self::Json => encode(text, separator.as_bytes()),
            Self::Base64 => STANDARD.encode(text),
            Self::Rfc8187 => {
                let mut out = String::from("UTF-8''");
                for byte in text.bytes() {
                    if byte.is_ascii_alphanumeric() || ATTR_CHAR.contains(&byte) {
                        out.push(char::from(byte));
                    } else {
                        out.push_str(&format!("%{byte:02X}"));
                    }
                }
                out
            }
        }
    }
}

/// Writes a claim as a part of a text in which the bytes of `signs` mean something.
pub(super) fn in_text(claim: Claim<'_>, signs: &[u8]) -> Option<String> {
    written(claim, ",", |text, separator| encode(text, &[signs, separator.as_bytes()].concat()))
}

/// Joins what `encoded` makes of each text of a claim and of the separator that it stands between.
fn written(
    claim: Claim<'_>,
    separator: &str,
    encoded: impl Fn(&str, &str) -> String,
) -> Option<String> {
    let members: Vec<String> = match claim {
        Claim::Text(text) => return (!text.is_empty()).then(|| encoded(text, "")),
        Claim::Value(Value::Array(items)) => {
            items.iter().filter_map(scalar).map(|text| encoded(&text, separator)).collect()
        }
        Claim::Value(value) => return scalar(value).map(|text| encoded(&text, "")),
        Claim::Texts(texts) => texts.iter().map(|text| encoded(text, separator)).collect(),
    };
    (!members.is_empty()).then(|| members.join(separator))
}

/// Numbers and booleans count as their text, as everywhere; nothing counts as nothing.
fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => (!text.is_empty()).then_some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn ascii_json(value: &Value) -> String {
    let text = value.to_string();
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, ' '..='~') {
            out.push(character);
        } else {
            // Control characters are escaped already; what is left stands inside of strings.
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// `attr-char` beside letters and digits (RFC 8187 section 3.2.1).
const ATTR_CHAR: &[u8] = b"!#$&+-.^_`|~";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn c40_every_format_writes_every_claim_in_printable_ascii() {
        let evil = "a\r\nX-Evil: 1\0";
        for (format, claim, wanted) in [
            (Format::Plain, json!(evil), Some("a%0D%0AX-Evil: 1%00")),
            (Format::Plain, json!("zo\u{eb} 100%"), Some("zo%C3%AB 100%25")),
            (Format::Plain, json!(" x "), Some("%20x%20")),
            (Format::Plain, json!(42), Some("42")),
            (Format::Plain, json!(true), Some("true")),
            (Format::Plain, json!(["a,b", 7, "", {}, null, "c d"]), Some("a%2Cb,7,c d")),
            (Format::Plain, json!("admin,root"), Some("admin,root")),
            (Format::Plain, json!(["admin,root"]), Some("admin%2Croot")),
            (Format::Base64, json!(evil), Some("YQ0KWC1FdmlsOiAxAA==")),
            (Format::Base64, json!(["a", "b,c"]), Some("YQ==,Yixj")),
            (Format::Rfc8187, json!("\u{20ac} rates"), Some("UTF-8''%E2%82%AC%20rates")),
            (Format::Rfc8187, json!(evil), Some("UTF-8''a%0D%0AX-Evil%3A%201%00")),
            (Format::Rfc8187, json!(["a,b", "c"]), Some("UTF-8''a%2Cb,UTF-8''c")),
            (Format::Json, json!(evil), Some(r#""a\r\nX-Evil: 1\u0000""#)),
            (Format::Json, json!("\u{7f}\u{e9}\u{1f600}"), Some(r#""\u007f\u00e9\ud83d\ude00""#)),
            (Format::Json, json!({ "a": [1, null] }), Some(r#"{"a":[1,null]}"#)),
            (Format::Json, json!([]), Some("[]")),
            (Format::Plain, json!({ "a": 1 }), None),
            (Format::Base64, json!({ "a": 1 }), None),
            (Format::Plain, json!([]), None),
            (Format::Plain, json!([{}, ""]), None),
            (Format::Plain, json!(""), None),
            (Format::Plain, json!(null), None),
        ] {
            let written = format.write(Claim::Value(&claim), &Separator::default());
            assert_eq!(written.as_deref(), wanted, "{format:?} {claim}");
            let ascii = |text: String| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            assert!(written.is_none_or(ascii));
        }
    }

    #[test]
    fn what_is_written_as_json_is_read_as_the_same() {
        let value = json!({ "n\u{e9}\u{2028}": ["\u{1f600}\"\\", 1.5, null, "\u{7f}\u{80}"] });
        let written = Format::Json.write(Claim::Value(&value), &Separator::default()).unwrap();
        assert!(written.is_ascii());
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
    }

    #[test]
    fn c40_a_member_never_looks_like_two() {
        let list = |separator: &str, items: &[&str]| {
            let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
            let separator = Separator::parse(separator, Format::Plain).unwrap();
            Format::Plain.write(Claim::Texts(&items), &separator).unwrap()
        };
        assert_eq!(list(",", &["a,b", "c"]), "a%2Cb,c");
        assert_eq!(list(";", &["a;b", "c,d"]), "a%3Bb;c,d");
        assert_eq!(list("; ", &["a; b", "c d"]), "a%3B%20b; c%20d");
        assert_eq!(list("::", &["a:", ":b"]), "a%3A::%3Ab");
        assert_eq!(list(" ", &["a b", " c"]), "a%20b %20c");
    }

    #[test]
    fn c40_a_separator_is_none_that_its_format_writes() {
        for (format, good, bad) in [
            (Format::Plain, ", ; | :: # /", "% a 0 %2C \t \u{b7} ,,,,,,,,,"),
            (Format::Base64, ", ; | :", "+ / = ,= x"),
            (Format::Rfc8187, ", ; : /", "' % - | !"),
        ] {
            for text in good.split(' ') {
                assert!(Separator::parse(text, format).is_ok(), "{format:?} {text}");
            }
            for text in bad.split(' ').chain([""]) {
                assert!(Separator::parse(text, format).is_err(), "{format:?} {text}");
            }
        }
    }
}
