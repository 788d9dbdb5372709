//! Keys that clients sign with, and certificates for both ends of a TLS connection.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, RsaKeySize,
    SigningKey,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};

/// A client's private key and the one algorithm that it is for.
pub(crate) struct ClientKey {
    pub(crate) algorithm: &'static str,
    pair: KeyPair,
}

impl ClientKey {
    pub(crate) fn rs256() -> Self {
        let pair = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048);
        Self { algorithm: "RS256", pair: pair.unwrap() }
    }

    pub(crate) fn es256() -> Self {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256);
        Self { algorithm: "ES256", pair: pair.unwrap() }
    }

    pub(crate) fn eddsa() -> Self {
        Self { algorithm: "EdDSA", pair: KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap() }
    }

    pub(crate) fn of_each_kind() -> [Self; 3] {
        [Self::rs256(), Self::es256(), Self::eddsa()]
    }

    pub(crate) fn private_pem(&self) -> String {
        self.pair.serialize_pem()
    }

    pub(crate) fn public_pem(&self) -> String {
        self.pair.public_key_pem()
    }

    /// A signed JWT (RFC 7515 3.1).
    pub(crate) fn sign(&self, key_id: &str, claims: &Value) -> String {
        let header = json!({ "alg": self.algorithm, "kid": key_id });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = self.pair.sign(signed.as_bytes()).unwrap();
        if self.algorithm == "ES256" {
            signature = joined(&signature);
        }
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A DER signature as JOSE has it: both numbers in 32 bytes each (RFC 7518 3.4).
fn joined(der: &[u8]) -> Vec<u8> {
    let mut numbers = &der[2..];
    let mut joined = Vec::new();
    for _ in 0..2 {
        let (number, rest) = numbers[2..].split_at(usize::from(numbers[1]));
        let digits = &number[number.len().saturating_sub(32)..];
        joined.resize(joined.len() + 32 - digits.len(), 0);
        joined.extend(digits);
        numbers = rest;
    }
    joined
}

/// A certificate with its key.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
    chain: CertificateDer<'static>,
    private: PrivateKeyDer<'static>,
}

impl Identity {
    /// A certificate that nobody vouches for.
    pub(crate) fn self_signed(name: &str) -> Self {
        let pair = KeyPair::generate().unwrap();
        let certificate = named(name).self_signed(&pair).unwrap();
        Self::new(&certificate, &pair)
    }

    fn new(certificate: &rcgen::Certificate, pair: &KeyPair) -> Self {
        Self {
            certificate: certificate.pem(),
            key: pair.serialize_pem(),
            chain: certificate.der().clone(),
            private: PrivateKeyDer::Pkcs8(pair.serialize_der().into()),
        }
    }
}

/// Vouches for certificates, and is believed by whoever knows it.
pub(crate) struct Authority {
    own: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority of the tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap());
        Self { own: own.unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.own.pem()
    }

    /// A certificate for a host, or for a client that is called like one.
    pub(crate) fn vouch_for(&self, name: &str) -> Identity {
        let pair = KeyPair::generate().unwrap();
        let certificate = named(name).signed_by(&pair, &*self.own).unwrap();
        Identity::new(&certificate, &pair)
    }

    /// A client's TLS settings that believe this authority, and what the client shows of itself.
    pub(crate) fn believed_by(&self, client: Option<&Identity>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.own.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match client {
            None => config.with_no_client_auth(),
            Some(shown) => config
                .with_client_auth_cert(vec![shown.chain.clone()], shown.private.clone_key())
                .unwrap(),
        })
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
