//! Routes: which rule and which app a request belongs to.
//!
//! Order: an exact host before `*.` before none; then an exact path before the longest prefix.
//! A prefix is segment-aware: `/admin` and `/admin/` cover `/admin` and all below, and not
//! `/administrator`. What no route covers is refused.

use http::Method;

use super::host::{Host, HostPattern};
use super::path::RequestPath;
use super::policy::Access;

/// One route of the configuration.
#[derive(Clone, Debug)]
pub struct Route {
    pub host: Option<HostPattern>,
    pub path: PathPattern,
    /// Empty: every method.
    pub methods: Vec<Method>,
    pub access: Access,
    pub authorization: Authorization,
    /// Whether the app gets `X-Forwarded-Access-Token` as well.
    pub access_token_header: bool,
    /// Which upstream of the configuration.
    pub upstream: usize,
}

/// The paths that a route covers, in decoded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    Exact(String),
    /// Without a slash at its end; the empty one covers everything.
    Prefix(String),
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

/// All routes, most specific first.
#[derive(Clone, Debug)]
pub struct RouteTable {
    routes: Vec<Route>,
}

/// The route of a request, and the rules that it must pass.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub route: &'a Route,
    /// The rule of the route that the path finds with its `;parameters`, when that is another.
    pub also: Option<&'a Access>,
}

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// A route covers the path, but not with this method; these it takes.
    Method(Vec<Method>),
    Path,
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
            };
            (host, path)
        });
        Self { routes }
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
            Some(written) => Some(&self.first(host.name(), written, method)?.access),
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

impl Route {
    fn covers_host(&self, host: &str) -> bool {
        self.host.as_ref().is_none_or(|own| own.matches(host))
    }
}

impl PathPattern {
    /// The prefix pattern of a path: `/admin` and `/admin/` are the same.
    pub fn prefix(path: &str) -> Self {
        Self::Prefix(path.trim_end_matches('/').to_owned())
    }

    fn covers(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => {
                path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(host: Option<&str>, path: PathPattern, access: Access, upstream: usize) -> Route {
        Route {
            host: host.map(|host| HostPattern::parse(host).unwrap()),
            path,
            methods: Vec::new(),
            access,
            authorization: Authorization::Replace,
            access_token_header: false,
            upstream,
        }
    }

    fn find(table: &RouteTable, host: &str, path: &str, method: Method) -> Result<usize, NoRoute> {
        let path = RequestPath::parse(path).unwrap();
        table.find(&Host::parse(host).unwrap(), &path, &method).map(|found| found.route.upstream)
    }

    #[test]
    fn the_most_specific_route_wins_whatever_the_order() {
        let prefix = PathPattern::prefix;
        let table = RouteTable::new(vec![
            route(None, prefix("/"), Access::SignedIn, 0),
            route(None, prefix("/admin/"), Access::SignedIn, 1),
            route(None, PathPattern::Exact("/admin/ping".into()), Access::Public, 2),
            route(Some("*.example.com"), prefix("/"), Access::SignedIn, 3),
            route(Some("wiki.example.com"), prefix("/"), Access::SignedIn, 4),
        ]);
        for (host, path, upstream) in [
            ("other.org", "/", 0),
            ("other.org", "/adminx", 0),
            ("other.org", "/admin", 1),
            ("other.org", "/admin/x", 1),
            ("other.org:8080", "/admin/ping", 2),
            ("other.org", "/admin/ping/", 1),
            ("a.example.com", "/admin", 3),
            ("wiki.example.com", "/admin", 4),
        ] {
            assert_eq!(find(&table, host, path, Method::GET), Ok(upstream), "{host}{path}");
        }
    }

    #[test]
    fn a_method_left_out_falls_through_only_from_public() {
        let mut public = route(None, PathPattern::prefix("/p"), Access::Public, 1);
        public.methods = vec![Method::GET];
        let mut closed = route(None, PathPattern::prefix("/c"), Access::SignedIn, 2);
        closed.methods = vec![Method::GET];
        let wide = route(None, PathPattern::prefix("/"), Access::SignedIn, 0);
        let table = RouteTable::new(vec![wide, public, closed]);
        assert_eq!(find(&table, "a", "/p", Method::GET), Ok(1));
        assert_eq!(find(&table, "a", "/p", Method::POST), Ok(0));
        assert_eq!(find(&table, "a", "/c", Method::HEAD), Err(NoRoute::Method(vec![Method::GET])));
    }

    #[test]
    fn what_no_route_covers_is_refused() {
        let table = RouteTable::new(vec![route(None, PathPattern::prefix("/a"), Access::Public, 0)]);
        assert_eq!(find(&table, "a", "/b", Method::GET), Err(NoRoute::Path));
        assert_eq!(find(&RouteTable::new(Vec::new()), "a", "/", Method::GET), Err(NoRoute::Path));
    }

    #[test]
    fn c42_parameters_must_pass_both_rules() {
        let table = RouteTable::new(vec![
            route(None, PathPattern::prefix("/"), Access::SignedIn, 0),
            route(None, PathPattern::prefix("/public"), Access::Public, 1),
        ]);
        let path = RequestPath::parse("/public;x").unwrap();
        let found = table.find(&Host::parse("a").unwrap(), &path, &Method::GET).unwrap();
        assert_eq!((found.route.upstream, found.also), (1, Some(&Access::SignedIn)));
    }
}
