//! oauth2-proxy as a child process, if there is a binary of it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{CLIENT_ID, CLIENT_SECRET, Kept, Line, Port, Provider, ask, wait};

/// The variable that names the binary.
pub(crate) const BINARY: &str = "OAUTH2_PROXY_BIN";

/// The binary, if one is named; one that is named and is not there is a mistake.
pub(crate) fn binary() -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os(BINARY).filter(|path| !path.is_empty())?);
    assert!(path.is_file(), "{BINARY} names no file: {}", path.display());
    Some(path)
}

pub(crate) struct OAuth2Proxy {
    child: Kept,
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
        let mut command = Command::new(binary().expect("asked for only where there is one"));
        command
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
            .env("NO_PROXY", "127.0.0.1,localhost");
        let mut started = Self { child: Kept::spawn(&mut command, "oauth2-proxy"), port };
        started.wait_for_ping().await;
        started
    }

    async fn wait_for_ping(&mut self) {
        let origin = format!("http://127.0.0.1:{}", self.port.number).parse().unwrap();
        for _ in 0..500 {
            if let Some(status) = self.child.ended() {
                panic!("oauth2-proxy ended with {status}");
            }
            if let Ok(mut line) = Line::open(&origin, None).await
                && let Ok(pong) = line.begin(ask("GET", "/ping")).await
                && pong.status() == 200
            {
                return;
            }
            wait(20).await;
        }
        panic!("no answer from oauth2-proxy");
    }
}
