//! Turns a failure into an answer: the one place that chooses status, page and log line. What the
//! visitor sees and what the log says are chosen apart.

mod chosen;
pub(super) mod grpc;
mod log;
mod own_answer;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::Gateway;
use super::body::Body;
use super::denied::Denial;
use super::login::Looped;
use super::pages::{Language, Links, Notice};
use super::sealer::reference;
use super::sessions::Unavailable;
use crate::auth::bearer::BadBearer;
use crate::auth::callback::BadCallback;
use crate::auth::cookie::TooLarge;
use crate::auth::headers::is_grpc;
use crate::auth::login::LoginError;
use crate::auth::path::BadPath;
use crate::auth::provider::ProviderIndex;
use crate::auth::request::{BadRequest, Intent, intent};
use crate::auth::return_to::ReturnTo;
use crate::auth::route::NoRoute;
use crate::auth::step_up::StepUp;
use crate::auth::token_call::TokenFailure;
use crate::auth::told::BadTold;
use crate::provider::CallFailure;
use crate::provider::directory::NotLearnt;
use crate::upstream;
use chosen::{chosen, detail};
use log::log;
pub(super) use own_answer::plain;

/// Everything that can keep a request from being answered by the app.
#[derive(Debug)]
pub enum Failure {
    /// An API client's token is not believed.
    Bearer(BadBearer),
    Callback(BadCallback),
    /// A page of another origin is behind the request (C-67).
    ForeignOrigin,
    /// No attempt of this browser belongs to the callback.
    ForeignCallback,
    Login(LoginError),
    /// The provider gave no answer while somebody signed in.
    LoginCall(CallFailure),
    /// Somebody signed in again and again, and it did not help.
    Looped(Box<Looped>),
    MethodNotAllowed(&'static str),
    /// A host that is neither public_url's nor a route's.
    Misdirected,
    /// The route is for a proxy in front to carry.
    NoApp,
    NoOwnPath,
    /// What was entered before a login is not there any more.
    NothingKept,
    /// The rule of the route does not let whoever it is pass.
    NotAllowed(Box<Denial>),
    /// The provider's addresses or keys could not be found out.
    NotLearnt(NotLearnt),
    Path(BadPath),
    /// The provider did not take the authorization request that was pushed to it.
    Pushed(TokenFailure),
    Request(BadRequest),
    Route(NoRoute),
    SessionTooLarge(TooLarge),
    /// The store that knows the session, or would keep it, does not answer.
    StoreUnavailable,
    /// A session is there, but its token is over and can't be renewed now.
    SessionUnavailable {
        /// Whose session it is.
        provider: ProviderIndex,
        retry_after: Duration,
    },
    /// Nobody is signed in, and this request can't be answered by a redirect.
    SignIn {
        /// The path that begins a login, and the same as a whole address.
        start: String,
        login: String,
    },
    /// Somebody asks too often, or has too much open.
    TooMany {
        retry_after: Duration,
    },
    /// Somebody is signed in, but not in the way or as recently as a rule wants.
    StepUp {
        wanted: StepUp,
        /// The path that begins such a login, and the same as a whole address; none for programs.
        links: Option<(String, String)>,
    },
    /// A login that a rule asked for brought less than that.
    StepUpUnmet(Box<Denial>),
    /// It is not known what a subrequest is about.
    Told(BadTold),
    Upstream(upstream::Failure),
}

/// Who is to be answered, and how.
pub(super) struct Asker {
    language: Language,
    /// Whether a page is of use; otherwise problem+json (RFC 9457) is.
    page: bool,
    head: bool,
    /// Whether it is a gRPC call, which understands neither.
    grpc: bool,
}

impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Store => Self::StoreUnavailable,
            Unavailable::Token { provider, retry_after } => {
                Self::SessionUnavailable { provider, retry_after }
            }
        }
    }
}

impl Asker {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let accepts_html = headers
            .get_all(header::ACCEPT)
            .iter()
            .any(|value| memchr::memmem::find(value.as_bytes(), b"text/html").is_some());
        let navigates = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
        Self {
            language: Language::of(headers),
            // A form that a browser posts is no navigation that can be redirected, but the person
            // sees the answer all the same.
            page: intent(method, headers) == Intent::Navigation || navigates && accepts_html,
            head: method == Method::HEAD,
            // Every client of gRPC's says so, and what takes no trailers is none. To a wish for a
            // WebSocket over HTTP/2 its 200 would mean that there is one (C-60).
            grpc: is_grpc(headers)
                && headers.contains_key(header::TE)
                && !headers.contains_key(header::UPGRADE),
        }
    }

    /// A program that brings a token reads no page, whatever its request looks like.
    pub(super) const fn for_program(self) -> Self {
        Self { page: false, ..self }
    }

    /// Somebody to whom a status says whether there is trouble: gRPC tells all of it under 200.
    pub(super) const fn by_status(self) -> Self {
        Self { grpc: false, ..self }
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }
}

impl Gateway {
    /// Answers a failure.
    pub(super) fn respond(&self, failure: &Failure, asker: &Asker) -> Response<Body> {
        self.respond_again(failure, asker, self.again(failure))
    }

