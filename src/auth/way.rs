//! How a request's path and host are said to the app.

/// How a request's path and host are said to the app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppWay {}
