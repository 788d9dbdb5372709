use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;

use super::desk::{Desk, client};
use crate::provider::{CallFailure, Client, Lane, MAX_ANSWER, MAX_CALLS, Options};

fn question(desk: &Desk) -> Request<Bytes> {
    Request::get(format!("{}/me", desk.url())).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn c93_an_answer_is_bounded_by_what_it_is_for() {
    let desk = Desk::open().await;
    let client = client();
    for (length, most, taken) in [
        (MAX_ANSWER, MAX_ANSWER, true),
        (MAX_ANSWER + 1, MAX_ANSWER, false),
        (MAX_ANSWER + 1, 2 * MAX_ANSWER, true),
    ] {
        desk.answers("/me", 200, &"x".repeat(length));
        let answer = client.send_for(question(&desk), Lane::Login, most).await;
        let expected = if taken { Ok(length) } else { Err(CallFailure::TooLarge) };
        assert_eq!(answer.map(|answer| answer.body().len()), expected);
    }
}

#[tokio::test]
async fn c78_no_lane_takes_the_places_of_another() {
    let desk = Desk::open().await;
    desk.answers("/me", 200, "{}");
    let client = Arc::new(client());
    for (crowded, free) in [
        (Lane::Api, [Lane::Login, Lane::Renewal]),
        (Lane::Login, [Lane::Api, Lane::Renewal]),
        (Lane::Renewal, [Lane::Api, Lane::Login]),
    ] {
        let before = desk.calls("/me");
        desk.waits();
        let crowd: Vec<_> = (0..MAX_CALLS)
            .map(|_| {
                let (client, question) = (Arc::clone(&client), question(&desk));
                tokio::spawn(async move { client.send(question, crowded).await })
            })
            .collect();
        desk.called("/me", before + MAX_CALLS).await;
        let others = free.map(|lane| {
            let (client, question) = (Arc::clone(&client), question(&desk));
            tokio::spawn(async move { client.send(question, lane).await })
        });
        desk.called("/me", before + MAX_CALLS + 2).await;
        desk.goes_on();
        for call in crowd.into_iter().chain(others) {
            assert!(call.await.unwrap().is_ok(), "{crowded:?}");
        }
    }
}

#[tokio::test]
async fn files_that_come_late_are_read_at_the_next_call() {
    let desk = Desk::open().await;
    desk.answers("/me", 200, "{}");
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let client = Client::new(Options {
        ca_file: Some(ca_file.clone()),
        certificate: None,
        limit: Duration::from_secs(20),
    });
    let early = client.send(question(&desk), Lane::Login).await;
    assert!(matches!(early, Err(CallFailure::Setup(_))));
    let made = rcgen::generate_simple_self_signed([String::from("ca")]).unwrap();
    std::fs::write(&ca_file, made.cert.pem()).unwrap();
    assert!(client.send(question(&desk), Lane::Login).await.is_ok());
}
