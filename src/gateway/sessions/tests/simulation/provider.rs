//! A provider of each kind: what it does with the refresh tokens that it gave.

use std::time::Duration;

use super::schedule::{Kind, Times, Trouble};

/// All that a provider knows.
#[derive(Default)]
pub(super) struct Provider {
    families: Vec<Family>,
    /// What is wrong with all calls now.
    pub(super) trouble: Option<Trouble>,
}

/// What came of one login.
#[derive(Default)]
struct Family {
    /// When each refresh token was used first.
    used: Vec<Option<u64>>,
    given: u32,
    revoked: bool,
    /// Its next answer is about somebody else.
    mistaken: bool,
}

/// What a token call brings.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) expires_in: Duration,
    pub(super) mistaken: bool,
}

/// What the provider says to a refresh token.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Granted(Grant),
    /// `invalid_grant`; whether that took all that came of the login with it.
    Refused {
        revoked: bool,
    },
}

impl Provider {
    /// Somebody logs in.
    pub(super) fn begin(&mut self, times: &Times, long: Option<usize>) -> (usize, Grant) {
        self.families.push(Family::default());
        let family = self.families.len() - 1;
        (family, self.give(family, true, times, long))
    }

    /// A refresh token is used at `now`.
    pub(super) fn refresh(
        &mut self,
        token: &str,
        now: u64,
        kind: Kind,
        times: &Times,
        long: Option<usize>,
    ) -> Said {
        let (family, number) = parse(token);
        let known = &mut self.families[family];
        if known.revoked {
            return Said::Refused { revoked: true };
        }
        let again = known.used[number].is_some();
        let used = *known.used[number].get_or_insert(now);
        let accepted = match kind {
            Kind::Rotates | Kind::Revokes => !again,
            Kind::Lenient(grace) => now - used <= grace,
            Kind::Keeps => true,
        };
        if !accepted {
            known.revoked = kind != Kind::Rotates;
            return Said::Refused { revoked: known.revoked };
        }
        Said::Granted(self.give(family, kind != Kind::Keeps, times, long))
    }

    /// The provider ends what came of a login.
    pub(super) fn revoke(&mut self, family: usize) {
        self.families[family].revoked = true;
    }

    /// The provider's next answer is about somebody else.
    pub(super) fn mistake(&mut self, family: usize) {
        self.families[family].mistaken = true;
    }

    fn give(&mut self, family: usize, rotates: bool, times: &Times, long: Option<usize>) -> Grant {
        let known = &mut self.families[family];
        known.given += 1;
        let refresh = rotates.then(|| {
            known.used.push(None);
            format!("r.{family}.{}", known.used.len() - 1)
        });
        let access = format!("a.{family}.{}.{}", known.given, "x".repeat(long.unwrap_or(0)));
        let expires_in = Duration::from_millis(times.life * times.told / 100 / 1000 * 1000);
        let mistaken = std::mem::take(&mut known.mistaken);
        Grant { access, refresh, expires_in, mistaken }
    }
}

/// The login that a token came of, and its number.
pub(super) fn parse(token: &str) -> (usize, usize) {
    let mut parts = token.split('.').skip(1).map(|part| part.parse().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
