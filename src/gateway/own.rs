//! The gateway's own paths.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Response, StatusCode};

use super::body::Body;
use super::respond::{Failure, plain};
use super::subrequest::{CHECK, Dialect};
use super::visit::{Arrival, Visit};
use super::{Gateway, Worker};
use crate::auth::path::RequestPath;
use crate::auth::provider::ProviderIndex;
use crate::auth::request::{Intent, intent};

/// A path that the gateway answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnPath {
    /// Where a provider ends sessions by itself.
    BackchannelLogout,
    /// Of this provider.
    Callback(ProviderIndex),
    /// Where Envoy asks by gRPC whether a request may pass.
    Check,
    /// What a visitor sees whom a proxy in front does not let pass.
    Denied,
    /// The keys of the signed assertion.
    Jwks,
    Ping,
    Ready,
    SignIn,
    SignOut,
    /// Where a provider sends the browser that it signed out.
    SignedOut,
    /// What an app's page may include.
    SessionScript,
    /// Where a login in a window of its own ends.
    Done,
    /// Where a login ends that somebody began by sending a form.
    Resume,
    Start,
    /// Where a proxy in front asks whether a request may pass.
    Subrequest(Dialect),
    /// Under our prefix, and nothing: never forwarded (C-50).
    Unknown,
    UserInfo,
}

impl OwnPath {
    /// Reads a path; none: it is the app's. Only the plain spelling of a path is ours, and every
    /// other one under the prefix is nothing.
    pub(super) fn of(path: &RequestPath<'_>, visit: &Visit<'_>, gateway: &Gateway) -> Option<Self> {
        let raw = visit.path;
        if let Some(index) = gateway.callback_of(raw) {
            return Some(Self::Callback(index));
        }
        if let Some(own) = match raw {
            "/ping" => Some(Self::Ping),
            "/ready" => Some(Self::Ready),
            CHECK => Some(Self::Check),
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
            return gateway.callback_of(&folded).map(|_| Self::Unknown);
        }
        let raw = raw.strip_prefix(gateway.prefix.as_str());
        if let Some(dialect) = raw.and_then(Dialect::at) {
            return Some(Self::Subrequest(dialect));
        }
        Some(match raw {
            Some("/backchannel-logout") if gateway.takes_logouts() => Self::BackchannelLogout,
            Some("/jwks") if gateway.assertions.is_some() => Self::Jwks,
            Some("/denied") => Self::Denied,
            Some("/start") => Self::Start,
            Some("/sign_in") => Self::SignIn,
            Some("/sign_out") => Self::SignOut,
            Some("/signed_out") => Self::SignedOut,
            Some("/session.js") => Self::SessionScript,
            Some("/done") => Self::Done,
            Some("/resume") => Self::Resume,
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
        arrival: &Arrival,
        form: &str,
    ) -> Result<Response<Body>, Failure> {
        let begins = || self.gateway.begin_request(visit, arrival, form);
        match own {
            OwnPath::Ping => Ok(plain(StatusCode::OK, "OK")),
            OwnPath::Ready => Ok(self.gateway.readiness()),
            // A question is answered before it gets here; what comes to `Check` is none.
            OwnPath::Check | OwnPath::Subrequest(_) | OwnPath::Unknown => Err(Failure::NoOwnPath),
            // An app may know us by a name of the network inside, as a provider may.
            OwnPath::Jwks => self.gateway.signing_keys(visit.method),
            // A provider may know us by a name of the network inside.
            OwnPath::BackchannelLogout => self.backchannel_logout(visit, form).await,
            OwnPath::UserInfo => self.user_info(visit).await,
            OwnPath::SessionScript => self.gateway.session_script(visit),
            OwnPath::Done => self.gateway.done(visit),
            OwnPath::SignOut => self.sign_out(visit, form).await,
            OwnPath::SignedOut => self.signed_out(visit),
            OwnPath::Denied => Ok(self.denied_page(visit, &begins()).await),
            OwnPath::Start | OwnPath::SignIn if !self.gateway.knows(visit.host) => {
                self.gateway.start_elsewhere(visit, &begins())
            }
            _ if !self.gateway.knows(visit.host) => self.gateway.elsewhere(visit, Some(own)),
            OwnPath::Callback(index) => self.callback(index, visit, form).await,
            OwnPath::Start => self.start(visit, &begins()).await,
            OwnPath::SignIn => self.choose(visit, &begins()).await,
            OwnPath::Resume => self.resume_page(visit).await,
        }
    }
}

impl Gateway {
    /// Whether new requests are welcome: not from the signal on that ends the process. A provider
    /// that is away is no reason: whoever is signed in is served.
    pub fn readiness(&self) -> Response<Body> {
        if self.leaving.load(Ordering::Relaxed) {
            plain(StatusCode::SERVICE_UNAVAILABLE, "draining")
        } else if !self.sessions.is_ready() {
            plain(StatusCode::SERVICE_UNAVAILABLE, "the store was not reached yet")
        } else {
            plain(StatusCode::OK, "OK")
        }
    }

    /// Answers a login at a host that is not ours: it goes on where we are known.
    pub(super) fn elsewhere(
        &self,
        visit: &Visit<'_>,
        own: Option<OwnPath>,
    ) -> Result<Response<Body>, Failure> {
        if matches!(own, Some(OwnPath::Callback(_)))
            || intent(visit.method, visit.headers) != Intent::Navigation
        {
            return Err(Failure::Misdirected);
        }
        let query =
            if visit.query.is_empty() { String::new() } else { format!("?{}", visit.query) };
        Ok(self.redirect(StatusCode::FOUND, &format!("{}{}{query}", self.public, visit.path)))
    }
}
