use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::desk::{Desk, KEYS, METADATA, ONE_KEY, TWO_KEYS, client};
use crate::auth::Timestamp;
use crate::auth::discovery::BadMetadata;
use crate::auth::discovery::tests::settings;
use crate::auth::json::BadJson;
use crate::auth::jwks::BadKeySet;
use crate::auth::provider::{Said, Settings};
use crate::provider::directory::{Directory, NotLearnt, Want};
use crate::provider::{Client, Lane};

const T: u64 = 1_000_000;

/// The moment `seconds` after the beginning.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(T + seconds)
}

async fn scene() -> (Desk, Arc<Directory>, Arc<Client>) {
    let desk = Desk::open().await;
    let directory = Arc::new(Directory::new(desk.settings()));
    (desk, directory, Arc::new(client()))
}

/// How many keys a caller is given.
async fn keys(directory: &Directory, client: &Client, seconds: u64, want: Want) -> usize {
    directory.keys(client, Lane::Api, at(seconds), want).await.unwrap().len()
}

#[tokio::test]
async fn nothing_is_asked_where_nothing_is_to_be_discovered() {
    let text = |text: &str| Some(text.to_owned());
    let said = Said {
        authorize: text("https://a.example/authorize"),
        token: text("https://a.example/token"),
        ..Said::default()
    };
    let whole = Settings { openid: None, said, ..settings() };
    let directory = Directory::new(Arc::new(whole));
    let provider = directory.known().unwrap();
    assert_eq!(provider.endpoints.token, "https://a.example/token");
    assert!(directory.provider(&client(), Lane::Login, at(0)).await.is_ok());
    assert!(!directory.is_old(at(10_000_000)));
    let keys = directory.keys(&client(), Lane::Login, at(0), Want::Any).await;
    assert_eq!(keys.err(), Some(NotLearnt::NoKeys));

    let half = Settings { openid: None, ..settings() };
    let directory = Directory::new(Arc::new(half));
    let missing = directory.provider(&client(), Lane::Login, at(0)).await;
    assert_eq!(missing.err(), Some(NotLearnt::Incomplete));
}

#[tokio::test]
async fn a_provider_is_discovered_once_by_many() {
    let (desk, directory, client) = scene().await;
    assert!(directory.known().is_none());
    desk.waits();
    let mut visitors = JoinSet::new();
    for _ in 0..100 {
        let (directory, client) = (Arc::clone(&directory), Arc::clone(&client));
        visitors.spawn(async move { directory.provider(&client, Lane::Login, at(0)).await });
    }
    desk.called(METADATA, 1).await;
    desk.goes_on();
    for provider in visitors.join_all().await {
        assert_eq!(provider.unwrap().endpoints.token, format!("{}/token", desk.url()));
    }
    assert!(directory.provider(&client, Lane::Login, at(100_000)).await.is_ok());
    assert_eq!(desk.calls(METADATA), 1);
}

#[tokio::test]
async fn a_failure_is_everybodys_for_two_seconds() {
    let (desk, directory, client) = scene().await;
    desk.answers(METADATA, 503, "");
    let status = Some(NotLearnt::Metadata(BadMetadata::Status(503)));
    desk.waits();
    let mut visitors = JoinSet::new();
    for second in [0, 1, 30] {
        let (directory, client) = (Arc::clone(&directory), Arc::clone(&client));
        visitors.spawn(async move { directory.provider(&client, Lane::Login, at(second)).await });
    }
    desk.called(METADATA, 1).await;
    desk.goes_on();
    for provider in visitors.join_all().await {
        assert_eq!(provider.err(), status);
    }
    assert_eq!(desk.calls(METADATA), 1);

    desk.answers(METADATA, 200, &desk.metadata());
    assert_eq!(directory.provider(&client, Lane::Login, at(1)).await.err(), status);
    // From now on the next attempt counts, and not the failure before it.
    desk.waits();
    let visitor = || {
        let (directory, client) = (Arc::clone(&directory), Arc::clone(&client));
        tokio::spawn(async move { directory.provider(&client, Lane::Login, at(2)).await })
    };
    let visitors = [visitor(), visitor()];
    desk.called(METADATA, 2).await;
    desk.goes_on();
    for visitor in visitors {
        assert!(visitor.await.unwrap().is_ok());
    }
    assert_eq!(desk.calls(METADATA), 2);
}

