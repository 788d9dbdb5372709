//! Who may pass. Only this file makes a [`Permit`], and nothing is forwarded without one.
//!
//! 1. A `public` rule passes anyone, unless the path is written so that its meaning to the app
//!    is in doubt (see [`super::path`]): then a session is needed.
//! 2. `signed-in` passes whoever has a session that holds.
//! 3. A path with `;parameters` must pass the rule found with them and the one found without.

use super::facts::Facts;
use super::path::RequestPath;
use super::route::Found;
use super::step_up::Wanted;

/// The rule of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Public,
    SignedIn,
}

/// Proof that the policy let a request pass; it is spent by forwarding.
#[derive(Debug)]
pub struct Permit(());

impl Permit {
    /// Spends it: one permit, one request.
    pub fn spend(self) {}
}

/// Why a request may not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied<'a> {
    /// Nobody is signed in, and the rule wants somebody.
    NoSession,
    /// Whoever it is may not, or nobody may; what the operator says of it.
    NotAllowed { message: Option<&'a str> },
    /// Somebody is signed in, but not in the way or as recently as the rule wants.
    StepUp(Wanted<'a>),
}

/// Judges one request.
pub fn judge<'a>(
    found: Found<'a>,
    path: &RequestPath<'_>,
    facts: &Facts<'_>,
) -> Result<Permit, Denied<'a>> {
    let rules = [Some(&found.route.access), found.also.map(|route| &route.access)];
    for rule in rules.into_iter().flatten() {
        match rule {
            Access::Public if !path.never_public() => {}
            Access::Public | Access::SignedIn if facts.person.is_some() => {}
            Access::Public | Access::SignedIn => return Err(Denied::NoSession),
        }
    }
    Ok(Permit(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Timestamp;
    use crate::auth::facts::Person;
    use crate::auth::host::Host;
    use crate::auth::identity::Identity;
    use crate::auth::route::{PathPattern, Route, RouteTable};

    #[test]
    fn a_request_passes_by_rule_session_and_spelling() {
        let route = |path: &str, access| Route::for_test(PathPattern::prefix(path), access);
        let table =
            RouteTable::new(vec![route("/", Access::SignedIn), route("/public", Access::Public)]);
        let identity = Identity::for_test("42");
        let somebody = Person { identity: &identity, scopes: &[], authenticated: None, acr: None };
        for (path, anonymous, signed_in) in [
            ("/", false, true),
            ("/public", true, true),
            ("/public/x", true, true),
            ("/%70ublic", true, true),
            ("//public", false, true),
            ("/public/a%2fb", false, true),
            ("/public/%23", false, true),
            ("/public;x", false, true),
            ("/publicity", false, true),
        ] {
            let parsed = RequestPath::parse(path).unwrap();
            let host = Host::parse("app.example.com").unwrap();
            let found = table.find(&host, &parsed, &http::Method::GET).unwrap();
            let nobody = Facts {
                method: &http::Method::GET,
                host: &host,
                client: None,
                now: Timestamp::from_unix(0),
                person: None,
            };
            assert_eq!(judge(found, &parsed, &nobody).is_ok(), anonymous, "{path}");
            let facts = nobody.of(Some(somebody));
            assert_eq!(judge(found, &parsed, &facts).is_ok(), signed_in, "{path}");
        }
    }
}
