//! The ways to a server: names, sockets, and certificates that both sides show.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::server::Server;
use super::*;

#[tokio::test]
async fn an_app_may_be_on_tcp_and_unix_sockets_at_once() {
    let home = TempDir::new().unwrap();
    let (a, b) = (Server::start("a").await, Server::unix("b", &home.path().join("app.sock")));
    let gate = before(&[&a, &b], "").await;
    answers(&gate, 10).await;
    assert_eq!((a.heads().len(), b.heads().len()), (5, 5));
    b.kill().await;
    assert_eq!(answers(&gate, 10).await, ["a"; 10]);
}

#[tokio::test]
async fn a_name_is_followed_to_the_address_that_answers() {
    // `localhost` has two addresses on most machines, and the server one of them.
    let a = Server::start("a").await;
    let url = a.url.replace("127.0.0.1", "localhost");
    let gate = gateway().with_table(&app(&[&url], "")).start().await;
    for _ in 0..4 {
        answers(&gate, 2).await;
    }
}

/// Someone who vouches for others.
struct Authority {
    pem: String,
    root: rustls::pki_types::CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

struct Vouched {
    certificate: String,
    key: KeyPair,
    der: rustls::pki_types::CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let made = params.self_signed(&key).unwrap();
        let (pem, root) = (made.pem(), made.der().clone());
        Self { pem, root, issuer: Issuer::new(params, key) }
    }

    fn vouch_for(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> Vouched {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let made = params.signed_by(&key, &self.issuer).unwrap();
        Vouched { certificate: made.pem(), der: made.der().clone(), key }
    }
}

impl Vouched {
    fn write(&self, folder: &Path) {
        std::fs::write(folder.join("client.crt"), &self.certificate).unwrap();
        std::fs::write(folder.join("client.key"), self.key.serialize_pem()).unwrap();
    }
}

/// A server that lets in only whom the authority vouches for.
async fn guarded(authority: &Authority) -> Server {
    let own = authority.vouch_for("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
    let mut roots = RootCertStore::empty();
    roots.add(authority.root.clone()).unwrap();
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&crypto));
    let config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![own.der], own.key.serialize_der().try_into().unwrap())
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    Server::run("guarded", url, (listener, TlsAcceptor::from(Arc::new(config))))
}

#[tokio::test]
async fn a_certificate_is_shown_to_an_app_that_asks_who_we_are_and_a_new_one_is_taken_over() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("ca.pem"), &authority.pem).unwrap();
    stranger.vouch_for("gate.test", ExtendedKeyUsagePurpose::ClientAuth).write(folder.path());
    let server = guarded(&authority).await;
    let gate = before(
        &[&server],
        &format!(
            "upstream_tls = {{ ca_file = {:?}, certificate = {:?}, key = {:?} }}",
            path("ca.pem"),
            path("client.crt"),
            path("client.key")
        ),
    )
    .await;
    assert_eq!(gate.visitor().fetch("/").await.status, 502, "a stranger is not let in");
    authority.vouch_for("gate.test", ExtendedKeyUsagePurpose::ClientAuth).write(folder.path());
    for _ in 0..250 {
        if gate.visitor().fetch("/").await.status == 200 {
            break;
        }
        wait(20).await;
    }
    assert_eq!(answers(&gate, 3).await, ["guarded"; 3], "S65");
}

#[tokio::test]
async fn without_a_certificate_such_an_app_is_not_reached() {
    let authority = Authority::new();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let server = guarded(&authority).await;
    let gate = before(&[&server], &format!("upstream_tls = {{ ca_file = {file:?} }}")).await;
    assert_eq!(gate.visitor().fetch("/").await.status, 502);
    assert!(server.heads().is_empty());
}
