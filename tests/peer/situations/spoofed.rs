//! What a visitor says who has read the manual.

use futures_util::FutureExt;

use super::{Situation, situation};
use crate::harness::{Visitor, ask};
use crate::stage::Stage;

pub(super) const ALL: &[Situation] = &[
    situation("X-Forwarded-Uri of a public page", |s| {
        nobody(s, "x-forwarded-uri", "/public/x").boxed()
    }),
    situation("X-Original-URI of a public page", |s| {
        nobody(s, "x-original-uri", "/public/x").boxed()
    }),
    situation("X-Original-URL of a public page", |s| {
        nobody(s, "x-original-url", "http://127.0.0.1/public/x").boxed()
    }),
    situation("X-Forwarded-Method", |s| somebody(s, "x-forwarded-method", "OPTIONS").boxed()),
    situation("X-Forwarded-Host of another host", |s| {
        somebody(s, "x-forwarded-host", "evil.example").boxed()
    }),
    situation("X-Forwarded-Host of a host that is for everyone", |s| {
        nobody(s, "x-forwarded-host", "open.example").boxed()
    }),
    situation("a rule for reading, and a POST", |s| writes(s, None).boxed()),
    situation("X-Forwarded-Method of a rule for reading", |s| writes(s, Some("GET")).boxed()),
    situation("X-Forwarded-Host at sign-in", |s| {
        nobody(s, "x-forwarded-host", "evil.example").boxed()
    }),
    situation("X-Forwarded-Proto", |s| somebody(s, "x-forwarded-proto", "https").boxed()),
    situation("the names of a person", |s| names(s).boxed()),
    situation("the names of a person, anonymous", |s| {
        nobody(s, "x-auth-request-user", "root").boxed()
    }),
    situation("dot segments before a public path", |s| path(s, "/public/../page").boxed()),
    situation("encoded dot segments", |s| path(s, "/public/%2e%2e/page").boxed()),
    situation("an encoded slash", |s| path(s, "/public%2f..%2fpage").boxed()),
    situation("a fragment's sign", |s| path(s, "/page%23/public/x").boxed()),
    situation("a broken session cookie", |s| broken(s).boxed()),
];

async fn nobody(stage: &Stage, name: &str, value: &str) -> String {
    says(stage, &stage.visitor(), name, value).await
}

async fn somebody(stage: &Stage, name: &str, value: &str) -> String {
    says(stage, &stage.signed_in().await, name, value).await
}

/// A POST to what is for everyone to read.
async fn writes(stage: &Stage, told: Option<&str>) -> String {
    let mut asked = ask("POST", "/readable").fetching();
    if let Some(method) = told {
        asked = asked.header("x-forwarded-method", method);
    }
    let answer = stage.send(asked).await;
    stage.told(&stage.front, &answer)
}

async fn says(stage: &Stage, visitor: &Visitor, name: &str, value: &str) -> String {
    let asked = ask("GET", "/page").navigating().header(name, value);
    let answer = visitor.send(asked).await;
    stage.told(&stage.front, &answer)
}

async fn names(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    let asked = ask("GET", "/page")
        .fetching()
        .header("x-user", "root")
        .header("x-auth-request-user", "root")
        .header("x-auth-request-groups", "admins");
    let answer = visitor.send(asked).await;
    let seen = stage.app.last();
    format!("{}, x-user: {}", answer.status, seen.header("x-user").unwrap_or("none"))
}

async fn path(stage: &Stage, target: &str) -> String {
    let answer = stage.send(ask("GET", target).navigating()).await;
    stage.told(&stage.front, &answer)
}

async fn broken(stage: &Stage) -> String {
    let visitor = stage.visitor();
    visitor.put_cookie(&format!("{}=broken", stage.kind.cookie()));
    let answer = visitor.open("/page").await;
    stage.told(&stage.front, &answer)
}
