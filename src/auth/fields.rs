//! Fields of the operator's own, for the app and for the visitor.

/// Which fields a route adds.
#[derive(Clone, Debug, Default)]
pub struct FieldRules {}
