//! Failures as gRPC clients understand them: the status of HTTP says that the call was heard, that
//! of gRPC what became of it, and nothing follows (a "Trailers-Only" answer).

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::own_answer::own_answer;
use crate::gateway::body::Body;

/// What a call ends with when its session has.
pub(in crate::gateway) fn session_ended() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, UNAUTHENTICATED.into());
    trailers.insert(GRPC_MESSAGE, HeaderValue::from_static("the session has ended"));
    trailers
}

/// An answer to a call that fails with this status and these words.
pub(super) fn answer(status: StatusCode, message: &str) -> Response<Body> {
    let mut answer = own_answer(StatusCode::OK, "application/grpc", Bytes::new());
    let headers = answer.headers_mut();
    headers.insert(GRPC_STATUS, code(status).into());
    let message = HeaderValue::try_from(encoded(message));
    headers.extend(message.ok().map(|message| (GRPC_MESSAGE, message)));
    answer
}

/// The table of gRPC's own clients for servers that answer in HTTP alone, with more of our codes.
fn code(status: StatusCode) -> u16 {
    match status.as_u16() {
        400 | 500 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 | 405 | 501 => UNIMPLEMENTED,
        413 | 431 => RESOURCE_EXHAUSTED,
        429 | 502..=504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// UTF-8, percent-encoded where it is not printable ASCII, and `%` itself.
fn encoded(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

const UNKNOWN: u16 = 2;
const PERMISSION_DENIED: u16 = 7;
const RESOURCE_EXHAUSTED: u16 = 8;
const UNIMPLEMENTED: u16 = 12;
const INTERNAL: u16 = 13;
const UNAVAILABLE: u16 = 14;
const UNAUTHENTICATED: u16 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_in_its_own_codes() {
        for (status, told) in [(400, "13"), (401, "16"), (403, "7"), (404, "12"), (421, "2")] {
            let answer = answer(StatusCode::from_u16(status).unwrap(), "50 % of \u{e9}");
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["grpc-status"], told, "{status}");
            assert_eq!(answer.headers()["grpc-message"], "50 %25 of %C3%A9");
            assert_eq!(answer.headers()["content-type"], "application/grpc");
            assert!(http_body::Body::is_end_stream(answer.body()));
        }
        for status in [429, 502, 503, 504] {
            assert_eq!(code(StatusCode::from_u16(status).unwrap()), UNAVAILABLE, "{status}");
        }
    }
}
