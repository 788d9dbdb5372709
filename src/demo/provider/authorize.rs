//! The authorization request, judged.
//!
//! 1. A parameter that is there twice makes the request unreadable.
//! 2. An unknown client or an unregistered redirect address is shown to the person: sending a
//!    browser there would make the provider an open redirector (RFC 6749, section 4.1.2.1).
//! 3. Every other fault goes back to the client, with its `state`.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;

use super::Options;

/// An authorization request whose client and redirect address are registered.
#[derive(Clone)]
pub(super) struct AuthorizeRequest {
    pub(super) back: Back,
    pub(super) scopes: Vec<String>,
    pub(super) challenge: Option<String>,
    pub(super) prompt: Prompt,
}

/// The way back to the client.
#[derive(Clone)]
pub(super) struct Back {
    pub(super) redirect_uri: String,
    state: Option<String>,
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

struct Parameters(BTreeMap<String, String>);

impl AuthorizeRequest {
    pub(super) fn read(query: &str, options: &Options) -> Result<Self, Refusal> {
        let mut parameters = Parameters::read(query)?;
        if parameters.take("client_id").as_deref() != Some(&options.client_id) {
            return Err(Refusal::Shown("The client is unknown."));
        }
        let redirect_uri = parameters
            .take("redirect_uri")
            .filter(|uri| options.redirect_uris.contains(uri))
            .ok_or(Refusal::Shown("The redirect address is not registered for this client."))?;
        let back = Back { redirect_uri, state: parameters.take("state") };
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
        let uri = &self.redirect_uri;
        let joint = if uri.contains('?') { '&' } else { '?' };
        format!("{uri}{joint}{}", pairs.finish())
    }
}

impl Parameters {
    fn read(query: &str) -> Result<Self, Refusal> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let earlier = parameters.insert(name.into_owned(), value.into_owned());
            if earlier.is_some() {
                return Err(Refusal::Shown("The request has a parameter twice."));
            }
        }
        Ok(Self(parameters))
    }

    /// Returns a parameter's value; an empty one counts as absent (RFC 6749, section 3.1).
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    fn request(&mut self, back: &Back) -> Result<AuthorizeRequest, &'static str> {
        match self.take("response_type").as_deref() {
            Some("code") => {}
            Some(_) => return Err("unsupported_response_type"),
            None => return Err("invalid_request"),
        }
        Ok(AuthorizeRequest {
            scopes: self.scopes()?,
            challenge: self.challenge()?,
            prompt: self.prompt()?,
            back: back.clone(),
        })
    }

    fn scopes(&mut self) -> Result<Vec<String>, &'static str> {
        let wanted = self.take("scope").unwrap_or_else(|| SCOPES[0].0.to_owned());
        let mut scopes = Vec::new();
        for scope in wanted.split(' ').filter(|scope| !scope.is_empty()) {
            if !SCOPES.iter().any(|(known, _)| *known == scope) {
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

/// The scopes that there are, and what each lets the client see.
pub(super) const SCOPES: [(&str, &str); 2] = [
    ("profile", "Your name and e-mail address"),
    ("organization", "The organization that you belong to"),
];
/// The characters of a SHA-256 hash in base64url.
const S256_LENGTH: usize = 43;
