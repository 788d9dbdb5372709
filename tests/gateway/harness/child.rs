//! A child process: its output is kept, shown when a test fails, and it ends with whoever holds it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) struct Kept {
    child: Child,
    name: &'static str,
    output: Arc<Mutex<String>>,
}

impl Kept {
    /// Starts it with nothing to read; `name` is what a failure calls it.
    pub(crate) fn spawn(command: &mut Command, name: &'static str) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let output = Arc::default();
        keep(child.stdout.take().unwrap(), &output);
        keep(child.stderr.take().unwrap(), &output);
        Self { child, name, output }
    }

    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.unwrap().success(), "no process {pid} to signal");
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// The exit code; `None` stands for a death by signal.
    pub(crate) async fn exit_code(&mut self, within: Duration) -> Option<i32> {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Some(status) = self.ended() {
                return status.code();
            }
            super::wait(10).await;
        }
        panic!("{} is still running after {within:?}", self.name);
    }

    /// Ends it as a power cut would.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- what {} wrote ---\n{}", self.name, self.output());
        }
    }
}

fn keep(from: impl Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    });
}
