//! JSON that means one thing only.
//!
//! Of two members with one name, one reader takes the first and another the last: whoever judges
//! and whoever uses would see different things. So a name may stand once, at every depth (C-92).
//! RFC 8259 section 4 leaves it open; RFC 7515 section 4 and RFC 7519 section 4 let us refuse.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};

/// Why bytes are no JSON object to rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadJson {
    /// Broken off, too deep, with a byte order mark, with something behind it, or another format.
    NotJson,
    NotAnObject,
    /// A member stands twice in one object.
    Twice,
}

impl BadJson {
    /// What is wrong, for the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "the answer is no JSON",
            Self::NotAnObject => "the answer is no JSON object",
            Self::Twice => "the answer says a member twice",
        }
    }
}

impl fmt::Display for BadJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for BadJson {}

/// Reads one JSON object and nothing else. How many bytes there may be is the caller's bound.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, BadJson> {
    match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(_) => Err(BadJson::NotAnObject),
        // `Strict` takes every type, so that the one thing it finds wrong with data is a double.
        Err(error) if error.classify() == Category::Data => Err(BadJson::Twice),
        Err(_) => Err(BadJson::NotJson),
    }
}

/// A value in which no object says a member twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom("a member stands twice"));
            }
            let Strict(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c92_only_one_whole_unambiguous_object_is_read() {
        use BadJson::{NotAnObject, NotJson, Twice};
        let deep = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        for (text, wrong) in [
            ("", NotJson),
            ("<html></html>", NotJson),
            (r#"{"a":1"#, NotJson),
            (r#"{"a":1}x"#, NotJson),
            (r#"{"a":1}{}"#, NotJson),
            ("\u{feff}{}", NotJson),
            (r#"{"a":1,}"#, NotJson),
            (r#"{"a":NaN}"#, NotJson),
            (r#"{"a":01}"#, NotJson),
            (r#"{"exp":1e400}"#, NotJson),
            (r#"{"a":"\ud800"}"#, NotJson),
            ("{'a':1}", NotJson),
            (r#"{1:1}"#, NotJson),
            (&deep(200), NotJson),
            (&deep(100_000), NotJson),
            ("[]", NotAnObject),
            (r#""text""#, NotAnObject),
            ("null", NotAnObject),
            ("7", NotAnObject),
            (r#"{"a":1,"a":1}"#, Twice),
            (r#"{"a":1,"\u0061":2}"#, Twice),
            (r#"{"b":{"a":1,"c":[],"a":2}}"#, Twice),
            (r#"{"b":[[{"a":1,"a":2}]]}"#, Twice),
            (r#"{"":1,"":2}"#, Twice),
        ] {
            let shown = &text[..text.len().min(40)];
            assert_eq!(object(text.as_bytes()), Err(wrong), "{shown}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(NotJson));
        assert_eq!(object(b"\xff\xfe{\0}\0"), Err(NotJson));
    }

    #[test]
    fn what_is_read_is_what_any_reader_reads() {
        for text in [
            "{}",
            " \r\n\t{ } \n",
            r#"{"a":null,"b":true,"c":-1,"d":18446744073709551615,"e":1600.25,"f":"\u00e9","g":[]}"#,
            r#"{"a":{"a":{"a":[{"a":1},{"a":2}]}}}"#,
            r#"{"A":1,"a":2,"a ":3}"#,
            r#"{"big":123456789012345678901234567890}"#,
        ] {
            let read = object(text.as_bytes()).unwrap();
            assert_eq!(Value::Object(read), serde_json::from_str::<Value>(text).unwrap());
        }
    }

    #[test]
    fn the_log_is_told_what_is_wrong() {
        for (wrong, said) in [
            (BadJson::NotJson, "the answer is no JSON"),
            (BadJson::NotAnObject, "the answer is no JSON object"),
            (BadJson::Twice, "the answer says a member twice"),
        ] {
            assert_eq!(wrong.to_string(), said);
        }
    }
}
