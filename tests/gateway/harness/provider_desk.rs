//! What the stand-in provider knows and decides: codes, tokens, rotation, and how it is told to err.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::Fault;
use super::gate_builder::{CLIENT_ID, CLIENT_SECRET};
use super::tokens::{access_token, random_hex, refresh_token};

/// A token request as it came.
#[derive(Clone, Debug)]
pub(crate) struct TokenRequest {
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

#[derive(Default)]
pub(super) struct Calls {
    pub(super) authorize: usize,
    pub(super) exchanges: usize,
    pub(super) me: usize,
    pub(super) refreshes: usize,
}

pub(super) struct Desk {
    pub(super) authorizations: Vec<Vec<(String, String)>>,
    pub(super) calls: Calls,
    pub(super) denial: Option<String>,
    /// How `expires_in` is written, from the life in seconds; `None` leaves it out.
    pub(super) expires_in: fn(u64) -> Option<Value>,
    pub(super) gives_refresh_tokens: bool,
    pub(super) latency: Duration,
    pub(super) life: u64,
    pub(super) me_fault: Option<Fault>,
    pub(super) name: String,
    pub(super) requests: Vec<TokenRequest>,
    pub(super) rotates: bool,
    pub(super) subject: String,
    pub(super) token_fault: Option<Fault>,
    pub(super) token_faults: VecDeque<Fault>,
    pub(super) token_type: Option<String>,
    codes: HashMap<String, String>,
    pub(super) issued: Vec<String>,
    living: HashSet<String>,
    subjects: HashMap<String, String>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            authorizations: Vec::new(),
            calls: Calls::default(),
            denial: None,
            expires_in: |life| Some(json!(life)),
            gives_refresh_tokens: true,
            latency: Duration::ZERO,
            life: 3600,
            me_fault: None,
            name: "Ada Lovelace".to_owned(),
            requests: Vec::new(),
            rotates: true,
            subject: "42".to_owned(),
            token_fault: None,
            token_faults: VecDeque::new(),
            token_type: Some("Bearer".to_owned()),
            codes: HashMap::new(),
            issued: Vec::new(),
            living: HashSet::new(),
            subjects: HashMap::new(),
        }
    }
}

impl Desk {
    /// The address to send the browser back to, with a code or with the denial.
    pub(super) fn authorize(&mut self, pairs: Vec<(String, String)>) -> String {
        self.calls.authorize += 1;
        let of = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (redirect_uri, state) = (of("redirect_uri"), of("state"));
        let mut back: url::Url = redirect_uri.parse().unwrap();
        let (name, value) = match &self.denial {
            Some(error) => ("error", error.clone()),
            None => {
                let code = random_hex(64);
                self.codes.insert(code.clone(), redirect_uri);
                ("code", code)
            }
        };
        back.query_pairs_mut().append_pair(name, &value);
        back.query_pairs_mut().append_pair("state", &state);
        self.authorizations.push(pairs);
        back.into()
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
        self.requests.push(request);
        if let Some(fault) = self.token_faults.pop_front().or(self.token_fault.clone()) {
            return fault;
        }
        if !json_body {
            return Fault::oauth(400, "unsupported_grant_type");
        }
        if body["client_id"] != CLIENT_ID || body["client_secret"] != CLIENT_SECRET {
            return Fault::oauth(401, "invalid_client");
        }
        if refreshing { self.refresh(&body) } else { self.exchange(&body) }
    }

    fn exchange(&mut self, body: &Value) -> Fault {
        let code = body["code"].as_str().unwrap_or_default();
        match self.codes.remove(code) {
            Some(redirect_uri) if body["redirect_uri"] == redirect_uri => {
                let refresh = self.gives_refresh_tokens.then(|| self.new_refresh_token());
                self.issue(refresh)
            }
            _ => Fault::oauth(400, "invalid_grant"),
        }
    }

    fn refresh(&mut self, body: &Value) -> Fault {
        let spent = body["refresh_token"].as_str().unwrap_or_default();
        if !self.living.contains(spent) {
            return Fault::oauth(401, "invalid_grant");
        }
        if !self.rotates {
            return self.issue(None);
        }
        self.living.remove(spent);
        let next = self.new_refresh_token();
        self.issue(Some(next))
    }

    fn new_refresh_token(&mut self) -> String {
        let token = refresh_token();
        self.living.insert(token.clone());
        token
    }

    fn issue(&mut self, refresh: Option<String>) -> Fault {
        let access = access_token(&self.subject, self.life as f64);
        self.subjects.insert(access.clone(), self.subject.clone());
        self.issued.push(access.clone());
        let mut answer = json!({ "access_token": access });
        if let Some(token_type) = &self.token_type {
            answer["token_type"] = json!(token_type);
        }
        if let Some(life) = (self.expires_in)(self.life) {
            answer["expires_in"] = life;
        }
        if let Some(refresh) = refresh {
            answer["refresh_token"] = json!(refresh);
        }
        Fault::json(200, &answer)
    }

    pub(super) fn me(&mut self, bearer: &str) -> Fault {
        self.calls.me += 1;
        if let Some(fault) = self.me_fault.clone() {
            return fault;
        }
        let Some(subject) = self.subjects.get(bearer) else {
            return Fault::oauth(401, "invalid_token");
        };
        Fault::json(
            200,
            &json!({
                "id": subject,
                "email": "ada@example.com",
                "name": self.name,
                "organization": { "id": 7, "name": "Analytical Engines" },
                "groups": ["editors", "staff, senior"],
            }),
        )
    }
}
