//! The gateway's own paths.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};

use super::body::Body;
use super::candidates::Presented;
use super::clock::now;
use super::respond::{Failure, plain};
use super::session::Recalled;
use super::visit::Visit;
use super::{Gateway, Worker};
use crate::auth::path::RequestPath;
use crate::auth::request::{Intent, intent};

/// A path that the gateway answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnPath {
    Callback,
    Ping,
    Ready,
    SignIn,
    SignOut,
    Start,
    /// Under our prefix, and nothing: never forwarded (C-50).
    Unknown,
    UserInfo,
}

impl OwnPath {
    /// Reads a path; none: it is the app's. Only the plain spelling of a path is ours, and every
    /// other one under the prefix is nothing.
    pub(super) fn of(path: &RequestPath<'_>, visit: &Visit<'_>, gateway: &Gateway) -> Option<Self> {
        let raw = visit.path;
        let redirect_path = gateway.provider.redirect_path.as_str();
        if raw == redirect_path {
            return Some(Self::Callback);
        }
        if let Some(own) = match raw {
            "/ping" => Some(Self::Ping),
            "/ready" => Some(Self::Ready),
            _ => None,
        } {
            // An operator's own exact route of that name wins.
            return (!gateway.routes.has_exact(visit.host, raw)).then_some(own);
        }
        // Any other spelling of a path of ours is nothing; above all it is not the app's, which
        // would see a code that is meant for us.
        let plain = path.plain();
        let folded = match plain.contains('%') {
            true => Cow::Owned(plain.replace("%2F", "/")),
            false => Cow::Borrowed(plain),
        };
        let below = folded.strip_prefix(gateway.prefix.as_str());
        if !below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return (folded == redirect_path).then_some(Self::Unknown);
        }
        Some(match raw.strip_prefix(gateway.prefix.as_str()) {
            Some("/start") => Self::Start,
            Some("/sign_in") => Self::SignIn,
            Some("/sign_out") => Self::SignOut,
            Some("/userinfo") => Self::UserInfo,
            _ => Self::Unknown,
        })
    }
}

impl Worker {
    /// Answers at one of our own paths. `form` is the body of a POST that was read for it.
    pub(super) async fn own_answer(
        self: &Arc<Self>,
        own: OwnPath,
        visit: &Visit<'_>,
        form: &str,
    ) -> Result<Response<Body>, Failure> {
        match own {
            OwnPath::Ping => Ok(plain(StatusCode::OK, "OK")),
            OwnPath::Ready => Ok(self.gateway.readiness()),
            OwnPath::Unknown => Err(Failure::NoOwnPath),
            OwnPath::UserInfo => self.user_info(visit).await,
            OwnPath::SignOut => self.sign_out(visit, form).await,
            _ if !self.gateway.knows(visit.host) => self.gateway.elsewhere(visit),
            OwnPath::Callback => self.callback(visit).await,
            OwnPath::Start | OwnPath::SignIn => self.start(visit, form),
        }
    }

    fn start(&self, visit: &Visit<'_>, form: &str) -> Result<Response<Body>, Failure> {
        if ![Method::GET, Method::HEAD, Method::POST].contains(visit.method) {
            return Err(Failure::MethodNotAllowed("GET, HEAD, POST"));
        }
        let origin = visit.origin(&self.gateway);
        let address = visit.return_address(form);
        let return_to = self.gateway.judged(address.as_deref(), &origin);
        Ok(self.begin_login(visit, &return_to))
    }

    async fn user_info(self: &Arc<Self>, visit: &Visit<'_>) -> Result<Response<Body>, Failure> {
        if ![Method::GET, Method::HEAD].contains(visit.method) {
            return Err(Failure::MethodNotAllowed("GET, HEAD"));
        }
        let Recalled::Somebody(current) = self.recall(&visit.own, self.gateway.patience()).await?
        else {
            let home = crate::auth::return_to::ReturnTo::home();
            return Err(self.gateway.sign_in(visit, &home));
        };
        let session = &current.newest.session;
        let identity = &session.identity;
        let body = serde_json::json!({
            "user": identity.user,
            "email": identity.email,
            "name": identity.name,
            "groups": identity.groups,
            "organization": identity.organization,
            "preferredUsername": identity.preferred_username,
            "accessTokenExpires": session.tokens.expires.as_unix(),
            "sessionEnds": session.ends.as_unix(),
        });
        let mut answer = self.gateway.json(StatusCode::OK, "application/json", &body);
        let traits = super::session::RequestTraits::of(visit.headers);
        self.refresh_cookie(&current, &visit.own, &traits, answer.headers_mut());
        Ok(answer)
    }

