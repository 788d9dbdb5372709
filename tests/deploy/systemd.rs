//! `deploy/systemd`: the units.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::harness::{Kept, Port, eventually};
use crate::manifest::{check, write_secrets};
use crate::program::{Ended, at_top, run};

const CREDENTIALS: &str = "/run/credentials/askara-gate.service";
const PROGRAM: &str = "/usr/local/bin/askara-gate";
const SERVICE: &str = "askara-gate.service";

fn read(name: &str) -> String {
    fs::read_to_string(at_top("deploy/systemd").join(name)).unwrap()
}

/// The units in a folder of their own, with the program where it is.
fn units(change: impl Fn(String) -> String) -> TempDir {
    let folder = TempDir::new().unwrap();
    let service = read(SERVICE);
    assert_eq!(service.matches(PROGRAM).count(), 3, "in the two commands and the comment");
    let service = change(service.replace(PROGRAM, env!("CARGO_BIN_EXE_askara-gate")));
    fs::write(folder.path().join(SERVICE), service).unwrap();
    fs::write(folder.path().join("askara-gate.socket"), read("askara-gate.socket")).unwrap();
    folder
}

fn analyze(folder: &Path, arguments: &[&str], names: &[&str]) -> Ended {
    let program = PathBuf::from("/usr/bin/systemd-analyze");
    assert!(program.exists(), "systemd-analyze is missing: tests/run installs it");
    let files: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
    let files = files.iter().map(|file| file.to_str().unwrap());
    run(&program, &arguments.iter().copied().chain(files).collect::<Vec<_>>(), "")
}

fn verified(folder: &TempDir) -> Ended {
    analyze(folder.path(), &["verify"], &[SERVICE, "askara-gate.socket"])
}

#[test]
fn the_units_are_understood_whole() {
    let verified = verified(&units(|text| text));
    assert!(verified.well && verified.said().is_empty(), "{}", verified.said());
}

#[test]
fn a_unit_that_is_wrong_is_found() {
    for (right, wrong) in [
        ("ProtectSystem=strict", "ProtectSystems=strict"),
        ("SystemCallFilter=@system-service", "SystemCallFilter=@no-such-group"),
        ("TimeoutStopSec=45s", "TimeoutStopSec=soon"),
    ] {
        let verified = verified(&units(|text| {
            assert!(text.contains(right), "{right}");
            text.replace(right, wrong)
        }));
        assert!(!verified.said().is_empty(), "{wrong}");
    }
}

/// Of 10; what is left is that it has a network, which it is there for.
#[test]
fn the_service_is_hardly_exposed() {
    let folder = units(|text| text);
    let arguments = ["security", "--offline=true", "--threshold=15"];
    let judged = analyze(folder.path(), &arguments, &[SERVICE]);
    assert!(judged.well, "{}", judged.said());
    let folder = units(|text| text.replace("DynamicUser=yes", "DynamicUser=no"));
    let judged = analyze(folder.path(), &arguments, &[SERVICE]);
    assert!(!judged.well, "the threshold bites: {}", judged.said());
}

#[test]
fn the_configuration_is_right_and_names_what_the_unit_loads() {
    let (service, settings) = (read(SERVICE), read("gate.toml"));
    check(&settings, CREDENTIALS);
    let loaded: Vec<_> =
        service.lines().filter_map(|line| line.strip_prefix("LoadCredential=")).collect();
    assert_eq!(loaded.len(), settings.matches(CREDENTIALS).count());
    for credential in loaded {
        let name = credential.split(':').next().unwrap();
        assert!(settings.contains(&format!("{CREDENTIALS}/{name}\"")), "{name}");
    }
    assert!(settings.contains("listen = [\"systemd\"]"));
}

/// `systemd-socket-activate` hands a socket over as systemd itself does: it holds it, and starts the
/// program when the first visitor comes.
#[tokio::test]
async fn whoever_comes_to_the_socket_first_is_answered_once_the_gateway_is_there() {
    let (home, admin) = (TempDir::new().unwrap(), Port::reserve());
    write_secrets(home.path());
    let own = home.path().to_str().unwrap();
    let settings = read("gate.toml").replace(CREDENTIALS, own);
    assert!(settings.contains("127.0.0.1:4190"));
    let address = format!("127.0.0.1:{}", admin.number);
    fs::write(home.path().join("gate.toml"), settings.replace("127.0.0.1:4190", &address)).unwrap();
    let socket = home.path().join("gate.sock");
    let program = PathBuf::from("/usr/bin/systemd-socket-activate");
    assert!(program.exists(), "systemd-socket-activate is missing: tests/run installs it");
    let mut command = Command::new(program);
    command
        .args(["-l", socket.to_str().unwrap(), env!("CARGO_BIN_EXE_askara-gate")])
        .args(["run", "--config", "gate.toml"])
        .current_dir(home.path())
        .env_remove("KUBERNETES_SERVICE_HOST");
    let mut process = Kept::spawn(&mut command, "the gateway");
    eventually("the socket", || socket.exists()).await;
    let answered = timeout(Duration::from_secs(10), async {
        let mut visitor = UnixStream::connect(&socket).await.unwrap();
        let asked = b"GET /ping HTTP/1.1\r\nhost: wiki.example.com\r\nconnection: close\r\n\r\n";
        visitor.write_all(asked).await.unwrap();
        let mut answer = String::new();
        visitor.read_to_string(&mut answer).await.unwrap();
        answer
    });
    assert!(answered.await.unwrap().starts_with("HTTP/1.1 200"));
    process.signal("TERM");
    assert_eq!(process.exit_code(Duration::from_secs(5)).await, Some(0), "a clean drain");
}
