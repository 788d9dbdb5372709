//! Programs that judge what is deployed, as `tests/run` installs them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a program ended, and all that it said.
pub(crate) struct Ended {
    pub(crate) well: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// A program below `target/tools`; without it the tests fail, as nothing may be left out in silence.
pub(crate) fn installed(path: &str) -> PathBuf {
    let path = at_top("target/tools").join(path);
    assert!(path.exists(), "{} is missing: tests/run installs it", path.display());
    path
}

/// A file or folder of the project.
pub(crate) fn at_top(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program to its end; `input` is what it reads.
pub(crate) fn run(program: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} can't be started: {error}", program.display()));
    let mut stdin = child.stdin.take().unwrap();
    let text = input.to_owned();
    // In a thread of its own: a program that writes before it has read all would wait for ever.
    let writing = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writing.join().unwrap();
    Ended {
        well: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
