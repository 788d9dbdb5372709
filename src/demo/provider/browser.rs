//! What goes between the provider and a browser: forms, the cookie, redirects.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::call::{FORM, form_parameters, has_type};
use super::kind::Manner;
use super::sign_out::END_SESSION;
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

/// Returns the parameters of a GET's query or of a posted form; none when they are unreadable.
pub(super) fn parameters(request: &Request<Bytes>) -> Option<BTreeMap<String, String>> {
    if *request.method() != Method::POST {
        return form_parameters(request.uri().query().unwrap_or_default().as_bytes());
    }
    has_type(request.headers(), FORM).then(|| form_parameters(request.body())).flatten()
}

/// Adds the browser's cookie. Its paths keep it from the app where both have one host name:
/// cookies know no ports.
pub(super) fn with_cookie(
    answer: Response<Full<Bytes>>,
    id: &str,
    manner: &Manner,
) -> Response<Full<Bytes>> {
    with_cookies(answer, manner, id, "")
}

/// Takes the browser's cookie away.
pub(super) fn without_cookie(
    answer: Response<Full<Bytes>>,
    manner: &Manner,
) -> Response<Full<Bytes>> {
    with_cookies(answer, manner, "", "; Max-Age=0")
}

/// `SameSite=Lax` also where the authorization request is a POST: a form of another site then
/// comes without the cookie, and the person has to sign in.
fn with_cookies(
    mut answer: Response<Full<Bytes>>,
    manner: &Manner,
    id: &str,
    more: &str,
) -> Response<Full<Bytes>> {
    let paths = [manner.authorize.path, END_SESSION];
    for path in paths.iter().take(if manner.oidc { 2 } else { 1 }) {
        let cookie = format!("{COOKIE_NAME}={id}; Path={path}; HttpOnly; SameSite=Lax{more}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
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
