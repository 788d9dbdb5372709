//! Who may not, and what nobody may.

use crate::front::Front;
use crate::harness::{Answer, ask};
use crate::stage::Stage;

pub(crate) async fn who_may_not_gets_403_and_no_loop(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let page = visitor.open("/admin/people?a=1&b=2").await;
    let told = visitor.fetch("/admin/people").await;
    let posted = visitor.send(ask("POST", "/admin").fetching().body("x".repeat(10_000))).await;
    for answer in [&page, &told, &posted] {
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert!(answer.header("location").is_none());
    }
    if front.manners.explains_403 {
        assert!(is_of(&page, "text/html"), "{:?}", page.headers);
        assert!(page.text().contains("ada@example.com"), "who it is: {}", page.text());
        assert!(page.text().contains("sign_out"), "a way on: {}", page.text());
        for answer in [&told, &posted] {
            assert!(is_of(answer, "application/problem+json"), "{:?}", answer.headers);
        }
    }
    assert!(stage.app.requests().is_empty());
    assert_eq!(visitor.fetch("/").await.status, 200, "the session goes on");
}

pub(crate) async fn what_tells_tokens_is_closed_to_visitors(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    for target in [
        "/oauth2/auth",
        "/oauth2/auth?x",
        "/oauth2/%61uth",
        "/oauth2//auth",
        "/oauth2/x/../auth",
        "/oauth2/./auth",
        "/oauth2/auth/",
        "/oauth2/auth;x",
        "/oauth2/auth%3Bx",
        "/oauth2/auth%00",
        "/oauth2/auth%20",
        "/oauth2/auth.",
        "/oauth2/auth%",
        "/oauth2%2Fauth",
        "/oauth2\\auth",
        "/%6Fauth2/auth",
        "//oauth2/auth",
        "/OAUTH2/auth",
        "/oauth2/ext_authz;/x",
        "/oauth2/ext_authz",
        "/oauth2/ext_authz/",
        "/oauth2/ext_authz/public",
        "/oauth2/%65xt_authz/",
        "/envoy.service.auth.v3.Authorization/Check",
    ] {
        let cookie = format!("__Host-askara={}", visitor.session().unwrap());
        let lines =
            format!("Cookie: {cookie}\r\nX-Forwarded-Uri: /\r\nX-Forwarded-Method: GET\r\n");
        let told = stage.exchange(target, &lines).await.to_lowercase();
        assert!(!told.contains("bearer"), "{target}: {told}");
        assert!(!told.contains("x-auth-request") && !told.contains("x-forwarded-user"), "{target}");
    }
}

fn is_of(answer: &Answer, kind: &str) -> bool {
    answer.header("content-type").is_some_and(|said| said.starts_with(kind))
}
