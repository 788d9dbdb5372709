//! A stand-in for Askara's authorization server: one client, one account, all state in memory.
//!
//! - `GET /authorize`: sign-in page, consent page, then back to the client (`person`).
//! - `POST /oauth2/token`: codes and refresh tokens for new tokens, JSON only (`token`).
//! - `GET /me`: who the access token stands for (`me`).
//!
//! Everything is a function of the request and of `now`; the clock is read by the caller.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use minijinja::context;

use self::grants::Grants;
use self::signer::Signer;
use self::visits::Visits;
use super::pages::{self, Pages};

mod authorize;
mod browser;
mod grants;
mod me;
mod person;
mod shelf;
mod signer;
#[cfg(test)]
mod tests;
mod token;
mod visits;

/// What the stand-in knows about its client and its account, and how long things last.
#[derive(Clone)]
pub struct Options {
    /// The client's name, as in `client_id`.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: String,
    /// The redirect addresses that are registered; compared exactly.
    pub redirect_uris: Vec<String>,
    /// How long an access token lasts.
    pub access_token_life: Duration,
    /// How long an authorization code lasts.
    pub code_life: Duration,
    /// The one account that can sign in.
    pub account: Account,
}

/// The person who can sign in.
#[derive(Clone)]
pub struct Account {
    /// The id that tokens name as `sub`.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The address to sign in with.
    pub email: String,
    /// The password, which the sign-in page gives away.
    pub password: String,
}

/// A stand-in for Askara's authorization server.
pub struct StandIn {
    options: Options,
    signer: Signer,
    pages: Pages,
    state: Mutex<State>,
}

/// Tells why the stand-in could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotMade {
    /// The signing key could not be generated.
    Key,
    /// No redirect address is registered, so nobody could ever sign in.
    NoRedirectUri,
}

/// Tells that the machine gave no randomness or the key did not sign.
#[derive(Debug)]
struct Unwell;

struct State {
    visits: Visits,
    grants: Grants,
}

impl Options {
    /// Returns options for one client, with the demo account and Askara's life of a code.
    pub fn new(client_id: String, client_secret: String, redirect_uris: Vec<String>) -> Self {
        Self {
            client_id,
            client_secret,
            redirect_uris,
            access_token_life: ACCESS_TOKEN_LIFE,
            code_life: CODE_LIFE,
            account: Account::default(),
        }
    }
}

impl Default for Account {
    fn default() -> Self {
        Self {
            id: "7d0c9a1e-52f4-4b0e-9f6b-3a8c1d2e4f50".to_owned(),
            name: "Demo Person".to_owned(),
            email: "demo@example.com".to_owned(),
            password: "demo".to_owned(),
        }
    }
}

impl StandIn {
    /// Makes a stand-in with a signing key of its own.
    pub fn new(options: Options) -> Result<Arc<Self>, NotMade> {
        if options.redirect_uris.is_empty() {
            return Err(NotMade::NoRedirectUri);
        }
        let state = State {
            visits: Visits::new(),
            grants: Grants::new(options.code_life, options.access_token_life),
        };
        Ok(Arc::new(Self {
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
        let (wanted, answer): (_, fn(&Self, &Request<Bytes>, SystemTime) -> _) =
            match request.uri().path() {
                "/" => (Method::GET, |provider, _, _| Ok(provider.about())),
                "/authorize" => (Method::GET, Self::authorize),
                "/authorize/consent" => (Method::POST, Self::consent),
                "/authorize/sign-in" => (Method::POST, Self::sign_in),
                "/authorize/style.css" => (Method::GET, |_, _, _| {
                    Ok(pages::asset("text/css; charset=utf-8", pages::PROVIDER_STYLE))
                }),
                "/me" => (Method::GET, |provider, request, now| Ok(provider.me(request, now))),
                "/oauth2/token" => (Method::POST, Self::token),
                _ => return pages::plain(StatusCode::NOT_FOUND, "nothing here"),
            };
        // HEAD is answered like GET; hyper leaves the body out.
        let is_head = *request.method() == Method::HEAD && wanted == Method::GET;
        if *request.method() != wanted && !is_head {
            return pages::only(&wanted);
        }
        answer(self, request, now).unwrap_or_else(|Unwell| {
            tracing::error!("demo provider out of randomness or unable to sign");
            pages::plain(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong")
        })
    }

    fn about(&self) -> Response<Full<Bytes>> {
        let account = &self.options.account;
        self.pages.answer(
            StatusCode::OK,
            "about.html",
            context! { email => account.email.as_str(), password => account.password.as_str() },
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing holds the lock across a step that could leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Display for NotMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key => "the stand-in's signing key could not be generated",
            Self::NoRedirectUri => "the stand-in needs at least one redirect address",
        })
    }
}

impl std::error::Error for NotMade {}

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

/// Short enough that a person who watches the demo sees a refresh.
const ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(5 * 60);
/// What Askara documents.
const CODE_LIFE: Duration = Duration::from_secs(60);
