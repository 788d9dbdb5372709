//! What the query of a subrequest asks of people, besides the rule of the route: `allowed_groups`,
//! `allowed_emails` and `allowed_email_domains`, as oauth2-proxy has them.
//!
//! Lists with commas, each of which may be there several times: one entry of a kind must fit, and
//! every kind that is there. An entry that can't be read fits nobody.

use super::access::EmailDomain;
use super::facts::Person;
use super::host::is_or_is_below;
use super::policy::Denied;

/// What one subrequest asks of people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    groups: Vec<String>,
    emails: Vec<String>,
    domains: Vec<String>,
}

impl Constraints {
    /// Reads a query; what else it holds is not for us.
    pub fn parse(query: &str) -> Self {
        let mut constraints = Self::default();
        for (name, list) in form_urlencoded::parse(query.as_bytes()) {
            let kind = match &*name {
                "allowed_groups" => &mut constraints.groups,
                "allowed_emails" => &mut constraints.emails,
                "allowed_email_domains" => &mut constraints.domains,
                _ => continue,
            };
            let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
            kind.extend(entries.map(str::to_owned));
        }
        constraints
    }

    /// Judges whoever is signed in. What is asked of people lets nobody pass for nobody.
    pub fn judge(&self, person: Option<&Person<'_>>) -> Result<(), Denied<'static>> {
        match person {
            _ if *self == Self::default() => Ok(()),
            None => Err(Denied::NoSession),
            Some(person) if self.are_met_by(person) => Ok(()),
            Some(_) => Err(Denied::NotAllowed { message: None }),
        }
    }

    /// Whether a person is one of those who are asked for.
    fn are_met_by(&self, person: &Person<'_>) -> bool {
        let identity = person.identity;
        let email = identity.email.as_deref();
        let is_in = |groups: &[String]| groups.iter().any(|group| identity.groups.contains(group));
        let is_one = |emails: &[String]| emails.iter().any(|one| email == Some(one));
        let is_of = |domains: &[String]| {
            domains.iter().any(|domain| email.is_some_and(|email| is_of_domain(email, domain)))
        };
        (self.groups.is_empty() || is_in(&self.groups))
            && (self.emails.is_empty() || is_one(&self.emails))
            && (self.domains.is_empty() || is_of(&self.domains))
    }
}

/// Whether an address is of `example.com`, or of that and what lies below: `.example.com`,
/// `*.example.com`.
fn is_of_domain(email: &str, domain: &str) -> bool {
    let parent = domain.strip_prefix("*.").or_else(|| domain.strip_prefix('.'));
    let Some(parent) = parent else {
        return EmailDomain::parse(domain).is_ok_and(|domain| domain.has(email));
    };
    let own = email.rsplit_once('@').map(|(_, own)| own.to_ascii_lowercase());
    own.is_some_and(|own| {
        // The same grammar for both (C-90).
        EmailDomain::parse(parent).is_ok()
            && EmailDomain::parse(&own).is_ok_and(|domain| domain.has(email))
            && is_or_is_below(&own, &parent.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::identity::Identity;

    fn meets(query: &str, email: &str, groups: &[&str]) -> bool {
        let identity = Identity {
            email: Some(email.to_owned()),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            ..Identity::default()
        };
        let person = Person {
            identity: &identity,
            scopes: &[],
            authenticated: None,
            acr: None,
            provider: None,
        };
        Constraints::parse(query).are_met_by(&person)
    }

    #[test]
    fn a_list_is_an_or_and_the_kinds_are_an_and() {
        for (query, meets_it) in [
            ("", true),
            ("allowed_groups=", true),
            ("other=1", true),
            ("allowed_groups=admins", true),
            ("allowed_groups=editors,admins", true),
            ("allowed_groups=editors&allowed_groups=%20admins", true),
            ("allowed_groups=editors", false),
            ("allowed_groups=admin", false),
            ("allowed_emails=ada@example.com", true),
            ("allowed_emails=eve@example.com", false),
            ("allowed_email_domains=example.com", true),
            ("allowed_email_domains=example.org,EXAMPLE.com", true),
            ("allowed_groups=admins&allowed_email_domains=example.org", false),
            ("allowed_groups=admins&allowed_emails=ada%40example.com", true),
        ] {
            assert_eq!(meets(query, "ada@example.com", &["admins", "b"]), meets_it, "{query}");
        }
    }

    #[test]
    fn c90_an_address_is_of_one_domain_or_of_none() {
        for (domain, email, fits) in [
            ("company.com", "attacker@evil.com@company.com", false),
            ("*.company.com", "attacker@evil.com@company.com", false),
            (".company.com", "a@company.com", true),
            ("*.company.com", "a@sub.Company.com", true),
            ("*.COMPANY.com", "a@company.com", true),
            ("*.company.com", "a@badcompany.com", false),
            ("company.com", "a@sub.company.com", false),
            ("*", "a@company.com", false),
            ("*.", "a@company.com", false),
            ("@company.com", "a@company.com", false),
        ] {
            let query = format!("allowed_email_domains={domain}");
            assert_eq!(meets(&query, email, &[]), fits, "{domain} {email}");
        }
    }
}
