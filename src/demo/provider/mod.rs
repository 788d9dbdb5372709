//! A stand-in for an authorization server: one client, one account, all state in memory. It plays
//! the kinds of provider that the gateway has presets for; `kind` has a row of data for each.
//!
//! - The authorization request: sign-in page, consent page, then back to the client (`authorize`
//!   judges it, `person` leads through it).
//! - The token call: codes and refresh tokens for new tokens (`call` reads it, `token` grants it,
//!   `refusal` says no, `claims` is what tokens say).
//! - Who the access token stands for (`me`).
//! - For OpenID Connect: discovery and keys (`discovery`), revocation (`revoke`), logout
//!   (`sign_out`).
//!
//! Everything is a function of the request and of `now`; the clock is read by the caller.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use minijinja::context;

use self::grants::Grants;
use self::kind::Manner;
pub use self::kind::{Kind, UnknownKind};
pub use self::options::{Account, NotMade, Options};
use self::signer::Signer;
use self::visits::Visits;
use super::pages::{self, Pages};

mod authorize;
mod browser;
mod call;
mod claims;
mod discovery;
mod grants;
mod kind;
mod me;
mod options;
mod person;
mod refusal;
mod revoke;
mod shelf;
mod sign_out;
mod signer;
#[cfg(test)]
mod tests;
mod token;
mod visits;

/// A stand-in for an authorization server.
pub struct StandIn {
    options: Options,
    manner: &'static Manner,
    signer: Signer,
    pages: Pages,
    state: Mutex<State>,
}

/// Tells that the machine gave no randomness or the key did not sign.
#[derive(Debug)]
struct Unwell;

struct State {
    visits: Visits,
    grants: Grants,
}

type Answering = fn(&StandIn, &Request<Bytes>, SystemTime) -> Result<Response<Full<Bytes>>, Unwell>;

impl StandIn {
    /// Makes a stand-in with a signing key of its own.
    pub fn new(options: Options) -> Result<Arc<Self>, NotMade> {
        if options.redirect_uris.is_empty() {
            return Err(NotMade::NoRedirectUri);
        }
        let state = State { visits: Visits::new(), grants: Grants::new(&options) };
        Ok(Arc::new(Self {
            manner: options.kind.manner(),
            signer: Signer::generate().map_err(|Unwell| NotMade::Key)?,
            pages: Pages::new(),
            state: Mutex::new(state),
            options,
        }))
    }

    /// Answers one request.
    pub(super) fn answer(
        &self,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Response<Full<Bytes>> {
        let Some((methods, answer)) = self.way(request.uri().path()) else {
            return pages::plain(StatusCode::NOT_FOUND, "nothing here");
        };
        // HEAD is answered like GET; hyper leaves the body out.
        let method = match request.method() {
            &Method::HEAD => "GET",
            method => method.as_str(),
        };
        if !methods.split(", ").any(|allowed| allowed == method) {
            return pages::only(methods);
        }
        answer(self, request, now).unwrap_or_else(|Unwell| {
            tracing::error!("demo provider out of randomness or unable to sign");
            pages::plain(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong")
        })
    }

    /// Returns the methods of a path and who answers them.
    fn way(&self, path: &str) -> Option<(&'static str, Answering)> {
        let manner = self.manner;
        if let Some(below) = path.strip_prefix(manner.authorize.path) {
            return match below {
                "" => Some((manner.authorize.methods, Self::authorize)),
                "/consent" => Some(("POST", Self::consent)),
                "/sign-in" => Some(("POST", Self::sign_in)),
                "/style.css" => Some(("GET", |_, _, _| {
                    Ok(pages::asset("text/css; charset=utf-8", pages::PROVIDER_STYLE))
                })),
                _ => None,
            };
        }
        if let Some(userinfo) = manner.userinfo.as_ref().filter(|place| place.path == path) {
            return Some((
                userinfo.methods,
                |provider, request, now| Ok(provider.me(request, now)),
            ));
        }
        match path {
            "/" => Some(("GET", |provider, _, _| Ok(provider.about()))),
            _ if path == manner.token => Some(("POST", Self::token)),
            _ if manner.oidc => Self::oidc_way(path),
            _ => None,
        }
    }

    fn oidc_way(path: &str) -> Option<(&'static str, Answering)> {
        match path {
            discovery::DISCOVERY => {
                Some(("GET", |provider, request, _| Ok(provider.discovery(request))))
            }
            discovery::JWKS => Some(("GET", |provider, _, _| Ok(provider.jwks()))),
            revoke::REVOKE => {
                Some(("POST", |provider, request, now| Ok(provider.revoke(request, now))))
            }
            // RP-Initiated Logout, section 2: both methods.
            sign_out::END_SESSION => {
                Some(("GET, POST", |provider, request, now| Ok(provider.end_session(request, now))))
            }
            _ => None,
        }
    }

    fn about(&self) -> Response<Full<Bytes>> {
        let (account, manner) = (&self.options.account, self.manner);
        self.pages.answer(
            StatusCode::OK,
            "about.html",
            context! {
                email => account.email.as_str(),
                password => account.password.as_str(),
                title => manner.title,
                authorize => manner.authorize.path,
                authorize_methods => manner.authorize.methods,
                token => manner.token,
                userinfo => manner.userinfo.as_ref().map(|place| place.path),
                discovery => manner.oidc.then_some(discovery::DISCOVERY),
            },
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing holds the lock across a step that could leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the stand-in's own address: it is reached at whatever port it was given, so it takes
/// its callers' word for it. A real server would have to know.
fn origin(request: &Request<Bytes>) -> String {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("localhost"))
}

/// Returns `count` random bytes in hexadecimal.
#[expect(clippy::disallowed_methods, reason = "the demo has its own edge to the system")]
fn random_hex(count: usize) -> Result<String, Unwell> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).map_err(|_| Unwell)?;
    Ok(bytes.iter().fold(String::new(), |mut hex, byte| {
        for digit in [byte >> 4, byte & 15] {
            hex.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
        hex
    }))
}
