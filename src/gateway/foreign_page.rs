//! Pages of other origins: any of them can make a browser send a request with our cookies, and open
//! a WebSocket that it can read (C-67).

use http::{Method, header};

use super::Worker;
use super::respond::Failure;
use super::visit::Visit;
use super::who::Who;
use crate::auth::route::Found;
use crate::auth::same_site;

impl Worker {
    /// Refuses a WebSocket of a page that is neither ours nor listed; and on a route that asks for
    /// it, whatever else such a page may be behind and may change something (S38). What brings a
    /// token instead of a cookie is no page's doing.
    pub(super) fn foreign_page(
        &self,
        visit: &Visit<'_>,
        found: Found<'_>,
        who: &Who,
    ) -> Result<(), Failure> {
        // HTTP/2 opens a WebSocket by CONNECT (RFC 8441).
        let opens = visit.headers.contains_key(header::UPGRADE) || *visit.method == Method::CONNECT;
        let route = found.route;
        let csrf = route.browser.csrf || found.also.is_some_and(|also| also.browser.csrf);
        let changes = csrf && !same_site::is_safe(visit.method);
        if !(opens || changes) || !who.by_cookie() {
            return Ok(());
        }
        let (ours, listed) = (visit.origin(&self.gateway), &route.browser.origins);
        let foreign = opens && same_site::has_foreign_origin(visit.headers, &ours, listed)
            || changes && same_site::may_be_foreign(visit.headers, &ours, listed);
        if foreign { Err(Failure::ForeignOrigin) } else { Ok(()) }
    }
}