    /// Answers a failure whose page leads back to `again`.
    pub(super) fn respond_again(
        &self,
        failure: &Failure,
        asker: &Asker,
        again: Option<String>,
    ) -> Response<Body> {
        let (status, notice) = chosen(failure);
        // Whoever went round in circles does not get on by the way that led there.
        let again = match failure {
            Failure::Looped(looped) => Some(looped.again.clone()),
            _ => again,
        };
        // Being asked to sign in is no trouble that anyone would look up; and whatever was wrong
        // with a cookie, the answer is the same to the letter (C-23).
        let reference = match failure {
            Failure::SignIn { .. } | Failure::StepUp { .. } => String::new(),
            _ => reference(),
        };
        log(failure, status, &reference);
        let detail = detail(failure);
        let mut answer = if asker.grpc {
            grpc::answer(status, &grpc_message(failure, notice))
        } else if asker.page {
            let links = Links { again: again.as_deref(), home: "/" };
            let page = match failure {
                Failure::NotAllowed(denial) | Failure::StepUpUnmet(denial) => {
                    self.pages.denied(notice, asker.language, &links, &reference, denial)
                }
                Failure::Looped(looped) => self.pages.looped(
                    asker.language,
                    &links,
                    &reference,
                    (looped.cause, looped.count),
                ),
                _ => self.pages.notice(notice, asker.language, &links, &reference, detail),
            };
            self.page(status, asker.language, page)
        } else {
            let problem = problem(failure, status, notice, &reference, detail);
            self.json(status, "application/problem+json", &problem)
        };
        state_headers(failure, answer.headers_mut());
        if asker.head {
            *answer.body_mut() = Body::from(Bytes::new());
        }
        answer
    }

    fn again(&self, failure: &Failure) -> Option<String> {
        match failure {
            Failure::SignIn { start, .. } => Some(start.clone()),
            Failure::StepUp { links, .. } => links.as_ref().map(|(start, _)| start.clone()),
            Failure::NotAllowed(denial) | Failure::StepUpUnmet(denial) => denial.again.clone(),
            Failure::Callback(_)
            | Failure::ForeignCallback
            | Failure::Login(_)
            | Failure::LoginCall(_)
            | Failure::NotLearnt(_)
            | Failure::Pushed(_) => Some(self.start_path(&ReturnTo::home())),
            _ => None,
        }
    }
}

fn state_headers(failure: &Failure, headers: &mut HeaderMap) {
    match failure {
        Failure::SignIn { .. } => {
            let challenge = HeaderValue::from_static(r#"Bearer realm="askara-gate""#);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Failure::StepUp { wanted, .. } => challenge(wanted.challenge(), headers),
        Failure::NotAllowed(denial) => {
            if let Some(scope) = &denial.scope {
                let lacking = BadBearer::InsufficientScope { needed: scope.clone() };
                challenge(lacking.challenge(), headers);
            }
        }
        Failure::Bearer(bad) => {
            challenge(bad.challenge(), headers);
            if matches!(bad, BadBearer::Unavailable(_)) {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
        }
        Failure::NotLearnt(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        Failure::SessionUnavailable { retry_after, .. } | Failure::TooMany { retry_after } => {
            let seconds = HeaderValue::from(retry_after.as_secs_f64().ceil().max(1.0) as u64);
            headers.insert(header::RETRY_AFTER, seconds);
        }
        Failure::StoreUnavailable | Failure::Upstream(upstream::Failure::Busy) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Failure::MethodNotAllowed(allowed) => {
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        Failure::Route(NoRoute::Method(allowed)) => {
            let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
            headers.extend(names.join(", ").parse().ok().map(|names| (header::ALLOW, names)));
        }
        // Framing that could not be trusted ends the connection: what follows on it may not be
        // what it seems.
        Failure::Request(_) => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
}

fn challenge(challenge: String, headers: &mut HeaderMap) {
    let challenge = HeaderValue::try_from(challenge).ok();
    headers.extend(challenge.map(|challenge| (header::WWW_AUTHENTICATE, challenge)));
}

/// A line for a program's log: what is wrong, and where to sign in.
fn grpc_message(failure: &Failure, notice: Notice) -> String {
    let title = notice.title(Language::English);
    match failure {
        Failure::SignIn { login, .. } => format!("{title}: {login}"),
        _ => title.to_owned(),
    }
}

fn problem(
    failure: &Failure,
    status: StatusCode,
    notice: Notice,
    reference: &str,
    detail: Option<&str>,
) -> serde_json::Value {
    let mut problem = serde_json::json!({
        "type": format!("urn:askara-gate:{}", notice.code()),
        "title": notice.title(Language::English),
        "status": status.as_u16(),
        "detail": format!("{} {}", notice.text(Language::English), notice.advice(Language::English)),
    });
    if !reference.is_empty() {
        problem["reference"] = reference.into();
    }
    if let Some(detail) = detail {
        problem["error"] = detail.into();
    }
    match failure {
        Failure::SignIn { login, .. } | Failure::StepUp { links: Some((_, login)), .. } => {
            problem["login"] = login.as_str().into();
        }
        Failure::NotAllowed(denial) => {
            if let Some(message) = &denial.message {
                problem["detail"] = message.as_str().into();
            }
            if let Some(login) = &denial.login {
                problem["login"] = login.as_str().into();
            }
        }
        _ => {}
    }
    problem
}
