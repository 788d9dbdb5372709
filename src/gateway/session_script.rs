//! What an app's own script may know of the session: a script of ours that an app may include
//! (`<script src="/oauth2/session.js">`), what that asks for, and where its window ends.
//!
//! It makes `askara`, an `EventTarget`, with the events `expiring` (with `detail.seconds`),
//! `expired`, `signed-out` and `signed-in` (with what userinfo says); `askara.login()` signs in in
//! a window of its own, and `askara.stay()` says that somebody is still there. It looks when it
//! begins, when its page is seen again, shortly before the end, and else every five minutes; only
//! while the page is seen. Two minutes before the end it says so; `data-warn` names other seconds.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use sha2::{Digest as _, Sha256};

use super::body::Body;
use super::clock::now;
use super::respond::Failure;
use super::sessions::{Presented, Recalled, RequestTraits, presented, recall, refresh_cookie};
use super::visit::Visit;
use super::{Gateway, Worker};
use crate::auth::Timestamp;
use crate::auth::return_to::ReturnTo;
use crate::auth::session::{Lifetimes, Session};
use crate::auth::tokens::to_hex;

impl Worker {
    /// Tells of the session, and its end. With `watch` nothing else happens: who only looks on is
    /// not there, so that neither the idle time begins anew nor a token is renewed.
    pub(super) async fn user_info(
        self: &Arc<Self>,
        visit: &Visit<'_>,
    ) -> Result<Response<Body>, Failure> {
        if ![Method::GET, Method::HEAD].contains(visit.method) {
            return Err(Failure::MethodNotAllowed("GET, HEAD"));
        }
        let gateway = &self.gateway;
        let nobody = || gateway.sign_in(visit, &ReturnTo::home());
        let told = |session: &Session| {
            let told = told(session, gateway.sessions.lifetimes, now());
            gateway.json(StatusCode::OK, "application/json", &told)
        };
        if visit.member("watch", "").is_some() {
            let presented = presented(self, &visit.own, now()).await?;
            let Presented::Session(open) = presented else { return Err(nobody()) };
            let is_over = gateway.sessions.registry.is_over(&open.session)
                || left(&open.session, gateway.sessions.lifetimes, now()).is_zero();
            return if is_over { Err(nobody()) } else { Ok(told(&open.session)) };
        }
        let recalled = recall(self, &visit.own, gateway.patience()).await?;
        let Recalled::Somebody(current) = recalled else { return Err(nobody()) };
        let mut answer = told(&current.newest.session);
        let traits = RequestTraits::of(visit.headers);
        refresh_cookie(self, &current, &visit.own, &traits, answer.headers_mut());
        Ok(answer)
    }
}

impl Gateway {
    /// The script. Browsers ask again whether it is the same.
    pub(super) fn session_script(&self, visit: &Visit<'_>) -> Result<Response<Body>, Failure> {
        if ![Method::GET, Method::HEAD].contains(visit.method) {
            return Err(Failure::MethodNotAllowed("GET, HEAD"));
        }
        let known = visit.headers.get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes);
        let is_known =
            known.is_some_and(|known| memchr::memmem::find(known, ETAG.as_bytes()).is_some());
        let body = if is_known || *visit.method == Method::HEAD { "" } else { SCRIPT.as_str() };
        let mut answer = Response::new(Body::from(Bytes::from_static(body.as_bytes())));
        if is_known {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = answer.headers_mut();
        headers.insert(header::ETAG, ETAG.clone());
        for (name, value) in [
            (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (header::CACHE_CONTROL, "public, max-age=300"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(answer)
    }

    /// The page at which a login in a window of its own ends.
    pub(super) fn done(&self, visit: &Visit<'_>) -> Result<Response<Body>, Failure> {
        match *visit.method {
            Method::GET | Method::HEAD => Ok(self.done_page(visit.asker().language())),
            _ => Err(Failure::MethodNotAllowed("GET, HEAD")),
        }
    }
}

fn told(session: &Session, lifetimes: Lifetimes, now: Timestamp) -> serde_json::Value {
    let identity = &session.identity;
    serde_json::json!({
        "provider": session.provider,
        "user": identity.user,
        "email": identity.email,
        "name": identity.name,
        "groups": identity.groups,
        "organization": identity.organization,
        "preferredUsername": identity.preferred_username,
        "accessTokenExpires": session.tokens.expires.as_unix(),
        "sessionEnds": session.ends.as_unix(),
        // Clocks differ: what is left is the same for all.
        "expiresIn": left(session, lifetimes, now).as_secs(),
    })
}

/// How long a session lasts if nobody does anything more.
fn left(session: &Session, lifetimes: Lifetimes, now: Timestamp) -> std::time::Duration {
    let end = session.absolute_end(lifetimes.absolute).min(session.seen.plus(lifetimes.idle));
    // Without a refresh token it ends with its access token.
    let end = if session.tokens.refresh.is_none() { end.min(session.tokens.expires) } else { end };
    end.since(now)
}

static ETAG: LazyLock<HeaderValue> = LazyLock::new(|| {
    let tag = format!("\"{}\"", to_hex(&Sha256::digest(SCRIPT.as_bytes())[..8]));
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
});

/// The lines are written for people, and sent without what only people need.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("session_script/session.js").lines().map(str::trim_start);
    lines.map(|line| format!("{line}\n")).collect()
});

const CROSS_ORIGIN_RESOURCE_POLICY: header::HeaderName =
    header::HeaderName::from_static("cross-origin-resource-policy");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_small_and_needs_nothing_of_others() {
        assert!(SCRIPT.len() <= 2048, "{} bytes", SCRIPT.len());
        for foreign in ["import", "require", "http:", "https:", "eval", "innerHTML"] {
            assert!(!SCRIPT.contains(foreign), "{foreign}");
        }
    }
}
