//! Where a claim comes from: a place in what the provider told, or a part of the identity as the
//! gateway knows it, which costs nothing in the cookie.

use serde_json::Value;

use super::text::{Text, Variables};
use crate::auth::facts::Person;
use crate::auth::identity::{Document, Source};

/// Where a claim comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimSource {
    Document(Source),
    Word(Word),
}

/// A part of the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    Email,
    Groups,
    Name,
    Organization,
    PreferredUsername,
    Provider,
    User,
}

/// Where the claim of a rule comes from: the pointer may have variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimPlace {
    Fixed(ClaimSource),
    Template {
        /// What is kept for it: all that stands before the first variable.
        kept: Source,
        pointer: Text,
    },
}

/// A claim that is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claim<'a> {
    Text(&'a str),
    Texts(&'a [String]),
    Value(&'a Value),
}

/// Why there is no claim to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoClaim {
    Missing,
    /// A variable of the pointer stands for nothing.
    Unclear,
}

impl ClaimSource {
    /// Reads `token:/pointer`, `me:/pointer`, `id:/pointer`, or one of the words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, word)) = WORDS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Word(*word));
        }
        let source = Source::parse(text).filter(|source| source.pointer().len() > 1);
        source.map(Self::Document).ok_or_else(|| {
            let words: Vec<_> = WORDS.iter().map(|(name, _)| format!("{name:?}")).collect();
            format!(
                "{text:?} is no claim; write \"token:/pointer\", \"me:/pointer\", \"id:/pointer\", or one of {}",
                words.join(", ")
            )
        })
    }

    /// The claim, where the person has it.
    pub fn find<'a>(&self, person: &Person<'a>) -> Option<Claim<'a>> {
        match self {
            Self::Document(source) => {
                person.identity.claims.find(source.document(), source.pointer()).map(Claim::Value)
            }
            Self::Word(word) => word.find(person),
        }
    }

    /// What has to be kept with a session for it.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Document(source) => Some(source),
            Self::Word(_) => None,
        }
    }
}

impl Word {
    /// The word as expressions name it.
    pub fn named(name: &str) -> Option<Self> {
        WORDS.iter().find(|(known, _)| *known == name).map(|(_, word)| *word)
    }

    /// The word itself.
    pub fn name(self) -> &'static str {
        WORDS.iter().find(|(_, word)| *word == self).map_or("", |(name, _)| name)
    }

    /// What it says of a person.
    pub fn find<'a>(self, person: &Person<'a>) -> Option<Claim<'a>> {
        let identity = person.identity;
        let text = match self {
            Self::Email => identity.email.as_deref(),
            Self::Groups => return Some(Claim::Texts(&identity.groups)),
            Self::Name => identity.name.as_deref(),
            Self::Organization => identity.organization.as_deref(),
            Self::PreferredUsername => identity.preferred_username.as_deref(),
            Self::Provider => person.provider,
            Self::User => Some(identity.user.as_str()),
        };
        text.map(Claim::Text)
    }
}

impl ClaimPlace {
    /// Reads a source whose pointer may have variables; `known` are those of the route.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let Some((document, pointer)) = text.split_once(':') else {
            return ClaimSource::parse(text).map(Self::Fixed);
        };
        let pointer = Text::parse(pointer, known)?;
        if let Some(plain) = pointer.plain() {
            return ClaimSource::parse(&format!("{document}:{plain}")).map(Self::Fixed);
        }
        // All members that the variable may lead to are kept, so their parent must have a name.
        let parent = pointer.beginning().rsplit_once('/').map_or("", |(parent, _)| parent);
        match ClaimSource::parse(&format!("{document}:{parent}")) {
            Ok(ClaimSource::Document(kept)) => Ok(Self::Template { kept, pointer }),
            _ => Err(format!(
                "{text:?} keeps a whole document with every session; name a member before the variable, such as \"me:/teams/{{team}}\""
            )),
        }
    }

    /// What has to be kept with a session for it.
    pub fn source(&self) -> Option<Source> {
        match self {
            Self::Fixed(source) => source.source().cloned(),
            Self::Template { kept, .. } => Some(kept.clone()),
        }
    }

    /// The claim, where the person has it.
    pub fn find<'a>(
        &self,
        person: &Person<'a>,
        variables: &Variables<'_>,
    ) -> Result<Claim<'a>, NoClaim> {
        match self {
            Self::Fixed(source) => source.find(person).ok_or(NoClaim::Missing),
            Self::Template { kept, pointer } => {
                let pointer = pointer.to_pointer(variables).ok_or(NoClaim::Unclear)?;
                let document: Document = kept.document();
                let claim = person.identity.claims.find(document, &pointer);
                claim.map(Claim::Value).ok_or(NoClaim::Missing)
            }
        }
    }
}

const WORDS: &[(&str, Word)] = &[
    ("user", Word::User),
    ("email", Word::Email),
    ("name", Word::Name),
    ("groups", Word::Groups),
    ("organization", Word::Organization),
    ("preferred_username", Word::PreferredUsername),
    ("provider", Word::Provider),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_word_or_a_place_below_the_whole_document() {
        for text in ["user", "provider", "token:/roles", "me:/organization/id", "id:/a~1b"] {
            assert!(ClaimSource::parse(text).is_ok(), "{text}");
        }
        for text in ["", "users", "token", "token:", "token:/", "you:/x", "me:x"] {
            assert!(ClaimSource::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_kept_for_a_template_stands_before_its_variable() {
        for (text, kept) in [
            ("me:/teams/{team}/role", Some("/teams")),
            ("me:/teams/t-{team}", Some("/teams")),
            ("me:/{team}", None),
            ("me:{team}", None),
            ("{team}:/x", None),
            ("{team}", None),
        ] {
            let place = ClaimPlace::parse(text, &["team"]);
            let source = place.ok().and_then(|place| place.source());
            assert_eq!(source.as_ref().map(Source::pointer), kept, "{text}");
        }
    }
}
