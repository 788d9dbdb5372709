//! A `redis-server` that gateways share: with a folder and a port of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use super::Port;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Redis {
    child: Option<Child>,
    home: TempDir,
    port: Port,
}

impl Redis {
    /// A server that keeps nothing on its disk.
    pub(crate) fn start() -> Self {
        let mut redis = Self::absent();
        redis.start_again();
        redis
    }

    /// One that does not run yet.
    pub(crate) fn absent() -> Self {
        Self { child: None, home: TempDir::new().unwrap(), port: Port::reserve() }
    }

    /// The line of `[session]` by which sessions are kept here.
    pub(crate) fn store(&self) -> String {
        format!("store = \"{}\"", self.url())
    }

    /// The line of `[session]` by which replicas only agree here.
    pub(crate) fn coordination(&self) -> String {
        format!("coordination = \"{}\"", self.url())
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port.number)
    }

    /// A connection for an operator, or for a thief.
    pub(crate) fn connect(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Stops it as a power cut would; it knows nothing when it starts again.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it as an administrator would: what it has is there when it starts again.
    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(crate) fn shut_down(&mut self) {
        // The answer is the end of the connection.
        let _ = redis::cmd("SHUTDOWN").arg("SAVE").query::<()>(&mut self.connect());
        self.child.take().expect("it runs").wait().unwrap();
    }

    /// Half-open from now on: connections stay, and nothing is answered.
    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// As if somebody had emptied it.
    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(crate) fn lose_everything(&self) {
        redis::cmd("FLUSHALL").query::<()>(&mut self.connect()).unwrap();
    }

    /// Starts it where it was.
    pub(crate) fn start_again(&mut self) {
        let log = fs::File::options().append(true).create(true).open(self.home.path().join("log"));
        let log = log.unwrap();
        let mut child = Command::new("redis-server")
            .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port"])
            .arg(self.port.number.to_string())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("redis-server starts (Debian: apt-get install redis-server)");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.number));
        let latest = Instant::now() + PATIENCE;
        while Instant::now() < latest && child.try_wait().unwrap().is_none() {
            if TcpStream::connect(address).is_ok() {
                self.child = Some(child);
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
        panic!("no redis-server came up: {}", self.log());
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}
