//! How much one route takes.

/// How much one route takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteLimits {}
