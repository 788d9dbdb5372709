//! gRPC's own cases: its client, the gateway, its server.

use std::fs;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;

use crate::harness::*;
use crate::program;

/// What gRPC's client and server agree on without a third party.
const CASES: [&str; 14] = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "cancel_after_begin",
    "cancel_after_first_response",
    "unimplemented_method",
    "unimplemented_service",
];

const PATIENCE: Duration = Duration::from_secs(30);

/// gRPC's server.
struct Service {
    _process: Child,
    /// As routes name it.
    url: String,
}

impl Service {
    async fn start() -> Self {
        Self::started("h2c", &[]).await
    }

    async fn started(scheme: &str, more: &[&str]) -> Self {
        let port = free_port().await;
        let number = port.to_string();
        let arguments = [&["-port", &number], more].concat();
        let process = program::start("grpc-interop-server", &arguments);
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Self { _process: process, url: format!("{scheme}://127.0.0.1:{port}") };
            }
            wait(20).await;
        }
        panic!("gRPC's server does not listen");
    }
}

/// Go sets no SO_REUSEPORT, so that the port can't be held for it.
async fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port()
}

/// Runs a case at this port; what the client said when it failed.
async fn case(name: &str, port: u16, more: &[&str]) -> Result<(), String> {
    let port = port.to_string();
    let base = ["-server_host", "127.0.0.1", "-server_port", &port, "-test_case", name];
    let output = program::run("grpc-interop-client", &[&base, more].concat(), PATIENCE).await;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

async fn all_pass(gate: &Gate, more: &[&str]) {
    for name in CASES {
        if let Err(said) = case(name, gate.port().number, more).await {
            panic!("{name}: {said}");
        }
    }
}

#[tokio::test]
async fn every_case_passes_on_a_public_route() {
    let service = Service::start().await;
    let gate = gateway().with_route(public("/", &service.url.as_str())).start().await;
    all_pass(&gate, &[]).await;
}

#[tokio::test]
async fn every_case_passes_over_tls_on_both_sides() {
    let home = TempDir::new().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = |name: &str, content: String| {
        let path = home.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let certificate = file("service.crt", made.cert.pem());
    let key = file("service.key", made.signing_key.serialize_pem());
    let tls = ["-use_tls", "-tls_cert_file", &certificate, "-tls_key_file", &key];
    let service = Service::started("https", &tls).await;
    let tls = format!("upstream_tls = {{ ca_file = {certificate:?}, http2 = true }}");
    let to_service = public("/", &service.url.as_str()).with(&tls);
    let gate = gateway().with_route(to_service).over_tls().start().await;
    let trusted = gate.home().join("tls.crt");
    let trusted = ["-use_tls", "-use_test_ca", "-ca_file", trusted.to_str().unwrap()];
    all_pass(&gate, &trusted).await;
}

#[tokio::test]
async fn every_case_passes_with_a_token_and_none_without() {
    let (service, provider) = (Service::start().await, Provider::openid().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/", &service.url.as_str()))
        .with_table("[provider.bearer]\naudience = [\"api\"]")
        .start()
        .await;
    let token = provider.api_token(&json!({}), &json!({}));
    let metadata = format!("authorization:Bearer {token}");
    all_pass(&gate, &["-additional_metadata", &metadata]).await;
    let refused = case("empty_unary", gate.port().number, &[]).await.unwrap_err();
    assert!(refused.contains("Unauthenticated"), "{refused}");
    let forged = ["-additional_metadata", "authorization:Bearer x.y.z"];
    let refused = case("empty_unary", gate.port().number, &forged).await.unwrap_err();
    assert!(refused.contains("Unauthenticated"), "{refused}");
}

#[tokio::test]
async fn a_service_that_is_away_is_unavailable() {
    let port = Port::reserve();
    let away = format!("h2c://127.0.0.1:{}", port.number);
    let gate = gateway().with_route(public("/", &away.as_str())).start().await;
    let refused = case("empty_unary", gate.port().number, &[]).await.unwrap_err();
    assert!(refused.contains("Unavailable"), "{refused}");
}
