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
    let Proven { id_token, mut token_claims, judged } = proven;
    let of = |claims: Option<&Value>| claims.and_then(|claims| claims.get("sub").cloned());
    let old = of(unverified_claims(&before.tokens.access).as_ref());
    if old.is_some_and(|old| of(token_claims.as_ref()).is_some_and(|new| new != old)) {
        return Person::Gone("a refresh brought a token of another person");
    }
    if settings.verify_access_token && !judged {
        // Good enough to see that it is somebody else, and not to say who it is.
        token_claims = None;
    }
    let mut me = match told {
        Told::Me(me) => Some(me),
        Told::Nothing => None,
        Told::Unknown => return Person::Gone("the provider does not know the renewed token"),
    };
    let mut proven_same = false;
    if let Some(subject) = &before.subject {
        match me.as_ref().map(|me| me.get("sub").and_then(Value::as_str)) {
            Some(Some(told)) if told != subject => {
                return Person::Gone(
                    "after a refresh the userinfo answer speaks of another person",
                );
            }
            // Whose it is, it does not say: that is no clear word (rule 5), and nothing to use.
            Some(None) => me = None,
            _ => {}
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::id_token::IdToken;
    use crate::auth::identity::{IdentitySources, Source};
    use crate::auth::provider::testing::settings;
    use crate::auth::session::testing::session;

    fn told_by(user: &[&str]) -> Settings {
        let list = |texts: &[&str]| texts.iter().filter_map(|text| Source::parse(text)).collect();
        let mut settings = settings();
        settings.identity = IdentitySources {
            user: list(user),
            groups: list(&["me:/groups"]),
            ..IdentitySources::default()
        };
        settings
    }

    fn id_token(subject: &str) -> Option<IdToken> {
        let claims = json!({ "sub": subject });
        Some(IdToken { subject: subject.to_owned(), auth_time: None, acr: None, claims })
    }

    /// "same", "silent" or "gone".
    fn outcome(person: &Person) -> &'static str {
        match person {
            Person::Same(_) => "same",
            Person::Silent => "silent",
            Person::Gone(_) => "gone",
        }
    }

    #[test]
    fn c102_only_somebody_else_ends_a_session() {
        let settings = told_by(&["me:/id"]);
        let before = session(0, 0, 10);
        for (told, expected) in [
            (Told::Me(json!({"id": 42})), "same"),
            (Told::Me(json!({"id": "other"})), "gone"),
            (Told::Me(json!({})), "silent"),
            (Told::Nothing, "silent"),
            (Told::Unknown, "gone"),
            (Told::from(Err(UserinfoFailure::Status(500))), "silent"),
            (Told::from(Err(UserinfoFailure::Status(401))), "gone"),
            (Told::from(Err(UserinfoFailure::NotAnObject)), "silent"),
        ] {
            let says = format!("{told:?}");
            let person = compare(&settings, &before, Proven::default(), told);
            assert_eq!(outcome(&person), expected, "{says}");
        }
    }

    #[test]
    fn s30_and_s32_the_subject_stays_the_same_whoever_tells_it() {
        let settings = told_by(&["id:/email"]);
        let mut before = session(0, 0, 10);
        before.subject = Some(String::from("sub"));
        let me = |sub: &str| Told::Me(json!({"sub": sub, "groups": ["new"]}));
        for (id_token, told, expected) in [
            (None, Told::Nothing, "silent"),
            (id_token("sub"), Told::Nothing, "same"),
            (None, me("sub"), "same"),
            (None, me("other"), "gone"),
            (id_token("other"), Told::Nothing, "gone"),
            (id_token("sub"), Told::Me(json!({"groups": []})), "same"),
            (None, Told::Me(json!({"error": "server_error"})), "silent"),
            (None, Told::Me(json!({"sub": 7})), "silent"),
        ] {
            let says = format!("{id_token:?} {told:?}");
            let person =
                compare(&settings, &before, Proven { id_token, ..Proven::default() }, told);
            assert_eq!(outcome(&person), expected, "{says}");
            if let Person::Same(identity) = person {
                assert_eq!(identity.user, "42", "what the login found");
            }
        }
    }

    #[test]
    fn a_token_of_another_subject_ends_a_session_at_once() {
        let settings = told_by(&["me:/id"]);
        let mut before = session(0, 0, 10);
        before.tokens.access = crate::secret::Secret::new(String::from("e30.eyJzdWIiOiI0MiJ9.AA"));
        for (claims, expected) in [
            (Some(json!({"sub": "42"})), "silent"),
            (Some(json!({"sub": "43"})), "gone"),
            (Some(json!({})), "silent"),
            (None, "silent"),
        ] {
            let proven = Proven { token_claims: claims, ..Proven::default() };
            assert_eq!(outcome(&compare(&settings, &before, proven, Told::Nothing)), expected);
        }
    }

    #[test]
    fn claims_that_were_not_judged_end_a_session_but_describe_nobody() {
        let mut settings = told_by(&["token:/sub"]);
        settings.verify_access_token = true;
        let before = session(0, 0, 10);
        for (judged, subject, expected) in
            [(true, "42", "same"), (true, "43", "gone"), (false, "42", "silent")]
        {
            let claims = Some(json!({ "sub": subject }));
            let proven = Proven { id_token: None, token_claims: claims, judged };
            let person = compare(&settings, &before, proven, Told::Nothing);
            assert_eq!(outcome(&person), expected, "{judged} {subject}");
        }
    }
}
