//! What of the provider's documents is kept with a session: only what the configuration asks for,
//! so that a cookie carries no claim that nobody reads.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::identity::{Document, Documents, Source};

/// Parts of the documents, each at its own place in it.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    token: Value,
    me: Value,
    id: Value,
    /// Where nothing was found that was looked for. What is neither there nor here is not known:
    /// nobody asked for it at that login, or it was too large to be kept. A rule about it lets
    /// nobody pass, whichever way round it asks.
    absent: Vec<Source>,
    /// What was too large to be kept, for the log.
    dropped: Vec<Source>,
}

impl PartialEq for Claims {
    /// By what is written down.
    fn eq(&self, other: &Self) -> bool {
        let Self { token, me, id, absent, dropped: _ } = self;
        (token, me, id, absent) == (&other.token, &other.me, &other.id, &other.absent)
    }
}

impl Eq for Claims {}

impl Claims {
    /// Keeps what the sources lead to. Of a list, all of it is kept. A claim of more than
    /// [`MAX_CLAIM`] bytes of JSON is left out, and so is what would bring all of them above
    /// [`MAX_CLAIMS`], the later source first.
    pub fn keep(sources: &[Source], documents: &Documents) -> Self {
        Self::keep_again(sources, documents, &Self::default())
    }

    /// The same at a later moment: where a document is missing altogether, what `before` has of it
    /// counts instead (rule 7).
    pub fn keep_again(sources: &[Source], documents: &Documents, before: &Self) -> Self {
        let mut kept = Self::default();
        for source in sources {
            let document = source.document();
            let told = document.of(documents);
            let whole = told.unwrap_or_else(|| before.of(document));
            let size = reached(whole, source.pointer()).map_or(0, size);
            if size > MAX_CLAIM {
                kept.dropped.push(source.clone());
            } else if size == 0 {
                // A document that is not there says nothing, not even that there is nothing.
                if told.is_some() || before.know(source) {
                    kept.absent.push(source.clone());
                }
            } else {
                let with = kept.with(source, whole);
                if with.size() <= MAX_CLAIMS {
                    kept = with;
                } else {
                    kept.dropped.push(source.clone());
                }
            }
        }
        kept
    }

    /// Made-up ones that take so many bytes.
    pub(super) fn of_size(bytes: usize) -> Self {
        let token = if bytes == 0 { Value::Null } else { Value::from("x".repeat(bytes)) };
        Self { token, ..Self::default() }
    }

    fn with(&self, source: &Source, whole: &Value) -> Self {
        let mut with = self.clone();
        keep(with.of_mut(source.document()), whole, source.pointer());
        with
    }

    /// Whether it is known what a source leads to, be it nothing.
    pub fn know(&self, source: &Source) -> bool {
        let there = reached(self.of(source.document()), source.pointer());
        let is_absent = |absent: &Source| {
            absent == source
                || absent.pointer().is_empty() && absent.document() == source.document()
        };
        there.is_some_and(|value| !value.is_null()) || self.absent.iter().any(is_absent)
    }

    /// These and no others.
    #[cfg(test)]
    pub(crate) fn for_test(token: Value, me: Value) -> Self {
        let documents = [Document::IdToken, Document::Me, Document::Token];
        let absent = documents.map(Source::whole).to_vec();
        Self { token, me, absent, ..Self::default() }
    }

    /// What was too large to be kept.
    pub fn dropped(&self) -> &[Source] {
        &self.dropped
    }

    fn size(&self) -> usize {
        [&self.token, &self.me, &self.id].map(size).iter().sum()
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

/// How many bytes of JSON a value takes; nothing takes none.
fn size(value: &Value) -> usize {
    if value.is_null() { 0 } else { value.to_string().len() }
}

/// What [`keep`] would copy: the value at `pointer`, or the list on the way to it.
fn reached<'a>(whole: &'a Value, pointer: &str) -> Option<&'a Value> {
    let mut value = whole;
    for token in pointer.split('/').skip(1) {
        match value {
            Value::Object(members) => {
                value = members.get(&token.replace("~1", "/").replace("~0", "~"))?;
            }
            Value::Array(_) => return Some(value),
            _ => return None,
        }
    }
    Some(value)
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
        let kept = [&self.token, &self.me, &self.id];
        let nothing = kept.iter().all(|document| document.is_null()) && self.absent.is_empty();
        let mut list: Vec<Value> = kept.into_iter().cloned().collect();
        list.extend(self.absent.iter().map(|source| Value::from(source.to_string())));
        let text = if nothing { String::new() } else { Value::from(list).to_string() };
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        let list: Vec<Value> = serde_json::from_str(&text).map_err(D::Error::custom)?;
        let mut list = list.into_iter();
        let (Some(token), Some(me), Some(id)) = (list.next(), list.next(), list.next()) else {
            return Err(D::Error::custom("no three documents"));
        };
        let absent = list.filter_map(|name| Source::parse(name.as_str()?)).collect();
        Ok(Self { token, me, id, absent, dropped: Vec::new() })
    }
}

