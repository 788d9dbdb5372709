//! Who somebody is: read by JSON Pointers (RFC 6901) from what the provider told.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kept::Claims;

/// What the app is told of a person. Every text is bounded by [`MAX_TEXT`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub user: String,
    /// Which of the sources of `user` told it: a later answer is compared at the same place.
    pub told_by: u8,
    pub email: Option<String>,
    pub name: Option<String>,
    pub groups: Vec<String>,
    pub organization: Option<String>,
    pub preferred_username: Option<String>,
    /// What rules and fields of the configuration read beside that.
    pub claims: Claims,
}

/// Where each part of an identity is looked for: the first source that has it wins.
#[derive(Clone, Debug, Default)]
pub struct IdentitySources {
    pub user: Vec<Source>,
    pub email: Vec<Source>,
    pub name: Vec<Source>,
    pub groups: Vec<Source>,
    pub organization: Vec<Source>,
    pub preferred_username: Vec<Source>,
    /// What rules and fields of the configuration read beside that.
    pub kept: Vec<Source>,
}

/// One place in one document, such as `me:/organization/id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    document: Document,
    pointer: String,
}

/// What the provider told of a person.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// The claims of the access token, when it is a JWT.
    pub token: Option<Value>,
    /// The answer of the userinfo address.
    pub me: Option<Value>,
    /// The claims of the id_token, judged.
    pub id: Option<Value>,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    IdToken,
    Me,
    Token,
}

/// None of the sources of `user` has a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoUser;

impl Source {
    /// Reads `token:/pointer`, `me:/pointer` or `id:/pointer`.
    pub fn parse(text: &str) -> Option<Self> {
        let (document, pointer) = text.split_once(':')?;
        let document = match document {
            "id" => Document::IdToken,
            "me" => Document::Me,
            "token" => Document::Token,
            _ => return None,
        };
        pointer.starts_with('/').then(|| Self { document, pointer: pointer.to_owned() })
    }

    /// Whether it looks into a token, and not into the userinfo answer.
    pub fn is_of_a_token(&self) -> bool {
        self.document != Document::Me
    }

    /// A whole document.
    #[cfg(test)]
    pub(crate) const fn whole(document: Document) -> Self {
        Self { document, pointer: String::new() }
    }

    /// Which document it looks into.
    pub const fn document(&self) -> Document {
        self.document
    }

    /// Where in it (RFC 6901).
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    fn find<'a>(&self, documents: &'a Documents) -> Option<&'a Value> {
        self.document.of(documents)?.pointer(&self.pointer)
    }
}

impl fmt::Display for Source {
    /// As the configuration writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = match self.document {
            Document::IdToken => "id",
            Document::Me => "me",
            Document::Token => "token",
        };
        write!(f, "{document}:{}", self.pointer)
    }
}

impl Document {
    /// It, where the provider told it.
    pub const fn of(self, documents: &Documents) -> Option<&Value> {
        match self {
            Self::IdToken => documents.id.as_ref(),
            Self::Me => documents.me.as_ref(),
            Self::Token => documents.token.as_ref(),
        }
    }
}

impl IdentitySources {
    /// Whether any of them needs the userinfo answer.
    pub fn want_userinfo(&self) -> bool {
        let lists = [
            &self.user,
            &self.email,
            &self.name,
            &self.groups,
            &self.organization,
            &self.preferred_username,
            &self.kept,
        ];
        lists.iter().any(|list| list.iter().any(|source| source.document == Document::Me))
    }

    /// Reads an identity; a person without a `user` is nobody (S30).
    pub fn read(&self, documents: &Documents) -> Result<Identity, NoUser> {
        let text = |sources: &[Source]| first(sources, documents, as_text);
        let told = |(index, source): (usize, &Source)| {
            Some((u8::try_from(index).ok()?, as_text(source.find(documents)?)?))
        };
        let (told_by, user) = self.user.iter().enumerate().find_map(told).ok_or(NoUser)?;
        Ok(Identity {
            user,
            told_by,
            email: first_verified(&self.email, documents),
            name: text(&self.name),
            groups: first(&self.groups, documents, as_list).unwrap_or_default(),
            organization: text(&self.organization),
            preferred_username: text(&self.preferred_username),
            claims: Claims::keep(&self.kept, documents),
        })
    }
}

impl IdentitySources {
    /// Reads who an API client is. Its token is all there is, so every source looks into it.
    /// `user`, where it is not empty, stands in for the sources of people: a program's id and a
    /// person's must not be taken for one another by accident (RFC 9068 5).
    pub fn read_client(&self, user: &[Source], claims: Value) -> Result<Identity, NoUser> {
        let documents =
            Documents { token: Some(claims.clone()), me: Some(claims.clone()), id: Some(claims) };
        if user.is_empty() {
            return self.read(&documents);
        }
        Self { user: user.to_vec(), ..self.clone() }.read(&documents)
    }

