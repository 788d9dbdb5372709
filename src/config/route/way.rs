//! How a request's path and host are said to the app.

use crate::auth::way::AppWay;
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(_section: &mut Section, _problems: &mut Problems) -> AppWay {
    AppWay::default()
}
