//! Fields of the operator's own.

use crate::auth::fields::FieldRules;
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(_section: &mut Section, _problems: &mut Problems) -> FieldRules {
    FieldRules::default()
}
