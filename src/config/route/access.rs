//! Who may pass on a route.

use crate::auth::policy::Access;
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(section: &mut Section, problems: &mut Problems) -> Option<Access> {
    let Some(taken) = section.take("access") else {
        return Some(Access::SignedIn);
    };
    if taken.is_table() {
        problems.push(
            taken.problem(
                "rules on claims come with a later version; use \"signed-in\" or \"public\"",
            ),
        );
        return None;
    }
    let text = taken.text(problems)?;
    match text.as_str() {
        "public" => Some(Access::Public),
        "signed-in" => Some(Access::SignedIn),
        _ => {
            problems
                .push(taken.problem(format!("{text:?} is none of \"signed-in\" and \"public\"")));
            None
        }
    }
}
