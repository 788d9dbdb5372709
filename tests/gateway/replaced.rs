//! Secrets whose files are replaced while the process runs, as Kubernetes replaces what it mounts.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::harness::*;

async fn scene(keys: &[&str]) -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).with_keys(keys);
    let gate = gate.start().await;
    gate.ready().await;
    (provider, app, gate)
}

/// Puts another file under this name at once, behind a symbolic link as in a mounted secret.
fn replace(home: &Path, name: &str, text: &str) {
    let hidden = format!("..{}.{name}", random_hex(4));
    fs::write(home.join(&hidden), format!("{text}\n")).unwrap();
    let link = home.join(format!("{hidden}.link"));
    symlink(&hidden, &link).unwrap();
    fs::rename(link, home.join(name)).unwrap();
}

/// Waits until the gateway has said this so many times.
async fn said(gate: &Gate, what: &str, times: usize) {
    eventually(what, || gate.output().matches(what).count() >= times).await;
}

const KEYS: &str = "session.keys were replaced";
const SECRET: &str = "the client's secret was read again";

#[tokio::test]
async fn c117_session_keys_are_rotated_without_a_restart_and_nobody_is_signed_out() {
    let (old, new, newer) = (random_key(), random_key(), random_key());
    let (_provider, _app, gate) = scene(&[&old, &new]).await;
    let early = gate.visitor();
    early.login().await;

    // The new key seals, the old one still opens.
    replace(gate.home(), "0.key", &newer);
    replace(gate.home(), "1.key", &old);
    said(&gate, KEYS, 1).await;
    let late = gate.visitor();
    late.login().await;
    assert_eq!(early.fetch("/").await.status, 200);

    // Without the old key, what it sealed opens no more, though it was open in memory.
    replace(gate.home(), "1.key", &new);
    said(&gate, KEYS, 2).await;
    assert_eq!(early.fetch("/").await.status, 401);
    assert_eq!(late.fetch("/").await.status, 200);
    assert!(early.session().is_some(), "rule 8: another replica may still have the key");
}

#[tokio::test]
async fn a_key_that_can_not_be_used_leaves_the_old_ones() {
    let key = random_key();
    let (_provider, _app, gate) = scene(&[&key]).await;
    let visitor = gate.visitor();
    visitor.login().await;
    replace(gate.home(), "0.key", "no key");
    said(&gate, "the old ones stay in use", 1).await;
    assert_eq!(visitor.fetch("/").await.status, 200);
    assert!(!gate.output().contains("no key"), "C-109: {}", gate.output());
    replace(gate.home(), "0.key", &random_key());
    said(&gate, KEYS, 1).await;
    assert_eq!(visitor.fetch("/").await.status, 401);
}

#[tokio::test]
async fn a_client_secret_is_rotated_without_a_restart() {
    let (provider, _app, gate) = scene(&[&random_key()]).await;
    let file = gate.home().join("client.secret");
    let right = fs::read_to_string(&file).unwrap();
    let other = format!("canary-{}", random_hex(8));
    replace(gate.home(), "client.secret", &other);
    said(&gate, SECRET, 1).await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/").await;
    assert_ne!(visitor.open(&callback).await.status, 302, "no longer the secret that is known");
    assert_eq!(provider.last_token_request().body["client_secret"], other);
    assert!(!gate.output().contains(&other), "C-105");

    replace(gate.home(), "client.secret", right.trim_end());
    said(&gate, SECRET, 2).await;
    gate.visitor().login().await;
}

#[tokio::test]
async fn sighup_asks_for_secrets_and_ends_nothing() {
    let (_provider, _app, gate) = scene(&[&random_key()]).await;
    gate.signal("HUP");
    said(&gate, "secrets were read again", 1).await;
    gate.visitor().login().await;
}

#[tokio::test]
async fn s65_a_new_certificate_of_a_listener_is_shown_without_a_restart() {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).over_tls().start().await;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    replace(gate.home(), "tls.key", &made.signing_key.serialize_pem());
    replace(gate.home(), "tls.crt", &made.cert.pem());
    let connector = TlsConnector::from(trusting(made.cert.der().clone(), &[]));
    for _ in 0..250 {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        if connector.connect(name, gate.connect().await).await.is_ok() {
            return;
        }
        wait(20).await;
    }
    panic!("the old certificate is still shown after five seconds");
}
