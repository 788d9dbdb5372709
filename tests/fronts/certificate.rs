//! The certificate of app.example.com, which the front has and the visitors believe.

use std::path::Path;
use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::ClientConfig;

use crate::harness::trusting;

/// The name that the recipes are for.
pub(crate) const NAME: &str = "app.example.com";

/// Writes certificate and key, and both in one file, and returns the settings of who believes it.
pub(crate) fn write_to(home: &Path) -> Arc<ClientConfig> {
    let made = generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    std::fs::write(home.join("tls.crt"), &certificate).unwrap();
    std::fs::write(home.join("tls.key"), &key).unwrap();
    std::fs::write(home.join("tls.pem"), certificate + &key).unwrap();
    trusting(made.cert.der().clone(), &[])
}
