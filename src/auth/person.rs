//! Whom a renewed token speaks for: the same person as before, nobody in particular, or somebody
//! else, which ends the session (rule 7; S30, S32, C-102).

use serde_json::Value;

use super::identity::{Documents, Identity};
use super::proof::Proven;
use super::provider::Settings;
use super::session::Session;
use super::token_call::UserinfoFailure;
use super::tokens::unverified_claims;

/// Whom a renewed token speaks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Person {
    Same(Box<Identity>),
    /// Nobody says, or not at the place where the person was found: the old claims stay.
    Silent,
    /// Somebody else, or nobody at all any more; why.
    Gone(&'static str),
}

/// What the userinfo address said.
#[derive(Debug)]
pub enum Told {
    Me(Value),
    /// It was not asked, or its answer says nothing of the person.
    Nothing,
    /// It does not know the token.
    Unknown,
}

impl From<Result<Value, UserinfoFailure>> for Told {
    fn from(read: Result<Value, UserinfoFailure>) -> Self {
        match read {
            Ok(me) => Self::Me(me),
            Err(UserinfoFailure::Status(401)) => Self::Unknown,
            Err(_) => Self::Nothing,
        }
    }
}

/// Compares what a refresh proved and what the userinfo address told with the session before.
pub fn compare(settings: &Settings, before: &Session, proven: Proven, told: Told) -> Person {
    let Proven { id_token, token_claims } = proven;
    let of = |claims: Option<&Value>| claims.and_then(|claims| claims.get("sub").cloned());
    let old = of(unverified_claims(&before.tokens.access).as_ref());
    if old.is_some_and(|old| of(token_claims.as_ref()).is_some_and(|new| new != old)) {
        return Person::Gone("a refresh brought a token of another person");
    }
    let me = match told {
        Told::Me(me) => Some(me),
        Told::Nothing => None,
        Told::Unknown => return Person::Gone("the provider does not know the renewed token"),
    };
    let mut proven_same = false;
    if let Some(subject) = &before.subject {
        if let Some(me) = &me
            && me.get("sub").and_then(Value::as_str) != Some(subject)
        {
            return Person::Gone("after a refresh the userinfo answer speaks of another person");
        }
        if id_token.as_ref().is_some_and(|id_token| id_token.subject != *subject) {
            return Person::Gone("a refresh brought an id_token of another person");
        }
        proven_same = me.is_some() || id_token.is_some();
    }
    let documents = Documents { token: token_claims, me, id: id_token.map(|told| told.claims) };
    let same = match settings.identity.is_same(&before.identity, &documents) {
        Some(same) => same,
        None if proven_same => true,
        None => return Person::Silent,
    };
    if !same {
        return Person::Gone("a refresh brought another person");
    }
    Person::Same(Box::new(settings.identity.read_again(&before.identity, &documents)))
}
