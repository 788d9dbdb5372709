//! What a rule may look at: the request, the moment, and who is signed in.

use std::net::IpAddr;

use http::Method;

use super::Timestamp;
use super::host::Host;
use super::identity::Identity;

/// What a rule may look at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The request line's; override fields never count (C-47).
    pub method: &'a Method,
    pub host: &'a Host,
    /// Where the request came from: the peer's address, or what a trusted proxy says.
    pub client: Option<IpAddr>,
    pub now: Timestamp,
    pub person: Option<Person<'a>>,
}

/// Who is signed in, or which program brought a token.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    pub identity: &'a Identity,
    /// The scopes that were granted.
    pub scopes: &'a [String],
    /// When the person last proved who they are; none where nobody told.
    pub authenticated: Option<Timestamp>,
    /// How they did: the `acr` of the id_token.
    pub acr: Option<&'a str>,
    /// The name of the provider that vouched.
    pub provider: Option<&'a str>,
}

/// The same, to keep.
#[derive(Clone, Debug)]
pub struct KnownPerson {
    pub identity: Identity,
    pub scopes: Vec<String>,
    pub authenticated: Option<Timestamp>,
    pub acr: Option<String>,
    pub provider: Option<String>,
}

impl From<&Person<'_>> for KnownPerson {
    fn from(person: &Person<'_>) -> Self {
        Self {
            identity: person.identity.clone(),
            scopes: person.scopes.to_vec(),
            authenticated: person.authenticated,
            acr: person.acr.map(str::to_owned),
            provider: person.provider.map(str::to_owned),
        }
    }
}

impl KnownPerson {
    /// As rules look at it.
    pub fn person(&self) -> Person<'_> {
        Person {
            identity: &self.identity,
            scopes: &self.scopes,
            authenticated: self.authenticated,
            acr: self.acr.as_deref(),
            provider: self.provider.as_deref(),
        }
    }
}

impl<'a> Facts<'a> {
    /// The same request, and who it is from.
    #[must_use]
    pub const fn of(self, person: Option<Person<'a>>) -> Self {
        Self { person, ..self }
    }
}
