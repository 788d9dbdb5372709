//! What of the provider's documents is kept with a session: only what the configuration asks for,
//! so that a cookie carries no claim that nobody reads.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::identity::{Document, Documents, Source};

/// Parts of the documents, each at its own place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    token: Value,
    me: Value,
    id: Value,
}

impl Claims {
    /// Keeps what the sources lead to. Of a list, all of it is kept.
    pub fn keep(sources: &[Source], documents: &Documents) -> Self {
        let mut kept = Self::default();
        for source in sources {
            if let Some(whole) = source.document().of(documents) {
                keep(kept.of_mut(source.document()), whole, source.pointer());
            }
        }
        kept
    }

    /// The same, with what `before` has of documents that are missing altogether now.
    #[must_use]
    pub fn or(mut self, before: &Self, documents: &Documents) -> Self {
        for document in [Document::IdToken, Document::Me, Document::Token] {
            if document.of(documents).is_none() {
                *self.of_mut(document) = before.of(document).clone();
            }
        }
        self
    }

    /// What a pointer (RFC 6901) leads to in one document.
    pub fn find(&self, document: Document, pointer: &str) -> Option<&Value> {
        // Rules ask with every request: `Value::pointer` allocates for each name.
        let mut names = pointer.strip_prefix('/')?.split('/');
        let found = names.try_fold(self.of(document), member)?;
        (!found.is_null()).then_some(found)
    }

    /// All that is kept of one document; null when that is nothing.
    pub const fn of(&self, document: Document) -> &Value {
        match document {
            Document::IdToken => &self.id,
            Document::Me => &self.me,
            Document::Token => &self.token,
        }
    }

    fn of_mut(&mut self, document: Document) -> &mut Value {
        match document {
            Document::IdToken => &mut self.id,
            Document::Me => &mut self.me,
            Document::Token => &mut self.token,
        }
    }
}

/// What one name of a pointer leads to (RFC 6901 4).
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) if name.contains('~') => {
            members.get(&name.replace("~1", "/").replace("~0", "~"))
        }
        Value::Object(members) => members.get(name),
        Value::Array(items) => {
            let is_plain = name == "0" || !name.starts_with(['0', '+']);
            items.get(name.parse::<usize>().ok().filter(|_| is_plain)?)
        }
        _ => None,
    }
}

/// Copies what `pointer` leads to from `whole` to the same place in `kept`.
fn keep(kept: &mut Value, whole: &Value, pointer: &str) {
    let Some(rest) = pointer.strip_prefix('/') else {
        *kept = whole.clone();
        return;
    };
    let (token, deeper) = match rest.split_once('/') {
        Some((token, _)) => (token, &rest[token.len()..]),
        None => (rest, ""),
    };
    match whole {
        Value::Object(members) => {
            let name = token.replace("~1", "/").replace("~0", "~");
            let Some(member) = members.get(&name) else { return };
            if !kept.is_object() {
                *kept = Value::Object(Map::new());
            }
            if let Value::Object(kept) = kept {
                keep(kept.entry(name).or_insert(Value::Null), member, deeper);
            }
        }
        // Its items keep their numbers only together.
        Value::Array(_) => *kept = whole.clone(),
        _ => {}
    }
}

impl Serialize for Claims {
    /// As JSON text: the compact form of a session does not describe itself.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nothing = [&self.token, &self.me, &self.id].iter().all(|document| document.is_null());
        let text = if nothing {
            String::new()
        } else {
            Value::from_iter([self.token.clone(), self.me.clone(), self.id.clone()]).to_string()
        };
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        let [token, me, id] = serde_json::from_str(&text).map_err(serde::de::Error::custom)?;
        Ok(Self { token, me, id })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_asked_for_is_kept_and_stays_where_it_was() {
        let documents = Documents {
            token: Some(json!({ "sub": "42", "roles": ["a", "b"], "n": null })),
            me: Some(json!({ "organization": { "id": 7, "name": "x" }, "a/b": { "c": true } })),
            id: None,
        };
        let texts =
            ["token:/roles/0", "me:/organization/id", "me:/a~1b", "id:/x", "me:/none", "token:/n"];
        let sources: Vec<Source> = texts.iter().filter_map(|text| Source::parse(text)).collect();
        let kept = Claims::keep(&sources, &documents);
        assert_eq!(kept.of(Document::Token), &json!({ "roles": ["a", "b"], "n": null }));
        assert_eq!(
            kept.of(Document::Me),
            &json!({ "organization": { "id": 7 }, "a/b": { "c": true } })
        );
        assert_eq!(kept.find(Document::Me, "/organization/id"), Some(&json!(7)));
        assert_eq!(kept.find(Document::Token, "/roles/1"), Some(&json!("b")));
        assert_eq!(kept.find(Document::Me, "/a~1b/c"), Some(&json!(true)));
        for pointer in ["/n", "/roles/2", "/roles/01", "/roles/+1", "/roles/-", "/roles/", "/"] {
            assert_eq!(kept.find(Document::Token, pointer), None, "{pointer}");
        }
        assert_eq!(kept.find(Document::IdToken, "/x"), None);
        let bytes = postcard::to_allocvec(&kept).unwrap();
        assert_eq!(postcard::from_bytes::<Claims>(&bytes).unwrap(), kept);
        assert_eq!(postcard::to_allocvec(&Claims::default()).unwrap(), [0]);
    }
}
