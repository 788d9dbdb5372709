//! How much a route takes.

use crate::auth::route_limits::RouteLimits;
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(_section: &mut Section, _problems: &mut Problems) -> RouteLimits {
    RouteLimits::default()
}
