//! What a route allows to pages.

use crate::auth::browser::BrowserRules;
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(_section: &mut Section, _problems: &mut Problems) -> BrowserRules {
    BrowserRules::default()
}
