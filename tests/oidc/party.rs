//! The relying party as the tests play it themselves: enough of one to show that the provider does
//! what the gateway's tests rely on, and to come by tokens for clients of APIs.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::ClientConfig;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::{Position, Url};

use crate::client_keys::ClientKey;
use crate::form::encoded;
use crate::harness::{Answer, Line, Visitor, ask, random_key};
use crate::openid_provider::OpenIdProvider;
use crate::person::Person;

/// Nobody listens there: the person stops before opening it.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:1/callback";

pub(crate) const SCOPES: &str = "openid email profile groups organization";

/// How a client shows who it is.
pub(crate) enum Proof {
    Basic(String),
    Post(String),
    Assertion(ClientKey),
    /// A certificate, which the connection shows, or nothing at all.
    Nothing,
}

pub(crate) struct Party {
    client_id: String,
    issuer: String,
    pub(crate) metadata: Value,
    proof: Proof,
    tls: Option<Arc<ClientConfig>>,
}

/// The parameters of an authorization answer.
pub(crate) type Back = Vec<(String, String)>;

pub(crate) fn value_of<'a>(back: &'a Back, name: &str) -> &'a str {
    back.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// Verifier and challenge (RFC 7636).
pub(crate) struct Pkce {
    pub(crate) verifier: String,
    pub(crate) challenge: String,
}

impl Pkce {
    pub(crate) fn new() -> Self {
        let verifier = URL_SAFE_NO_PAD.encode(random_key());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        Self { verifier, challenge }
    }
}

impl Party {
    pub(crate) async fn meet(provider: &OpenIdProvider, client_id: &str, proof: Proof) -> Self {
        Self::meet_over(provider, client_id, proof, provider.tls()).await
    }

    /// With TLS settings of its own.
    pub(crate) async fn meet_over(
        provider: &OpenIdProvider,
        client_id: &str,
        proof: Proof,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        let mut line = Line::open(provider.origin(), tls.as_ref()).await.unwrap();
        let metadata = line.send(ask("GET", "/.well-known/openid-configuration")).await.json();
        let issuer = provider.issuer();
        Self { client_id: client_id.to_owned(), issuer, metadata, proof, tls }
    }

    pub(crate) fn endpoint(&self, name: &str) -> Url {
        let address = self.metadata[name].as_str();
        address.unwrap_or_else(|| panic!("no {name} in {}", self.metadata)).parse().unwrap()
    }

    /// A person of whom this provider has never heard.
    pub(crate) fn person(&self, account: &str) -> Person {
        let origin = self.endpoint("authorization_endpoint");
        Person::new(Visitor::new(origin, self.tls.clone()), account)
    }

    /// Posts a form, with the client's proof.
    pub(crate) async fn call(&self, endpoint: &str, fields: &[(&str, &str)]) -> Answer {
        let address = self.endpoint(endpoint);
        let mut fields = fields.to_vec();
        let mut request = ask("POST", &address[Position::BeforePath..])
            .header("content-type", "application/x-www-form-urlencoded");
        let assertion;
        if !matches!(self.proof, Proof::Basic(_)) {
            fields.push(("client_id", &self.client_id));
        }
        match &self.proof {
            Proof::Basic(secret) => request = request.header("authorization", &self.basic(secret)),
            Proof::Post(secret) => fields.push(("client_secret", secret)),
            Proof::Assertion(key) => {
                assertion = self.assertion(key);
                fields.push((
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ));
                fields.push(("client_assertion", &assertion));
            }
            Proof::Nothing => {}
        }
        let mut line = Line::open(&address, self.tls.as_ref()).await.unwrap();
        line.send(request.body(encoded(fields))).await
    }

    /// Both halves are form-encoded first (RFC 6749 2.3.1).
    fn basic(&self, secret: &str) -> String {
        let half =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", half(&self.client_id), half(secret));
        format!("Basic {}", STANDARD.encode(pair))
    }

    /// RFC 7523 3.
    fn assertion(&self, key: &ClientKey) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        key.sign(
            "client-key",
            &json!({
                "iss": self.client_id,
                "sub": self.client_id,
                "aud": self.issuer,
                "iat": now,
                "exp": now + 60,
                "jti": random_key(),
            }),
        )
    }

    pub(crate) async fn get(&self, endpoint: &str, token: Option<&str>) -> Answer {
        let address = self.endpoint(endpoint);
        let mut request = ask("GET", &address[Position::BeforePath..]);
        if let Some(token) = token {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        Line::open(&address, self.tls.as_ref()).await.unwrap().send(request).await
    }

    /// The address of an authorization request.
    pub(crate) fn request(&self, wishes: &[(&str, &str)]) -> Url {
        let mut address = self.endpoint("authorization_endpoint");
        address.query_pairs_mut().append_pair("client_id", &self.client_id).extend_pairs(wishes);
        address
    }

    /// Has a person sign in; a wish of the same name takes the place of what is asked for usually.
    pub(crate) async fn asks(&self, person: &Person, wishes: &[(&str, &str)]) -> Back {
        let usual = [("response_type", "code"), ("redirect_uri", REDIRECT), ("scope", SCOPES)];
        let mut all: Vec<_> = wishes.to_vec();
        all.extend(usual.iter().filter(|(name, _)| wishes.iter().all(|(wish, _)| wish != name)));
        let back = |next: &Url| next.as_str().starts_with(REDIRECT);
        let end = person.goes_until(&self.request(&all), back).await;
        assert!(end.at.as_str().starts_with(REDIRECT), "{}: {}", end.at, end.answer.text());
        end.at.query_pairs().into_owned().collect()
    }

    /// Redeems what came back.
    pub(crate) async fn redeems(&self, back: &Back, verifier: &str) -> Answer {
        let code = value_of(back, "code");
        let fields =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
        let mut fields = fields.to_vec();
        if !verifier.is_empty() {
            fields.push(("code_verifier", verifier));
        }
        self.call("token_endpoint", &fields).await
    }

    /// The whole way, to the token answer.
    pub(crate) async fn signs_in(&self, person: &Person, wishes: &[(&str, &str)]) -> Value {
        let pkce = Pkce::new();
        let mut all = wishes.to_vec();
        all.extend([("code_challenge", &*pkce.challenge), ("code_challenge_method", "S256")]);
        let back = self.asks(person, &all).await;
        let answer = self.redeems(&back, &pkce.verifier).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub(crate) async fn refreshes(&self, token: &str) -> Answer {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.call("token_endpoint", &fields).await
    }

    /// A token of the client's own for an API.
    pub(crate) async fn token_for(&self, resource: &str, scope: &str) -> String {
        let fields =
            [("grant_type", "client_credentials"), ("resource", resource), ("scope", scope)];
        let answer = self.call("token_endpoint", &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

/// Header and claims of a token, unverified: the tests ask what is in it, not whether it is good.
pub(crate) fn opened(token: &str) -> (Value, Value) {
    let part = |n| {
        let text = token.split('.').nth(n).unwrap_or_else(|| panic!("no JWT: {token}"));
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    (part(0), part(1))
}
