//! The pages of the stand-in and of the sample app, and the answers that carry them.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use minijinja::{Environment, Value};

/// The templates of the demo, parsed.
pub(super) struct Pages(Environment<'static>);

impl Pages {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        for (name, source) in TEMPLATES {
            environment
                .add_template(name, source)
                .expect("the embedded pages parse, because a test renders each");
        }
        Self(environment)
    }

    /// Returns the page `name` with what `context` fills in, escaped for HTML.
    pub(super) fn answer(
        &self,
        status: StatusCode,
        name: &str,
        context: Value,
    ) -> Response<Full<Bytes>> {
        let rendered = self.0.get_template(name).and_then(|template| template.render(context));
        match rendered {
            Ok(page) => with_type(status, "text/html; charset=utf-8", page),
            Err(error) => {
                tracing::error!(%error, page = name, "demo page not rendered");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the page is broken")
            }
        }
    }
}

/// Returns an answer of plain text.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    with_type(status, "text/plain; charset=utf-8", text)
}

/// Returns an answer of JSON.
pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    with_type(status, "application/json", value.to_string())
}

/// Returns an embedded script or style sheet.
pub(super) fn asset(content_type: &'static str, content: &'static str) -> Response<Full<Bytes>> {
    with_type(StatusCode::OK, content_type, content)
}

/// Returns the answer to a method that the path does not take.
pub(super) fn only(methods: &'static str) -> Response<Full<Bytes>> {
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "this path takes another method");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

fn with_type(
    status: StatusCode,
    content_type: &'static str,
    content: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(content.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        // Tokens and one person's page are no business of any cache.
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// No `form-action`: browsers apply it to the redirect that follows a form as well, and the
/// consent form ends in a redirect to another origin.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) const APP_SCRIPT: &str = include_str!("pages/app.js");
pub(super) const APP_STYLE: &str = include_str!("pages/app.css");
pub(super) const PROVIDER_STYLE: &str = include_str!("pages/provider.css");

const TEMPLATES: [(&str, &str); 8] = [
    ("about.html", include_str!("pages/about.html")),
    ("app.html", include_str!("pages/app.html")),
    ("consent.html", include_str!("pages/consent.html")),
    ("missing.html", include_str!("pages/missing.html")),
    ("refused.html", include_str!("pages/refused.html")),
    ("report.html", include_str!("pages/report.html")),
    ("sign_in.html", include_str!("pages/sign_in.html")),
    ("signed_out.html", include_str!("pages/signed_out.html")),
];
