//! What an OpenID provider has besides: a description of itself, id_tokens, and calls about tokens.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::gate_builder::{CLIENT_ID, CLIENT_SECRET};
use super::play::Proof;
use super::provider_desk::{Desk, TokenRequest};
use super::signer::Signer;
use super::tokens::{random_hex, unix_now};
use super::{Fault, merged};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Desk {
    pub(super) fn metadata(&self) -> Fault {
        let (url, play) = (&self.url, &self.play);
        let metadata = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}{}", play.authorize),
            "token_endpoint": format!("{url}{}", play.token),
            "userinfo_endpoint": format!("{url}/me"),
            "jwks_uri": format!("{url}/jwks"),
            "code_challenge_methods_supported": ["S256"],
        });
        Fault::json(200, &merged(metadata, &self.metadata))
    }

    pub(super) fn jwks(&self) -> Fault {
        let keys: Vec<Value> = self.published.iter().map(|signer| signer.jwk()).collect();
        Fault::json(200, &json!({ "keys": keys }))
    }

    pub(super) fn id_token(&self, nonce: Option<&str>) -> String {
        let now = unix_now();
        let claims = json!({
            "iss": self.url,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": "ada@example.com",
            "name": self.name,
            "groups": ["editors", "staff, senior"],
        });
        self.signer.token(&json!({}), &merged(merged(json!({}), &claims), &self.id_claims))
    }

    /// An access token of the kind that API clients bring (RFC 9068).
    pub(super) fn api_token(&self, header: &Value, claims: &Value) -> String {
        let header = merged(json!({ "typ": "at+jwt" }), header);
        self.signer.token(&header, &self.api_claims(claims))
    }

    pub(super) fn api_claims(&self, claims: &Value) -> Value {
        let now = unix_now();
        let own = json!({
            "iss": self.url,
            "sub": self.subject,
            "aud": "api",
            "client_id": "robot",
            "iat": now,
            "exp": now + 300,
            "jti": random_hex(16),
            "scope": "things.read things.write",
        });
        merged(own, claims)
    }

    /// A token that says that a person has signed out here (Back-Channel Logout 1.0 2.4).
    pub(super) fn logout_token(&mut self, header: &Value, claims: &Value) -> String {
        let now = unix_now();
        let own = json!({
            "iss": self.url,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": random_hex(16),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        let header = merged(json!({ "typ": "logout+jwt" }), header);
        let token = self.signer.token(&header, &merged(own, claims));
        self.secrets.insert(token.clone());
        token
    }

    /// Whether a call proves to be this client's, in the one way that was agreed.
    pub(super) fn recognises(&mut self, request: &TokenRequest) -> bool {
        let TokenRequest { authorization, body, .. } = request;
        let names_client = body["client_id"] == CLIENT_ID;
        let no_secret = body.get("client_secret").is_none();
        let proven = match self.play.proof {
            Proof::Basic => {
                let pair = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
                self.secrets.insert(pair.clone());
                *authorization == format!("Basic {pair}") && no_secret
            }
            Proof::Body => {
                names_client && body["client_secret"] == CLIENT_SECRET && authorization.is_empty()
            }
            Proof::Key => {
                let assertion = body["client_assertion"].as_str().unwrap_or_default();
                body["client_assertion_type"] == ASSERTION_TYPE
                    && names_client
                    && no_secret
                    && Signer::client().signed(assertion)
            }
            Proof::None => names_client && no_secret && authorization.is_empty(),
        };
        proven && self.client_known
    }

    /// Keeps what a call says that no log may.
    pub(super) fn note_secrets(&mut self, request: &TokenRequest) {
        for name in ["client_secret", "client_assertion", "code", "code_verifier", "token"] {
            let told = request.body.get(name).and_then(Value::as_str);
            self.secrets.extend(told.map(str::to_owned));
        }
    }
}

/// The challenge of a verifier (RFC 7636 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}
