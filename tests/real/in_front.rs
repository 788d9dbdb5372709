//! nginx in front of the gateway: it ends TLS and tells who asks for what.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::{
    Answer, App, CLIENT_SECRET, Line, Process, Provider, Visitor, ask, random_key, trusting, wait,
};
use crate::nginx::{Nginx, Port};

#[tokio::test]
async fn the_login_keeps_to_https_though_the_gateway_speaks_http() {
    let front = Front::start("[\"127.0.0.1\"]").await;
    let sent = front.visitor.open("/deep?a=1&b=2").await;
    assert_eq!(sent.status, 302);
    let attempt = sent
        .set_cookies()
        .into_iter()
        .find(|cookie| cookie.name.starts_with("__Host-askara-st-"))
        .expect("a cookie for the attempt");
    assert!(attempt.has("secure") && attempt.has("httponly"), "{attempt:?}");

    let arrived = front.visitor.follow(sent).await;
    assert_eq!(arrived.status, 200, "{}", arrived.text());
    let asked = front.provider.last_authorization();
    let redirect = asked.iter().find(|(name, _)| name == "redirect_uri");
    assert_eq!(redirect.unwrap().1, format!("{}/oauth2/callback", front.origin));
    assert!(front.visitor.cookie("__Host-askara").is_some());
    assert_eq!(front.app.last().target, "/deep?a=1&b=2");
}

#[tokio::test]
async fn the_session_cookie_is_secure_and_bound_to_the_host() {
    let front = Front::start("[\"127.0.0.1\"]").await;
    let callback = front.visitor.consent("/").await;
    let back = front.visitor.open(&callback).await;
    let session = back.sets("__Host-askara").expect("a session cookie");
    assert!(session.has("secure") && session.has("httponly"), "{session:?}");
    assert!(session.is("path", "/") && !session.has("domain"), "{session:?}");
    let to = back.location();
    assert!(to == "/" || to == format!("{}/", front.origin), "{to}");
}

#[tokio::test]
async fn the_app_learns_the_visitors_address_and_scheme() {
    let front = Front::start("[\"127.0.0.1\"]").await;
    front.visitor.login().await;
    let seen = front.app.last();
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    let said = seen.header("x-forwarded-for").unwrap();
    assert!(said.starts_with("203.0.113.9"), "{said}");
}

#[tokio::test]
async fn a_proxy_that_nobody_trusts_is_not_believed() {
    let front = Front::start("[]").await;
    front.visitor.login().await;
    let seen = front.app.last();
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"), "from public_url");
    let said = seen.header("x-forwarded-for").unwrap();
    assert!(!said.contains("203.0.113.9"), "{said}");
}

#[tokio::test]
async fn identity_that_a_visitor_states_does_not_pass_both() {
    let front = Front::start("[\"127.0.0.1\"]").await;
    front.visitor.login().await;
    let forged = ask("GET", "/")
        .header("x-forwarded-user", "root")
        .header("x-forwarded-access-token", "forged");
    assert_eq!(front.visitor.send(forged).await.status, 200);
    let seen = front.app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("42"));
    assert_eq!(seen.header("x-forwarded-access-token"), None);
}

#[tokio::test]
async fn a_session_passes_both_on_every_request() {
    let front = Front::start("[\"127.0.0.1\"]").await;
    front.visitor.login().await;
    for _ in 0..3 {
        let answer = front.visitor.fetch("/again").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// An nginx that ends TLS before a gateway that listens in the clear.
struct Front {
    app: App,
    origin: String,
    provider: Provider,
    visitor: Visitor,
    _gate: Process,
    _home: TempDir,
    _nginx: Nginx,
    _port: Port,
}

impl Front {
    async fn start(trusted: &str) -> Self {
        let (app, provider) = (App::start().await, Provider::start().await);
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let port = Port::reserve();
        let nginx = Nginx::start("ssl", &server(port.number), |home| {
            fs::write(home.join("tls.crt"), made.cert.pem()).unwrap();
            fs::write(home.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
        });
        let origin = format!("https://127.0.0.1:{}", nginx.port());

        let home = TempDir::new().unwrap();
        let text = config(home.path(), &origin, port.number, trusted, &provider, &app);
        fs::write(home.path().join("gate.toml"), text).unwrap();
        let gate = Process::start(home.path(), &["run", "--config", "gate.toml"]);
        wait_for_ping(port.number, &gate).await;

        let tls = trusting(made.cert.der().clone(), &[]);
        Self {
            app,
            visitor: Visitor::new(origin.parse().unwrap(), Some(tls)),
            origin,
            provider,
            _gate: gate,
            _home: home,
            _nginx: nginx,
            _port: port,
        }
    }
}

/// As its manual says for an app behind it. The visitor's address is one of the documentation
/// range, as if the request came from afar.
fn server(gate: u16) -> String {
    format!(
        "
        ssl_certificate tls.crt;
        ssl_certificate_key tls.key;
        large_client_header_buffers 4 16k;
        location / {{
            proxy_pass http://127.0.0.1:{gate};
            proxy_http_version 1.1;
            proxy_buffer_size 16k;
            proxy_buffers 8 16k;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_header;
            proxy_set_header X-Forwarded-For 203.0.113.9;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}"
    )
}

fn config(
    home: &Path,
    origin: &str,
    port: u16,
    trusted: &str,
    provider: &Provider,
    app: &App,
) -> String {
    fs::write(home.join("session.key"), random_key()).unwrap();
    fs::write(home.join("client.secret"), CLIENT_SECRET).unwrap();
    let file = |name: &str| format!("{{ file = {:?} }}", home.join(name).to_str().unwrap());
    let (provider, app) = (provider.url(), app.url());
    format!(
        "public_url = \"{origin}\"
listen = [\"http://127.0.0.1:{port}\"]
trusted_proxies = {trusted}
[provider]
kind = \"askara\"
client_id = \"gate-under-test\"
client_secret = {secret}
authorize_url = \"{provider}/authorize\"
token_url = \"{provider}/oauth2/token\"
userinfo_url = \"{provider}/me\"
[session]
keys = [{key}]
[[route]]
path = \"/\"
upstream = \"{app}\"
access = \"signed-in\"
",
        secret = file("client.secret"),
        key = file("session.key"),
    )
}

async fn wait_for_ping(port: u16, gate: &Process) {
    let origin = format!("http://127.0.0.1:{port}").parse().unwrap();
    let ping = async {
        loop {
            if let Ok(mut line) = Line::open(&origin, None).await
                && let Ok(pong) = line.begin(ask("GET", "/ping")).await
                && Answer::read(pong).await.status == 200
            {
                return;
            }
            wait(20).await;
        }
    };
    let answered = tokio::time::timeout(Duration::from_secs(20), ping).await;
    assert!(answered.is_ok(), "no answer from /ping:\n{}", gate.output());
}
