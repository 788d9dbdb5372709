//! Ends of sessions reach every replica that shares a store, within a second (C-33): by the
//! person's own hand, and by the operator's.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::*;
use crate::stage::*;

pub(crate) const SOON: Duration = Duration::from_secs(1);

/// Everybody is somebody else: `visitor-0`, `visitor-1` and so on.
pub(crate) async fn signed_in(
    configuration: Configuration,
    people: usize,
) -> (Stage, Vec<Visitor>) {
    let provider = Provider::start().await;
    provider.tells_logins_apart();
    let stage = Plan::of(configuration).start(provider).await;
    let people = stage.signed_in(people).await;
    for visitor in &people {
        for number in 0..3 {
            assert_eq!(status(&stage, number, &visitor.session_line()).await, 200);
        }
    }
    (stage, people)
}

async fn status(stage: &Stage, number: usize, cookie: &str) -> u16 {
    stage.ask(number, ask("GET", "/").fetching().cookie(cookie)).await.status
}

/// Every replica refuses this cookie within a second of `since`.
pub(crate) async fn over_everywhere(stage: &Stage, cookie: &str, since: Instant) {
    for number in 0..3 {
        while status(stage, number, cookie).await != 401 {
            assert!(since.elapsed() < SOON, "C-33: replica {number} within a second");
            wait(10).await;
        }
    }
}

#[tokio::test]
async fn c33_signing_out_at_one_replica_ends_the_session_at_all() {
    for configuration in [Coordinated, Stored] {
        let (stage, people) = signed_in(configuration, 2).await;
        let lines: Vec<_> = people.iter().map(Visitor::session_line).collect();
        let leave = ask("POST", "/oauth2/sign_out").same_origin();
        assert!(people[0].send(leave).await.status < 400);
        over_everywhere(&stage, &lines[0], Instant::now()).await;
        for number in 0..3 {
            assert_eq!(status(&stage, number, &lines[1]).await, 200, "{configuration:?}: only it");
        }
    }
}

/// What has ended before a replica starts has ended for it as well.
#[tokio::test]
async fn c33_a_replica_that_was_away_meanwhile_refuses_it_too() {
    for configuration in [Coordinated, Stored] {
        let (mut stage, people) = signed_in(configuration, 1).await;
        let line = people[0].session_line();
        let port = stage.kill(2);
        // Past nginx, which would ask the dead one in its turn.
        let leave = ask("POST", "/oauth2/sign_out").same_origin().cookie(&line);
        assert!(stage.ask(0, leave).await.status < 400);
        stage.start(2, port).await;
        until_ready(&stage, 2).await;
        assert_eq!(status(&stage, 2, &line).await, 401, "C-33, {configuration:?}");
    }
}

async fn until_ready(stage: &Stage, number: usize) {
    for _ in 0..250 {
        if stage.gate(number).admin("/readyz").await.unwrap().status == 200 {
            return;
        }
        wait(20).await;
    }
    panic!("replica {number} does not become ready");
}

/// `askara-gate sessions …` with the configuration of the first gateway.
pub(crate) fn command(stage: &Stage, arguments: &[&str]) -> (Option<i32>, String, String) {
    let home = stage.gate(0).home();
    let config = home.join("gate.toml");
    let all = [&["sessions"], arguments, &["--config", config.to_str().unwrap()]].concat();
    let finished = Process::finish(home, &all, &[]);
    (finished.code, finished.stdout, finished.stderr)
}

fn listed(stage: &Stage, arguments: &[&str]) -> Vec<Value> {
    let (code, stdout, stderr) = command(stage, &[arguments, &["--json"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let list: Value = serde_json::from_str(&stdout).unwrap();
    list.as_array().unwrap().clone()
}

fn users(list: &[Value]) -> Vec<String> {
    let mut users: Vec<_> =
        list.iter().map(|session| session["user"].as_str().unwrap().to_owned()).collect();
    users.sort();
    users
}

#[tokio::test]
async fn the_operator_lists_sessions_and_ends_one_persons_at_every_replica() {
    let (stage, people) = signed_in(Stored, 3).await;
    let lines: Vec<_> = people.iter().map(Visitor::session_line).collect();
    let list = listed(&stage, &["list"]);
    assert_eq!(users(&list), ["visitor-0", "visitor-1", "visitor-2"]);
    for session in &list {
        assert_eq!(session["email"], "ada@example.com");
        assert_eq!(session["organization"], "7");
        assert_eq!(session["session"].as_str().unwrap().len(), 16);
    }
    let (code, table, _) = command(&stage, &["list", "--user", "visitor-1"]);
    assert_eq!(code, Some(0));
    assert!(table.starts_with("SESSION") && table.contains("visitor-1"), "{table}");
    assert!(!table.contains("visitor-0"), "{table}");

    let ended = listed(&stage, &["revoke", "--user", "visitor-1"]);
    assert_eq!(users(&ended), ["visitor-1"]);
    over_everywhere(&stage, &lines[1], Instant::now()).await;
    assert_eq!(users(&listed(&stage, &["list"])), ["visitor-0", "visitor-2"]);
    for number in 0..3 {
        assert_eq!(status(&stage, number, &lines[0]).await, 200, "only that person's");
    }

    let name = listed(&stage, &["list", "--user", "visitor-0"])[0]["session"].clone();
    assert_eq!(listed(&stage, &["revoke", "--id", name.as_str().unwrap()]).len(), 1);
    over_everywhere(&stage, &lines[0], Instant::now()).await;
    assert_eq!(status(&stage, 0, &lines[2]).await, 200);
    let (code, _, stderr) = command(&stage, &["revoke", "--all"]);
    assert_eq!(code, Some(0), "{stderr}");
    over_everywhere(&stage, &lines[2], Instant::now()).await;
    assert!(listed(&stage, &["list"]).is_empty());

    // Whoever signs in again is not kept out by what was ended.
    wait(1100).await;
    people[1].forget_cookies();
    people[1].login().await;
    for _ in 0..3 {
        assert_eq!(people[1].fetch("/").await.status, 200);
    }
}

#[tokio::test]
async fn with_coordination_the_operator_ends_what_no_list_shows() {
    let (stage, people) = signed_in(Coordinated, 2).await;
    let lines: Vec<_> = people.iter().map(Visitor::session_line).collect();
    let (code, _, stderr) = command(&stage, &["list"]);
    assert_ne!(code, Some(0));
    assert!(stderr.contains("session.store"), "{stderr}");
    let (code, _, stderr) = command(&stage, &["revoke", "--user", "visitor-0"]);
    assert_eq!(code, Some(0), "{stderr}");
    over_everywhere(&stage, &lines[0], Instant::now()).await;
    for number in 0..3 {
        assert_eq!(status(&stage, number, &lines[1]).await, 200, "only that person's");
    }
}

#[tokio::test]
async fn without_a_store_there_is_nothing_to_list_or_to_end() {
    let (stage, _people) = signed_in(Alone, 1).await;
    for arguments in [&["list"][..], &["revoke", "--all"]] {
        let (code, _, stderr) = command(&stage, arguments);
        assert_eq!(code, Some(78), "{stderr}");
        assert!(stderr.contains("session.store"), "{stderr}");
    }
}
