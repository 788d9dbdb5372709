//! The certificates that we show: the first one that fits the name that a client asks for. Files
//! that change are read again.

use std::sync::Arc;
use std::time::Instant;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;
use crate::tls::{BadCertificate, CertificateFiles, CertificatePair, crypto};

/// Reads certificates and keys; none when there are none.
pub(super) fn acceptor(files: &[TlsFiles]) -> Result<Option<TlsAcceptor>, super::StartError> {
    if files.is_empty() {
        return Ok(None);
    }
    let read = |files: &TlsFiles| {
        let (certificate, key) = (files.certificate.clone(), files.key.clone());
        CertificatePair::read(CertificateFiles { certificate, key }, "a certificate of [[tls]]")
    };
    let certified: Result<Vec<_>, BadCertificate> = files.iter().map(read).collect();
    let certified = certified?;
    let mut config = ServerConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .map_err(|error| super::StartError::Config(format!("tls: {error}")))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

#[derive(Debug)]
struct ByName(Vec<CertificatePair>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let fits = |key: &Arc<CertifiedKey>| {
            let certificate = key.end_entity_cert().ok();
            let parsed = certificate.and_then(|der| ParsedCertificate::try_from(der).ok());
            match (&name, parsed) {
                (Some(name), Some(parsed)) => verify_server_name(&parsed, name).is_ok(),
                _ => false,
            }
        };
        let now = Instant::now();
        let mut shown = self.0.iter().map(|pair| pair.current(now));
        // A client that asks for no name, or for one that we have no certificate for, sees the
        // first and decides for itself.
        shown.find(fits).or_else(|| self.0.first().map(|pair| pair.current(now)))
    }
}
