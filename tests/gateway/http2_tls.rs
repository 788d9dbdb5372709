//! Apps behind TLS that are offered HTTP/2: what is spoken is what both sides like.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt, StreamExt};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::*;

/// A gateway in front of another, which is an app behind TLS that speaks both.
async fn before(inner: &Gate, http2: bool) -> Gate {
    let ca_file = inner.home().join("tls.crt");
    let tls = format!("upstream_tls = {{ ca_file = {ca_file:?}, http2 = {http2} }}");
    gateway().with_route(public("/", &inner.base().as_str()).with(&tls)).start().await
}

/// What the inner one says of how it was asked.
fn versions(app: &App) -> Vec<String> {
    let via = |seen: Seen| seen.headers.get_all("via").iter().next_back().unwrap().clone();
    let text = |via: http::HeaderValue| via.to_str().unwrap()[..3].to_owned();
    app.requests().into_iter().map(via).map(text).collect()
}

#[tokio::test]
async fn an_app_that_speaks_both_is_spoken_to_over_http2_where_that_is_offered() {
    for (http2, version) in [(true, "2.0"), (false, "1.1")] {
        let app = App::start().await;
        let inner = gateway().with_route(public("/", &app)).over_tls().start().await;
        let gate = before(&inner, http2).await;
        for _ in 0..3 {
            assert_eq!(gate.send(ask("GET", "/")).await.status, 200);
        }
        assert_eq!(versions(&app), [version; 3]);
    }
}

#[tokio::test]
async fn a_web_socket_goes_to_such_an_app_over_http_1() {
    let app = App::start().await;
    let inner = gateway().with_route(public("/", &app)).over_tls().start().await;
    let gate = before(&inner, true).await;
    assert_eq!(gate.send(ask("GET", "/")).await.status, 200);
    let address = format!("ws://{}/ws", gate.authority());
    let (mut socket, _) = client_async(address, gate.connect().await).await.unwrap();
    socket.send(Message::text("over both")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("over both"));
    assert_eq!(versions(&app), ["2.0", "1.1"]);
}

#[tokio::test]
async fn an_app_that_knows_only_http_1_is_spoken_to_in_that_and_its_connection_kept() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let home = tempfile::TempDir::new().unwrap();
    let ca_file = home.path().join("app.crt");
    std::fs::write(&ca_file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let (url, connections) = only_http1(made.cert.der().clone(), key).await;
    let tls = format!("upstream_tls = {{ ca_file = {ca_file:?}, http2 = true }}");
    let gate = gateway()
        .with_top("workers = 1")
        .with_route(public("/", &url.as_str()).with(&tls))
        .start()
        .await;
    for _ in 0..3 {
        assert_eq!(gate.send(ask("GET", "/")).await.status, 204);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

async fn only_http1(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> (String, Arc<AtomicUsize>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            tokio::spawn(async move {
                let mut head = Vec::new();
                while let Ok(byte) = stream.read_u8().await {
                    head.push(byte);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                    }
                }
            });
        }
    });
    (url, connections)
}