#[tokio::test]
async fn what_is_old_is_renewed_beside_and_stays_where_that_fails() {
    let (desk, directory, client) = scene().await;
    directory.provider(&client, Lane::Login, at(0)).await.unwrap();
    assert!(!directory.is_old(at(3599)));
    assert!(directory.is_old(at(3600)));
    directory.refresh(&client, Lane::Login, at(3599)).await;
    assert_eq!(desk.calls(METADATA), 1);

    desk.answers(METADATA, 500, "");
    directory.refresh(&client, Lane::Login, at(3600)).await;
    assert!(directory.known().is_some());
    assert!(!directory.is_old(at(3659)));
    assert!(directory.is_old(at(3660)));

    let moved = desk.metadata().replace("/token", "/moved");
    desk.answers(METADATA, 200, &moved);
    directory.refresh(&client, Lane::Login, at(3660)).await;
    assert_eq!(directory.known().unwrap().endpoints.token, format!("{}/moved", desk.url()));
    assert!(!directory.is_old(at(3661)));
    assert_eq!(desk.calls(METADATA), 3);
    assert_eq!(desk.calls(KEYS), 0);
}

#[tokio::test]
async fn a_visitor_who_leaves_takes_nothing_along() {
    let (desk, directory, client) = scene().await;
    desk.waits();
    let (first, second) = {
        let visitor = || {
            let (directory, client) = (Arc::clone(&directory), Arc::clone(&client));
            tokio::spawn(async move { directory.keys(&client, Lane::Api, at(0), Want::Any).await })
        };
        (visitor(), visitor())
    };
    desk.called(METADATA, 1).await;
    first.abort();
    // The second takes the attempt over.
    desk.called(METADATA, 2).await;
    desk.goes_on();
    assert_eq!(second.await.unwrap().unwrap().len(), 1);

    // The same with the keys: whoever leaves does not open the way for a flood (C-87).
    desk.waits();
    let (left, other) = (Arc::clone(&directory), Arc::clone(&client));
    let leaver =
        tokio::spawn(async move { left.keys(&other, Lane::Api, at(30), Want::Unknown).await });
    desk.called(KEYS, 2).await;
    leaver.abort();
    assert!(leaver.await.unwrap_err().is_cancelled());
    desk.goes_on();
    assert_eq!(keys(&directory, &client, 31, Want::Unknown).await, 1);
    assert_eq!(desk.calls(KEYS), 2);
    desk.answers(KEYS, 200, TWO_KEYS);
    assert_eq!(keys(&directory, &client, 60, Want::Unknown).await, 2);
}

#[tokio::test]
async fn c86_a_new_key_is_found_and_an_outage_outlived() {
    const DAY: u64 = 24 * 60 * 60;
    let (desk, directory, client) = scene().await;
    assert_eq!(keys(&directory, &client, 0, Want::Any).await, 1);
    desk.answers(KEYS, 200, TWO_KEYS);
    assert_eq!(keys(&directory, &client, 29, Want::Unknown).await, 1);
    assert_eq!(keys(&directory, &client, 30, Want::Unknown).await, 2);
    assert_eq!(desk.calls(KEYS), 2);

    desk.answers(KEYS, 500, "");
    assert_eq!(keys(&directory, &client, DAY + 29, Want::Any).await, 2);
    assert_eq!(keys(&directory, &client, DAY + 29, Want::Unknown).await, 2);
    assert_eq!(desk.calls(KEYS), 3);
    // A day after they came, old keys prove nothing any more.
    let status = Some(NotLearnt::KeysStatus(500));
    for (second, calls) in [(DAY + 30, 3), (DAY + 34, 4), (DAY + 35, 4)] {
        let none = directory.keys(&client, Lane::Api, at(second), Want::Any).await;
        assert_eq!((none.err(), desk.calls(KEYS)), (status.clone(), calls), "{second}");
    }
    desk.answers(KEYS, 200, ONE_KEY);
    assert_eq!(keys(&directory, &client, DAY + 39, Want::Any).await, 1);
}

