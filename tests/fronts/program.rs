//! A front's process: what it writes lies in its folder, and is shown when a test fails.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::harness::wait;

/// How long a front may take to listen: some read large programs from a busy disk.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Program {
    child: Child,
    home: PathBuf,
}

impl Program {
    /// Starts it in this folder, with all that it says in `front.log`.
    pub(crate) fn start(mut command: Command, home: &Path) -> Self {
        let log = File::create(home.join("front.log")).unwrap();
        let child = command
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { child, home: home.to_owned() }
    }

    /// Waits until somebody listens at the port.
    pub(crate) async fn listens_at(&mut self, port: u16) {
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                let ended = self.child.try_wait().unwrap();
                assert!(ended.is_none(), "the front ended with {ended:?}");
                wait(20).await;
            }
        };
        let listens = tokio::time::timeout(PATIENCE, listens).await;
        assert!(listens.is_ok(), "nobody listens at {port}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            for name in ["front.log", "error.log", "access.log"] {
                if let Ok(text) = fs::read_to_string(self.home.join(name)) {
                    eprintln!("--- the front's {name} ---\n{text}");
                }
            }
        }
    }
}
