//! WebSockets over HTTP/2 (RFC 8441): an extended CONNECT is judged and forwarded as the upgrade
//! that it would be over HTTP/1.1, so that no rule has to know of both.

use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, Version, header};
use hyper::ext::Protocol;

use super::{Body, Failure};
use crate::auth::request::BadRequest;
use crate::upstream::OverHttp2;

/// Turns a wish to speak WebSocket into one of HTTP/1.1; whether it was one. What asks for another
/// protocol stays what it is, and is refused like every CONNECT (C-65).
pub(super) fn translate(parts: &mut Parts) -> bool {
    let asked = parts.method == Method::CONNECT
        && parts.version == Version::HTTP_2
        && parts.extensions.get::<Protocol>().is_some_and(|name| name.as_str() == "websocket");
    if asked {
        parts.method = Method::GET;
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        parts.extensions.insert(OverHttp2);
    }
    asked
}

/// Turns the answer back: only an agreement may look like one, which over HTTP/2 is any status of
/// success (RFC 8441 5; C-60).
pub(super) fn answer(mut answer: Response<Body>) -> Result<Response<Body>, Failure> {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        *answer.status_mut() = StatusCode::OK;
        let of_http1 = [
            header::CONNECTION,
            header::UPGRADE,
            header::CONTENT_LENGTH,
            header::SEC_WEBSOCKET_ACCEPT,
        ];
        for name in of_http1 {
            answer.headers_mut().remove(name);
        }
        return Ok(answer);
    }
    match answer.status().is_success() {
        true => Err(Failure::Request(BadRequest::Method)),
        false => Ok(answer),
    }
}
