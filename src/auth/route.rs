//! Routes: which rule and which app a request belongs to.
//!
//! Order: an exact host before `*.` before none; then an exact path, then the longest literal
//! beginning: of a template what stands before its first variable, of a regular expression what
//! stands before its first operator. So a catch-all prefix hides neither, and neither hides a
//! longer prefix. Of equals the first in the file wins. A prefix is segment-aware: `/admin` and
//! `/admin/` cover `/admin` and all below, and not `/administrator`. What no route covers is
//! refused.

use http::Method;
use regex::{Regex, RegexBuilder};

use super::host::{Host, HostPattern, is_or_is_below};
use super::path::RequestPath;
use super::policy::Access;
use super::provider::ProviderIndex;

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
    /// Which provider of the configuration signs people in here; none: any of them.
    pub provider: Option<ProviderIndex>,
    /// Which upstream of the configuration.
    pub upstream: usize,
}

/// The paths that a route covers, in decoded form.
#[derive(Clone, Debug)]
pub enum PathPattern {
    Exact(String),
    /// Without a slash at its end; the empty one covers everything.
    Prefix(String),
    Regex(WholePath),
    Template(Template),
}

/// `/teams/{team}/*`: literal segments, `{name}` for one segment, `*` at the end for the rest.
#[derive(Clone, Debug)]
pub struct Template {
    segments: Vec<Segment>,
    rest: bool,
}

/// A regular expression over whole paths, in linear time.
#[derive(Clone, Debug)]
pub struct WholePath {
    regex: Regex,
    /// How many bytes at its beginning are sure.
    literal: usize,
}

#[derive(Clone, Debug)]
enum Segment {
    Any,
    Literal(String),
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

    /// The pattern of a regular expression over the whole path; the error says what is wrong.
    pub fn regex(text: &str) -> Result<Self, String> {
        let whole = RegexBuilder::new(&format!("^(?:{text})$")).size_limit(REGEX_SIZE).build();
        let literal = literal_beginning(text);
        whole
            .map(|regex| Self::Regex(WholePath { regex, literal }))
            .map_err(|error| error.to_string())
    }

    /// The pattern of a template.
    pub fn template(text: &str) -> Option<Self> {
        let (text, rest) = match text.strip_suffix("/*") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let segments =
            text.strip_prefix('/').unwrap_or(text).split('/').map(|segment| {
                match segment.strip_prefix('{').map(|name| name.strip_suffix('}')) {
                    Some(Some(name)) if !name.is_empty() && !name.contains(['{', '}']) => {
                        Some(Segment::Any)
                    }
                    None if !segment.contains(['{', '}', '*']) => {
                        Some(Segment::Literal(segment.to_owned()))
                    }
                    _ => None,
                }
            });
        let segments =
            if text.is_empty() { Vec::new() } else { segments.collect::<Option<Vec<_>>>()? };
        Some(Self::Template(Template { segments, rest }))
    }

    fn covers(&self, path: &str) -> bool {
        match self {
            Self::Regex(whole) => whole.regex.is_match(path),
            Self::Template(template) => template.covers(path),
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }
}

impl Template {
    fn covers(&self, path: &str) -> bool {
        let mut written = path.strip_prefix('/').unwrap_or(path).split('/');
        for segment in &self.segments {
            let fits = match (segment, written.next()) {
                (Segment::Any, Some(text)) => !text.is_empty(),
                (Segment::Literal(literal), Some(text)) => literal == text,
                (_, None) => false,
            };
            if !fits {
                return false;
            }
        }
        self.rest || written.next().is_none()
    }

    /// How many bytes of it are sure, up to its first variable.
    fn literal_beginning(&self) -> usize {
        let literal = |segment: &Segment| match segment {
            Segment::Literal(text) => Some(text.len() + 1),
            Segment::Any => None,
        };
        self.segments.iter().map_while(literal).sum()
    }
}

/// What an expression surely begins with, in bytes; none where it offers alternatives.
fn literal_beginning(text: &str) -> usize {
    let text = text.strip_prefix('^').unwrap_or(text);
    let operator = |byte: u8| b"\\.+*?()|[]{}^$".contains(&byte);
    let length = text.bytes().take_while(|&byte| !operator(byte)).count();
    match text.as_bytes().get(length) {
        _ if text.contains('|') => 0,
        // The operator is about the byte before it.
        Some(b'*' | b'?' | b'{' | b'+') => length.saturating_sub(1),
        _ => length,
    }
}

/// Of a compiled expression; a larger one is refused with the configuration (C-81).
const REGEX_SIZE: usize = 1 << 20;

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
            provider: None,
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
    fn a_catch_all_hides_no_expression_and_an_expression_hides_no_longer_prefix() {
        let regex = |text| PathPattern::regex(text).unwrap();
        let table = RouteTable::new(vec![
            route(None, PathPattern::prefix("/"), Access::SignedIn, 0),
            route(None, regex("/.*\\.css"), Access::Public, 1),
            route(None, PathPattern::prefix("/admin"), Access::SignedIn, 2),
            route(None, regex("^/v[0-9]+/health$"), Access::Public, 3),
            route(None, regex("/ab*|/cd"), Access::Public, 4),
        ]);
        for (path, upstream) in [
            ("/x", 0),
            ("/x/y.css", 1),
            ("/admin/y.css", 2),
            ("/v1/health", 3),
            ("/v1/health/x", 0),
            ("/cd", 0),
        ] {
            assert_eq!(find(&table, "a", path, Method::GET), Ok(upstream), "{path}");
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
    fn templates_and_regular_expressions_cover_whole_paths() {
        let template = |text| PathPattern::template(text).unwrap();
        for (pattern, covered, not) in [
            (
                template("/t/{team}/logo"),
                &["/t/red/logo"][..],
                &["/t/logo", "/t//logo", "/t/a/b/logo", "/t/a/logo/"][..],
            ),
            (template("/t/{team}/*"), &["/t/a", "/t/a/", "/t/a/b/c"], &["/t", "/t/", "/u/a"]),
            (template("/*"), &["/", "/x"], &[]),
            (PathPattern::regex("/v[0-9]+/x").unwrap(), &["/v1/x"], &["/a/v1/x", "/v1/x/", "/v/x"]),
            (PathPattern::regex("/a|/b").unwrap(), &["/a", "/b"], &["/ab", "/c/b"]),
        ] {
            assert!(covered.iter().all(|path| pattern.covers(path)), "{pattern:?}");
            assert!(!not.iter().any(|path| pattern.covers(path)), "{pattern:?}");
        }
        assert!(PathPattern::template("/t/{}/x").is_none());
        assert!(PathPattern::template("/t/a{b}").is_none());
        assert!(PathPattern::template("/t/*/x").is_none());
        assert!(PathPattern::regex("(").is_err());
        assert!(PathPattern::regex("(a{1000}){1000}").is_err());
    }

    #[test]
    fn what_no_route_covers_is_refused() {
        let table =
            RouteTable::new(vec![route(None, PathPattern::prefix("/a"), Access::Public, 0)]);
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
        let also = found.also.map(|route| &route.access);
        assert_eq!((found.route.upstream, also), (1, Some(&Access::SignedIn)));
    }
}
