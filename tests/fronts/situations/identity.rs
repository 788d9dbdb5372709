//! What the app is told of a visitor, and what a visitor can't tell it.

use crate::front::Front;
use crate::harness::{Ask, Visitor, ask};
use crate::stage::Stage;

/// What the stand-in knows of everybody.
const IDENTITY: [(&str, &str); 4] =
    [("user", "42"), ("email", "ada@example.com"), ("groups", GROUPS), ("preferred-username", "")];
const GROUPS: &str = "editors,staff%2C senior";

/// Names that an app may read as one of the gateway's.
const FORGED: [&str; 20] = [
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Preferred-Username",
    "X-Auth-Request-Access-Token",
    "X-Askara-Organization",
    "X-Askara-Assertion",
    "X-Askara-Provider",
    "Authorization",
    "X_Forwarded_User",
    "X-Forwarded_User",
    "x_forwarded_email",
    "X_Auth_Request_Email",
    "X_Askara_Organization",
    "X_Forwarded_Access_Token",
];

pub(crate) async fn the_app_is_told_who_it_is(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    visitor.put_cookie("app=its-own; Secure");
    let answer = visitor.fetch("/told").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = stage.app.last();
    for (name, value) in IDENTITY {
        let name = format!("{}{name}", front.manners.identity);
        assert_eq!(seen.header(&name).unwrap_or_default(), value, "{name}");
    }
    assert_eq!(seen.header("x-askara-organization"), Some("7"));
    let token = format!("Bearer {}", stage.provider.newest_token());
    assert_eq!(seen.header("authorization"), Some(token.as_str()));
    let cookie = seen.header("cookie").unwrap_or_default();
    if front.manners.hides_cookies {
        assert_eq!(cookie, "app=its-own", "S47");
    } else {
        assert!(cookie.contains("app=its-own"), "{cookie}");
    }
    assert_eq!(seen.header("host"), Some(stage.authority().as_str()));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
}

pub(crate) async fn identity_that_a_visitor_states_never_reaches_the_app(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let stranger = stage.visitor();
    for name in FORGED {
        assert_hidden(&stage, &visitor, name, "/told").await;
        assert_hidden(&stage, &stranger, name, "/public/told").await;
        for family in ["x-forwarded-user", "x-auth-request-user", "authorization"] {
            let told = stage.app.last().headers.get(family).cloned();
            assert!(told.is_none_or(|value| value.is_empty()), "{family} of a stranger");
        }
    }
}

/// Said once, and said twice: a front that takes away only the first would let the second through.
/// Some refuse to be told twice.
async fn assert_hidden(stage: &Stage, visitor: &Visitor, name: &str, target: &str) {
    for times in [1, 2] {
        let plain = ask("GET", target).fetching();
        let forged = (0..times).fold(plain, |ask: Ask, _| ask.header(name, "Bearer forged"));
        let asked = stage.app.requests().len();
        let answer = visitor.send(forged).await;
        if times == 2 && answer.status == 400 {
            assert_eq!(stage.app.requests().len(), asked);
            continue;
        }
        assert_eq!(answer.status, 200, "{name} at {target}: {}", answer.text());
        for (told, value) in &stage.app.last().headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("forged"), "{name} at {target}: {told} says {value}");
        }
    }
}
