//! The pod of `deploy/kubernetes/sidecar.yaml`, lived through.

use std::time::Duration;

use crate::harness::{App, ask, eventually};
use crate::kubernetes::read;
use crate::manifest::{documents, one, settings};
use crate::pod::{Content, Pod};

const SOON: Duration = Duration::from_secs(5);

/// The arguments of the gateway's container.
pub(crate) fn arguments() -> Vec<String> {
    let all = documents(&read("sidecar.yaml"));
    let pod = &one(&all, "Deployment", "wiki")["spec"]["template"]["spec"];
    let told = pod["containers"][0]["args"].as_array().unwrap().iter();
    told.map(|argument| argument.as_str().unwrap().to_owned()).collect()
}

pub(crate) fn gate_toml() -> String {
    settings(one(&documents(&read("sidecar.yaml")), "ConfigMap", "wiki-gate")).to_owned()
}

async fn started(app: &App) -> Pod {
    let arguments = arguments();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let changes = [("http://127.0.0.1:3000", app.url())];
    let changes: Vec<_> = changes.iter().map(|(from, to)| (*from, to.as_str())).collect();
    Pod::start(Content::of_this_build(), &arguments, &gate_toml(), &changes).await
}

#[tokio::test]
async fn it_lives_as_nobody_who_can_write_nothing() {
    let app = App::start().await;
    let mut pod = started(&app).await;
    assert_eq!(pod.status("CapEff"), "0000000000000000");
    assert!(pod.root_options().split(',').any(|option| option == "ro"), "{}", pod.root_options());
    assert_eq!(pod.admin("/healthz").await, Some(200));
    let anonymous = pod.send(ask("GET", "/").fetching().header("host", "wiki.example.com")).await;
    assert_eq!(anonymous.status, 401);
    let navigation = ask("GET", "/").navigating().header("host", "wiki.example.com");
    let sent = pod.send(navigation).await;
    assert_eq!(sent.status, 302);
    assert!(sent.location().contains("client_id=wiki"), "{}", sent.location());
    assert!(app.requests().is_empty(), "nobody is signed in");
    assert!(!pod.output().contains("WARN"), "{}", pod.output());
    pod.signal("INT");
    assert_eq!(pod.exit_code(SOON).await, Some(0));
}

#[tokio::test]
async fn it_takes_the_secrets_that_the_kubelet_replaces() {
    let app = App::start().await;
    let mut pod = started(&app).await;
    pod.replace_secrets();
    eventually("new keys", || pod.output().contains("session.keys were replaced")).await;
    assert_eq!(pod.admin("/readyz").await, Some(200));
    pod.signal("INT");
    assert_eq!(pod.exit_code(SOON).await, Some(0));
}

#[tokio::test]
async fn it_is_taken_off_its_services_before_it_closes_the_door() {
    let app = App::start().await;
    let mut pod = started(&app).await;
    pod.signal("TERM");
    pod.until("leaving", "/readyz", 503).await;
    assert_eq!(pod.admin("/healthz").await, Some(200), "no reason to kill it");
    let late = pod.send(ask("GET", "/").fetching().header("host", "wiki.example.com")).await;
    assert_eq!(late.status, 401, "still answered");
    pod.signal("TERM");
    assert_eq!(pod.exit_code(SOON).await, Some(0));
}
