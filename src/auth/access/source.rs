//! Where the claim of a rule comes from.

use super::text::{Text, Variables};
use crate::auth::claim_source::{Claim, ClaimSource};
use crate::auth::facts::Person;
use crate::auth::identity::{Document, Source};

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

/// Why there is no claim to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoClaim {
    Missing,
    /// A variable of the pointer stands for nothing, or the claim is not known.
    Unclear,
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
        let missing = |kept: Option<&Source>| match kept
            .is_none_or(|kept| person.identity.claims.know(kept))
        {
            true => NoClaim::Missing,
            false => NoClaim::Unclear,
        };
        match self {
            Self::Fixed(source) => source
                .find(person.identity, person.provider)
                .ok_or_else(|| missing(source.source())),
            Self::Template { kept, pointer } => {
                let pointer = pointer.to_pointer(variables).ok_or(NoClaim::Unclear)?;
                let document: Document = kept.document();
                let claim = person.identity.claims.find(document, &pointer);
                claim.map(Claim::Value).ok_or_else(|| missing(Some(kept)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
