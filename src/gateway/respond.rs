//! Turns a failure into an answer: the one place that chooses status, page and log line. What the
//! visitor sees and what the log says are chosen apart.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;

use super::Gateway;
use super::body::Body;
use super::opened::reference;
use super::pages::{Language, Links, Notice};
use crate::auth::cookie::TooLarge;
use crate::auth::login::{BadCallback, LoginError};
use crate::auth::path::BadPath;
use crate::auth::request::{BadRequest, Intent, intent};
use crate::auth::route::NoRoute;
use crate::auth::token_call::TokenFailure;
use crate::provider::CallFailure;
use crate::upstream;

/// Everything that can keep a request from being answered by the app.
#[derive(Debug)]
pub enum Failure {
    Callback(BadCallback),
    /// A WebSocket from a page of another origin (C-67).
    ForeignOrigin,
    /// No attempt of this browser belongs to the callback.
    ForeignCallback,
    Login(LoginError),
    /// The provider gave no answer while somebody signed in.
    LoginCall(CallFailure),
    MethodNotAllowed(&'static str),
    /// A host that is neither public_url's nor a route's.
    Misdirected,
    NoOwnPath,
    Path(BadPath),
    Request(BadRequest),
    Route(NoRoute),
    SessionTooLarge(TooLarge),
    /// A session is there, but its token is over and can't be renewed now.
    SessionUnavailable {
        retry_after: Duration,
    },
    /// Nobody is signed in, and this request can't be answered by a redirect.
    SignIn {
        /// The path that begins a login, and the same as a whole address.
        start: String,
        login: String,
    },
    Upstream(upstream::Failure),
}

/// Who is to be answered, and how.
pub(super) struct Asker {
    language: Language,
    /// Whether a page is of use; otherwise problem+json (RFC 9457) is.
    page: bool,
    head: bool,
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
        }
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
        // Being asked to sign in is no trouble that anyone would look up; and whatever was wrong
        // with a cookie, the answer is the same to the letter (C-23).
        let reference = match failure {
            Failure::SignIn { .. } => String::new(),
            _ => reference(),
        };
        log(failure, status, &reference);
        let detail = detail(failure);
        let mut answer = if asker.page {
            let links = Links { again: again.as_deref(), home: "/" };
            let page = self.pages.notice(notice, asker.language, &links, &reference, detail);
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

    /// A page of ours: never cached, never framed, without script.
    pub(super) fn page(
        &self,
        status: StatusCode,
        language: Language,
        page: String,
    ) -> Response<Body> {
        self.page_under(self.pages.content_security_policy(), status, language, page)
    }

    /// The page that asks before it signs out: what its form leads to may be anywhere that the
    /// operator listed, and Chromium holds the redirect to `form-action` too.
    pub(super) fn form_page(&self, language: Language, page: String) -> Response<Body> {
        self.page_under(self.pages.form_policy(), StatusCode::OK, language, page)
    }

    fn page_under(
        &self,
        policy: &str,
        status: StatusCode,
        language: Language,
        page: String,
    ) -> Response<Body> {
        let mut answer = own_answer(status, "text/html; charset=utf-8", Bytes::from(page));
        let headers = answer.headers_mut();
        let policy = HeaderValue::from_str(policy);
        headers.extend(policy.ok().map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        answer
    }

    pub(super) fn json(
        &self,
        status: StatusCode,
        kind: &'static str,
        value: &serde_json::Value,
    ) -> Response<Body> {
        own_answer(status, kind, Bytes::from(value.to_string()))
    }

    /// A redirect to an address that was proven or built by us; 302 after GET, and 303 after
    /// anything that must not be sent again (S1, S21).
    pub(super) fn redirect(&self, status: StatusCode, location: &str) -> Response<Body> {
        let mut answer = own_answer(status, "text/plain; charset=utf-8", Bytes::new());
        // Every address that comes here is ASCII without control characters.
        let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
        answer.headers_mut().insert(header::LOCATION, location);
        answer
    }

    fn again(&self, failure: &Failure) -> Option<String> {
        match failure {
            Failure::SignIn { start, .. } => Some(start.clone()),
            Failure::Callback(_)
            | Failure::ForeignCallback
            | Failure::Login(_)
            | Failure::LoginCall(_) => Some(self.start_path("/")),
            _ => None,
        }
    }
}

/// The status and the words for the visitor.
fn chosen(failure: &Failure) -> (StatusCode, Notice) {
    match failure {
        Failure::Callback(_) => (StatusCode::BAD_REQUEST, Notice::BadCallback),
        Failure::ForeignOrigin => (StatusCode::FORBIDDEN, Notice::NotAllowed),
        Failure::ForeignCallback => (StatusCode::FORBIDDEN, Notice::LoginForeign),
        Failure::Login(error) => login(error),
        Failure::LoginCall(CallFailure::TimeOut) => {
            (StatusCode::GATEWAY_TIMEOUT, Notice::ProviderUnavailable)
        }
        Failure::LoginCall(_) => (StatusCode::BAD_GATEWAY, Notice::ProviderUnavailable),
        Failure::MethodNotAllowed(_) | Failure::Route(NoRoute::Method(_)) => {
            (StatusCode::METHOD_NOT_ALLOWED, Notice::MethodNotAllowed)
        }
        Failure::Misdirected => (StatusCode::MISDIRECTED_REQUEST, Notice::Misdirected),
        Failure::NoOwnPath | Failure::Route(NoRoute::Path) => {
            (StatusCode::NOT_FOUND, Notice::NoRoute)
        }
        Failure::Request(BadRequest::Method) => {
            (StatusCode::METHOD_NOT_ALLOWED, Notice::MethodNotAllowed)
        }
        Failure::Request(BadRequest::Loop) => (StatusCode::LOOP_DETECTED, Notice::UpstreamNonsense),
        Failure::Request(BadRequest::TransferEncoding) => {
            (StatusCode::NOT_IMPLEMENTED, Notice::BadRequest)
        }
        Failure::Path(_) | Failure::Request(_) => (StatusCode::BAD_REQUEST, Notice::BadRequest),
        Failure::SessionTooLarge(_) => (StatusCode::INTERNAL_SERVER_ERROR, Notice::SessionTooLarge),
        Failure::SessionUnavailable { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, Notice::SessionUnavailable)
        }
        Failure::SignIn { .. } => (StatusCode::UNAUTHORIZED, Notice::SignInNeeded),
        Failure::Upstream(failure) => match failure {
            upstream::Failure::Connect(_) => (StatusCode::BAD_GATEWAY, Notice::UpstreamDown),
            upstream::Failure::Slow => (StatusCode::GATEWAY_TIMEOUT, Notice::UpstreamSlow),
            upstream::Failure::Broken(_) | upstream::Failure::Nonsense(_) => {
                (StatusCode::BAD_GATEWAY, Notice::UpstreamNonsense)
            }
            upstream::Failure::Visitor => (StatusCode::BAD_REQUEST, Notice::BadRequest),
        },
    }
}

fn login(error: &LoginError) -> (StatusCode, Notice) {
    match error {
        LoginError::Denied(code) if code.as_str() == "access_denied" => {
            (StatusCode::FORBIDDEN, Notice::LoginDenied)
        }
        LoginError::Denied(_) => (StatusCode::FORBIDDEN, Notice::LoginRefused),
        LoginError::Expired => (StatusCode::FORBIDDEN, Notice::LoginExpired),
        LoginError::Foreign => (StatusCode::FORBIDDEN, Notice::LoginForeign),
        LoginError::Token(TokenFailure::Refused { error, .. })
            if error.as_str() == "invalid_grant" =>
        {
            (StatusCode::FORBIDDEN, Notice::LoginExpired)
        }
        LoginError::Token(TokenFailure::Refused { .. }) | LoginError::NoUser => {
            (StatusCode::BAD_GATEWAY, Notice::LoginFailed)
        }
        LoginError::Token(_) | LoginError::Userinfo(_) => {
            (StatusCode::BAD_GATEWAY, Notice::ProviderUnavailable)
        }
    }
}

/// An OAuth error code, the only word of others that a visitor gets to see.
fn detail(failure: &Failure) -> Option<&str> {
    match failure {
        Failure::Login(
            LoginError::Denied(error) | LoginError::Token(TokenFailure::Refused { error, .. }),
        ) => Some(error.as_str()),
        _ => None,
    }
}

/// The log's words: warnings and errors for what the operator can mend, and nothing above debug
/// for what any visitor can cause at will.
fn log(failure: &Failure, status: StatusCode, reference: &str) {
    let status = status.as_u16();
    match failure {
        Failure::LoginCall(why) => {
            tracing::error!(reference, status, %why, "login failed: the provider gave no answer");
        }
        Failure::Login(LoginError::Denied(_) | LoginError::Expired | LoginError::Foreign) => {
            tracing::info!(reference, status, ?failure, "login ended without a session");
        }
        Failure::Login(error) => {
            tracing::error!(
                reference,
                status,
                ?error,
                "login failed: the provider's answer can't be used"
            );
        }
        Failure::SessionTooLarge(size) => {
            tracing::error!(
                reference,
                status,
                bytes = size.bytes,
                "login failed: the session does not fit in two cookies; keep sessions in a store, or have the provider put less into its tokens"
            );
        }
        Failure::SessionUnavailable { .. } => {
            tracing::warn!(reference, status, "a session could not be renewed and is kept");
        }
        Failure::Upstream(upstream::Failure::Visitor) => {
            tracing::debug!(reference, status, "the visitor's body broke off");
        }
        Failure::Upstream(why) => {
            tracing::error!(reference, status, ?why, "the app gave no usable answer");
        }
        other => tracing::debug!(reference, status, failure = ?other, "refused"),
    }
}

fn state_headers(failure: &Failure, headers: &mut HeaderMap) {
    match failure {
        Failure::SignIn { .. } => {
            let challenge = HeaderValue::from_static(r#"Bearer realm="askara-gate""#);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Failure::SessionUnavailable { retry_after } => {
            let seconds = HeaderValue::from(retry_after.as_secs_f64().ceil().max(1.0) as u64);
            headers.insert(header::RETRY_AFTER, seconds);
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
    if let Failure::SignIn { login, .. } = failure {
        problem["login"] = login.as_str().into();
    }
    problem
}

fn own_answer(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let mut answer = Response::new(Body::from(Full::new(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.reserve(8);
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A short plain answer of our own.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    own_answer(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}