    async fn sign_out(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        form: &str,
    ) -> Result<Response<Body>, Failure> {
        if ![Method::GET, Method::POST].contains(visit.method) {
            return Err(Failure::MethodNotAllowed("GET, POST"));
        }
        let gateway = &self.gateway;
        let origin = visit.origin(gateway);
        let address = visit.return_address(form);
        let return_to =
            address.as_deref().and_then(|address| gateway.returns.judge(address, &origin));
        if !is_same_site(visit, gateway) {
            // Anyone can make a browser come here (C-68): only the person's own click counts.
            let action = format!("{}/sign_out", gateway.prefix);
            let rd = return_to.as_ref().map(crate::auth::return_to::ReturnTo::as_str);
            let page = gateway.pages.confirm_sign_out(visit.asker().language(), &action, rd);
            return Ok(gateway.form_page(visit.asker().language(), page));
        }
        self.forget(visit);
        let mut answer = match return_to {
            Some(return_to) => gateway.redirect(StatusCode::SEE_OTHER, return_to.as_str()),
            None => {
                let again = gateway.start_path("/");
                let page = gateway.pages.signed_out(visit.asker().language(), &again, true);
                gateway.page(StatusCode::OK, visit.asker().language(), page)
            }
        };
        self.clear_cookies(visit, &mut answer);
        Ok(answer)
    }

    /// Ends the visitor's session here: its cookie is refused from now on, by this process.
    fn forget(&self, visit: &Visit<'_>) {
        let now = now();
        if let Presented::Session(open) = self.presented(&visit.own, now) {
            let session = &open.session;
            self.gateway.registry.revoke(session.id, session.ends, now);
            tracing::info!(session = ?session.id, user = session.identity.user, "signed out");
        }
    }
}

impl Gateway {
    /// Whether new requests are welcome: not while the process drains.
    pub fn readiness(&self) -> Response<Body> {
        if self.draining.load(Ordering::Relaxed) {
            plain(StatusCode::SERVICE_UNAVAILABLE, "draining")
        } else {
            plain(StatusCode::OK, "OK")
        }
    }

    /// Answers a login at a host that is not ours: it goes on where we are known.
    pub(super) fn elsewhere(&self, visit: &Visit<'_>) -> Result<Response<Body>, Failure> {
        if visit.path == self.provider.redirect_path
            || intent(visit.method, visit.headers) != Intent::Navigation
        {
            return Err(Failure::Misdirected);
        }
        let query =
            if visit.query.is_empty() { String::new() } else { format!("?{}", visit.query) };
        Ok(self.redirect(StatusCode::FOUND, &format!("{}{}{query}", self.public, visit.path)))
    }
}

/// Whether a request to sign out comes from our own pages or from the person (C-68): by
/// `Sec-Fetch-Site`, and where a browser does not send it, by no foreign `Origin` or `Referer`.
fn is_same_site(visit: &Visit<'_>, gateway: &Gateway) -> bool {
    let value = |name: &str| visit.headers.get(name).map(HeaderValue::as_bytes);
    if let Some(site) = value("sec-fetch-site") {
        return site == b"same-origin" || site == b"none" || site == b"same-site";
    }
    !is_foreign(
        visit.headers,
        &[header::ORIGIN, header::REFERER],
        &visit.origin(gateway).to_string(),
    )
}

/// Whether one of the fields names another origin than `ours`.
pub(super) fn is_foreign(headers: &HeaderMap, fields: &[header::HeaderName], ours: &str) -> bool {
    fields.iter().flat_map(|field| headers.get_all(field)).any(|value| {
        let rest = value.as_bytes().strip_prefix(ours.as_bytes());
        !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}
