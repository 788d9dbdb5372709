//! The private key that signs client assertions (RFC 7523).

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use crate::auth::client_assertion::ClientKey;
use crate::auth::provider::ClientAuth;
use crate::config::environment::Environment;
use crate::config::problem::{Problem, Problems};
use crate::config::reader::Section;
use crate::config::secrets;
use crate::secret::Secret;

/// Reads key, key id and audience of `private_key_jwt`.
pub(super) fn parse(
    section: &mut Section,
    environment: &Environment,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<ClientAuth> {
    let mut text = |key| {
        let text = section.text(key, problems);
        if text.as_deref() == Some("") {
            problems.push(section.problem(key, "is empty; leave it out"));
        }
        text
    };
    let (kid, audience) = (text("client_key_id"), text("client_assertion_audience"));
    let Some(taken) = section.take("client_key") else {
        let message =
            "is missing; client_auth \"private_key_jwt\" needs it, such as { file = \"key.pem\" }";
        problems.push(section.problem("client_key", message));
        return None;
    };
    let blame = taken.problem("");
    let pem = secrets::read(taken, environment, problems, warnings)?;
    match read(&pem, kid) {
        Ok(key) => Some(ClientAuth::PrivateKeyJwt { key, audience }),
        Err(message) => {
            problems.push(Problem { message, ..blame });
            None
        }
    }
}

/// Reads a key in the one form that says which algorithm it is for; the error shows nothing of it.
fn read(pem: &Secret<String>, kid: Option<String>) -> Result<ClientKey, String> {
    let older = |what| format!("is a key in {what} form; PKCS#8 is needed: `{CONVERT}` makes it");
    let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map(Zeroizing::new);
    match der.as_deref() {
        Ok(PrivateKeyDer::Pkcs8(der)) => {
            ClientKey::from_pkcs8(der.secret_pkcs8_der(), kid).map_err(|bad| format!("is {bad}"))
        }
        Ok(PrivateKeyDer::Pkcs1(_)) => Err(older("PKCS#1")),
        Ok(PrivateKeyDer::Sec1(_)) => Err(older("SEC1")),
        _ => Err(format!(
            "holds no private key in PEM form without a passphrase; `{CONVERT}` makes one"
        )),
    }
}

const CONVERT: &str = "openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem";
