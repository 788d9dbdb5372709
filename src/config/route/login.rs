//! How people are signed in for a route.

use crate::auth::step_up::LoginWishes;
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(_section: &mut Section, _problems: &mut Problems) -> LoginWishes {
    LoginWishes::default()
}
