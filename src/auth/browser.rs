//! What pages of other origins may do, and what becomes of a form without a session.

use http::HeaderValue;

use super::cors::Cors;

/// What a route allows to pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserRules {
    /// Origins beside ours whose pages may open WebSockets here, and send what changes something:
    /// as browsers write them.
    pub origins: Vec<HeaderValue>,
    /// Whether what changes something, and comes with a session's cookie, has to come from a page
    /// of ours (S38).
    pub csrf: bool,
    /// Which scripts of other origins may read the answers.
    pub cors: Option<Box<Cors>>,
    /// How many bytes of a form without a session are kept until after the login; none: no form
    /// is kept.
    pub keep_posts: Option<usize>,
}
