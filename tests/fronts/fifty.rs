//! Fifty requests at once past the access token's expiry, through nginx on its recipe, with a
//! provider that takes every refresh token once (C-100).

use std::fs;
use std::process::Command;

use futures_util::future::join_all;

use crate::front::{Front, Place};
use crate::harness::{Answer, PAST_EXPIRY, Provider, Visitor, ask, wait};
use crate::nginx;
use crate::stage::Stage;

const LIFE: u64 = 2;
const AT_ONCE: usize = 50;

/// The line by which the recipe hands the renewed session to the browser.
const CARRIES: &str = "add_header Set-Cookie $gate_cookie always;";

#[tokio::test]
async fn fifty_requests_spend_one_refresh_token_and_the_browser_gets_the_cookie() {
    let (stage, visitor) = expired(&nginx::FRONT).await;
    let old = line_of(&visitor);
    let answers = at_once(&stage, &old).await;
    let mut values: Vec<_> = answers
        .iter()
        .map(|answer| answer.sets("__Host-askara").expect("the successor").value)
        .collect();
    values.dedup();
    assert_eq!(values.len(), 1, "rule 4: byte for byte");
    assert_eq!(stage.provider.refreshes(), 1, "C-100");

    stage.app.forgets();
    let new = format!("__Host-askara={}", values[0]);
    let answer = fetched(&stage, &new).await;
    assert_eq!(answer.status, 200);
    assert!(answer.set_cookies().is_empty(), "nothing to say to the newest");
    assert_eq!(tokens(&stage), [newest(&stage)]);
    assert_eq!(stage.provider.refreshes(), 1);
}

#[tokio::test]
async fn a_front_that_drops_the_cookie_loses_no_session() {
    let front = Front { command: without_the_cookie, ..nginx::FRONT };
    let (stage, visitor) = expired(&front).await;
    let old = line_of(&visitor);
    let answers = at_once(&stage, &old).await;
    assert!(answers.iter().all(|answer| answer.set_cookies().is_empty()), "nginx drops them");
    assert_eq!(stage.provider.refreshes(), 1, "C-100");

    for _ in 0..3 {
        stage.app.forgets();
        assert_eq!(fetched(&stage, &old).await.status, 200, "rule 4: the successor is there");
        assert_eq!(tokens(&stage), [newest(&stage)]);
    }
    assert_eq!(stage.provider.refreshes(), 1, "one token call in all");
}

/// The recipe as somebody has it who left that line out.
fn without_the_cookie(place: &mut Place) -> Command {
    let command = (nginx::FRONT.command)(place);
    let file = place.file("nginx.conf");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(CARRIES), "the recipe has no {CARRIES:?}");
    fs::write(&file, text.replace(CARRIES, "")).unwrap();
    command
}

/// Somebody signed in with a token that has run out; the next ones live long.
async fn expired(front: &Front) -> (Stage, Visitor) {
    let stage = Stage::with(front, Provider::with_token_life(LIFE).await).await;
    let visitor = stage.signed_in().await;
    wait(PAST_EXPIRY).await;
    stage.provider.token_life(3600);
    stage.provider.latency(300);
    (stage, visitor)
}

/// All of them are served, and the app gets the new token with each.
async fn at_once(stage: &Stage, cookie: &str) -> Vec<Answer> {
    let answers = join_all((0..AT_ONCE).map(|_| fetched(stage, cookie))).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, AT_ONCE, "C-100");
    let (newest, tokens) = (newest(stage), tokens(stage));
    assert_eq!(tokens.len(), AT_ONCE);
    assert!(tokens.iter().all(|token| *token == newest), "past expiry all have the new one");
    answers
}

/// A script's request with this cookie and no other, whatever the browser has by now.
async fn fetched(stage: &Stage, cookie: &str) -> Answer {
    stage.visitor().send(ask("GET", "/page").fetching().cookie(cookie)).await
}

fn line_of(visitor: &Visitor) -> String {
    format!("__Host-askara={}", visitor.session().expect("signed in"))
}

fn newest(stage: &Stage) -> String {
    format!("Bearer {}", stage.provider.newest_token())
}

/// What the app was given, in order.
fn tokens(stage: &Stage) -> Vec<String> {
    let requests = stage.app.requests().into_iter();
    requests.map(|seen| seen.header("authorization").expect("a token").to_owned()).collect()
}
