//! Answers of our own: pages, JSON, redirects. Never cached, never framed.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::auth::authorization::Form;
use crate::gateway::Gateway;
use crate::gateway::body::Body;
use crate::gateway::pages::{Language, Resume};

impl Gateway {
    /// A page of ours: never cached, never framed, without script.
    pub(in crate::gateway) fn page(
        &self,
        status: StatusCode,
        language: Language,
        page: String,
    ) -> Response<Body> {
        self.page_under(self.pages.content_security_policy(), status, language, page)
    }

    /// The page that asks before it signs out: what its form leads to may be anywhere that the
    /// operator listed, and Chromium holds the redirect to `form-action` too.
    pub(in crate::gateway) fn form_page(&self, language: Language, page: String) -> Response<Body> {
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

    pub(in crate::gateway) fn json(
        &self,
        status: StatusCode,
        kind: &'static str,
        value: &serde_json::Value,
    ) -> Response<Body> {
        own_answer(status, kind, Bytes::from(value.to_string()))
    }

    /// The same of JSON that is written already.
    pub(in crate::gateway) fn json_bytes(
        &self,
        status: StatusCode,
        kind: &'static str,
        json: Bytes,
    ) -> Response<Body> {
        own_answer(status, kind, json)
    }

    /// A redirect to an address that was proven or built by us; 302 after GET, and 303 after
    /// anything that must not be sent again (S1, S21).
    pub(in crate::gateway) fn redirect(
        &self,
        status: StatusCode,
        location: &str,
    ) -> Response<Body> {
        let mut answer = own_answer(status, "text/plain; charset=utf-8", Bytes::new());
        // Every address that comes here is ASCII without control characters.
        let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
        answer.headers_mut().insert(header::LOCATION, location);
        answer
    }

    /// The page that has the browser send what was entered before a login.
    pub(in crate::gateway) fn resume_page(
        &self,
        language: Language,
        said: &Resume<'_>,
    ) -> Response<Body> {
        let page = self.pages.resume(language, said);
        self.page_under(&self.pages.resume_policy(), StatusCode::OK, language, page)
    }

    /// The page that closes the window that a login had to itself.
    pub(in crate::gateway) fn done_page(&self, language: Language) -> Response<Body> {
        let page = self.pages.done(language);
        self.page_under(&self.pages.done_policy(), StatusCode::OK, language, page)
    }

    /// The page that posts an authorization request to the provider.
    pub(in crate::gateway) fn post_page(
        &self,
        language: Language,
        provider: &str,
        form: &Form,
    ) -> Response<Body> {
        let page = self.pages.post(language, provider, form);
        self.page_under(&self.pages.post_policy(form), StatusCode::OK, language, page)
    }
}

pub(super) fn own_answer(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
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
pub(in crate::gateway) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    own_answer(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}
