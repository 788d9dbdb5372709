//! How a route wants people to be signed in, and what a rule wants of somebody who is.

use std::time::Duration;

/// What the login of a route asks the provider for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginWishes {
    /// Authentication context classes, in the order of preference (OpenID Connect Core 3.1.2.1).
    pub acr_values: Vec<String>,
    /// How long ago the person may have proved who they are.
    pub max_age: Option<Duration>,
    pub prompt: Option<String>,
}

/// What is missing of an authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// One of these classes; empty: any.
    pub acr: &'a [String],
    /// How long ago it may have been.
    pub max_age: Option<Duration>,
}
