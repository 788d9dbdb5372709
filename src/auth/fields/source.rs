//! Where the value of a field is taken from.

use serde_json::Value;

use crate::auth::identity::{Identity, Source};

/// A part of who somebody is: `email`, or `token:/roles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimSource {
    Email,
    Groups,
    Name,
    Organization,
    PreferredUsername,
    Provider,
    User,
    /// A place in a document of the provider's.
    Document(Source),
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub enum Claim<'a> {
    Text(&'a str),
    Texts(&'a [String]),
    Json(&'a Value),
}

impl ClaimSource {
    /// Reads one of the words of the identity, or a place in a document.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, source)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(source.clone());
        }
        Source::parse(text).map(Self::Document).ok_or_else(|| {
            let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            let words = words.join(", ");
            format!("{text:?} is no claim; write one of {words}, or a place such as \"token:/roles\", \"me:/team/id\" or \"id:/sub\"")
        })
    }

    /// The place that has to be kept with sessions; the words are there anyway.
    pub const fn source(&self) -> Option<&Source> {
        match self {
            Self::Document(source) => Some(source),
            _ => None,
        }
    }

    /// What it says of somebody whom `provider` vouches for.
    pub fn find<'a>(&self, identity: &'a Identity, provider: &'a str) -> Option<Claim<'a>> {
        let text = |text: &'a Option<String>| text.as_deref().map(Claim::Text);
        match self {
            Self::Email => text(&identity.email),
            Self::Groups => Some(Claim::Texts(&identity.groups)),
            Self::Name => text(&identity.name),
            Self::Organization => text(&identity.organization),
            Self::PreferredUsername => text(&identity.preferred_username),
            Self::Provider => Some(Claim::Text(provider)),
            Self::User => Some(Claim::Text(&identity.user)),
            Self::Document(source) => {
                identity.claims.find(source.document(), source.pointer()).map(Claim::Json)
            }
        }
    }
}

const WORDS: [(&str, ClaimSource); 7] = [
    ("user", ClaimSource::User),
    ("email", ClaimSource::Email),
    ("name", ClaimSource::Name),
    ("groups", ClaimSource::Groups),
    ("organization", ClaimSource::Organization),
    ("preferred_username", ClaimSource::PreferredUsername),
    ("provider", ClaimSource::Provider),
];
