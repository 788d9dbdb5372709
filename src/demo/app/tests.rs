use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;

use super::answer;
use crate::demo::pages::Pages;

fn seen(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::from(body.to_owned())).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let answer = answer(&Pages::new(), &request, now);
    let status = answer.status();
    let body = answer.into_body().collect().now_or_never().unwrap().unwrap();
    (status, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

fn token() -> String {
    let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"person","exp":1700000300.5}"#);
    format!("eyJhbGciOiJSUzI1NiJ9.{payload}.signature-of-it")
}

#[test]
fn the_page_greets_and_shows_what_the_token_says_but_not_the_token() {
    let authorization = format!("Bearer {}", token());
    let (status, page) = seen(
        "GET",
        "/?a=1",
        &[
            ("authorization", &authorization),
            ("x-forwarded-email", "demo@example.com"),
            ("x-forwarded-user", "<script>"),
        ],
        "",
    );
    assert_eq!(status, StatusCode::OK);
    for expected in [
        r#"<span id="who">demo@example.com</span>"#,
        "&lt;script&gt;",
        "Bearer eyJhbGci…re-of-it",
        "&quot;sub&quot;: &quot;person&quot;",
        "1700000300.5",
        r#"id="path">&#x2f;?a=1<"#,
    ] {
        assert!(page.contains(expected), "{expected} in {page}");
    }
    assert!(!page.contains(&token()) && !page.contains("<script>"));
}

#[test]
fn a_request_without_a_proxy_greets_nobody() {
    let (_, page) = seen("GET", "/", &[], "");
    assert!(page.contains(r#"<span id="who">nobody</span>"#));
}

#[test]
fn a_post_is_echoed_as_text() {
    let form = "application/x-www-form-urlencoded";
    for (kind, body, expected) in [
        (form, "text=a+%26+b%3Ci%3E", "a &amp; b&lt;i&gt;"),
        (form, "other=1", "other=1"),
        ("application/json", "{}", "{}"),
    ] {
        let (status, page) = seen("POST", "/form", &[("content-type", kind)], body);
        assert_eq!(status, StatusCode::OK);
        let echo = format!(r#"<output id="form-echo">{expected}</output>"#);
        assert!(page.contains(&echo), "{echo} in {page}");
    }
}

#[test]
fn scripts_get_the_time_and_the_end_of_the_token() {
    let authorization = format!("bearer {}", token());
    for (headers, expected) in [
        (
            &[("authorization", &*authorization), ("x-forwarded-user", "7")][..],
            r#"{"time":"2023-11-14T22:13:20Z","token_suffix":"re-of-it","user":"7"}"#,
        ),
        (
            &[("authorization", "Basic abc")],
            r#"{"time":"2023-11-14T22:13:20Z","token_suffix":null,"user":"nobody"}"#,
        ),
    ] {
        assert_eq!(seen("GET", "/api/time", headers, ""), (StatusCode::OK, expected.to_owned()));
    }
}

#[test]
fn all_headers_are_listed_with_all_their_values() {
    let headers = [("X-One", "a"), ("x-two", ""), ("x-one", "b")];
    let (_, body) = seen("GET", "/headers", &headers, "");
    assert_eq!(body, r#"{"x-one":["a","b"],"x-two":[""]}"#);
}

#[test]
fn a_path_is_shown_as_it_came_and_escaped() {
    for (target, status, expected) in [
        ("/reports/2026?quarter=3&view=full", 200, "/reports/2026?quarter=3&amp;view=full"),
        ("/reports/%70?x", 200, "/reports/%70?x"),
        ("/nothing?'x'", 404, "/nothing?&#x27;x&#x27;"),
    ] {
        let (seen, page) = seen("GET", target, &[], "");
        assert_eq!(seen.as_u16(), status, "{target}");
        let path = page.split(r#"id="path">"#).nth(1).and_then(|rest| rest.split('<').next());
        let path = path.unwrap().replace("&#x2f;", "/");
        assert_eq!(path, expected, "{target}");
    }
}

#[test]
fn a_page_is_only_read() {
    for (method, target, expected) in [
        ("DELETE", "/", 405),
        ("POST", "/api/time", 405),
        ("HEAD", "/", 200),
        ("GET", "/form", 200),
        ("DELETE", "/nothing", 404),
    ] {
        assert_eq!(seen(method, target, &[], "").0.as_u16(), expected, "{method} {target}");
    }
}
