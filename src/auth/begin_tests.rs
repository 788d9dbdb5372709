use http::HeaderValue;

use super::*;
use crate::auth::return_to::AllowedHost;

fn rules() -> ReturnRules {
    let allowed = ["wiki.example.org", "port.example.org:8443"];
    ReturnRules {
        prefix: String::from("/oauth2"),
        own_paths: vec![String::from("/callback")],
        allowed: allowed.iter().map(|text| AllowedHost::parse(text).unwrap()).collect(),
    }
}

fn here() -> Origin {
    Origin::parse("https://app.example.com").unwrap()
}

fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

struct Case<'a> {
    method: &'a str,
    query: &'a str,
    form: &'a str,
    host: &'a str,
    https: Option<bool>,
    fields: &'a [(&'static str, &'a str)],
    listed: bool,
}

const CASE: Case<'static> = Case {
    method: "GET",
    query: "",
    form: "",
    host: "app.example.com",
    https: None,
    fields: &[],
    listed: true,
};

impl Case<'_> {
    fn with<T>(&self, ask: impl FnOnce(&BeginRequest<'_>) -> T) -> T {
        ask(&BeginRequest {
            method: &self.method.parse().unwrap(),
            headers: &fields(self.fields),
            query: StartQuery::parse(self.query),
            form: self.form,
            host: &Host::parse(self.host).unwrap(),
            https: self.https,
            listed: self.listed,
        })
    }

    fn goal(&self) -> String {
        self.with(|request| request.goal(&rules(), &here()).as_str().to_owned())
    }
}

#[test]
fn an_address_that_no_one_encoded_keeps_all_that_follows() {
    for (query, goal) in [
        ("rd=/deep?a=1&b=2", "/deep?a=1&b=2"),
        ("rd=/deep?a=1&rd=/other&provider=two&x", "/deep?a=1&rd=/other&provider=two&x"),
        (
            "rd=https://app.example.com/a//b?u=https://x.example/?y&z=1",
            "/a//b?u=https://x.example/?y&z=1",
        ),
        ("rd=http://app.example.com/a?b&c=%26d+e", "/a?b&c=%26d+e"),
        ("rd=https://wiki.example.org/a?b&c", "https://wiki.example.org/a?b&c"),
        ("rd=/a%20b?c=%2520&d", "/a%20b?c=%2520&d"),
        ("provider=one&rd=/a?b=1&c=2", "/a?b=1&c=2"),
        // An encoder was there.
        ("rd=%2Fdeep%3Fa%3D1%26b%3D2&provider=one", "/deep?a=1&b=2"),
        ("rd=%2Fdeep%3Fa%3D1&b=2", "/deep?a=1"),
        ("rd=/deep%3Fa%3D1%26b&provider=one", "/deep?a=1&b"),
        ("rd=https%3A%2F%2Fapp.example.com%2Fa%3Fb%26c&x=/a?b", "/a?b&c"),
        // Nothing tells whether one was.
        ("rd=/deep&b=2", "/deep"),
        ("rd=/deep&b=?", "/deep"),
        ("rd=/caf%C3%A9", "/caf%C3%A9"),
        ("rd=/a%2520b", "/a%20b"),
        // What is sound only as it stands is taken so.
        ("rd=/a%20b", "/a%20b"),
        ("rd=/a+b", "/a+b"),
        ("rd=https://app.example.com/a%20b", "/a%20b"),
        // The first counts.
        ("rd=/one&rd=/two", "/one"),
        ("rd=&rd=/two", "/"),
        ("ord=/x&rd=/y", "/y"),
        ("rd", "/"),
        ("", "/"),
    ] {
        assert_eq!(Case { query, ..CASE }.goal(), goal, "{query}");
    }
}

#[test]
fn c1_to_c10_an_address_that_no_one_encoded_is_judged_like_any() {
    for query in [
        "rd=//evil.example/?a",
        "rd=/\\evil.example?a",
        "rd=https://evil.example/?a&b",
        "rd=https://app.example.com@evil.example/?a",
        "rd=https://app.example.com.evil.example/?a",
        "rd=https://app.example.com\\@evil.example/?a",
        "rd=https://app.example.com//evil.example/?a",
        "rd=/oauth2/start?rd=/x",
        "rd=https://app.example.com/oauth2/sign_out?a",
        "rd=/a/../b?c",
        "rd=/%0a/evil.example?c",
        "rd=javascript:alert(1)?a",
        "rd=%2F%2Fevil.example",
        "rd=/%09/evil.example",
        "rd=%2F%255cevil.example%0d",
    ] {
        assert_eq!(Case { query, ..CASE }.goal(), "/", "{query}");
    }
}