    /// The identity of a person who was told of before, by the documents of a later moment. What
    /// they say counts, and so does their silence; but where a document is missing altogether,
    /// as an id_token is after many a refresh, what was known stays (rule 7).
    #[must_use]
    pub fn read_again(&self, before: &Identity, documents: &Documents) -> Identity {
        let whole = |sources: &[Source]| {
            sources.iter().all(|source| source.document.of(documents).is_some())
        };
        let newer = |new: Option<String>, sources: &[Source], old: &Option<String>| {
            if whole(sources) { new } else { new.or_else(|| old.clone()) }
        };
        let text =
            |sources: &[Source], old| newer(first(sources, documents, as_text), sources, old);
        let email = first_verified(&self.email, documents);
        let groups = first(&self.groups, documents, as_list);
        Identity {
            user: before.user.clone(),
            told_by: before.told_by,
            email: newer(email, &self.email, &before.email),
            name: text(&self.name, &before.name),
            groups: match groups {
                Some(groups) => groups,
                None if whole(&self.groups) => Vec::new(),
                None => before.groups.clone(),
            },
            organization: text(&self.organization, &before.organization),
            preferred_username: text(&self.preferred_username, &before.preferred_username),
            claims: Claims::keep_again(&self.kept, documents, &before.claims),
        }
    }

    /// Whether documents of a later moment speak of the same person; none when they are silent
    /// where the person was found at login.
    pub fn is_same(&self, before: &Identity, documents: &Documents) -> Option<bool> {
        let source = self.user.get(usize::from(before.told_by))?;
        Some(as_text(source.find(documents)?)? == before.user)
    }
}

impl Identity {
    #[cfg(test)]
    pub(crate) fn for_test(user: &str) -> Self {
        Self { user: user.to_owned(), ..Self::default() }
    }
}

fn first<T>(
    sources: &[Source],
    documents: &Documents,
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    sources.iter().find_map(|source| read(source.find(documents)?))
}

/// The first e-mail address that is not said to be unverified: anybody could have written such a
/// one into a profile (OpenID Connect Core 5.1; C-90).
fn first_verified(sources: &[Source], documents: &Documents) -> Option<String> {
    let is_verified = |source: &&Source| {
        let (parent, _) = source.pointer.rsplit_once('/').unwrap_or_default();
        let beside = source
            .document
            .of(documents)
            .and_then(|document| document.pointer(&format!("{parent}/email_verified")).cloned());
        beside.is_none_or(|verified| as_text(&verified).is_some_and(|text| text == "true"))
    };
    let verified: Vec<Source> = sources.iter().filter(is_verified).cloned().collect();
    first(&verified, documents, as_text)
}

/// Numbers and booleans count as their text: `42` is `"42"`. Too long is no text: a cut name
/// would be another name.
fn as_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty() && text.len() <= MAX_TEXT).then_some(text)
}

fn as_list(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(as_text).take(MAX_GROUPS).collect()),
        other => as_text(other).map(|one| vec![one]),
    }
}

