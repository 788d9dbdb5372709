//! What pages of other origins may do, and what becomes of a form without a session.

/// What a route allows to pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserRules {}