#[test]
fn what_follows_such_an_address_is_no_member_of_ours() {
    for (query, provider) in [
        ("rd=/a?b&provider=two", None),
        ("provider=one&rd=/a?b&provider=two", Some("one")),
        ("rd=/a&provider=two", Some("two")),
        ("rd=%2Fa%3Fb&provider=two", Some("two")),
        ("provider=t%77o", Some("two")),
    ] {
        let read = Case { query, ..CASE }.with(|request| request.member("provider"));
        assert_eq!(read.as_deref(), provider, "{query}");
        let posted = Case { query, form: "provider=three", ..CASE };
        let read = posted.with(|request| request.member("provider"));
        assert_eq!(read.as_deref(), provider.or(Some("three")), "{query}");
    }
    assert_eq!(StartQuery::parse("a=1&rd=/a?b&c").members, "a=1");
    assert_eq!(StartQuery::parse("rd=/a?b&c").members, "");
    assert_eq!(StartQuery::parse("a&rd=/a&c").members, "a&rd=/a&c");
}

#[test]
fn the_first_sound_address_is_taken_in_the_order_of_choice() {
    const REDIRECT: (&str, &str) = ("x-auth-request-redirect", "/redirect?a=1&b");
    const URI: (&str, &str) = ("x-forwarded-uri", "/forwarded?a=1&b");
    const URL: (&str, &str) = ("x-original-url", "http://app.example.com/url?a&b");
    const ORIGINAL: (&str, &str) = ("x-original-uri", "/original");
    for (query, form, lines, listed, goal) in [
        ("rd=%2Fq", "rd=%2Ff", &[REDIRECT, URI, URL, ORIGINAL][..], true, "/q"),
        ("", "rd=%2Ff", &[REDIRECT, URI, URL, ORIGINAL], true, "/f"),
        ("rd=//evil", "rd=%2Ff", &[REDIRECT], true, "/f"),
        ("rd=//evil", "rd=//evil", &[REDIRECT, URI], true, "/redirect?a=1&b"),
        ("", "", &[REDIRECT, URI], false, "/redirect?a=1&b"),
        ("", "", &[("x-auth-request-redirect", "//evil"), URI], true, "/forwarded?a=1&b"),
        ("", "", &[REDIRECT, REDIRECT, URI], true, "/forwarded?a=1&b"),
        ("", "", &[URI, URL], true, "/forwarded?a=1&b"),
        ("", "", &[("x-forwarded-uri", "/oauth2/sign_in?x"), URL], true, "/url?a&b"),
        ("", "", &[("x-forwarded-uri", "/oauth2/sign_in?x")], true, "/"),
        ("", "", &[URL, ORIGINAL], true, "/url?a&b"),
        ("", "", &[("x-original-url", "https://evil.example//x"), ORIGINAL], true, "/original"),
        ("", "", &[ORIGINAL], true, "/original"),
        // Nobody else's word counts for these.
        ("", "", &[URI, URL, ORIGINAL], false, "/"),
        ("", "", &[], true, "/"),
    ] {
        let case = Case { query, form, fields: lines, listed, ..CASE };
        assert_eq!(case.goal(), goal, "{query} {form} {lines:?} {listed}");
    }
}

#[test]
fn an_address_at_another_host_leads_there_where_that_is_allowed() {
    for (host, https, uri, goal) in [
        (
            "wiki.example.org",
            Some(true),
            "/a//b?c=https://d",
            "https://wiki.example.org/a//b?c=https://d",
        ),
        ("wiki.example.org", Some(false), "/a", "http://wiki.example.org/a"),
        ("wiki.example.org", None, "/a", "https://wiki.example.org/a"),
        ("port.example.org:8443", None, "/a", "https://port.example.org:8443/a"),
        ("port.example.org", None, "/a", "/a"),
        ("other.example.org", None, "/a", "/a"),
        ("app.example.com:8443", Some(false), "/a?b", "/a?b"),
        ("wiki.example.org", None, "//evil.example", "https://wiki.example.org//evil.example"),
    ] {
        let fields = &[("x-forwarded-uri", uri)];
        assert_eq!(Case { host, https, fields, ..CASE }.goal(), goal, "{host} {https:?} {uri}");
    }
}

