//! The certificate of app.example.com, which the front has and the visitors believe.

use std::path::Path;
use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// The name that the recipes are for.
pub(crate) const NAME: &str = "app.example.com";

/// Writes certificate and key, and both in one file, and returns the settings of who believes it.
pub(crate) fn write_to(home: &Path) -> Arc<ClientConfig> {
    let made = generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    std::fs::write(home.join("tls.crt"), &certificate).unwrap();
    std::fs::write(home.join("tls.key"), &key).unwrap();
    std::fs::write(home.join("tls.pem"), certificate + &key).unwrap();
    Arc::new(believing(made.cert.der().clone()))
}

fn believing(certificate: CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}
