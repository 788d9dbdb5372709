//! The gateway's binary as a child process, which writes no secret.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::child::Kept;
use super::secrets;

/// A command that only prints takes milliseconds; a loaded machine may take seconds.
const COMMAND_TIME: Duration = Duration::from_secs(10);

pub(crate) struct Process {
    child: Kept,
}

/// How a finished command ended.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_askara-gate"));
    command
        .args(arguments)
        .current_dir(home)
        .stdin(Stdio::null())
        .env("HOME", home)
        .env("XDG_STATE_HOME", home)
        .env("NO_PROXY", "127.0.0.1,localhost");
    for inherited in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        command.env_remove(inherited);
    }
    for inherited in
        ["STATE_DIRECTORY", "ASKARA_CLIENT_ID", "ASKARA_CLIENT_SECRET", "KUBERNETES_SERVICE_HOST"]
    {
        command.env_remove(inherited);
    }
    command
}

impl Process {
    /// Runs a command to its end; one that should end and does not is a failed test.
    pub(crate) fn finish(home: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Finished {
        let mut child = command(home, arguments)
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + COMMAND_TIME;
        while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let overdue = child.try_wait().unwrap().is_none();
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        assert!(!overdue, "{arguments:?} still runs after {COMMAND_TIME:?}");
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn start(home: &Path, arguments: &[&str]) -> Self {
        Self { child: Kept::spawn(&mut command(home, arguments), "the gateway") }
    }

    pub(crate) fn output(&self) -> String {
        self.child.output()
    }

    /// A size that the system tells of the process, in KiB.
    pub(super) fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a size");
        line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().unwrap()
    }

    /// How many files and sockets the process has open.
    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(super) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    /// The exit code, once there is one; `None` stands for a death by signal.
    pub(crate) fn ended(&mut self) -> Option<Option<i32>> {
        self.child.ended().map(|status| status.code())
    }

    pub(crate) async fn exit_code(&mut self, within: Duration) -> Option<i32> {
        self.child.exit_code(within).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill();
        if thread::panicking() {
            return;
        }
        if let Some(line) = secrets::first_line_with_one(&self.output()) {
            panic!("C-105: a secret is in the log: {line}");
        }
    }
}
