//! The stand-in's key, what it signs, and its public half as a JWK.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Unwell;

/// An RSA key of 2048 bits.
pub(super) struct Signer {
    key: KeyPair,
    modulus: String,
    id: String,
}

impl Signer {
    pub(super) fn generate() -> Result<Self, Unwell> {
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| Unwell)?;
        let modulus = URL_SAFE_NO_PAD.encode(modulus(&key).ok_or(Unwell)?);
        // The thumbprint of RFC 7638: its members in this order, and no space.
        let thumb = format!(r#"{{"e":"{EXPONENT}","kty":"RSA","n":"{modulus}"}}"#);
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(thumb));
        Ok(Self { key, modulus, id })
    }

    /// Returns a JWT whose header has no key id, as league/oauth2-server writes it.
    pub(super) fn sign_nameless(&self, payload: &Value) -> Result<String, Unwell> {
        self.signed(&json!({ "typ": "JWT", "alg": "RS256" }), payload)
    }

    /// Returns a JWT of the type `typ`.
    pub(super) fn sign(&self, typ: &str, payload: &Value) -> Result<String, Unwell> {
        self.signed(&json!({ "typ": typ, "alg": "RS256", "kid": self.id }), payload)
    }

    /// Returns what a JWT says that this key signed, however old it is.
    pub(super) fn verified(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.key.public_key())
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        let (_, payload) = signed.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    /// Returns the public key (RFC 7517, RFC 7518 section 6.3.1).
    pub(super) fn jwk(&self) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256",
            "kid": self.id, "n": self.modulus, "e": EXPONENT,
        })
    }

    fn signed(&self, header: &Value, payload: &Value) -> Result<String, Unwell> {
        let [header, payload] =
            [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{payload}");
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| Unwell)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Returns the modulus. The public key is the DER of an `RSAPublicKey` (RFC 8017, appendix A.1.1):
/// the modulus, and at the end the exponent, which is 65537 for every key that is generated here.
fn modulus(key: &KeyPair) -> Option<&[u8]> {
    let der = key.public_key().as_ref();
    let before = der.strip_suffix(&[2, 3, 1, 0, 1])?;
    before.get(before.len().checked_sub(key.public_modulus_len())?..)
}

/// 65537 in base64url.
const EXPONENT: &str = "AQAB";

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::PublicKeyComponents;

    use super::*;

    #[test]
    fn the_jwk_verifies_what_the_key_signs() {
        let signer = Signer::generate().unwrap();
        let token = signer.sign("JWT", &json!({ "sub": "person" })).unwrap();
        let jwk = signer.jwk();
        let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let (n, e) = (part("n"), part("e"));
        assert!(n[0] & 0x80 != 0, "2048 bits and no sign byte");

        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        PublicKeyComponents { n, e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .unwrap();
    }

    #[test]
    fn a_token_that_another_key_signed_is_not_believed() {
        let (signer, other) = (Signer::generate().unwrap(), Signer::generate().unwrap());
        let payload = json!({ "sub": "person" });
        let token = signer.sign("JWT", &payload).unwrap();
        assert_eq!(signer.verified(&token), Some(payload));
        for wrong in [other.sign("JWT", &json!({})).unwrap(), format!("a{token}"), String::new()] {
            assert_eq!(signer.verified(&wrong), None, "{wrong}");
        }
    }
}