/// The longest text that is taken over, in bytes.
const MAX_TEXT: usize = 256;
/// The most groups that are taken over.
const MAX_GROUPS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sources() -> IdentitySources {
        let list = |texts: &[&str]| texts.iter().map(|text| Source::parse(text).unwrap()).collect();
        IdentitySources {
            user: list(&["me:/id", "token:/sub"]),
            groups: list(&["me:/groups"]),
            organization: list(&["me:/organization/id", "me:/organization"]),
            ..IdentitySources::default()
        }
    }

    fn read(token: Value, me: Value) -> Result<Identity, NoUser> {
        sources().read(&Documents { token: Some(token), me: Some(me), id: None })
    }

    #[test]
    fn the_first_source_that_has_a_text_wins() {
        for (token, me, user) in [
            (json!({"sub": "t"}), json!({"id": "m"}), Ok("m")),
            (json!({"sub": "t"}), json!({"id": null}), Ok("t")),
            (json!({"sub": "t"}), json!({"id": ""}), Ok("t")),
            (json!({}), json!({"id": 42}), Ok("42")),
            (json!({}), json!({"id": {"x": 1}}), Err(NoUser)),
            (json!([]), json!("text"), Err(NoUser)),
            (json!({}), json!({"id": "x".repeat(257)}), Err(NoUser)),
        ] {
            let identity = read(token, me).map(|identity| identity.user);
            assert_eq!(identity.as_deref(), user.as_ref().map(|user| *user));
        }
    }

    #[test]
    fn lists_and_nested_places_are_read_and_bounded() {
        let me = json!({"id": 1, "groups": ["a", 7, {}, "b,c"], "organization": {"id": 42}});
        let identity = read(json!({}), me).unwrap();
        assert_eq!(identity.groups, ["a", "7", "b,c"]);
        assert_eq!(identity.organization.as_deref(), Some("42"));
        let many = read(json!({}), json!({"id": 1, "groups": vec!["g"; 1000]})).unwrap();
        assert_eq!(many.groups.len(), MAX_GROUPS);
        let one = read(json!({}), json!({"id": 1, "groups": "staff"})).unwrap();
        assert_eq!(one.groups, ["staff"]);
    }

    #[test]
    fn a_person_is_compared_only_where_they_were_found() {
        let before = read(json!({"sub": "t"}), json!({"id": "m"})).unwrap();
        for (me, same) in [
            (json!({"id": "m"}), Some(true)),
            (json!({"id": "other"}), Some(false)),
            (json!({}), None),
        ] {
            let documents = Documents { token: Some(json!({"sub": "t"})), me: Some(me), id: None };
            assert_eq!(sources().is_same(&before, &documents), same);
        }
    }

    #[test]
    fn an_api_client_is_found_in_its_token_where_that_is_said() {
        let programs =
            [Source::parse("token:/sub").unwrap(), Source::parse("token:/client_id").unwrap()];
        for (claims, person, program) in [
            (json!({"id": "m", "sub": "s"}), Ok("m"), Ok("s")),
            (json!({"sub": "s", "client_id": "c"}), Ok("s"), Ok("s")),
            (json!({"client_id": "c"}), Err(NoUser), Ok("c")),
            (json!({"name": "n"}), Err(NoUser), Err(NoUser)),
        ] {
            let read = |user: &[Source]| {
                sources().read_client(user, claims.clone()).map(|identity| identity.user)
            };
            assert_eq!(read(&[]).as_deref(), person.as_ref().map(|user| *user), "{claims}");
            assert_eq!(read(&programs).as_deref(), program.as_ref().map(|user| *user), "{claims}");
        }
        let claims = json!({"client_id": "c", "groups": ["g"]});
        assert_eq!(sources().read_client(&programs, claims).unwrap().groups, ["g"]);
    }

    #[test]
    fn c90_an_unverified_address_is_nobodys() {
        let sources = IdentitySources {
            user: vec![Source::parse("id:/sub").unwrap()],
            email: ["id:/email", "me:/profile/email"]
                .map(|text| Source::parse(text).unwrap())
                .into(),
            ..IdentitySources::default()
        };
        for (id, me, email) in [
            (json!({"email": "a@b"}), json!({}), Some("a@b")),
            (json!({"email": "a@b", "email_verified": true}), json!({}), Some("a@b")),
            (json!({"email": "a@b", "email_verified": "true"}), json!({}), Some("a@b")),
            (json!({"email": "a@b", "email_verified": false}), json!({}), None),
            (json!({"email": "a@b", "email_verified": null}), json!({}), None),
            (
                json!({"email": "a@b", "email_verified": false}),
                json!({"profile": {"email": "c@d"}, "email_verified": false}),
                Some("c@d"),
            ),
        ] {
            let mut id = id;
            id["sub"] = json!("s");
            let documents = Documents { token: None, me: Some(me), id: Some(id) };
            assert_eq!(sources.read(&documents).unwrap().email.as_deref(), email, "{documents:?}");
        }
    }

    #[test]
    fn a_missing_document_takes_nothing_away() {
        let list = |texts: &[&str]| texts.iter().map(|text| Source::parse(text).unwrap()).collect();
        let sources = IdentitySources {
            user: list(&["id:/sub"]),
            email: list(&["id:/email", "me:/email"]),
            groups: list(&["me:/groups"]),
            ..IdentitySources::default()
        };
        let id = json!({"sub": "a", "email": "old@example.com"});
        let me = json!({"groups": ["x"]});
        let documents = |id: Option<&Value>, me: Option<&Value>| Documents {
            token: None,
            me: me.cloned(),
            id: id.cloned(),
        };
        let before = sources.read(&documents(Some(&id), Some(&me))).unwrap();
        let moved = json!({"email": "new@example.com", "groups": ["y"]});
        let bare = json!({});
        for (id, me, email, groups) in [
            (None, None, Some("old@example.com"), vec!["x"]),
            (None, Some(&bare), Some("old@example.com"), vec![]),
            (None, Some(&moved), Some("new@example.com"), vec!["y"]),
            (Some(&bare), Some(&bare), None, vec![]),
            (Some(&id), None, Some("old@example.com"), vec!["x"]),
        ] {
            let after = sources.read_again(&before, &documents(id, me));
            assert_eq!(
                (after.email.as_deref(), after.groups),
                (email, groups.iter().map(ToString::to_string).collect())
            );
            assert_eq!(after.user, "a");
        }
    }

    #[test]
    fn a_source_names_a_document_and_a_pointer() {
        for text in ["me:/id", "token:/a/b"] {
            assert!(Source::parse(text).is_some(), "{text}");
        }
        for text in ["", "me", "me:id", "you:/id", "/id"] {
            assert_eq!(Source::parse(text), None, "{text}");
        }
    }
}
