//! Encrypted connections: whom we believe, and what we show.

use std::fs;
use std::path::Path;

use askara_gate::store::redis::{Address, Options, Servers, Tls};
use askara_gate::tls::{
    CertificateFiles, ClientCertificate, Roots, client_config, client_config_showing,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::server::{Server, free_port};
use super::*;

/// A server that speaks TLS with those alone who show a certificate, and the files of both sides.
struct Encrypted {
    server: Server,
    port: u16,
}

/// Writes an authority, and under it a certificate each for the server and for us.
fn write_certificates(folder: &Path) {
    let key = KeyPair::generate().unwrap();
    // Without a name of its own, it and what it signs would seem to be the same.
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "The store's authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    for (file, names) in [("server", vec!["127.0.0.1", "store.internal"]), ("ours", vec!["gate"])] {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.into_iter().map(String::from).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        fs::write(folder.join(format!("{file}.crt")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}

impl Encrypted {
    fn start() -> Self {
        let port = free_port();
        let server = Server::furnished(|folder| {
            write_certificates(folder);
            let port = port.to_string();
            let words = ["--tls-port", &port, "--tls-auth-clients", "yes"];
            let files = ["--tls-ca-cert-file", "ca.pem", "--tls-cert-file", "server.crt"];
            let key = ["--tls-key-file", "server.key"];
            [&words[..], &files, &key].concat().into_iter().map(String::from).collect()
        });
        Self { server, port }
    }

    fn ours(&self) -> Arc<ClientCertificate> {
        let files = CertificateFiles {
            certificate: self.server.home.path().join("ours.crt"),
            key: self.server.home.path().join("ours.key"),
        };
        Arc::new(ClientCertificate::read(files).unwrap())
    }

    fn store(&self, host: &str, tls: Option<Tls>) -> Redis {
        let address = Address { host: host.to_owned(), port: self.port };
        let servers = Servers::One(address);
        Redis::new(Options { servers, tls, ..self.server.options() })
    }

    fn tls(&self, roots: &Roots<'_>) -> Tls {
        let config = client_config_showing(roots, self.ours()).unwrap();
        Tls { config: Arc::new(config), name: None }
    }
}

#[tokio::test]
async fn everything_works_under_tls_with_a_certificate_of_ours() {
    let encrypted = Encrypted::start();
    let ca = encrypted.server.home.path().join("ca.pem");
    let store = encrypted.store("127.0.0.1", Some(encrypted.tls(&Roots::File(&ca))));
    let kept = store.create(slot(1), &record(&[7; 60_000]), &[], LIFE).await.unwrap();
    assert_eq!(kept, Kept::Yes);
    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Record(record(&[7; 60_000])));
    let begin = Cursor::default();
    let (heard, announced) =
        tokio::join!(store.listen(&begin, PATIENCE), store.announce(b"notice", LIFE));
    announced.unwrap();
    assert_eq!(heard.unwrap().notices, [b"notice".to_vec()]);
}

#[tokio::test]
async fn c120_who_can_not_prove_to_be_the_store_is_refused() {
    let encrypted = Encrypted::start();
    let ca = encrypted.server.home.path().join("ca.pem");
    let believed = || encrypted.tls(&Roots::File(&ca));
    let other = tempfile::tempdir().unwrap();
    write_certificates(other.path());
    let other = other.path().join("ca.pem");

    // Another authority, another name.
    let strange = encrypted.store("127.0.0.1", Some(encrypted.tls(&Roots::File(&other))));
    strange.ping().await.unwrap_err();
    encrypted.store("localhost", Some(believed())).ping().await.unwrap_err();
    // A name that was said counts instead of the host.
    let name = |name: &'static str| Some(name.try_into().unwrap());
    let named = Tls { name: name("store.internal"), ..believed() };
    encrypted.store("localhost", Some(named)).ping().await.unwrap();
    let misnamed = Tls { name: name("other.internal"), ..believed() };
    encrypted.store("127.0.0.1", Some(misnamed)).ping().await.unwrap_err();
    // Where anybody is believed, anybody is.
    encrypted.store("localhost", Some(encrypted.tls(&Roots::Anybody))).ping().await.unwrap();
}

#[tokio::test]
async fn without_a_certificate_or_without_tls_the_server_refuses_us() {
    let encrypted = Encrypted::start();
    let ca = encrypted.server.home.path().join("ca.pem");
    let config = Arc::new(client_config(&Roots::File(&ca)).unwrap());
    let nameless = encrypted.store("127.0.0.1", Some(Tls { config, name: None }));
    nameless.ping().await.unwrap_err();
    encrypted.store("127.0.0.1", None).ping().await.unwrap_err();
    // And a server in the clear is no partner for TLS.
    let servers = Servers::One(encrypted.server.address());
    let tls = Some(encrypted.tls(&Roots::File(&ca)));
    let clear = Redis::new(Options { servers, tls, ..encrypted.server.options() });
    clear.ping().await.unwrap_err();
}
