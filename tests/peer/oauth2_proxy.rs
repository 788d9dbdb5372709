//! oauth2-proxy as a child process, if there is a binary of it.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::harness::{Line, Port, Provider, ask, wait};

/// The variable that names the binary.
pub(crate) const BINARY: &str = "OAUTH2_PROXY_BIN";

const CLIENT_ID: &str = "gate-under-test";
const CLIENT_SECRET: &str = "canary-client-secret-8d1f";

/// The binary, if one is named; one that is named and is not there is a mistake.
pub(crate) fn binary() -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os(BINARY).filter(|path| !path.is_empty())?);
    assert!(path.is_file(), "{BINARY} names no file: {}", path.display());
    Some(path)
}

pub(crate) struct OAuth2Proxy {
    child: Child,
    output: Arc<Mutex<String>>,
    port: Port,
}

impl OAuth2Proxy {
    /// As its documentation says for nginx; `refresh` is the age at which it renews a session.
    pub(crate) async fn start(
        port: Port,
        front: &str,
        provider: &Provider,
        refresh: Option<&str>,
    ) -> Self {
        let number = port.number;
        let authority = front.trim_start_matches("http://");
        let mut child = Command::new(binary().expect("asked for only where there is one"))
            .args(["--provider=oidc", "--scope=openid email profile", "--email-domain=*"])
            .args(["--code-challenge-method=S256", "--skip-provider-button", "--reverse-proxy"])
            .args(["--set-xauthrequest", "--pass-access-token", "--set-authorization-header"])
            .args(["--cookie-secure=false", "--upstream=static://202"])
            .args([
                "--trusted-proxy-ip=127.0.0.1",
                "--skip-auth-route=^/public/",
                "--skip-auth-route=GET=^/readable$",
            ])
            .arg("--cookie-secret=0123456789abcdef0123456789abcdef")
            .arg(format!("--client-id={CLIENT_ID}"))
            .arg(format!("--client-secret={CLIENT_SECRET}"))
            .arg(format!("--oidc-issuer-url={}", provider.url()))
            .arg(format!("--http-address=127.0.0.1:{number}"))
            .arg(format!("--redirect-url={front}/oauth2/callback"))
            .arg(format!("--whitelist-domain={authority}"))
            .args(refresh.map(|age| format!("--cookie-refresh={age}")))
            .env("NO_PROXY", "127.0.0.1,localhost")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Arc::default();
        keep(child.stdout.take().unwrap(), &output);
        keep(child.stderr.take().unwrap(), &output);
        let mut started = Self { child, output, port };
        started.wait_for_ping().await;
        started
    }

    async fn wait_for_ping(&mut self) {
        let origin = format!("http://127.0.0.1:{}", self.port.number).parse().unwrap();
        for _ in 0..500 {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("oauth2-proxy ended with {status}:\n{}", self.output());
            }
            if let Ok(mut line) = Line::open(&origin, None).await
                && let Ok(pong) = line.begin(ask("GET", "/ping")).await
                && pong.status() == 200
            {
                return;
            }
            wait(20).await;
        }
        panic!("no answer from oauth2-proxy:\n{}", self.output());
    }

    fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }
}

fn keep(from: impl Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            output.lock().unwrap().push_str(&(line + "\n"));
        }
    });
}

impl Drop for OAuth2Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- what oauth2-proxy wrote ---\n{}", self.output());
        }
    }
}
