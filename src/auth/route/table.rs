//! All routes, and which of them a request belongs to.

use http::Method;

use super::Route;
use super::pattern::{PathPattern, WholePath};
use crate::auth::host::{Host, HostPattern, is_or_is_below};
use crate::auth::path::RequestPath;
use crate::auth::policy::Access;
use crate::auth::provider::ProviderIndex;

/// All routes, most specific first.
#[derive(Clone, Debug)]
pub struct RouteTable {
    routes: Vec<Route>,
}

/// The route of a request, and the rules that it must pass.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub route: &'a Route,
    /// The route that the path finds with its `;parameters`: its rule counts too.
    pub also: Option<&'a Route>,
}

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// A route covers the path, but not with this method; these it takes.
    Method(Vec<Method>),
    Path,
}

impl Found<'_> {
    /// Whether people whom this provider vouches for are somebody here. The same `user` of
    /// another provider may be another person (S26).
    pub fn takes(&self, provider: ProviderIndex) -> bool {
        let takes = |route: &Route| route.provider.is_none_or(|named| named == provider);
        takes(self.route) && self.also.is_none_or(takes)
    }
}

impl RouteTable {
    /// Sorts the routes by how specific they are; equal ones keep the order of the file.
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| {
            let host = match &route.host {
                Some(HostPattern::Exact(_)) => (0, 0),
                Some(HostPattern::Below(name)) => (1, usize::MAX - name.len()),
                None => (2, 0),
            };
            let path = match &route.path {
                PathPattern::Exact(_) => (0, 0),
                PathPattern::Prefix(prefix) => (1, usize::MAX - prefix.len()),
                PathPattern::Template(template) => (1, usize::MAX - template.literal_beginning()),
                PathPattern::Regex(WholePath { literal, .. }) => (1, usize::MAX - literal),
            };
            (host, path)
        });
        Self { routes }
    }

    /// All of them, in the order in which they are tried.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// Finds the route of a request.
    pub fn find(
        &self,
        host: &Host,
        path: &RequestPath<'_>,
        method: &Method,
    ) -> Result<Found<'_>, NoRoute> {
        let route = self.first(host.name(), path.plain(), method)?;
        let also = match path.with_parameters() {
            Some(written) => Some(self.first(host.name(), written, method)?),
            None => None,
        };
        Ok(Found { route, also })
    }

    /// Whether some route takes exactly this path: an operator's own `/ping` comes before ours.
    pub fn has_exact(&self, host: &Host, path: &str) -> bool {
        self.routes.iter().any(|route| {
            route.covers_host(host.name())
                && matches!(&route.path, PathPattern::Exact(exact) if exact == path)
        })
    }

    /// Whether some route names this host itself.
    pub fn names(&self, host: &Host) -> bool {
        let named = |route: &Route| route.host.as_ref().is_some_and(|own| own.matches(host.name()));
        self.routes.iter().any(named)
    }

    /// Whether every host that a route names is a domain or below it.
    pub fn are_below(&self, domain: &str) -> bool {
        let below = |host: &HostPattern| {
            let (HostPattern::Exact(name) | HostPattern::Below(name)) = host;
            is_or_is_below(name, domain)
        };
        self.routes.iter().filter_map(|route| route.host.as_ref()).all(below)
    }

    fn first(&self, host: &str, path: &str, method: &Method) -> Result<&Route, NoRoute> {
        for route in &self.routes {
            if !route.covers_host(host) || !route.path.covers(path) {
                continue;
            }
            if route.methods.is_empty() || route.methods.contains(method) {
                return Ok(route);
            }
            // A public route that leaves a method out can only be tightened by the next wider
            // one; any other must not be widened by it.
            if route.access != Access::Public {
                return Err(NoRoute::Method(route.methods.clone()));
            }
        }
        Err(NoRoute::Path)
    }
}
