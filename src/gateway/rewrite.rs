//! Says the path and the host to the app as its route wants them.

use http::Uri;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::uri::PathAndQuery;

use super::respond::Failure;
use crate::auth::path::BadPath;
use crate::auth::way::AppWay;

/// Changes a head that is ready for the app otherwise, its target in origin form.
pub(super) fn rewrite(parts: &mut Parts, way: &AppWay) -> Result<(), Failure> {
    if way.is_plain() {
        return Ok(());
    }
    if let Some(path) = way.path(parts.uri.path()).map_err(Failure::Path)? {
        let target = match parts.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        // Each of its characters was in a target before, or is escaped: only its length can be
        // too much.
        let target = PathAndQuery::try_from(target);
        parts.uri = Uri::from(target.map_err(|_| Failure::Path(BadPath::Prefix))?);
    }
    if let Some(prefix) = way.stripped() {
        parts.headers.insert(FORWARDED_PREFIX, prefix.clone());
    }
    if let Some(host) = way.host() {
        parts.headers.insert(header::HOST, host.clone());
    }
    Ok(())
}

const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
