//! The certificate that proves who we are where we connect (RFC 8705).

use std::sync::Arc;
use std::time::Instant;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

use super::{BadCertificate, CertificateFiles, CertificatePair};

/// What is shown to a peer that asks.
#[derive(Debug)]
pub struct ClientCertificate(CertificatePair);

impl ClientCertificate {
    /// Reads both files, which must fit each other.
    pub fn read(files: CertificateFiles) -> Result<Self, BadCertificate> {
        CertificatePair::read(files, "the client certificate").map(Self)
    }
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(
        &self,
        _authorities: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current(Instant::now()))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
