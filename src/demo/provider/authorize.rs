//! The authorization request, judged.
//!
//! 1. A parameter that is there twice makes the request unreadable, and so does a POST of anything
//!    but a form.
//! 2. An unknown client or an unregistered redirect address is shown to the person: sending a
//!    browser there would make the provider an open redirector (RFC 6749, section 4.1.2.1).
//! 3. Every other fault goes back to the client, with its `state`.

use std::collections::BTreeMap;
use std::time::Duration;

use form_urlencoded::Serializer;

use super::Options;
use super::kind::RedirectUri;

/// An authorization request whose client and redirect address are registered.
#[derive(Clone)]
pub(super) struct AuthorizeRequest {
    pub(super) back: Back,
    pub(super) scopes: Vec<String>,
    pub(super) challenge: Option<String>,
    /// What the id token has to repeat.
    pub(super) nonce: Option<String>,
    pub(super) prompt: Prompt,
    /// How long ago the person may have signed in.
    pub(super) max_age: Option<Duration>,
}

/// The way back to the client.
#[derive(Clone)]
pub(super) struct Back {
    pub(super) redirect_uri: String,
    /// The request named the address.
    pub(super) named: bool,
    state: Option<String>,
    /// Who answers (RFC 9207), where the kind says so.
    issuer: Option<String>,
}

/// What the client wants the person to be asked again.
#[derive(Clone, Copy, Default)]
pub(super) struct Prompt {
    pub(super) consent: bool,
    pub(super) login: bool,
    /// Nothing may be asked: an answer at once, or an error.
    pub(super) none: bool,
}

/// Tells why a request is not granted.
pub(super) enum Refusal {
    /// The client's address, with the error.
    Redirected(String),
    /// What to tell the person.
    Shown(&'static str),
}

struct Parameters {
    values: BTreeMap<String, String>,
    scopes: &'static [(&'static str, &'static str)],
}

impl AuthorizeRequest {
    /// Judges the parameters, if they were readable; `origin` is where the provider is.
    pub(super) fn read(
        values: Option<BTreeMap<String, String>>,
        options: &Options,
        origin: String,
    ) -> Result<Self, Refusal> {
        let manner = options.kind.manner();
        let values =
            values.ok_or(Refusal::Shown("The request is no form, or has a parameter twice."))?;
        let mut parameters = Parameters { values, scopes: manner.scopes };
        if parameters.take("client_id").as_deref() != Some(&options.client_id) {
            return Err(Refusal::Shown("The client is unknown."));
        }
        let named = parameters.take("redirect_uri");
        let redirect_uri = match (&named, options.redirect_uris.as_slice()) {
            (Some(uri), registered) => registered.contains(uri).then_some(uri),
            (None, [only]) if manner.redirect_uri == RedirectUri::BothOrNone => Some(only),
            (None, _) => None,
        };
        let back = Back {
            redirect_uri: redirect_uri
                .ok_or(Refusal::Shown("The redirect address is not registered for this client."))?
                .clone(),
            named: named.is_some(),
            state: parameters.take("state"),
            issuer: manner.oidc.then_some(origin),
        };
        parameters.request(&back).map_err(|error| Refusal::Redirected(back.with_error(error)))
    }
}

impl Back {
    pub(super) fn with_code(&self, code: &str) -> String {
        self.with("code", code)
    }

    pub(super) fn with_error(&self, error: &str) -> String {
        self.with("error", error)
    }

    fn with(&self, name: &str, value: &str) -> String {
        let mut pairs = Serializer::new(String::new());
        pairs.append_pair(name, value);
        if let Some(state) = &self.state {
            pairs.append_pair("state", state);
        }
        if let Some(issuer) = &self.issuer {
            pairs.append_pair("iss", issuer);
        }
        let uri = &self.redirect_uri;
        let joint = if uri.contains('?') { '&' } else { '?' };
        format!("{uri}{joint}{}", pairs.finish())
    }
}

impl Parameters {
    /// Returns a parameter's value; an empty one counts as absent (RFC 6749, section 3.1).
    fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).filter(|value| !value.is_empty())
    }

    fn request(&mut self, back: &Back) -> Result<AuthorizeRequest, &'static str> {
        match self.take("response_type").as_deref() {
            Some("code") => {}
            Some(_) => return Err("unsupported_response_type"),
            None => return Err("invalid_request"),
        }
        // Only the way back in the query is there (OAuth 2.0 Multiple Response Types, section 2.1).
        if self.take("response_mode").is_some_and(|mode| mode != "query") {
            return Err("invalid_request");
        }
        Ok(AuthorizeRequest {
            scopes: self.scopes()?,
            challenge: self.challenge()?,
            nonce: self.take("nonce"),
            prompt: self.prompt()?,
            max_age: self.max_age()?,
            back: back.clone(),
        })
    }

    fn scopes(&mut self) -> Result<Vec<String>, &'static str> {
        let wanted = self.take("scope").unwrap_or_else(|| self.scopes[0].0.to_owned());
        let mut scopes = Vec::new();
        for scope in wanted.split(' ').filter(|scope| !scope.is_empty()) {
            if !self.scopes.iter().any(|(known, _)| *known == scope) {
                return Err("invalid_scope");
            }
            if !scopes.iter().any(|earlier| earlier == scope) {
                scopes.push(scope.to_owned());
            }
        }
        Ok(scopes)
    }

    /// Returns the PKCE challenge; `plain` protects nothing and is refused.
    fn challenge(&mut self) -> Result<Option<String>, &'static str> {
        let method = self.take("code_challenge_method");
        let Some(challenge) = self.take("code_challenge") else {
            return match method {
                None => Ok(None),
                Some(_) => Err("invalid_request"),
            };
        };
        let well_formed = challenge.len() == S256_LENGTH
            && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if method.as_deref() == Some("S256") && well_formed {
            Ok(Some(challenge))
        } else {
            Err("invalid_request")
        }
    }

    fn max_age(&mut self) -> Result<Option<Duration>, &'static str> {
        let read = |text: String| text.parse().map(Duration::from_secs);
        self.take("max_age").map(read).transpose().map_err(|_| "invalid_request")
    }

    fn prompt(&mut self) -> Result<Prompt, &'static str> {
        let mut prompt = Prompt::default();
        for word in self.take("prompt").unwrap_or_default().split(' ') {
            match word {
                "consent" => prompt.consent = true,
                "login" | "select_account" => prompt.login = true,
                "none" => prompt.none = true,
                _ => {}
            }
        }
        if prompt.none && (prompt.consent || prompt.login) {
            return Err("invalid_request");
        }
        Ok(prompt)
    }
}

/// The characters of a SHA-256 hash in base64url.
const S256_LENGTH: usize = 43;
