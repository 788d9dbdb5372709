//! What the stand-in provider knows and decides: codes, tokens, rotation, and how it is told to err.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::play::{ASKARA, Play};
use super::provider_families::Families;
use super::provider_front::Authorized;
use super::provider_openid::challenge;
use super::secrets::Secrets;
use super::signer::Signer;
use super::tokens::{access_token, random_hex, refresh_token};
use super::{Fault, merged};

/// A token request as it came, a form as the object that it means.
#[derive(Clone, Debug)]
pub(crate) struct TokenRequest {
    pub(crate) authorization: String,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

#[derive(Default)]
pub(super) struct Calls {
    pub(super) authorize: usize,
    /// Token calls that have come, whether or not anything was done about them yet.
    pub(super) begun: usize,
    /// Of those, the ones that were neither answered nor given up by who made them.
    pub(super) underway: usize,
    pub(super) exchanges: usize,
    pub(super) me: usize,
    pub(super) refreshes: usize,
}

pub(super) struct Desk {
    pub(super) play: Play,
    pub(super) url: String,
    pub(super) authorizations: Vec<Vec<(String, String)>>,
    pub(super) calls: Calls,
    /// Every path that was asked for.
    pub(super) paths: Vec<String>,
    pub(super) checks_verifiers: bool,
    pub(super) client_known: bool,
    /// Of the token answer.
    pub(super) content_type: String,
    pub(super) denial: Option<String>,
    /// How `expires_in` is written, from the life in seconds; `None` leaves it out.
    pub(super) expires_in: fn(u64) -> Option<Value>,
    /// What goes wrong at a path, until further notice.
    pub(super) faults: HashMap<&'static str, Fault>,
    pub(super) families: Families,
    pub(super) gives_refresh_tokens: bool,
    /// How long a token call waits before anything is done about it.
    pub(super) hesitation: Duration,
    /// What the id_token says beyond the usual; null takes a claim away.
    pub(super) id_claims: Value,
    pub(super) introspection: Value,
    pub(super) latency: Duration,
    pub(super) life: u64,
    pub(super) me_fault: Option<Fault>,
    /// Changes of the metadata; null takes a member away.
    pub(super) metadata: Value,
    pub(super) name: String,
    /// Whether access tokens say nothing to anybody else.
    pub(super) opaque: bool,
    /// The last calls to the paths beside the token call: path, and what was said.
    pub(super) others: Vec<(String, TokenRequest)>,
    pub(super) published: Vec<Arc<Signer>>,
    pub(super) pushed: HashMap<String, Vec<(String, String)>>,
    /// Where the browser goes when the request does not say it.
    pub(super) registered: String,
    pub(super) requests: Vec<TokenRequest>,
    pub(super) rotates: bool,
    /// Everything that nobody else may see.
    pub(super) secrets: Secrets,
    pub(super) signer: Arc<Signer>,
    pub(super) subject: String,
    /// Who every callback says that it is from.
    pub(super) tells_issuer: Option<String>,
    pub(super) token_fault: Option<Fault>,
    pub(super) token_faults: VecDeque<Fault>,
    /// Changes of the token answer; null takes a member away.
    pub(super) token_answer: Value,
    pub(super) token_type: Option<String>,
    /// Said instead of the life.
    pub(super) told_life: Option<Value>,
    pub(super) codes: HashMap<String, Authorized>,
    pub(super) issued: Vec<String>,
    subjects: HashMap<String, String>,
}

impl Desk {
    pub(super) fn new(play: Play, url: &str) -> Self {
        let signer = Signer::rsa();
        Self {
            play,
            url: url.to_owned(),
            authorizations: Vec::new(),
            calls: Calls::default(),
            paths: Vec::new(),
            checks_verifiers: true,
            client_known: true,
            content_type: "application/json".to_owned(),
            denial: None,
            expires_in: |life| Some(json!(life)),
            faults: HashMap::new(),
            families: Families::default(),
            gives_refresh_tokens: true,
            hesitation: Duration::ZERO,
            id_claims: json!({}),
            introspection: json!({ "active": false }),
            latency: Duration::ZERO,
            life: 3600,
            me_fault: None,
            metadata: json!({}),
            name: "Ada Lovelace".to_owned(),
            opaque: false,
            others: Vec::new(),
            published: vec![Arc::clone(&signer)],
            pushed: HashMap::new(),
            registered: String::new(),
            requests: Vec::new(),
            rotates: true,
            secrets: Secrets::default(),
            signer,
            subject: "42".to_owned(),
            tells_issuer: None,
            token_fault: None,
            token_faults: VecDeque::new(),
            token_answer: json!({}),
            token_type: Some("Bearer".to_owned()),
            told_life: None,
            codes: HashMap::new(),
            issued: Vec::new(),
            subjects: HashMap::new(),
        }
    }

