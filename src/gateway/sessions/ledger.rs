//! Sessions in a store: sealed on their way in, opened on their way out.
//!
//! The store itself sees bytes and hashes ([`crate::store`]); this is the one place that knows
//! what they mean.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::ending::{Ending, Whom};
use crate::auth::seal::{KeyRing, Purpose};
use crate::auth::session::SessionId;
use crate::auth::summary::Summary;
use crate::gateway::clock::SystemEntropy;
use crate::store::{Cursor, Fault, Handle, Record, Slot, Store};

/// A store and the keys to it.
pub struct Ledger {
    store: Arc<dyn Store>,
    ring: Arc<KeyRing>,
}

/// A session that a list shows, and its place in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub slot: Slot,
    pub summary: Summary,
}

impl Ledger {
    /// A ledger on `store`.
    pub fn new(store: Arc<dyn Store>, ring: Arc<KeyRing>) -> Self {
        Self { store, ring }
    }

    /// The store itself.
    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Ends sessions on every replica, and takes their records away; returns those records.
    ///
    /// The notice goes out first: whoever hears it refuses the sessions at once, whatever becomes
    /// of the records.
    pub async fn end(&self, ending: &Ending) -> Result<Vec<Record>, Fault> {
        let plain = ending.to_bytes();
        let notice = self.ring.seal(Purpose::Ending, "", &plain, &mut SystemEntropy);
        let life = ending.until.since(ending.before);
        self.store.announce(&notice, life).await?;
        let mut gone = Vec::new();
        for slot in self.slots(&ending.whom).await? {
            gone.extend(self.store.end(slot, life).await?);
        }
        Ok(gone)
    }

    /// Reads what has ended since `cursor`, on any replica; waits for it up to `patience`. What
    /// was sealed by a key that is not in the ring is passed over.
    pub(super) async fn hear(
        &self,
        cursor: &Cursor,
        patience: Duration,
    ) -> Result<(Cursor, Vec<Ending>), Fault> {
        let heard = self.store.listen(cursor, patience).await?;
        let read = |sealed: &Vec<u8>| {
            let opened = self.ring.open(Purpose::Ending, "", sealed).ok()?;
            Ending::from_bytes(&opened.plain)
        };
        Ok((heard.cursor, heard.notices.iter().filter_map(read).collect()))
    }

    /// Every session in the store, in no order.
    pub async fn list(&self) -> Result<Vec<Listed>, Fault> {
        let mut all = Vec::new();
        let mut from = None;
        loop {
            let page = self.store.list(from.as_deref()).await?;
            all.extend(page.summaries.iter().filter_map(|(slot, sealed)| {
                let opened = self.ring.open(Purpose::Summary, "", sealed).ok()?;
                let summary = Summary::from_bytes(&opened.plain)?;
                Some(Listed { slot: *slot, summary })
            }));
            from = page.next;
            if from.is_none() {
                // A store that is written to may show one twice.
                all.sort_unstable_by_key(|listed: &Listed| listed.slot);
                all.dedup_by_key(|listed| listed.slot);
                return Ok(all);
            }
        }
    }

    async fn slots(&self, whom: &Whom) -> Result<Vec<Slot>, Fault> {
        if let Whom::Session(id) = whom {
            return Ok(vec![slot_of(*id)]);
        }
        if *whom == Whom::Everyone {
            return Ok(self.list().await?.into_iter().map(|listed| listed.slot).collect());
        }
        let mut slots = Vec::new();
        for name in self.ring.names(&whom.parts()) {
            slots.extend(self.store.filed(Handle(name)).await?);
        }
        slots.sort_unstable();
        slots.dedup();
        Ok(slots)
    }
}

/// Where a session is in the store.
pub(in crate::gateway) fn slot_of(id: SessionId) -> Slot {
    Slot(id.slot())
}
