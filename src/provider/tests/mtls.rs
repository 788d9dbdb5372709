//! A provider that asks for the client's certificate.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::provider::{CallFailure, CertificateFiles, Client, Lane, Options};
use crate::tls::{certificates, certified_key, crypto};

/// What the provider saw of each connection: the length of the chain, and the handshake.
type Seen = Arc<Mutex<Vec<(usize, Option<HandshakeKind>)>>>;

fn write_pair(folder: &Path, name: &str) -> CertificateFiles {
    let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
    let files = CertificateFiles {
        certificate: folder.join(format!("{name}.crt")),
        key: folder.join(format!("{name}.key")),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

/// Takes clients that show `client`, one connection for each request.
async fn provider(server: &CertificateFiles, client: &CertificateFiles) -> (String, Seen) {
    let mut roots = RootCertStore::empty();
    roots.add(certificates(&client.certificate).unwrap().remove(0)).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto()).build().unwrap();
    let key = Arc::new(certified_key(&server.certificate, &server.key).unwrap());
    let config = ServerConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key)));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let seen = Seen::default();
    let notes = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(socket).await else { continue };
            let (_, connection) = stream.get_ref();
            let chain = connection.peer_certificates().map_or(0, <[_]>::len);
            notes.lock().unwrap().push((chain, connection.handshake_kind()));
            let answer = service_fn(|_| async {
                Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("{}"))))
            });
            let mut http = http1::Builder::new();
            let _ = http.keep_alive(false).serve_connection(TokioIo::new(stream), answer).await;
        }
    });
    (url, seen)
}

fn client(ca_file: &Path, certificate: Option<CertificateFiles>) -> Client {
    let ca_file = Some(ca_file.to_owned());
    Client::new(Options { ca_file, certificate, limit: Duration::from_secs(20) })
}

#[tokio::test]
async fn s65_the_certificate_is_shown_in_every_handshake() {
    let folder = tempfile::tempdir().unwrap();
    let (server, ours) = (write_pair(folder.path(), "server"), write_pair(folder.path(), "ours"));
    let (url, seen) = provider(&server, &ours).await;
    let question = || Request::get(&url).body(Bytes::new()).unwrap();

    let showing = client(&server.certificate, Some(ours));
    for _ in 0..3 {
        assert_eq!(showing.send(question(), Lane::Login).await.unwrap().status(), 200);
    }
    // A resumed session would stand for a certificate that may have been replaced since.
    let full = (1, Some(HandshakeKind::Full));
    let seen = || seen.lock().unwrap().clone();
    assert!(seen().len() == 3 && seen().iter().all(|one| *one == full), "{:?}", seen());

    for certificate in [None, Some(write_pair(folder.path(), "strange"))] {
        let refused = client(&server.certificate, certificate).send(question(), Lane::Login).await;
        assert!(matches!(refused, Err(CallFailure::Broken(_) | CallFailure::Connect(_))));
    }
    let missing = CertificateFiles {
        certificate: folder.path().join("none.crt"),
        key: folder.path().join("none.key"),
    };
    let unable = client(&server.certificate, Some(missing)).send(question(), Lane::Login).await;
    assert!(matches!(unable, Err(CallFailure::Setup(_))));
}
