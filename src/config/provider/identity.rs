//! Where the parts of an identity are looked for.

use crate::auth::identity::{IdentitySources, Source};
use crate::auth::preset::Preset;
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// What an `identity` table says; none: it is silent.
pub(super) struct Given {
    user: Option<Vec<Source>>,
    email: Option<Vec<Source>>,
    name: Option<Vec<Source>>,
    groups: Option<Vec<Source>>,
    organization: Option<Vec<Source>>,
    preferred_username: Option<Vec<Source>>,
}

impl Given {
    pub(super) fn parse(mut section: Section, problems: &mut Problems) -> Self {
        let mut sources = |key| sources(&mut section, key, problems);
        let given = Self {
            user: sources("user"),
            email: sources("email"),
            name: sources("name"),
            groups: sources("groups"),
            organization: sources("organization"),
            preferred_username: sources("preferred_username"),
        };
        if given.user.as_ref().is_some_and(Vec::is_empty) {
            problems.push(section.problem("user", "is empty: nobody could sign in"));
        }
        section.finish(problems);
        given
    }

    /// The sources of one provider: its own table's, else these, else the preset's.
    pub(super) fn parse_for(
        &self,
        section: &mut Section,
        preset: &Preset,
        problems: &mut Problems,
    ) -> IdentitySources {
        let own = Self::parse(section.section("identity", problems), problems);
        let rows = &preset.identity;
        IdentitySources {
            user: first(own.user, &self.user, rows.user),
            email: first(own.email, &self.email, rows.email),
            name: first(own.name, &self.name, rows.name),
            groups: first(own.groups, &self.groups, rows.groups),
            organization: first(own.organization, &self.organization, rows.organization),
            preferred_username: first(
                own.preferred_username,
                &self.preferred_username,
                rows.preferred_username,
            ),
            kept: Vec::new(),
        }
    }
}

/// Takes a list of places to look at.
pub(super) fn sources(
    section: &mut Section,
    key: &'static str,
    problems: &mut Problems,
) -> Option<Vec<Source>> {
    section.list(key, problems, source)
}

fn first(own: Option<Vec<Source>>, all: &Option<Vec<Source>>, row: &[&str]) -> Vec<Source> {
    own.or_else(|| all.clone())
        .unwrap_or_else(|| row.iter().filter_map(|text| Source::parse(text)).collect())
}

fn source(text: &str) -> Result<Source, String> {
    Source::parse(text).ok_or_else(|| {
        format!(
            "{text:?} is no source; write \"me:/pointer\", \"token:/pointer\" or \"id:/pointer\""
        )
    })
}
