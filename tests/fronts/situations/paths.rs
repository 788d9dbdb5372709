//! Spellings and statements that could make a protected path look like the public one (C-38, C-41
//! to C-46): the app records what comes through.

use crate::front::Front;
use crate::harness::ask;
use crate::stage::Stage;

/// `{}` is the front's host.
const STATED: [(&str, &str); 13] = [
    ("X-Forwarded-Uri", "/public"),
    ("X-Forwarded-Uri", "/oauth2/start"),
    ("X-Original-URI", "/public"),
    ("X-Original-URL", "https://{}/public"),
    ("X-Rewrite-URL", "/public"),
    ("X-Envoy-Original-Path", "/public"),
    ("X-Forwarded-Path", "/public"),
    ("X-Forwarded-Prefix", "/public"),
    ("X-Forwarded-Method", "OPTIONS"),
    ("X-Original-Method", "OPTIONS"),
    ("X-HTTP-Method-Override", "OPTIONS"),
    ("X-Forwarded-Host", "elsewhere.example.com"),
    ("X_Forwarded_Uri", "/public"),
];

pub(crate) async fn c38_another_address_that_a_visitor_states_opens_nothing(front: &Front) {
    let stage = Stage::of(front).await;
    let person = stage.signed_in().await;
    let stranger = stage.visitor();
    let host = stage.authority();
    let stated = STATED.map(|(name, value)| (name, value.replace("{}", &host)));
    let alone = stated.iter().map(std::slice::from_ref);
    for lines in alone.chain([&stated[..]]) {
        let asked = || {
            let asked = ask("GET", "/admin").fetching();
            lines.iter().fold(asked, |ask, (name, value)| ask.header(name, value))
        };
        let answer = stranger.send(asked()).await;
        let closed = matches!(answer.status, 400 | 403) || front.manners.turns_away(answer.status);
        assert!(closed, "{lines:?}: {}", answer.status);
        let answer = person.send(asked()).await;
        assert!(matches!(answer.status, 400 | 403), "{lines:?}: {}", answer.status);
        assert_eq!(stage.app.targets(), Vec::<String>::new(), "C-38: {lines:?}");
    }
}

const SPELLINGS: [&str; 34] = [
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/public/.%2e/admin",
    "/public/%2E%2E/admin",
    "/public/..;/admin",
    "/public/..%2fadmin",
    "/public%2f..%2fadmin",
    "/public/%2e%2e%2fadmin",
    "/public/%252e%252e/admin",
    "/public/..%5cadmin",
    "/public\\..\\admin",
    "/public/%2fadmin",
    "/public/%5cadmin",
    "/public;x=/../admin",
    "/public;/../admin",
    "/public/;/../admin",
    "/public/a;b",
    "//public",
    "/public//../admin",
    "//public/../admin",
    "/./public/../admin",
    "/public#/../admin",
    "/public%23/../admin",
    "/admin#/public",
    "/admin?/public",
    "/admin?x=/public",
    "/public%3f/../admin",
    "/public%00/../admin",
    "/public/%c0%ae%c0%ae/admin",
    "/PUBLIC",
    "/publicadmin",
    "/admin;.css",
    "/admin/.;/",
    "/%61dmin",
];

pub(crate) async fn c41_no_spelling_of_a_path_passes_as_the_public_one(front: &Front) {
    let stage = Stage::of(front).await;
    let person = stage.signed_in().await;
    let cookie = format!("Cookie: __Host-askara={}\r\n", person.session().unwrap());
    assert_eq!(stage.raw("/public/page", "").await, Some(200), "the rule itself");
    for target in SPELLINGS {
        stage.app.forgets();
        let status = stage.raw(target, "").await;
        for seen in stage.app.targets() {
            assert!(is_public(&seen), "C-41..46: {target} came as {seen}, answer {status:?}");
        }
        stage.app.forgets();
        let status = stage.raw(target, &cookie).await;
        for seen in stage.app.targets() {
            assert!(!may_mean_admin(&seen), "C-41..46: {target} came as {seen}: {status:?}");
        }
    }
    let absolute = format!("https://{}/admin", stage.authority());
    stage.app.forgets();
    stage.raw(&absolute, "").await;
    stage.raw(&absolute, &cookie).await;
    stage.raw("https://elsewhere.example.com/admin", "").await;
    assert_eq!(stage.app.targets(), Vec::<String>::new(), "C-63");
}

/// Whether nobody can take it for anything but what the public rule names.
fn is_public(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let within = path == "/public" || path.starts_with("/public/");
    within && path[1..].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'/')
}

/// Whether some app may take it for the path that needs more than a session: one that decodes once
/// before it looks for slashes, knows dot segments, cuts parameters, merges slashes or knows no
/// capitals.
fn may_mean_admin(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let mut path = path.to_ascii_lowercase();
    let signs = [("%2e", "."), ("%61", "a"), ("%2f", "/"), ("%5c", "/"), ("\\", "/")];
    for (code, sign) in signs {
        path = path.replace(code, sign);
    }
    let mut segments = Vec::new();
    for segment in path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()) {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    segments.first() == Some(&"admin")
}

#[test]
fn an_app_that_resolves_anything_is_reckoned_with() {
    for target in
        ["/admin", "/public/..%2fadmin?x", "/a/%2e%2e/admin;x", "/a/.%2E//%61dmin", "/%5Cadmin"]
    {
        assert!(may_mean_admin(target), "{target}");
        assert!(!is_public(target), "{target}");
    }
    for target in ["/public", "/public/a?b#c", "/public?/../admin"] {
        assert!(is_public(target) && !may_mean_admin(target), "{target}");
    }
    for target in ["//public", "/public/a;b", "/publicadmin", "/public/%2fadmin"] {
        assert!(!is_public(target), "{target}");
    }
}
