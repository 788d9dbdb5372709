//! What the app behind nginx learns.

use futures_util::FutureExt;

use super::{Situation, situation};
use crate::harness::{ask, claims_of};
use crate::stage::Stage;

pub(super) const ALL: &[Situation] = &[
    situation("the app learns who it is", |s| learns(s, WHO).boxed()),
    situation("the app gets the tokens", |s| learns(s, TOKENS).boxed()),
    situation("the app of a public page, signed in", |s| public(s).boxed()),
    situation("the app of a public page, anonymous", |s| nobody(s).boxed()),
    situation("the body of a POST arrives", |s| posts(s).boxed()),
    situation("the cookies that the app sees", |s| cookies(s).boxed()),
    situation("a second answer sets no cookie", |s| quiet(s).boxed()),
];

const WHO: &[&str] = &["x-user", "x-email", "x-groups", "x-preferred-username"];
const TOKENS: &[&str] = &["x-access-token", "authorization"];

async fn learns(stage: &Stage, names: &[&str]) -> String {
    let visitor = stage.signed_in().await;
    assert_eq!(visitor.fetch("/page").await.status, 200);
    learnt(stage, names)
}

/// The named fields of the last request as the app saw it.
fn learnt(stage: &Stage, names: &[&str]) -> String {
    let seen = stage.app.last();
    let field = |name: &&str| match seen.header(name) {
        Some(value) => format!("{name}: {}", named(stage, value)),
        None => format!("no {name}"),
    };
    names.iter().map(field).collect::<Vec<_>>().join("; ")
}

/// A value, or which token it is.
fn named(stage: &Stage, value: &str) -> String {
    let token = value.strip_prefix("Bearer ").unwrap_or(value);
    let what = match token {
        token if token == stage.provider.newest_token() => "the access token",
        token if token.starts_with("ey") && claims_of(token).get("email").is_some() => {
            "the id_token"
        }
        _ => return value.to_owned(),
    };
    value.replace(token, what)
}

async fn public(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    assert_eq!(visitor.fetch("/public/page").await.status, 200);
    learnt(stage, WHO)
}

async fn nobody(stage: &Stage) -> String {
    assert_eq!(stage.visitor().fetch("/public/page").await.status, 200);
    learnt(stage, &["x-user", "x-email", "x-access-token", "authorization"])
}

async fn posts(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    let asked = ask("POST", "/echo?a=1").fetching().body("what was written");
    let answer = visitor.send(asked).await;
    let seen = stage.app.last();
    format!("{} {} {}: {}", answer.status, seen.method, seen.target, answer.text())
}

async fn cookies(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    visitor.put_cookie("app=its-own");
    assert_eq!(visitor.fetch("/page").await.status, 200);
    let seen = stage.app.last();
    let line = seen.header("cookie").unwrap_or_default().to_owned();
    let mut names: Vec<_> =
        line.split("; ").map(|pair| pair.split('=').next().unwrap_or_default()).collect();
    names.iter_mut().for_each(|name| {
        if *name == stage.kind.cookie() {
            *name = "the session";
        }
    });
    names.sort_unstable();
    names.join(", ")
}

async fn quiet(stage: &Stage) -> String {
    let visitor = stage.signed_in().await;
    let answer = visitor.fetch("/page").await;
    format!("{} with {} cookies", answer.status, answer.set_cookies().len())
}
