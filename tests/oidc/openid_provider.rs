//! `oidc-provider` as a child process: what it is to be like, what it saw, how it changes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;
use url::Url;

use crate::client_keys::Authority;
use crate::harness::{Answer, Ask, Line, Port, ask, wait};
use crate::seen::Seen;

/// Node starts in half a second; a loaded machine may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a provider is to be like: `provider/server.mjs` has the list.
#[derive(Clone)]
pub(crate) struct Settings {
    asked: Value,
    tls: Option<Arc<ClientConfig>>,
}

pub(crate) fn settings() -> Settings {
    Settings { asked: json!({ "clients": [] }), tls: None }
}

impl Settings {
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.asked[name] = value.into();
        self
    }

    pub(crate) fn with_client(mut self, metadata: Value) -> Self {
        self.asked["clients"].as_array_mut().unwrap().push(metadata);
        self
    }

    /// Seconds that an access token lives.
    pub(crate) fn with_token_life(self, seconds: u64) -> Self {
        self.with("ttl", json!({ "AccessToken": seconds }))
    }

    /// Speaks https, and hears what certificate a client has.
    pub(crate) fn over_tls(mut self, authority: &Authority) -> Self {
        let own = authority.vouch_for("127.0.0.1");
        self.tls = Some(authority.believed_by(None));
        self.with(
            "tls",
            json!({ "certificate": own.certificate, "key": own.key, "authority": authority.pem() }),
        )
    }

    /// What its address is going to be.
    pub(crate) fn issuer_on(&self, port: &Port) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", port.number)
    }

    pub(crate) fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.tls.clone()
    }
}

pub(crate) struct OpenIdProvider {
    child: Child,
    /// It lives as long as this is open.
    stdin: Option<ChildStdin>,
    errors: Arc<Mutex<String>>,
    origin: Url,
    port: Port,
    settings: Settings,
}

impl OpenIdProvider {
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::start_on(Port::reserve(), settings).await
    }

    pub(crate) async fn start_on(port: Port, settings: Settings) -> Self {
        let (node, modules) = (tool("bin/node"), tool("oidc-provider"));
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc/provider/server.mjs");
        let mut child = Command::new(node)
            .arg(server)
            .arg(modules)
            .arg(port.number.to_string())
            .env("PROVIDER", settings.asked.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Node starts");
        let errors: Arc<Mutex<String>> = Arc::default();
        let kept = Arc::clone(&errors);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let ready = first_line(BufReader::new(child.stdout.take().unwrap()));
        let mut provider = Self {
            stdin: child.stdin.take(),
            child,
            errors,
            origin: settings.issuer_on(&port).parse().unwrap(),
            port,
            settings,
        };
        let line = timeout(PATIENCE, ready).await.ok().and_then(Result::ok);
        let line = line.unwrap_or_else(|| panic!("no provider:\n{}", provider.said()));
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["issuer"], provider.issuer(), "{:?}", provider.child.try_wait());
        provider
    }

    pub(crate) fn issuer(&self) -> String {
        self.settings.issuer_on(&self.port)
    }

    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    /// How a browser reaches it.
    pub(crate) fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.settings.tls()
    }

    pub(crate) async fn seen(&self) -> Seen {
        let Value::Array(entries) = self.send(ask("GET", "/_seen")).await.json() else {
            panic!("no list of requests");
        };
        Seen(entries)
    }

    /// Asks again until what it saw is as it should be; fails after five seconds.
    pub(crate) async fn sees(&self, what: &str, holds: impl Fn(&Seen) -> bool) -> Seen {
        for _ in 0..100 {
            let seen = self.seen().await;
            if holds(&seen) {
                return seen;
            }
            wait(50).await;
        }
        panic!("the provider does not see {what}: {:#?}", self.seen().await);
    }

    /// Signs with new keys from now on, and does not publish the old ones any more.
    pub(crate) async fn replaces_keys(&self) {
        self.control(json!({ "rotate_keys": "replace" })).await;
    }

    /// Signs with new keys from now on; the old ones are still published.
    pub(crate) async fn adds_keys(&self) {
        self.control(json!({ "rotate_keys": "add" })).await;
    }

    /// Takes back what the account has granted.
    pub(crate) async fn revokes(&self, account: &str) {
        self.control(json!({ "revoke": account })).await;
    }

    /// Seconds that access tokens live from now on.
    pub(crate) async fn token_life(&self, seconds: u64) {
        self.control(json!({ "set": { "ttl": { "AccessToken": seconds } } })).await;
    }

    /// In which way people sign in from now on.
    pub(crate) async fn confirms(&self, acr: &str) {
        self.control(json!({ "set": { "acr": acr } })).await;
    }

    async fn control(&self, order: Value) {
        let answer = self.send(ask("POST", "/_control").body(order.to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    async fn send(&self, ask: Ask) -> Answer {
        let mut line = Line::open(&self.origin, self.tls().as_ref()).await.unwrap();
        line.send(ask).await
    }

    /// Lets go of it as a test does that dies; the exit code, if it then ends by itself.
    pub(crate) async fn abandoned(mut self) -> Option<i32> {
        self.stdin = None;
        for _ in 0..100 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            wait(50).await;
        }
        None
    }

    fn said(&self) -> String {
        self.errors.lock().unwrap().clone()
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- what the provider wrote ---\n{}", self.said());
        }
    }
}

/// What `tests/run` has installed.
pub(crate) fn tool(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(name);
    assert!(path.exists(), "{} is missing: run tests/run, it installs it", path.display());
    path
}

/// The first line; the others are read and dropped, so that the writer never waits.
fn first_line(from: impl BufRead + Send + 'static) -> oneshot::Receiver<String> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let mut lines = from.lines().map_while(Result::ok);
        if let Some(line) = lines.next() {
            let _ = sender.send(line);
        }
        lines.for_each(drop);
    });
    receiver
}
