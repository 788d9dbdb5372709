//! What goes between the provider and a browser: forms, the cookie, redirects.

use bytes::Bytes;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;

use crate::demo::pages;

/// The fields of a form that was posted.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }
}

/// Returns the id in the browser's cookie.
pub(super) fn id(request: &Request<Bytes>) -> Option<&str> {
    request
        .headers()
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// Adds the browser's cookie. Its path keeps it from the app where both have one host name:
/// cookies know no ports.
pub(super) fn with_cookie(mut answer: Response<Full<Bytes>>, id: &str) -> Response<Full<Bytes>> {
    let cookie = format!("{COOKIE_NAME}={id}; Path=/authorize; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

/// Sends the browser to `location` by 303, so that a form's POST becomes the client's GET.
pub(super) fn redirect(location: &str) -> Response<Full<Bytes>> {
    let mut answer = pages::plain(StatusCode::SEE_OTHER, "");
    match HeaderValue::from_str(location) {
        Ok(location) => {
            answer.headers_mut().insert(LOCATION, location);
            answer
        }
        Err(_) => pages::plain(StatusCode::BAD_REQUEST, "the redirect address is no header"),
    }
}

const COOKIE_NAME: &str = "standin";
