//! How many at once, and what is too few to begin with.

use std::process::{Command, Stdio};

use crate::harness::*;

#[tokio::test]
async fn fewer_places_than_listeners_are_enough_for_each_to_be_served() {
    let app = App::start().await;
    let gate = gateway()
        .with_top("workers = 4")
        .with_route(public("/", &app))
        .with_table("[limits]\nconnections = 1")
        .start()
        .await;
    for _ in 0..16 {
        // Each on a connection of its own, with whichever worker gets it.
        let request =
            format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", gate.authority());
        assert_eq!(gate.raw(request).await.status(), Some(200));
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_when_another_ends() {
    let app = App::start().await;
    let gate = gateway()
        .with_route(public("/", &app))
        .with_table("[limits]\nconnections = 1")
        .start()
        .await;
    let mut first = gate.line().await;
    assert_eq!(first.send(ask("GET", "/")).await.status, 200);
    let visitor = gate.visitor();
    let second = tokio::spawn(async move { visitor.get("/").await.status });
    wait(300).await;
    assert!(!second.is_finished(), "there is one place");
    drop(first);
    assert_eq!(second.await.unwrap(), 200);
}

#[tokio::test]
async fn a_gateway_whose_workers_cannot_start_does_not_pretend_to_serve() {
    let home = tempfile::tempdir().unwrap();
    // Descriptors for the sockets of all workers, but not for what each thread needs besides.
    let run = format!(
        "ulimit -n 90; exec timeout 10 {} run --upstream http://127.0.0.1:1 --public-url http://127.0.0.1 \
         --set listen=http://127.0.0.1:0 --set workers=64",
        env!("CARGO_BIN_EXE_askara-gate")
    );
    let ended = Command::new("sh")
        .args(["-c", &run])
        .env("XDG_STATE_HOME", home.path())
        .env("ASKARA_CLIENT_ID", "id")
        .env("ASKARA_CLIENT_SECRET", "secret")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("can't start the worker threads"), "{said}");
}