    /// Counts the call; then the answer, right or as it was told to be wrong.
    pub(super) fn token(&mut self, request: TokenRequest) -> Fault {
        let body = request.body.clone();
        let json_body = request.content_type.starts_with("application/json");
        let refreshing = body["grant_type"] == "refresh_token";
        if refreshing {
            self.calls.refreshes += 1;
        } else {
            self.calls.exchanges += 1;
        }
        self.requests.push(request.clone());
        if let Some(fault) = self.token_faults.pop_front().or(self.token_fault.clone()) {
            return fault;
        }
        if json_body != self.play.json {
            return Fault::oauth(400, "unsupported_grant_type");
        }
        if !self.recognises(&request) {
            return Fault::oauth(401, "invalid_client");
        }
        if refreshing { self.refresh(&body) } else { self.exchange(&body) }
    }

    fn exchange(&mut self, body: &Value) -> Fault {
        let code = body["code"].as_str().unwrap_or_default();
        match self.codes.remove(code) {
            Some(authorized) if self.fits(&authorized, body) => {
                self.begin_family();
                let refresh = self.gives_refresh_tokens.then(|| self.new_refresh_token());
                self.issue(refresh, authorized.nonce.as_deref())
            }
            _ => Fault::oauth(400, "invalid_grant"),
        }
    }

    /// Whether a token call belongs to what was authorized (RFC 6749 4.1.3, RFC 7636 4.6).
    fn fits(&self, authorized: &Authorized, body: &Value) -> bool {
        let told = match &authorized.redirect_uri {
            Some(told) if self.play.says_redirect_uri => body["redirect_uri"] == *told,
            Some(told) => body.get("redirect_uri").is_none_or(|again| again == told),
            None => body.get("redirect_uri").is_none(),
        };
        let verified = authorized.challenge == body["code_verifier"].as_str().map(challenge);
        told && (verified || !self.checks_verifiers)
    }

    fn refresh(&mut self, body: &Value) -> Fault {
        let spent = body["refresh_token"].as_str().unwrap_or_default();
        if !self.spend(spent) {
            return Fault::oauth(401, "invalid_grant");
        }
        if !self.rotates {
            return self.issue(None, None);
        }
        let next = self.new_refresh_token();
        self.issue(Some(next), None)
    }

    fn new_refresh_token(&mut self) -> String {
        let token = refresh_token();
        self.families.gives_refresh(&token);
        self.secrets.insert(token.clone());
        token
    }

    fn issue(&mut self, refresh: Option<String>, nonce: Option<&str>) -> Fault {
        let access = match self.opaque {
            true => random_hex(40),
            false => access_token(&self.subject, self.life as f64, &self.in_the_token()),
        };
        self.families.gives_access(&access);
        self.subjects.insert(access.clone(), self.subject.clone());
        self.issued.push(access.clone());
        self.secrets.insert(access.clone());
        let mut answer = json!({ "access_token": access });
        if let Some(token_type) = &self.token_type {
            answer["token_type"] = json!(token_type);
        }
        if let Some(life) = self.told_life.clone().or_else(|| (self.expires_in)(self.life)) {
            answer["expires_in"] = life;
        }
        if let Some(refresh) = refresh {
            answer["refresh_token"] = json!(refresh);
        }
        if self.play.openid {
            let id_token = self.id_token(nonce);
            self.secrets.insert(id_token.clone());
            answer["id_token"] = json!(id_token);
        }
        let answer = merged(answer, &self.token_answer);
        Fault::body(200, &self.content_type, answer.to_string())
    }

    /// API v.1 puts the person into the access token itself.
    fn in_the_token(&self) -> Value {
        match self.play.me || self.play.json {
            true => json!({}),
            false => json!({
                "email": "ada@example.com",
                "name": self.name,
                "permissions": ["editors", "staff, senior"],
            }),
        }
    }

    pub(super) fn me(&mut self, bearer: &str) -> Fault {
        self.calls.me += 1;
        if let Some(fault) = self.me_fault.clone() {
            return fault;
        }
        let Some(subject) = self.subjects.get(bearer).filter(|_| self.families.honour(bearer))
        else {
            return Fault::oauth(401, "invalid_token");
        };
        // Askara calls the person `id`, the others `sub`.
        let member = if self.play.kind == ASKARA.kind { "id" } else { "sub" };
        let me = json!({
            member: subject,
            "email": "ada@example.com",
            "name": self.name,
            "organization": { "id": 7, "name": "Analytical Engines" },
            "groups": ["editors", "staff, senior"],
        });
        Fault::json(200, &me)
    }
}
