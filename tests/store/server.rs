//! A server process with a folder and a port of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use askara_gate::store::Store;
use askara_gate::store::redis::{Address, Options, Redis, Servers};
use redis::{Client, RedisResult, Value};
use tempfile::TempDir;

use super::contract::Stand;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// More than any call takes on a busy machine; what is about the limit sets its own.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);

pub(crate) struct Server {
    child: Option<Child>,
    pub(crate) home: TempDir,
    pub(crate) port: u16,
    settings: Vec<String>,
}

impl Server {
    /// A server that keeps nothing on its disk.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// The same with more settings, as on a command line.
    pub(crate) fn with(settings: &[&str]) -> Self {
        Self::furnished(|_| settings.iter().map(|setting| String::from(*setting)).collect())
    }

    /// The same; `furnish` puts files into the folder and says the settings.
    pub(crate) fn furnished(furnish: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let nothing = ["--save", "", "--appendonly", "no"].map(String::from);
        let home = TempDir::new().unwrap();
        let settings = nothing.into_iter().chain(furnish(home.path())).collect();
        Self::launched(home, settings)
    }

    /// A Sentinel with this configuration.
    pub(crate) fn sentinel(configuration: &str) -> Self {
        let home = TempDir::new().unwrap();
        fs::write(home.path().join("sentinel.conf"), configuration).unwrap();
        Self::launched(home, ["sentinel.conf", "--sentinel"].map(String::from).to_vec())
    }

    fn launched(home: TempDir, settings: Vec<String>) -> Self {
        let mut server = Self { child: None, home, port: 0, settings };
        // Somebody may take a free port before the server does.
        for _ in 0..20 {
            server.port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("no server came up: {}", server.log());
    }

    /// Stops it as a power cut would.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again where it was; it knows nothing any more.
    pub(crate) fn start_again(&mut self) {
        assert!(self.launch(), "{}", self.log());
    }

    /// Half-open from now on: connections stay, and nothing is answered.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    pub(crate) fn address(&self) -> Address {
        Address { host: String::from("127.0.0.1"), port: self.port }
    }

    pub(crate) fn options(&self) -> Options {
        options(Servers::One(self.address()))
    }

    /// Says something to it, as an operator may.
    pub(crate) fn say(&self, words: &[&str]) -> Value {
        say(self.port, words).unwrap()
    }

    fn launch(&mut self) -> bool {
        let mut options = fs::File::options();
        let log = options.append(true).create(true).open(self.home.path().join("log")).unwrap();
        let before = self.log().len();
        let mut child = Command::new(program())
            .args(&self.settings)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("redis-server starts (Debian: apt-get install redis-server)");
        let latest = Instant::now() + PATIENCE;
        while Instant::now() < latest && child.try_wait().unwrap().is_none() {
            // Its own word for it: at a port that was taken, somebody else would answer.
            let log = self.log();
            let is_up = |words| log[before.min(log.len())..].contains(words);
            if is_up("Ready to accept connections") || is_up("Sentinel ID is") {
                self.child = Some(child);
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!("--- the server at {} ---\n{}", self.port, self.log());
        }
    }
}

impl Stand for Server {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(Redis::new(self.options()))
    }
}

pub(crate) fn options(servers: Servers) -> Options {
    Options {
        servers,
        login: None,
        database: 0,
        tls: None,
        prefix: String::from("askara-gate:app.example.com"),
        limit: LIMIT,
    }
}

/// The program under test.
fn program() -> String {
    env::var("STORE_SERVER").unwrap_or_else(|_| String::from("redis-server"))
}

/// A port that nobody has, below those that connections get by themselves: a server that is
/// stopped finds it again.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(97) + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (number % 20_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Says something to the server at a port, and hears the answer.
pub(crate) fn say(port: u16, words: &[&str]) -> RedisResult<Value> {
    let client = Client::open(("127.0.0.1", port))?;
    let mut connection = client.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]).query(&mut connection)
}
