//! Secrets that are replaced while requests use them.

use super::Gateway;
use crate::auth::provider::Settings;
use crate::secret::SealKey;

/// What was another than before.
#[derive(Debug, Default)]
pub struct Taken {
    pub keys: bool,
    /// Names of the providers.
    pub clients: Vec<String>,
}

impl Gateway {
    /// Takes over the keys of `session.keys`, unless there are none, and the secret of each
    /// provider that is known by the same name.
    pub fn take_secrets<'a>(
        &self,
        keys: &[SealKey],
        newer: impl Iterator<Item = &'a Settings>,
    ) -> Taken {
        // The configuration refuses a key that is there twice; without a key the old ones stay.
        let keys = self.sessions.sealer.ring.replace(keys).unwrap_or(false);
        let is_other = |newer: &&Settings| {
            let mut known = self.parties.iter().map(|party| party.settings());
            known.any(|settings| settings.name == newer.name && settings.take_secret(newer))
        };
        let clients = newer.filter(is_other).map(|settings| settings.name.clone()).collect();
        Taken { keys, clients }
    }
}
