//! From the answer that any proxy would get to Envoy's message.
//!
//! 1. What a yes states replaces what the visitor sent under that name, and every other claim of the
//!    visitor's is named to be removed, in the spelling in which it came (C-34, C-36).
//! 2. Any other answer is a no, whatever its status (C-121).

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::messages::{
    CheckResponse, DeniedHttpResponse, HeaderValue as Field, HeaderValueOption, HttpStatus,
    OkHttpResponse, Status, Verdict,
};
use crate::auth::headers::{ENVOY_REMOVES, claims};

/// A yes; `answer` states who it is, `visitor` is what the visitor sent.
pub(super) fn yes(answer: &HeaderMap, visitor: &HeaderMap) -> CheckResponse {
    let mut headers: Vec<HeaderValueOption> = Vec::with_capacity(answer.len());
    let mut cookies = Vec::new();
    let mut removed: Vec<String> = Vec::new();
    for (name, value) in answer {
        if name == header::SET_COOKIE {
            cookies.extend(option(name, value, How::Add));
        } else if name == ENVOY_REMOVES {
            let names = value.to_str().unwrap_or_default().split(',').map(str::trim);
            removed.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        } else if !name.as_str().starts_with(AUTH_REQUEST) && name != header::CACHE_CONTROL {
            match option(name, value, How::Replace) {
                Some(stated) => headers.push(stated),
                None => removed.push(name.as_str().to_owned()),
            }
        }
    }
    let claimed = claims(visitor).filter(|name| !OF_ENVOY.contains(&name.as_str()));
    removed.extend(claimed.map(|name| name.as_str().to_owned()));
    removed.retain(|name| !headers.iter().any(|stated| stated.is_named(name)));
    removed.sort_unstable();
    removed.dedup();
    let ok =
        OkHttpResponse { headers, headers_to_remove: removed, response_headers_to_add: cookies };
    CheckResponse { status: Some(Status { code: 0 }), verdict: Some(Verdict::Ok(ok)) }
}

/// A no, which Envoy gives the visitor as it is.
pub(super) fn no(status: StatusCode, answer: &HeaderMap, body: &[u8]) -> CheckResponse {
    let mut headers = Vec::with_capacity(answer.len());
    for name in answer.keys().filter(|name| !OF_A_HOP.contains(name)) {
        let values = answer.get_all(name);
        let several = name == header::SET_COOKIE || values.iter().count() > 1;
        let how = if several { How::Each } else { How::Replace };
        headers.extend(values.iter().filter_map(|value| option(name, value, how)));
    }
    let denied = DeniedHttpResponse {
        status: Some(HttpStatus { code: status.as_u16().into() }),
        headers,
        body: String::from_utf8_lossy(body).into_owned(),
    };
    CheckResponse {
        status: Some(Status { code: code(status) }),
        verdict: Some(Verdict::Denied(denied)),
    }
}

/// What becomes of others of its name. Envoys differ in what they read: older ones `append` alone,
/// newer ones `append_action` where that is missing.
#[derive(Clone, Copy)]
enum How {
    /// It stands beside them.
    Add,
    /// It is one of several in a no. Some Envoys let an `append` of true get lost there; without one
    /// all of them keep each line.
    Each,
    Replace,
}

/// A field in Envoy's words; none where it can't be said, which the message has as UTF-8.
fn option(name: &HeaderName, value: &HeaderValue, how: How) -> Option<HeaderValueOption> {
    let value = std::str::from_utf8(value.as_bytes()).ok()?.to_owned();
    let header = Field { key: name.as_str().to_owned(), value, ..Field::default() };
    let (append, append_action) = match how {
        How::Add => (Some(true), APPEND_IF_EXISTS_OR_ADD),
        How::Each => (None, APPEND_IF_EXISTS_OR_ADD),
        How::Replace => (Some(false), OVERWRITE_IF_EXISTS_OR_ADD),
    };
    Some(HeaderValueOption { header: Some(header), append, append_action })
}

impl HeaderValueOption {
    fn is_named(&self, name: &str) -> bool {
        self.header.as_ref().is_some_and(|header| header.key == name)
    }
}

/// The code that comes nearest; to Envoy each but 0 is a no.
fn code(status: StatusCode) -> i32 {
    match status.as_u16() {
        300..=399 | 401 => UNAUTHENTICATED,
        429 | 500..=599 => UNAVAILABLE,
        _ => PERMISSION_DENIED,
    }
}

