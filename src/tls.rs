//! Certificates: what we show, and what is believed of upstreams, providers and stores.

mod certificate_pair;
mod client_certificate;

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;

pub use certificate_pair::{CertificateFiles, CertificatePair};
pub use client_certificate::ClientCertificate;

/// Whom to believe when we connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots<'a> {
    /// The system's authorities.
    System,
    /// Those in this PEM file alone.
    File(&'a Path),
    /// Anybody; only where the operator said so.
    Anybody,
}

/// A file that can't be used.
#[derive(Debug)]
pub struct BadCertificate {
    reason: String,
}

impl BadCertificate {
    /// What is wrong, and with which file or key.
    pub fn at(what: &dyn std::fmt::Display, why: &dyn std::fmt::Display) -> Self {
        Self { reason: format!("{what}: {why}") }
    }
}

impl std::fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for BadCertificate {}

/// The cryptography of every TLS connection.
pub fn crypto() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// How to connect to peers that show a certificate under `roots`: TLS 1.2 and 1.3.
pub fn client_config(roots: &Roots<'_>) -> Result<ClientConfig, BadCertificate> {
    Ok(believing(roots)?.with_no_client_auth())
}

/// The same for peers that ask who we are: `shown` has the certificate. No session is resumed,
/// because a resumed one stands for the certificate of its first handshake, which may be replaced.
pub fn client_config_showing(
    roots: &Roots<'_>,
    shown: Arc<dyn ResolvesClientCert>,
) -> Result<ClientConfig, BadCertificate> {
    let mut config = believing(roots)?.with_client_cert_resolver(shown);
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn believing(
    roots: &Roots<'_>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, BadCertificate> {
    let builder = ClientConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .map_err(|error| BadCertificate::at(&"TLS", &error))?;
    Ok(match roots {
        Roots::System => builder
            .with_platform_verifier()
            .map_err(|error| BadCertificate::at(&"the system's authorities", &error))?,
        Roots::File(path) => {
            let mut store = RootCertStore::empty();
            for certificate in certificates(path)? {
                store
                    .add(certificate)
                    .map_err(|error| BadCertificate::at(&path.display(), &error))?;
            }
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), crypto())
                .build()
                .map_err(|error| BadCertificate::at(&path.display(), &error))?;
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
        Roots::Anybody => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(crypto())))
        }
    })
}

/// The certificates of a PEM file, at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadCertificate> {
    let read = CertificateDer::pem_file_iter(path)
        .map_err(|error| BadCertificate::at(&path.display(), &error))?;
    let certificates: Result<Vec<_>, _> = read.collect();
    let certificates = certificates.map_err(|error| BadCertificate::at(&path.display(), &error))?;
    if certificates.is_empty() {
        return Err(BadCertificate::at(&path.display(), &"no certificate in it; it must be PEM"));
    }
    Ok(certificates)
}

/// The private key of a PEM file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, BadCertificate> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| BadCertificate::at(&path.display(), &error))
}

/// A certificate, with the chain behind it, and the key that belongs to it.
pub fn certified_key(certificate: &Path, key: &Path) -> Result<CertifiedKey, BadCertificate> {
    CertifiedKey::from_der(certificates(certificate)?, private_key(key)?, &crypto())
        .map_err(|error| BadCertificate::at(&certificate.display(), &error))
}

/// Believes every certificate; signatures are still checked, so that a broken peer is noticed.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
