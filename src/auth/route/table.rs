//! All routes, and which of them a request belongs to.

use std::cmp::Reverse;
use std::ops::{ControlFlow, Range};

use http::Method;

use super::Route;
use super::hosts::HostIndex;
use super::index::PathIndex;
use super::pattern::PathPattern;
use crate::auth::access::Access;
use crate::auth::host::{Host, HostPattern, is_or_is_below};
use crate::auth::path::{OTHER_FORMS, RequestPath};
use crate::auth::provider::ProviderIndex;

/// All routes, most specific first, those of one host pattern together.
#[derive(Clone, Debug)]
pub struct RouteTable {
    routes: Vec<Route>,
    hosts: HostIndex<Group>,
}

/// The routes of one host pattern.
#[derive(Clone, Debug)]
struct Group {
    range: Range<usize>,
    /// None where there are so few that looking at each is faster.
    index: Option<Box<PathIndex>>,
}

/// The route of a request, and the rules that it must pass.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub route: &'a Route,
    /// The routes that the other forms of the path find: their rules count too.
    pub also: [Option<&'a Route>; OTHER_FORMS],
}

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// A route covers the path, but not with this method; these it takes.
    Method(Vec<Method>),
    Path,
}

/// What a route that covers the path means for the search: it ends, or goes on.
type Search<'a> = ControlFlow<Result<&'a Route, NoRoute>>;

impl<'a> Found<'a> {
    /// Every route whose rule counts.
    pub fn rules(self) -> impl Iterator<Item = &'a Route> {
        [self.route].into_iter().chain(self.also.into_iter().flatten())
    }

    /// Whether who may pass depends on the method.
    pub fn rests_on_method(self) -> bool {
        self.rules().any(|route| route.rests_on_method)
    }

    /// Whether people whom this provider vouches for are somebody here. The same `user` of
    /// another provider may be another person (S26).
    pub fn takes(&self, provider: ProviderIndex) -> bool {
        self.rules().all(|route| route.provider.is_none_or(|named| named == provider))
    }
}