/// For proxies that copy names one by one; to the app we speak as we do where we carry the traffic.
const AUTH_REQUEST: &str = "x-auth-request-";
/// What Envoy itself writes before it asks, and the app should see.
const OF_ENVOY: [&str; 3] = ["x-forwarded-client-cert", "x-forwarded-for", "x-forwarded-proto"];
/// What Envoy writes anew around the body that it gets.
const OF_A_HOP: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::DATE, header::TRANSFER_ENCODING];

const APPEND_IF_EXISTS_OR_ADD: i32 = 0;
const OVERWRITE_IF_EXISTS_OR_ADD: i32 = 2;

const PERMISSION_DENIED: i32 = 7;
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        map
    }

    /// `+` stands before what is added to others of its name, `*` before one of several in a no.
    fn said(fields: &[HeaderValueOption]) -> Vec<String> {
        let mut said: Vec<String> = fields
            .iter()
            .map(|field| {
                let how = match (field.append, field.append_action) {
                    (Some(true), 0) => "+",
                    (None, 0) => "*",
                    (Some(false), 2) => "",
                    contradiction => panic!("{contradiction:?}"),
                };
                let header = field.header.as_ref().unwrap();
                format!("{how}{}: {}", header.key, header.value)
            })
            .collect();
        said.sort();
        said
    }

    fn ok(answer: CheckResponse) -> OkHttpResponse {
        assert_eq!(answer.status.unwrap().code, 0);
        let Some(Verdict::Ok(ok)) = answer.verdict else { panic!("a no") };
        ok
    }

    #[test]
    fn c36_a_yes_replaces_what_the_visitor_said_and_removes_the_rest() {
        let stated = map(&[
            ("x-forwarded-user", "42"),
            ("x-auth-request-user", "42"),
            ("authorization", "Bearer token"),
            ("x-team", "red"),
            ("x-envoy-auth-headers-to-remove", "x-forwarded-email, x-team,,x-askara-assertion"),
            ("set-cookie", "__Host-askara=new; Path=/"),
            ("set-cookie", "__Host-askara.1=; Max-Age=0"),
        ]);
        let visitor = map(&[
            ("x-forwarded-user", "forged"),
            ("x.forwarded.user", "forged"),
            ("x_forwarded_user", "forged"),
            ("x-auth-request-user", "forged"),
            ("x-forwarded-uri", "/public"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-client-cert", "By=…"),
            ("x.forwarded.for", "forged"),
            ("accept", "*/*"),
        ]);
        let ok = ok(yes(&stated, &visitor));
        assert_eq!(
            said(&ok.headers),
            ["authorization: Bearer token", "x-forwarded-user: 42", "x-team: red"]
        );
        assert_eq!(
            ok.headers_to_remove,
            [
                "x-askara-assertion",
                "x-auth-request-user",
                "x-forwarded-email",
                "x-forwarded-uri",
                "x.forwarded.for",
                "x.forwarded.user",
                "x_forwarded_user"
            ]
        );
        assert_eq!(
            said(&ok.response_headers_to_add),
            ["+set-cookie: __Host-askara.1=; Max-Age=0", "+set-cookie: __Host-askara=new; Path=/"]
        );
    }

    #[test]
    fn what_can_t_be_said_is_not_left_to_the_visitor() {
        let mut stated = HeaderMap::new();
        stated.insert("cookie", HeaderValue::from_bytes(b"a=\xff").unwrap());
        let ok = ok(yes(&stated, &map(&[("cookie", "a=1; __Host-askara=secret")])));
        assert!(ok.headers.is_empty());
        assert_eq!(ok.headers_to_remove, ["cookie"]);
    }

    #[test]
    fn c121_every_other_answer_is_a_no() {
        for (status, told) in
            [(302, 16), (303, 16), (401, 16), (403, 7), (404, 7), (204, 7), (429, 14), (503, 14)]
        {
            let answer = map(&[
                ("location", "https://provider.example/authorize"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("content-length", "3"),
                ("connection", "close"),
            ]);
            let answer = no(StatusCode::from_u16(status).unwrap(), &answer, b"why");
            assert_eq!(answer.status.unwrap().code, told, "{status}");
            let Some(Verdict::Denied(denied)) = answer.verdict else { panic!("a yes") };
            assert_eq!(denied.status.unwrap().code, i32::from(status));
            assert_eq!(denied.body, "why");
            assert_eq!(
                said(&denied.headers),
                [
                    "*set-cookie: a=1",
                    "*set-cookie: b=2",
                    "location: https://provider.example/authorize"
                ]
            );
        }
    }
}
