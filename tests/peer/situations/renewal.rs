//! The access token has run out, and the provider takes every refresh token once.

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::{Situation, situation};
use crate::harness::{Fault, Line, PAST_EXPIRY, Visitor, ask, eventually, wait};
use crate::stage::Stage;

pub(super) const ALL: &[Situation] = &[
    situation("one request past expiry", |s| one(s).boxed()),
    situation("20 parallel requests past expiry", |s| twenty(s).boxed()),
    situation("the app answers 404 past expiry", |s| cookie_lost(s).boxed()),
    situation("an older tab past expiry", |s| older_tab(s).boxed()),
    situation("the browser leaves during the refresh", |s| left(s).boxed()),
    situation("the provider fails past expiry", |s| failing(s).boxed()),
    situation("the provider takes the session back", |s| revoked(s).boxed()),
];

/// Signed in with a token that has run out; the next ones live long.
async fn expired(stage: &Stage) -> Visitor {
    stage.provider.token_life(2);
    let visitor = stage.signed_in().await;
    wait(PAST_EXPIRY).await;
    stage.provider.token_life(3600);
    visitor
}

/// Whether the app got the newest token the last time it was asked.
fn app_has(stage: &Stage) -> &'static str {
    let newest = stage.provider.newest_token();
    let requests = stage.app.requests();
    match requests.last().and_then(|seen| seen.header("x-access-token")) {
        None => "the app gets no token",
        Some(token) if token == newest => "the app gets the new token",
        Some(_) => "the app gets an old token",
    }
}

async fn one(stage: &Stage) -> String {
    let visitor = expired(stage).await;
    let (old, calls) = (stage.session(&visitor), stage.provider.refreshes());
    let answer = visitor.fetch("/page").await;
    let calls = stage.provider.refreshes() - calls;
    let renewed = stage.session(&visitor) != old;
    let cookie = if renewed { "the browser has a new cookie" } else { "no new cookie" };
    format!("{}; {calls} token calls; {cookie}; {}", answer.status, app_has(stage))
}

async fn twenty(stage: &Stage) -> String {
    let visitor = expired(stage).await;
    let before = stage.provider.refreshes();
    let asked = (0..20).map(|_| visitor.fetch("/page"));
    let good = join_all(asked).await.iter().filter(|answer| answer.status == 200).count();
    let calls = stage.provider.refreshes() - before;
    // How many of twenty get lost depends on the moment.
    let served = if good == 20 { "all are served" } else { "some are sent to sign in" };
    let calls = if calls == 1 { "1 token call" } else { "many token calls" };
    format!("{served}; {calls}")
}

/// nginx's `add_header` leaves the cookie out of an answer such as 404.
async fn cookie_lost(stage: &Stage) -> String {
    let visitor = expired(stage).await;
    let old = stage.session(&visitor);
    let first = visitor.fetch("/status/404").await.status;
    assert_eq!(stage.session(&visitor), old, "the cookie is dropped");
    // The age by which oauth2-proxy renews is that of the session which the browser still has.
    let second = visitor.fetch("/page").await;
    format!("{first}, then {}", stage.told(&stage.front, &second))
}

/// A request that carries the cookie of before the refresh.
async fn older_tab(stage: &Stage) -> String {
    let visitor = expired(stage).await;
    let old = stage.session_line(&visitor);
    let first = visitor.fetch("/page").await.status;
    let late = stage.send(ask("GET", "/page").fetching().cookie(&old)).await;
    format!("{first}, then {}", stage.told(&stage.front, &late))
}

/// nginx closes the subrequest's connection along with the browser's.
async fn left(stage: &Stage) -> String {
    let visitor = expired(stage).await;
    let (line, before) = (stage.session_line(&visitor), stage.provider.refreshes());
    stage.provider.latency(600);
    let mut leaving = Line::open(&stage.front, None).await.unwrap();
    let asked = ask("GET", "/page").fetching().cookie(&line);
    let leaving = tokio::spawn(async move { leaving.begin(asked).await.is_ok() });
    eventually("the token call", || stage.provider.refreshes() > before).await;
    leaving.abort();
    eventually("an end of the token call", || stage.provider.token_calls_underway() == 0).await;
    stage.provider.latency(0);
    let back = stage.send(ask("GET", "/page").fetching().cookie(&line)).await;
    let calls = stage.provider.refreshes() - before;
    let calls = if calls == 1 { "1 token call" } else { "many token calls" };
    format!("{}; {calls}", stage.told(&stage.front, &back))
}

async fn failing(stage: &Stage) -> String {
    let visitor = expired(stage).await;
    stage.provider.fails_token_calls(Fault::status(503));
    let first = visitor.fetch("/page").await;
    let session = if stage.session(&visitor).is_some() { "stays" } else { "is gone" };
    let told = app_has_any(stage);
    stage.provider.behaves_again();
    format!("{}; the session {session}; {told}", stage.told(&stage.front, &first))
}

fn app_has_any(stage: &Stage) -> &'static str {
    if stage.app.requests().is_empty() { "the app is not asked" } else { "the app is asked" }
}

async fn revoked(stage: &Stage) -> String {
    let visitor = expired(stage).await;
    stage.provider.fails_token_calls(Fault::oauth(400, "invalid_grant"));
    let first = visitor.fetch("/page").await;
    let session = if stage.session(&visitor).is_some() { "stays" } else { "is gone" };
    stage.provider.behaves_again();
    format!("{}; the session {session}", stage.told(&stage.front, &first))
}