#[tokio::test]
async fn keys_are_renewed_beside() {
    let (desk, directory, client) = scene().await;
    assert_eq!(keys(&directory, &client, 0, Want::Any).await, 1);
    assert!(!directory.is_old(at(599)));
    assert!(directory.is_old(at(600)));
    desk.answers(KEYS, 200, TWO_KEYS);
    assert_eq!(keys(&directory, &client, 600, Want::Any).await, 1);
    directory.refresh(&client, Lane::Api, at(600)).await;
    assert_eq!(keys(&directory, &client, 600, Want::Any).await, 2);
    assert!(!directory.is_old(at(601)));
    assert_eq!((desk.calls(METADATA), desk.calls(KEYS)), (1, 2));
}

#[tokio::test]
async fn c87_a_flood_of_invented_keys_is_one_call_in_half_a_minute() {
    for status in [200, 500] {
        let (desk, directory, client) = scene().await;
        keys(&directory, &client, 0, Want::Any).await;
        desk.answers(KEYS, status, ONE_KEY);
        let mut flood = JoinSet::new();
        for n in 0..10_000 {
            let (directory, client) = (Arc::clone(&directory), Arc::clone(&client));
            let seconds = 30 + n % 30;
            flood.spawn(async move { keys(&directory, &client, seconds, Want::Unknown).await });
        }
        assert!(flood.join_all().await.iter().all(|&keys| keys == 1));
        assert_eq!(desk.calls(KEYS), 2, "{status}");
    }
}

#[tokio::test]
async fn c87_the_flood_is_one_call_over_all_workers_too_and_all_have_the_new_keys() {
    let (desk, directory, client) = scene().await;
    keys(&directory, &client, 0, Want::Any).await;
    desk.answers(KEYS, 200, TWO_KEYS);
    desk.waits();
    let here = Arc::new(Semaphore::new(0));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (directory, here) = (Arc::clone(&directory), Arc::clone(&here));
            tokio::task::spawn_blocking(move || worker(&directory, &here))
        })
        .collect();
    desk.called(KEYS, 2).await;
    here.acquire_many(400).await.unwrap().forget();
    desk.goes_on();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(desk.calls(KEYS), 2);
}

/// A worker with a runtime and a client of its own, and a hundred tokens at once; each says when
/// it is `here`.
fn worker(directory: &Arc<Directory>, here: &Arc<Semaphore>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Arc::new(client());
        let mut tokens = JoinSet::new();
        for _ in 0..100 {
            let (directory, client) = (Arc::clone(directory), Arc::clone(&client));
            let here = Arc::clone(here);
            tokens.spawn(async move {
                here.add_permits(1);
                keys(&directory, &client, 30, Want::Unknown).await
            });
        }
        let all = tokio::time::timeout(Duration::from_secs(20), tokens.join_all()).await;
        assert_eq!(all.expect("somebody was never woken"), [2; 100]);
    });
}

#[tokio::test]
async fn c87_keys_that_cannot_be_read_are_an_error_and_a_redirect_is_not_followed() {
    let too_long = format!("{}{}", ONE_KEY, " ".repeat(512 * 1024));
    let long = format!("{}{}", ONE_KEY, " ".repeat(300 * 1024));
    for (status, body, wrong) in [
        (200, long.as_str(), None),
        (200, &too_long, Some(NotLearnt::Call(crate::provider::CallFailure::TooLarge))),
        (302, ONE_KEY, Some(NotLearnt::KeysStatus(302))),
        (404, ONE_KEY, Some(NotLearnt::KeysStatus(404))),
        (200, "<html>", Some(NotLearnt::Keys(BadKeySet::Json(BadJson::NotJson)))),
        (200, "{}", Some(NotLearnt::Keys(BadKeySet::NoKeys))),
    ] {
        let (desk, directory, client) = scene().await;
        desk.answers(KEYS, status, body);
        let read = directory.keys(&client, Lane::Api, at(0), Want::Any).await;
        assert_eq!(read.err(), wrong);
        assert_eq!((desk.calls(KEYS), desk.calls("/elsewhere")), (1, 0));
    }
}
