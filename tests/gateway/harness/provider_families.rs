//! What the stand-in provider knows of its refresh tokens: which are good, how often each was
//! presented, and which tokens come from one login.

use std::collections::{HashMap, HashSet};

use super::Provider;
use super::provider_desk::Desk;

/// What happens to a refresh token that is presented once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reuse {
    /// `invalid_grant`, and that is all.
    #[default]
    Refused,
    /// All tokens of that login are taken back (RFC 9700 4.14.2).
    RevokesFamily,
    /// It is taken once more, as by providers with a time of grace.
    Forgiven,
}

/// A login, by its number.
type Family = usize;

/// The refresh tokens, and the families that they and the access tokens belong to.
#[derive(Default)]
pub(super) struct Families {
    reuse: Reuse,
    /// Whether every login is another person's.
    apart: bool,
    /// The subject of each, in order.
    subjects: Vec<String>,
    /// Which login is spoken for by the call at hand.
    current: Family,
    of: HashMap<String, Family>,
    living: HashSet<String>,
    revoked: HashSet<Family>,
    spends: HashMap<String, usize>,
    refused: usize,
}

impl Families {
    pub(super) fn gives_refresh(&mut self, token: &str) {
        self.of.insert(token.to_owned(), self.current);
        self.living.insert(token.to_owned());
    }

    pub(super) fn gives_access(&mut self, token: &str) {
        self.of.insert(token.to_owned(), self.current);
    }

    /// Whether a token was given and its login was not taken back.
    pub(super) fn honour(&self, token: &str) -> bool {
        self.of.get(token).is_some_and(|family| !self.revoked.contains(family))
    }

    /// Whether a refresh token that is presented may be used. What it does to others is done.
    fn takes(&mut self, token: &str, rotates: bool) -> bool {
        let Some(&family) = self.of.get(token) else { return false };
        *self.spends.entry(token.to_owned()).or_default() += 1;
        self.current = family;
        let living = if rotates { self.living.remove(token) } else { self.living.contains(token) };
        if self.revoked.contains(&family) {
            return false;
        }
        match self.reuse {
            Reuse::Forgiven => true,
            Reuse::RevokesFamily if !living => {
                self.revoked.insert(family);
                false
            }
            Reuse::Refused | Reuse::RevokesFamily => living,
        }
    }
}

impl Desk {
    /// A login: whoever signs in may be somebody else each time.
    pub(super) fn begin_family(&mut self) {
        self.families.current = self.families.subjects.len();
        if self.families.apart {
            self.subject = format!("visitor-{}", self.families.current);
        }
        self.families.subjects.push(self.subject.clone());
    }

    /// Whether a refresh token is good; from now on the call speaks for its login.
    pub(super) fn spend(&mut self, token: &str) -> bool {
        let good = self.families.takes(token, self.rotates);
        if !good {
            self.families.refused += 1;
        } else if self.families.apart {
            self.subject = self.families.subjects[self.families.current].clone();
        }
        good
    }
}

#[allow(dead_code, reason = "only tests/replicas needs it")]
impl Provider {
    /// Reuse of a spent refresh token takes back every token of that login.
    pub(crate) fn revokes_family_on_reuse(&self) {
        self.desk().families.reuse = Reuse::RevokesFamily;
    }

    /// A spent refresh token may be used again.
    pub(crate) fn forgives_reuse(&self) {
        self.desk().families.reuse = Reuse::Forgiven;
    }

    /// Every login from now on is that of another person: `visitor-0`, `visitor-1` and so on.
    pub(crate) fn tells_logins_apart(&self) {
        self.desk().families.apart = true;
    }

    /// Whether an access token was given and not taken back; its expiry is not looked at.
    pub(crate) fn honours(&self, access: &str) -> bool {
        self.desk().families.honour(access)
    }

    /// How often this refresh token was presented.
    pub(crate) fn spends_of(&self, refresh: &str) -> usize {
        self.desk().families.spends.get(refresh).copied().unwrap_or_default()
    }

    /// How often the refresh token was presented that was presented most often.
    pub(crate) fn most_spends(&self) -> usize {
        self.desk().families.spends.values().copied().max().unwrap_or_default()
    }

    /// How many different refresh tokens were presented.
    pub(crate) fn spent_tokens(&self) -> usize {
        self.desk().families.spends.len()
    }

    /// How many refresh tokens were refused.
    pub(crate) fn refused_spends(&self) -> usize {
        self.desk().families.refused
    }

    /// How many token calls have come, whether or not anything was done about them yet.
    pub(crate) fn token_calls_begun(&self) -> usize {
        self.desk().calls.begun
    }
}
