//! What scripts of other origins are told ([`crate::auth::cors`]).

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};

use super::Gateway;
use super::body::Body;
use super::own::OwnPath;
use super::respond::Failure;
use super::visit::Visit;
use crate::auth::cors;
use crate::auth::path::RequestPath;
use crate::auth::route::Route;

impl Gateway {
    /// Answers a preflight on a route that has rules for it; any other request, and an `OPTIONS`
    /// where there are none, goes the way of all (C-51).
    pub(super) fn preflight(
        &self,
        visit: &Visit<'_>,
        path: &RequestPath<'_>,
    ) -> Option<Result<Response<Body>, Failure>> {
        // The route is the one of the request that will follow.
        let method = cors::preflight(visit.method, visit.headers)?;
        let found = self.routes.find(visit.host, path, &method).ok()?;
        let cors = found.route.browser.cors.as_ref()?;
        // Two routes with different rules: neither speaks for the other.
        if found.rules().any(|route| route.browser.cors.as_ref() != Some(cors)) {
            return None;
        }
        if let Err(failure) = self.limits.by_address(&found.route.limits, visit.client) {
            return Some(Err(failure));
        }
        let Some(fields) = cors.allow(visit.headers) else {
            return Some(Err(Failure::ForeignOrigin));
        };
        let mut answer = Response::new(Body::from(Bytes::new()));
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        *headers = fields;
        headers.insert(header::VARY, VARY);
        Some(Ok(answer))
    }

    /// States who may read an answer of a route's, whoever gave it.
    pub(super) fn state_cors(&self, route: &Route, visit: &Visit<'_>, answer: &mut HeaderMap) {
        if let Some(cors) = &route.browser.cors {
            cors.state(visit.headers, answer);
        }
    }

    /// States who may read the answer to a request that failed: a script is to find the address
    /// of the login in it.
    pub(super) fn state_cors_of_failure(&self, visit: &Visit<'_>, answer: &mut HeaderMap) {
        if !visit.headers.contains_key(header::ORIGIN) {
            return;
        }
        let Ok(path) = RequestPath::parse(visit.path) else { return };
        // Our own pages are for our own origin alone.
        if OwnPath::of(&path, visit, self).is_some() {
            return;
        }
        let wanted = cors::preflight(visit.method, visit.headers);
        let method = wanted.as_ref().unwrap_or(visit.method);
        if let Ok(found) = self.routes.find(visit.host, &path, method) {
            self.state_cors(found.route, visit, answer);
        }
    }
}

const VARY: http::HeaderValue = http::HeaderValue::from_static(
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
);