impl RouteTable {
    /// Sorts the routes by how specific they are; equal ones keep the order of the file.
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_cached_key(|route| {
            let host = match &route.host {
                Some(HostPattern::Exact(name)) => (0, Reverse(0), name.clone()),
                Some(HostPattern::Below(name)) => (1, Reverse(name.len()), name.clone()),
                None => (2, Reverse(0), String::new()),
            };
            let inexact = !matches!(route.path, PathPattern::Exact(_));
            // Of one length only what has the same beginning can cover the same path: the order
            // among the others is free, and this one puts what is found together side by side.
            let literal = if inexact { route.path.literal_length() } else { 0 };
            (host, inexact, Reverse(literal), route.path.literal().into_owned())
        });
        let mut hosts = HostIndex::default();
        let mut start = 0;
        for group in routes.chunk_by(|one, next| one.host == next.host) {
            let range = start..start + group.len();
            start = range.end;
            let index = (group.len() > FEW).then(|| Box::new(PathIndex::new(group, range.start)));
            hosts.insert(group[0].host.as_ref(), Group { range, index });
        }
        Self { routes, hosts }
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
        self.found(path, |path| self.first(host.name(), path, method))
    }

    /// Finds the same by looking at every route in turn: what tests and benches measure
    /// [`Self::find`] by.
    pub fn find_by_scan(
        &self,
        host: &Host,
        path: &RequestPath<'_>,
        method: &Method,
    ) -> Result<Found<'_>, NoRoute> {
        self.found(path, |path| {
            let covers = |route: &&Route| route.covers_host(host.name()) && route.path.covers(path);
            answer(self.routes.iter().filter(covers).try_for_each(|route| judge(route, method)))
        })
    }

    /// Whether some route takes exactly this path: an operator's own `/ping` comes before ours.
    pub fn has_exact(&self, host: &Host, path: &str) -> bool {
        let has_exact = |group: &Group| match group.has_exact(&self.routes, path) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        self.hosts.each(host.name(), has_exact).is_break()
    }

    /// The routes that requests for a host may belong to, the widest one last.
    pub fn of_host(&self, host: &Host) -> Vec<&Route> {
        let mut routes = Vec::new();
        let _ = self.hosts.each(host.name(), |group| -> ControlFlow<()> {
            let own = &self.routes[group.range.clone()];
            routes.extend(own);
            // What covers everything leaves nothing for wider hosts.
            let takes_all = |route: &Route| {
                route.methods.is_empty()
                    && matches!(&route.path, PathPattern::Prefix(all) if all.is_empty())
            };
            match own.iter().any(takes_all) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        routes
    }

    /// Whether some route names this host itself.
    pub fn names(&self, host: &Host) -> bool {
        self.hosts.names(host.name())
    }

    /// The hosts that routes name, each once.
    pub fn hosts(&self) -> impl Iterator<Item = &HostPattern> {
        let groups = self.routes.chunk_by(|one, next| one.host == next.host);
        groups.filter_map(|group| group[0].host.as_ref())
    }

    /// Whether every host that a route names is a domain or below it.
    pub fn are_below(&self, domain: &str) -> bool {
        self.hosts().all(|host| {
            let (HostPattern::Exact(name) | HostPattern::Below(name)) = host;
            is_or_is_below(name, domain)
        })
    }

    /// All of them, most specific first.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    fn found<'a>(
        &self,
        path: &RequestPath<'_>,
        first: impl Fn(&str) -> Result<&'a Route, NoRoute>,
    ) -> Result<Found<'a>, NoRoute> {
        let route = first(path.plain())?;
        let mut also = [None; OTHER_FORMS];
        for (at, (place, form)) in also.iter_mut().zip(path.others()).enumerate() {
            *place = match first(form) {
                Err(NoRoute::Path) if path.may_have_no_route(at) => None,
                found => Some(found?),
            };
        }
        Ok(Found { route, also })
    }

    fn first(&self, host: &str, path: &str, method: &Method) -> Result<&Route, NoRoute> {
        let judge = |route| judge(route, method);
        answer(self.hosts.each(host, |group| group.each(&self.routes, path, judge)))
    }
}

impl Group {
    /// Shows `judge` the routes that cover a path, in their order.
    #[inline]
    fn each<'a>(
        &self,
        routes: &'a [Route],
        path: &str,
        judge: impl Fn(&'a Route) -> Search<'a>,
    ) -> Search<'a> {
        match &self.index {
            Some(index) => index.each(path, |at| match routes[at].path.covers(path) {
                true => judge(&routes[at]),
                false => ControlFlow::Continue(()),
            }),
            None => {
                let covers = |route: &&Route| route.path.covers(path);
                routes[self.range.clone()].iter().filter(covers).try_for_each(judge)
            }
        }
    }

    fn has_exact(&self, routes: &[Route], path: &str) -> bool {
        let is_it = |route: &Route| matches!(&route.path, PathPattern::Exact(own) if own == path);
        match &self.index {
            Some(index) => index.has_exact(path),
            None => routes[self.range.clone()].iter().any(is_it),
        }
    }
}

fn judge<'a>(route: &'a Route, method: &Method) -> Search<'a> {
    if route.methods.is_empty() || route.methods.contains(method) {
        return ControlFlow::Break(Ok(route));
    }
    // A public route that leaves a method out can only be tightened by the next wider one; any
    // other must not be widened by it.
    if route.access != Access::Public {
        return ControlFlow::Break(Err(NoRoute::Method(route.methods.clone())));
    }
    ControlFlow::Continue(())
}

fn answer(searched: Search<'_>) -> Result<&Route, NoRoute> {
    match searched {
        ControlFlow::Break(answer) => answer,
        ControlFlow::Continue(()) => Err(NoRoute::Path),
    }
}

/// Up to here looking at each route in turn is as fast as the index (`benches/routes.rs`).
const FEW: usize = 16;
