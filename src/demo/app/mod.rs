//! The sample app: it trusts the headers of its proxy and knows nothing of OAuth.
//!
//! | path | answer |
//! |---|---|
//! | `/`, `/form` | the page; what was posted, echoed |
//! | `/reports/…` | path and query as they arrived |
//! | `/api/time` | JSON: time, user, the end of the bearer token |
//! | `/headers` | JSON: every header received, name to list of values |
//! | `/events` | server-sent events, one a second |
//! | `/ws` | a WebSocket that echoes |

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use minijinja::context;
use serde_json::json;

pub(super) use self::stream::{events, websocket};
use super::pages::{self, Pages};

mod received;
mod stream;
#[cfg(test)]
mod tests;

/// Answers everything that fits in one piece.
pub(super) fn answer(
    pages: &Pages,
    request: &Request<Bytes>,
    now: SystemTime,
) -> Response<Full<Bytes>> {
    let method = request.method();
    let path = request.uri().path();
    if path == "/form" && *method == Method::POST {
        let number = FORMS.fetch_add(1, Ordering::Relaxed) + 1;
        return front(pages, request, &posted(request), number);
    }
    if ![Method::GET, Method::HEAD].contains(method) && is_page(path) {
        return pages::only("GET");
    }
    match path {
        "/" | "/form" => front(pages, request, "", 0),
        "/api/time" => time(request.headers(), now),
        "/app.css" => pages::asset("text/css; charset=utf-8", pages::APP_STYLE),
        "/app.js" => pages::asset("text/javascript; charset=utf-8", pages::APP_SCRIPT),
        "/headers" => pages::json(StatusCode::OK, &received::as_json(request.headers())),
        _ if path.starts_with("/reports/") => place(pages, StatusCode::OK, "report.html", request),
        _ => place(pages, StatusCode::NOT_FOUND, "missing.html", request),
    }
}

fn is_page(path: &str) -> bool {
    ["/", "/form", "/api/time", "/app.css", "/app.js", "/headers"].contains(&path)
        || path.starts_with("/reports/")
}

fn front(
    pages: &Pages,
    request: &Request<Bytes>,
    echo: &str,
    number: u64,
) -> Response<Full<Bytes>> {
    let headers = request.headers();
    pages.answer(
        StatusCode::OK,
        "app.html",
        context! {
            who => who(headers),
            user => received::text(headers, "x-forwarded-user"),
            path => target(request),
            headers => received::as_rows(headers),
            echo,
            number,
        },
    )
}

fn place(
    pages: &Pages,
    status: StatusCode,
    name: &str,
    request: &Request<Bytes>,
) -> Response<Full<Bytes>> {
    pages.answer(status, name, context! { who => who(request.headers()), path => target(request) })
}

fn time(headers: &HeaderMap, now: SystemTime) -> Response<Full<Bytes>> {
    let token = received::text(headers, AUTHORIZATION.as_str());
    let token = token.as_deref().and_then(received::bearer);
    pages::json(
        StatusCode::OK,
        &json!({
            "time": humantime::format_rfc3339_seconds(now).to_string(),
            "user": who(headers),
            "token_suffix": token.map(|token| received::end(token, SUFFIX_LENGTH)),
        }),
    )
}

/// Returns the form's `text`, or the whole body where it is no form.
fn posted(request: &Request<Bytes>) -> String {
    let is_form = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let field = form_urlencoded::parse(request.body())
        .find(|(name, _)| is_form && name == "text")
        .map(|(_, value)| value.into_owned());
    field.unwrap_or_else(|| String::from_utf8_lossy(request.body()).into_owned())
}

fn who(headers: &HeaderMap) -> String {
    received::text(headers, "x-forwarded-email")
        .or_else(|| received::text(headers, "x-forwarded-user"))
        .unwrap_or_else(|| "nobody".to_owned())
}

fn target(request: &Request<Bytes>) -> &str {
    request.uri().path_and_query().map_or("/", |target| target.as_str())
}

const SUFFIX_LENGTH: usize = 8;
/// How many forms came, so that one that came twice is seen.
static FORMS: AtomicU64 = AtomicU64::new(0);
