//! Routes: which rule and which app a request belongs to.
//!
//! Order: an exact host before `*.` before none; then an exact path, then the longest literal
//! beginning: of a template what stands before its first variable, of a regular expression what
//! stands before its first operator. So a catch-all prefix hides neither, and neither hides a
//! longer prefix. Of equals the first in the file wins. A prefix is segment-aware: `/admin` and
//! `/admin/` cover `/admin` and all below, and not `/administrator`. What no route covers is
//! refused.

mod hash;
mod hosts;
mod index;
mod pattern;
mod table;

use http::Method;

use super::access::Access;
use super::browser::BrowserRules;
use super::fields::FieldRules;
use super::host::HostPattern;
use super::identity::Source;
use super::provider::ProviderIndex;
use super::route_limits::RouteLimits;
use super::step_up::LoginWishes;
use super::way::AppWay;
pub use pattern::PathPattern;
pub use table::{Found, NoRoute, RouteTable};

/// One route of the configuration.
#[derive(Clone, Debug)]
pub struct Route {
    /// What logs, denials and the audience of assertions call it; by default host and path.
    pub name: String,
    pub host: Option<HostPattern>,
    pub path: PathPattern,
    /// Empty: every method.
    pub methods: Vec<Method>,
    pub access: Access,
    /// Whether who may pass depends on the method.
    pub rests_on_method: bool,
    pub authorization: Authorization,
    /// Whether the app gets `X-Forwarded-Access-Token` as well.
    pub access_token_header: bool,
    /// Which provider of the configuration signs people in here; none: any of them.
    pub provider: Option<ProviderIndex>,
    /// How people are signed in for it.
    pub login: LoginWishes,
    /// How the path and the host are said to the app.
    pub way: AppWay,
    /// Which fields of its own the app and the visitor get.
    pub fields: FieldRules,
    pub limits: RouteLimits,
    /// What pages of other origins may do, and what becomes of a form without a session.
    pub browser: BrowserRules,
    /// Which upstream of the configuration; none: a proxy in front carries the traffic, and only
    /// asks the gateway.
    pub upstream: Option<usize>,
}

/// What becomes of `Authorization` on the way to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// The app gets none.
    Off,
    /// The app gets the visitor's own.
    Pass,
    /// The app gets the session's access token; the visitor's own is dropped.
    Replace,
}

impl Route {
    /// What its rule and its fields read of the provider's documents.
    pub fn sources(&self) -> Vec<Source> {
        let mut sources = self.access.sources();
        sources.extend(self.fields.sources());
        sources
    }

    /// Whether an app is told the same of the same people as on another route, so that it does not
    /// matter which of them is meant. Their rules may differ, but none may ask for the method.
    pub fn is_like(&self, other: &Self) -> bool {
        let is_plain = |route: &Self| route.fields.is_silent() && !route.rests_on_method;
        let tells = |route: &Self| (route.provider, route.authorization, route.access_token_header);
        is_plain(self) && is_plain(other) && tells(self) == tells(other)
    }

    pub(super) fn covers_host(&self, host: &str) -> bool {
        self.host.as_ref().is_none_or(|own| own.matches(host))
    }
}

#[cfg(test)]
impl Route {
    /// A route to the first app, on every host.
    pub(crate) fn for_test(path: PathPattern, access: Access) -> Self {
        Self {
            name: String::from("test"),
            host: None,
            path,
            methods: Vec::new(),
            access,
            rests_on_method: false,
            authorization: Authorization::Replace,
            access_token_header: false,
            provider: None,
            login: LoginWishes::default(),
            way: AppWay::default(),
            fields: FieldRules::default(),
            limits: RouteLimits::default(),
            browser: BrowserRules::default(),
            upstream: Some(0),
        }
    }
}

#[cfg(test)]
mod tests;