#[test]
fn our_own_name_is_ours_whatever_scheme_and_port_a_proxy_was_asked_at() {
    for (query, goal) in [
        ("rd=http://app.example.com/a?b&c", "/a?b&c"),
        ("rd=http://app.example.com:8080/a", "/a"),
        ("rd=http%3A%2F%2Fapp.example.com", "/"),
        ("rd=http%3A%2F%2Fapp.example.com%3Fa%3D%2Fb", "/"),
        ("rd=http://app.example.com/oauth2/start", "/"),
        ("rd=http://app.example.com//evil.example", "/"),
        ("rd=ftp://app.example.com/a", "/"),
        ("rd=http://user@app.example.com/a", "/"),
        ("rd=http://app.example.com\\a/b", "/"),
    ] {
        assert_eq!(Case { query, ..CASE }.goal(), goal, "{query}");
    }
}

#[test]
fn c16_only_a_person_who_goes_there_is_sent_on() {
    use Intent::{Navigation, Other};
    const PERSON: (&str, &str) = ("sec-fetch-mode", "navigate");
    const SCRIPT: (&str, &str) = ("sec-fetch-mode", "cors");
    const ELSEWHERE: (&str, &str) = ("x-forwarded-uri", "/form");
    const OWN: (&str, &str) = ("x-forwarded-uri", "/oauth2/sign_in?rd=%2F");
    let told = |method| ("x-forwarded-method", method);
    for (method, lines, listed, intent) in [
        ("GET", vec![PERSON], true, Navigation),
        ("GET", vec![SCRIPT], true, Other),
        ("GET", vec![("x-requested-with", "XMLHttpRequest")], true, Other),
        ("GET", vec![("accept", "application/json")], true, Other),
        ("GET", vec![], false, Navigation),
        ("GET", vec![("authorization", "bEARER x")], true, Other),
        ("GET", vec![("authorization", "Basic YTpi")], true, Navigation),
        ("GET", vec![("authorization", "Bearer x"), PERSON], true, Navigation),
        // What a proxy was asked for was no such thing.
        ("GET", vec![PERSON, told("POST"), ELSEWHERE], true, Other),
        ("GET", vec![PERSON, told("GET"), ELSEWHERE], true, Navigation),
        ("GET", vec![PERSON, told("HEAD")], true, Navigation),
        ("GET", vec![PERSON, ("x-original-method", "DELETE")], true, Other),
        ("GET", vec![PERSON, told("POST"), ELSEWHERE], false, Navigation),
        // A form of ours, or of a page that leads here.
        ("POST", vec![PERSON], false, Navigation),
        ("POST", vec![], true, Navigation),
        ("POST", vec![PERSON, told("POST"), OWN], true, Navigation),
        ("POST", vec![SCRIPT], true, Other),
        ("POST", vec![("x-requested-with", "XMLHttpRequest")], true, Other),
        // One that was sent elsewhere, by a proxy that keeps the method.
        ("POST", vec![PERSON, told("POST"), ELSEWHERE], true, Other),
        ("POST", vec![PERSON, ("x-original-url", "https://app.example.com/form")], true, Other),
        ("POST", vec![PERSON, ELSEWHERE], false, Navigation),
        ("PUT", vec![PERSON, told("PUT"), ELSEWHERE], true, Other),
    ] {
        let case = Case { method, fields: &lines, listed, ..CASE };
        let seen = case.with(|request| request.intent(&rules()));
        assert_eq!(seen, intent, "{method} {lines:?} {listed}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_a_query_says_nobody_leaves_our_hosts(query in "(rd=)?[/\\\\.:a-z%0-9@?#&=\t ]{0,32}") {
        let case = Case { query: &query, host: "other.example.org", ..CASE };
        let base = url::Url::parse("https://app.example.com/start").unwrap();
        let landed = base.join(&case.goal()).unwrap();
        proptest::prop_assert!(landed.origin() == base.origin(), "{landed}");
    }
}