/// The most bytes of JSON that are kept of one claim.
pub const MAX_CLAIM: usize = 4 * 1024;
/// The most bytes of JSON that are kept of all.
pub const MAX_CLAIMS: usize = 16 * 1024;

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
        let sources = sources(&texts);
        let kept = Claims::keep(&sources, &documents);
        assert_eq!(kept.of(Document::Token), &json!({ "roles": ["a", "b"] }));
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

    fn sources(texts: &[&str]) -> Vec<Source> {
        texts.iter().filter_map(|text| Source::parse(text)).collect()
    }

    fn of_me(me: Value) -> Documents {
        Documents { me: Some(me), ..Documents::default() }
    }

    #[test]
    fn a_claim_that_is_too_large_is_left_out_and_named() {
        let text = |length: usize| Value::from("x".repeat(length));
        for (length, kept) in [(4094, true), (4095, false), (100_000, false)] {
            let documents = of_me(json!({ "a": { "b": text(length) }, "c": 1 }));
            let claims = Claims::keep(&sources(&["me:/a/b", "me:/c"]), &documents);
            assert_eq!(claims.find(Document::Me, "/a/b").is_some(), kept, "{length}");
            assert_eq!(claims.find(Document::Me, "/c"), Some(&json!(1)));
            let dropped = if kept { Vec::new() } else { sources(&["me:/a/b"]) };
            assert_eq!(claims.dropped(), dropped, "{length}");
            let bytes = postcard::to_allocvec(&claims).unwrap();
            let read: Claims = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(read.know(&sources(&["me:/a/b"])[0]), kept, "{length}");
            // A refresh that tells of nothing makes nothing known.
            let silent = Documents::default();
            let later = Claims::keep_again(&sources(&["me:/a/b", "me:/c"]), &silent, &read);
            assert_eq!(later, claims, "{length}");
        }
        // Of a list all is kept, so all of it counts.
        let documents = of_me(json!({ "list": [1, text(4095)] }));
        let claims = Claims::keep(&sources(&["me:/list/0"]), &documents);
        assert_eq!((claims.of(Document::Me), claims.dropped().len()), (&Value::Null, 1));
    }

    #[test]
    fn what_nobody_asked_for_is_not_known_to_be_nothing() {
        let documents = of_me(json!({ "a": 1, "n": null }));
        let claims = Claims::keep(&sources(&["me:/a", "me:/b", "me:/n", "id:/x"]), &documents);
        let bytes = postcard::to_allocvec(&claims).unwrap();
        let read: Claims = postcard::from_bytes(&bytes).unwrap();
        for (source, known) in
            [("me:/a", true), ("me:/b", true), ("me:/n", true), ("me:/c", false), ("id:/x", false)]
        {
            assert_eq!(read.know(&sources(&[source])[0]), known, "{source}");
        }
        assert_eq!(read, claims);
    }

    #[test]
    fn of_all_claims_no_more_is_kept_than_fits_the_first_sources_first() {
        let me = json!({
            "a": "x".repeat(4000), "b": "x".repeat(4000), "c": "x".repeat(4000),
            "d": "x".repeat(4000), "e": "x".repeat(4000), "f": 1,
        });
        let all = sources(&["me:/a", "me:/b", "me:/c", "me:/d", "me:/e", "me:/f"]);
        let claims = Claims::keep(&all, &of_me(me));
        assert_eq!(claims.dropped(), sources(&["me:/e"]));
        assert!(claims.find(Document::Me, "/f").is_some());
        assert!(claims.size() <= MAX_CLAIMS);
    }

    #[test]
    fn what_is_missing_altogether_stays_as_it_was_as_far_as_it_is_still_asked_for() {
        let both = Documents {
            token: Some(json!({ "roles": ["a"], "x": 1 })),
            ..of_me(json!({ "team": "t" }))
        };
        let all = sources(&["token:/roles", "token:/x", "me:/team"]);
        let before = Claims::keep(&all, &both);
        let fewer = sources(&["token:/roles", "me:/team"]);
        let after = Claims::keep_again(&fewer, &of_me(json!({ "team": null })), &before);
        assert_eq!(after.find(Document::Token, "/roles"), Some(&json!(["a"])));
        assert_eq!(after.find(Document::Token, "/x"), None, "nobody asks for it any more");
        assert_eq!(after.find(Document::Me, "/team"), None, "silence counts where there is a word");
    }
}
