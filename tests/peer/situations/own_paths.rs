//! The paths of the gateway's own.

use futures_util::FutureExt;

use super::{Situation, situation};
use crate::harness::{Answer, Ask, ask};
use crate::stage::Stage;

pub(super) const ALL: &[Situation] = &[
    situation("/ping", |s| inside(s, "/ping").boxed()),
    situation("/ready", |s| inside(s, "/ready").boxed()),
    situation("/robots.txt", |s| inside(s, "/robots.txt").boxed()),
    situation("/oauth2/auth, anonymous", |s| anonymous(s).boxed()),
    situation("/oauth2/auth, signed in", |s| signed_in(s, "GET").boxed()),
    situation("/oauth2/auth by POST", |s| signed_in(s, "POST").boxed()),
    situation("/oauth2/auth and a script of the page", |s| of_a_page(s).boxed()),
    situation("/oauth2/userinfo", |s| userinfo(s).boxed()),
    situation("/oauth2/userinfo, anonymous", |s| {
        front(s, ask("GET", "/oauth2/userinfo").fetching()).boxed()
    }),
    situation("the status of a callback that succeeds", |s| callback(s).boxed()),
    situation("/oauth2/callback out of the blue", |s| {
        front(s, ask("GET", "/oauth2/callback?code=c&state=x:/").navigating()).boxed()
    }),
    situation("/oauth2/callback without a state", |s| {
        front(s, ask("GET", "/oauth2/callback?code=c").navigating()).boxed()
    }),
    situation("/oauth2/nothing", |s| front(s, ask("GET", "/oauth2/nothing").navigating()).boxed()),
];

async fn inside(stage: &Stage, path: &str) -> String {
    let answer = stage.send_inside(ask("GET", path)).await;
    format!("{} {:?}", answer.status, answer.text())
}

async fn front(stage: &Stage, ask: Ask) -> String {
    let answer = stage.send(ask).await;
    stage.told(&stage.front, &answer)
}

/// As nginx asks.
fn question(method: &str) -> Ask {
    ask(method, "/oauth2/auth").header("x-forwarded-uri", "/page")
}

async fn anonymous(stage: &Stage) -> String {
    let asked = question("GET").header("host", stage.front.authority());
    told(&stage.send_inside(asked).await)
}

async fn signed_in(stage: &Stage, method: &str) -> String {
    let visitor = stage.signed_in().await;
    let asked = question(method).header("host", stage.front.authority());
    told(&stage.send_inside(asked.cookie(&stage.session_line(&visitor))).await)
}

async fn of_a_page(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    told(&visitor.fetch("/oauth2/auth").await)
}

/// Status, body, and the fields that are read by fronts.
fn told(answer: &Answer) -> String {
    let read = ["authorization", "gap-auth", "location", "set-cookie", "www-authenticate"];
    let names = answer.headers.keys().map(http::HeaderName::as_str);
    let mut names: Vec<_> =
        names.filter(|name| name.starts_with("x-auth-request") || read.contains(name)).collect();
    names.sort_unstable();
    let kind = answer.header("content-type").unwrap_or_default();
    let body =
        if kind.ends_with("json") { "JSON".to_owned() } else { format!("{:?}", answer.text()) };
    format!("{} {body} with [{}]", answer.status, names.join(", "))
}

/// The members that oauth2-proxy has.
async fn userinfo(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    let answer = visitor.fetch("/oauth2/userinfo").await;
    let told = answer.json();
    let member = |name| format!("{name}: {}", told[name]);
    let members = ["user", "email", "groups", "preferredUsername"].map(member);
    format!("{} {}", answer.status, members.join(", "))
}

async fn callback(stage: &Stage) -> String {
    let visitor = stage.visitor();
    let sent = visitor.open("/oauth2/start?rd=%2Fpage").await;
    let sent = visitor.follow_while(sent, |next| next.path() != "/oauth2/callback").await;
    let back = stage.front.join(sent.location()).unwrap();
    let answer = visitor.open(&back[url::Position::BeforePath..]).await;
    answer.status.to_string()
}
