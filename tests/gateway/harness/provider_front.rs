//! The side of the stand-in provider that a browser sees, and what is said before it comes.

use serde_json::json;

use super::Fault;
use super::gate_builder::CLIENT_ID;
use super::provider_desk::{Desk, TokenRequest};
use super::tokens::random_hex;

/// What a code stands for.
pub(super) struct Authorized {
    /// As the authorization request said it.
    pub(super) redirect_uri: Option<String>,
    pub(super) challenge: Option<String>,
    pub(super) nonce: Option<String>,
}

type Pairs = Vec<(String, String)>;

impl Desk {
    /// Consents at once and sends the browser back, with a code or with the denial.
    pub(super) fn authorize(&mut self, carried: Pairs) -> Fault {
        self.calls.authorize += 1;
        self.authorizations.push(carried.clone());
        let asked = match of(&carried, "request_uri") {
            Some(name) => self.pushed.remove(&name).unwrap_or_default(),
            None => carried,
        };
        let told = of(&asked, "redirect_uri");
        let back_to = told.clone().unwrap_or_else(|| self.registered.clone());
        let challenge = of(&asked, "code_challenge");
        let unbound = self.play.pkce && challenge.is_none();
        let denial = self.denial.clone().or(unbound.then(|| "invalid_request".to_owned()));
        let mut answer = match denial {
            Some(error) => vec![("error", error)],
            None => {
                let code = random_hex(64);
                let nonce = of(&asked, "nonce");
                self.secrets.insert(code.clone());
                self.codes
                    .insert(code.clone(), Authorized { redirect_uri: told, challenge, nonce });
                vec![("code", code)]
            }
        };
        answer.extend(of(&asked, "state").map(|state| ("state", state)));
        answer.extend(self.tells_issuer.clone().map(|issuer| ("iss", issuer)));
        match of(&asked, "response_mode").as_deref() {
            Some("form_post") => form_page(&back_to, &answer),
            _ => {
                let mut back: url::Url = back_to.parse().unwrap();
                back.query_pairs_mut().extend_pairs(&answer);
                Fault::redirect(back.as_str())
            }
        }
    }

    /// Takes a pushed request (RFC 9126).
    pub(super) fn push(&mut self, request: &TokenRequest) -> Fault {
        if !self.recognises(request) {
            return Fault::oauth(401, "invalid_client");
        }
        let pairs = request.body.as_object().unwrap().iter();
        let pairs = pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        let name = format!("urn:ietf:params:oauth:request_uri:{}", random_hex(32));
        self.pushed.insert(name.clone(), pairs.collect());
        self.secrets.insert(name.clone());
        Fault::json(201, &json!({ "request_uri": name, "expires_in": 60 }))
    }

    /// Ends its own session and sends the browser on, to nobody but its own client.
    pub(super) fn end_session(&mut self, pairs: &Pairs) -> Fault {
        let (Some(to), Some(client)) =
            (of(pairs, "post_logout_redirect_uri"), of(pairs, "client_id"))
        else {
            return Fault::status(400);
        };
        assert_eq!(client, CLIENT_ID);
        let mut to: url::Url = to.parse().unwrap();
        to.query_pairs_mut().extend_pairs(of(pairs, "state").map(|state| ("state", state)));
        Fault::redirect(to.as_str())
    }
}

fn of(pairs: &Pairs, name: &str) -> Option<String> {
    let found = pairs.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.clone())
}

/// A page that posts itself, as providers do it for `response_mode=form_post`.
fn form_page(action: &str, fields: &[(&str, String)]) -> Fault {
    let field = |(name, value): &(&str, String)| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
    };
    let fields: String = fields.iter().map(field).collect();
    let page = format!("<form id=\"on\" method=\"post\" action=\"{action}\">{fields}</form>");
    Fault::body(200, "text/html", page)
}
