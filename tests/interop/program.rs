//! The programs of others, as `tests/run` installs them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A program that is there; without it the tests fail, as nothing may be left out in silence.
pub(crate) fn installed(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin").join(name);
    assert!(path.exists(), "{} is missing: tests/run installs it", path.display());
    path
}

/// Starts a program that ends when it is dropped.
pub(crate) fn start(name: &str, arguments: &[&str]) -> Child {
    command(name, arguments).spawn().expect("it starts")
}

/// Runs a program to its end; one that takes longer than `within` is a failed test.
pub(crate) async fn run(name: &str, arguments: &[&str], within: Duration) -> Output {
    let mut command = command(name, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = timeout(within, command.output()).await;
    output.unwrap_or_else(|_| panic!("{name} {arguments:?} takes longer than {within:?}")).unwrap()
}

fn command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(installed(name));
    command
        .args(arguments)
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("GRPC_GO_LOG_SEVERITY_LEVEL", "info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    for inherited in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        command.env_remove(inherited);
    }
    command
}
