//! How a decision is said: the one place that knows what each proxy takes for a yes.
//!
//! | asks | yes | without a session | no other status than |
//! |---|---|---|---|
//! | nginx, by `auth_request` | 202 | 401 | 403, 503 (C-121) |
//! | Traefik, Caddy, HAProxy, Envoy by HTTP and gRPC | 200 | 302 for a navigation, else 401 | those of a proxy |

use http::{HeaderValue, Response, StatusCode, header};

use crate::gateway::body::Body;
use crate::gateway::respond::Asker;
use crate::gateway::visit::Visit;

/// Who asks, by the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Dialect {
    /// `/auth`: only a status gets through to the visitor.
    Auth,
    /// `/ext_authz`: what we answer is what the visitor gets.
    ExtAuthz,
    /// `/ext_authz/…`: the same, with the visitor's own path and query behind it.
    ExtAuthzRepeating,
}

/// How it is said.
#[derive(Clone, Copy, Debug)]
pub(in crate::gateway) struct Manner {
    redirects: bool,
    /// Whether it takes off the visitor's request what our answer names.
    removes: bool,
    /// Whether the proxy is listed.
    pub(super) listed: bool,
    /// Whether a page in a browser may be behind the question itself, and read the answer.
    pub(super) from_a_page: bool,
}

impl Dialect {
    /// Reads a path below our prefix.
    pub(in crate::gateway) fn at(path: &str) -> Option<Self> {
        if path == "/auth" {
            return Some(Self::Auth);
        }
        match path.strip_prefix(EXT_AUTHZ)? {
            "" => Some(Self::ExtAuthz),
            rest => rest.starts_with('/').then_some(Self::ExtAuthzRepeating),
        }
    }

    /// The target of the visitor that the subrequest's own path repeats.
    pub(super) fn repeated(self, visit: &Visit<'_>, prefix: &str) -> Option<String> {
        if self != Self::ExtAuthzRepeating {
            return None;
        }
        let target = visit.target();
        Some(target.get(prefix.len() + EXT_AUTHZ.len()..)?.to_owned())
    }

    /// How its proxy is spoken to.
    pub(super) fn manner(self, visit: &Visit<'_>, listed: bool) -> Manner {
        let says = |name: &str| visit.headers.contains_key(name);
        let browses = |agent: &HeaderValue| agent.as_bytes().starts_with(b"Mozilla/");
        // Over plain HTTP browsers say less, and anyone may come by it where no proxy is.
        let looks_like_it = || {
            says("origin")
                || says("referer")
                || visit.headers.get(header::USER_AGENT).is_some_and(browses)
        };
        Manner {
            redirects: self != Self::Auth,
            removes: false,
            listed,
            from_a_page: says("sec-fetch-site") || !listed && looks_like_it(),
        }
    }
}

impl Manner {
    /// For a listed proxy that gives the visitor our answer as it is, and asks in a way that no page
    /// can.
    pub(super) const REDIRECTS: Self =
        Self { redirects: true, removes: true, listed: true, from_a_page: false };

    pub(super) const fn may_redirect(self) -> bool {
        self.redirects
    }

    /// Envoy does; over HTTP nobody knows that it is Envoy.
    pub(super) const fn removes_fields(self) -> bool {
        self.removes
    }

    /// nginx hands over only the first `Set-Cookie` of a subrequest (C-123).
    pub(super) const fn takes_one_cookie(self) -> bool {
        !self.redirects
    }

    /// Envoy takes only 200 for a yes, and people who came from oauth2-proxy look for its 202.
    pub(super) const fn yes(self) -> StatusCode {
        if self.redirects { StatusCode::OK } else { StatusCode::ACCEPTED }
    }

    /// Whom a refusal is written for.
    pub(super) fn asker(self, visit: &Visit<'_>) -> Asker {
        let asker = visit.asker();
        // Nobody sees the body.
        if self.redirects { asker } else { asker.for_program() }
    }

    /// A refusal as the proxy understands it, whatever it was at first.
    pub(super) fn no(self, mut answer: Response<Body>) -> Response<Body> {
        let status = answer.status();
        if self.redirects && !status.is_success() && !status.is_informational() {
            return answer;
        }
        let known = match status {
            StatusCode::UNAUTHORIZED => StatusCode::UNAUTHORIZED,
            StatusCode::TOO_MANY_REQUESTS => StatusCode::SERVICE_UNAVAILABLE,
            status if status.is_server_error() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        };
        *answer.status_mut() = known;
        if known == StatusCode::SERVICE_UNAVAILABLE {
            let soon = HeaderValue::from_static("5");
            answer.headers_mut().entry(header::RETRY_AFTER).or_insert(soon);
        }
        answer
    }
}

const EXT_AUTHZ: &str = "/ext_authz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_who_asks() {
        for (path, dialect) in [
            ("/auth", Some(Dialect::Auth)),
            ("/auth/", None),
            ("/authz", None),
            ("/ext_authz", Some(Dialect::ExtAuthz)),
            ("/ext_authz/", Some(Dialect::ExtAuthzRepeating)),
            ("/ext_authz/a/b", Some(Dialect::ExtAuthzRepeating)),
            ("/ext_authza", None),
        ] {
            assert_eq!(Dialect::at(path), dialect, "{path}");
        }
    }

    #[test]
    fn c121_no_refusal_looks_like_a_yes() {
        let said = |redirects, status: u16| {
            let mut answer = Response::new(Body::from(http_body_util::Full::default()));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            Manner { redirects, ..Manner::REDIRECTS }.no(answer).status().as_u16()
        };
        for (status, to_nginx, to_others) in [
            (200, 403, 403),
            (204, 403, 403),
            (302, 403, 302),
            (400, 403, 400),
            (401, 401, 401),
            (403, 403, 403),
            (404, 403, 404),
            (405, 403, 405),
            (421, 403, 421),
            (429, 503, 429),
            (500, 503, 500),
            (502, 503, 502),
            (503, 503, 503),
        ] {
            assert_eq!((said(false, status), said(true, status)), (to_nginx, to_others));
        }
    }
}
