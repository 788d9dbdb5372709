//! The certificates that we show: the first one that fits the name that a client asks for.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;
use crate::tls::{BadCertificate, certified_key, crypto};

/// Reads certificates and keys; none when there are none.
pub(super) fn acceptor(files: &[TlsFiles]) -> Result<Option<TlsAcceptor>, super::StartError> {
    if files.is_empty() {
        return Ok(None);
    }
    let certified: Result<Vec<_>, BadCertificate> = files
        .iter()
        .map(|files| certified_key(&files.certificate, &files.key).map(Arc::new))
        .collect();
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
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let fits = |key: &&Arc<CertifiedKey>| {
            let certificate = key.end_entity_cert().ok();
            let parsed = certificate.and_then(|der| ParsedCertificate::try_from(der).ok());
            match (&name, parsed) {
                (Some(name), Some(parsed)) => verify_server_name(&parsed, name).is_ok(),
                _ => false,
            }
        };
        // A client that asks for no name, or for one that we have no certificate for, sees the
        // first and decides for itself.
        self.0.iter().find(fits).or_else(|| self.0.first()).map(Arc::clone)
    }
}
