//! Where a claim comes from: a place in what the provider told, or a part of the identity as the
//! gateway knows it, which costs nothing in the cookie.

use serde_json::Value;

use super::identity::{Identity, Source};

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

/// A claim that is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claim<'a> {
    Text(&'a str),
    Texts(&'a [String]),
    Value(&'a Value),
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

    /// The claim of somebody whom `provider` vouches for, where there is one.
    pub fn find<'a>(&self, identity: &'a Identity, provider: Option<&'a str>) -> Option<Claim<'a>> {
        match self {
            Self::Document(source) => {
                identity.claims.find(source.document(), source.pointer()).map(Claim::Value)
            }
            Self::Word(word) => word.find(identity, provider),
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

    /// What it says of somebody whom `provider` vouches for.
    pub fn find<'a>(self, identity: &'a Identity, provider: Option<&'a str>) -> Option<Claim<'a>> {
        let text = match self {
            Self::Email => identity.email.as_deref(),
            Self::Groups => return Some(Claim::Texts(&identity.groups)),
            Self::Name => identity.name.as_deref(),
            Self::Organization => identity.organization.as_deref(),
            Self::PreferredUsername => identity.preferred_username.as_deref(),
            Self::Provider => provider,
            Self::User => Some(identity.user.as_str()),
        };
        text.map(Claim::Text)
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
}
