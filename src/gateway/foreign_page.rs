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
        if !who.by_cookie() {
            return Ok(());
        }
        // A proxy that asks may keep `Upgrade` to itself.
        let asked = visit.by_status
            && (visit.headers.contains_key(header::SEC_WEBSOCKET_VERSION)
                || visit.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "websocket"));
        // HTTP/2 opens a WebSocket by CONNECT (RFC 8441).
        let opens = asked
            || visit.headers.contains_key(header::UPGRADE)
            || *visit.method == Method::CONNECT;
        let route = found.route;
        let csrf = found.rules().any(|route| route.browser.csrf);
        let changes = csrf && !same_site::is_safe(visit.method);
        if !(opens || changes) {
            return Ok(());
        }
        let (ours, listed) = (visit.origin(&self.gateway), &route.browser.origins);
        let foreign = opens && same_site::has_foreign_origin(visit.headers, &ours, listed)
            || changes && same_site::may_be_foreign(visit.headers, &ours, listed);
        if foreign { Err(Failure::ForeignOrigin) } else { Ok(()) }
    }
}
