//! The authorization request (RFC 6749 4.1.1): what it says, and how a browser carries it.
//!
//! 1. Every parameter is said once, even when the provider's address has a query (S1).
//! 2. The gateway's own parameters come last and win: neither the operator's extra ones nor a
//!    link can replace what the flow rests on.
//! 3. A pushed request leaves the browser nothing but `client_id` and `request_uri` (RFC 9126 4).

use super::provider::{AuthorizeMethod, LinkParam, Provider};
use crate::secret::Secret;

/// The parameters of one authorization request. Not to be printed: `state` and `nonce` are among
/// them.
#[derive(Default)]
pub struct Parameters(Vec<(String, String)>);

/// How the browser carries a request to the provider.
pub enum Carried {
    /// By going to this address.
    Address(String),
    /// By posting these fields.
    Form(Form),
}

/// A form that a page of ours posts to the provider.
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
    /// Further origins that the answer may lead to.
    pub also: Vec<String>,
}

/// What a link to our start path asked for, of what the operator lets links ask.
#[derive(Debug, Default)]
pub struct Wishes(Vec<(LinkParam, String)>);

impl Parameters {
    /// Sets a parameter; said before, it is said anew.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Sets a parameter unless its value is empty.
    pub fn set_if_any(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.set(name, value);
        }
    }

    /// What is left of the request once it was pushed (S16).
    #[must_use]
    pub fn pushed(provider: &Provider, request_uri: &Secret<String>) -> Self {
        let mut left = Self::default();
        left.set("client_id", provider.settings.client_id.as_str());
        // Leaves secrecy for the browser that the request is of; it is good once (S16).
        left.set("request_uri", request_uri.expose().as_str());
        left
    }

    /// The parameters as pairs, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How the browser carries them to this provider.
    pub fn carried(self, provider: &Provider) -> Carried {
        let authorize = provider.endpoints.authorize.as_str();
        match &provider.settings.authorization.method {
            AuthorizeMethod::Form { also } => Carried::Form(Form {
                action: authorize.to_owned(),
                fields: self.0,
                also: also.clone(),
            }),
            AuthorizeMethod::Redirect => {
                Carried::Address(with_query(authorize, self.pairs().collect()))
            }
        }
    }
}

impl Wishes {
    /// Reads what the query of a link asks for, as far as the operator lets links ask. What is
    /// there twice, empty, long or not plain text is left out.
    pub fn read(query: &str, allowed: &[LinkParam]) -> Self {
        let mut wishes = Vec::new();
        for &param in allowed {
            let members = form_urlencoded::parse(query.as_bytes());
            let values: Vec<_> = members.filter(|(name, _)| name == param.name()).collect();
            if let [(_, value)] = values.as_slice()
                && (1..=MAX_WISH).contains(&value.len())
                && !value.chars().any(char::is_control)
            {
                wishes.push((param, value.clone().into_owned()));
            }
        }
        Self(wishes)
    }

    /// What was asked for, by its name in the request.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(param, value)| (param.name(), value.as_str()))
    }
}

/// An address with further parameters; what its own query says of the same names is dropped.
pub(super) fn with_query(address: &str, pairs: Vec<(&str, &str)>) -> String {
    let (base, own) = address.split_once('?').unwrap_or((address, ""));
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(own.as_bytes()) {
        if !pairs.iter().any(|(ours, _)| *ours == name) {
            query.append_pair(&name, &value);
        }
    }
    // Scopes are shown as `%20` in the providers' documents; `+` is for forms.
    let query = query.extend_pairs(pairs).finish().replace('+', "%20");
    format!("{base}?{query}")
}

const MAX_WISH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::provider::testing::provider;

    #[test]
    fn s1_nothing_is_said_twice() {
        for (address, pairs, whole) in [
            ("https://p/a", vec![("x", "1")], "https://p/a?x=1"),
            ("https://p/a?tenant=1", vec![("x", "1 2")], "https://p/a?tenant=1&x=1%202"),
            ("https://p/a?x=0&y=2", vec![("x", "a+b")], "https://p/a?y=2&x=a%2Bb"),
            ("https://p/a?", vec![("x", "&=")], "https://p/a?x=%26%3D"),
        ] {
            assert_eq!(with_query(address, pairs), whole);
        }
        let mut parameters = Parameters::default();
        parameters.set("scope", "theirs");
        parameters.set("prompt", "login");
        parameters.set("scope", "ours");
        assert_eq!(
            parameters.pairs().collect::<Vec<_>>(),
            [("prompt", "login"), ("scope", "ours")]
        );
    }

    #[test]
    fn a_link_asks_only_for_what_the_operator_allows() {
        let allowed = [LinkParam::LoginHint, LinkParam::Prompt];
        let long = format!("prompt={}", "x".repeat(257));
        for (query, asked) in [
            ("login_hint=ada%40example.com", vec![("login_hint", "ada@example.com")]),
            ("prompt=login&acr_values=0", vec![("prompt", "login")]),
            ("prompt=login&prompt=none", vec![]),
            ("prompt=&login_hint=a%0d%0ab", vec![]),
            ("client_id=evil&redirect_uri=evil", vec![]),
            (&long, vec![]),
        ] {
            let wishes = Wishes::read(query, &allowed);
            assert_eq!(wishes.pairs().collect::<Vec<_>>(), asked, "{query:.40}");
        }
        assert_eq!(Wishes::read("prompt=login", &[]).pairs().count(), 0);
    }

    #[test]
    fn s16_a_pushed_request_leaves_only_its_name() {
        let provider = provider();
        let left = Parameters::pushed(&provider, &Secret::new(String::from("urn:request:1")));
        let pairs: Vec<_> = left.pairs().collect();
        assert_eq!(pairs, [("client_id", "client"), ("request_uri", "urn:request:1")]);
    }
}
