//! Sessions in a store: sealed on their way in, opened on their way out.
//!
//! The store itself sees bytes and hashes ([`crate::store`]); this is the one place that knows
//! what they mean.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::auth::draw;
use crate::auth::ending::{Ending, Whom};
use crate::auth::seal::{KeyRing, Purpose};
use crate::auth::session::SessionId;
use crate::auth::summary::Summary;
use crate::gateway::clock::SystemEntropy;
use crate::store::{Cursor, Fault, Handle, Held, Owner, Record, Slot, Store};

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
    pub(in crate::gateway) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Ends sessions on every replica, and takes their records away; returns those records.
    ///
    /// The notice goes out first: whoever hears it refuses the sessions at once, whatever becomes
    /// of the records.
    pub async fn end(&self, ending: &Ending) -> Result<Vec<Record>, Fault> {
        let plain = ending.to_bytes();
        let notice = self.ring.seal(Purpose::Ending, "", &plain, &mut SystemEntropy);
        let life = ending.until.since(ending.before).max(Duration::from_secs(1));
        self.store.announce(&notice, life).await?;
        let mut gone = Vec::new();
        for slot in self.slots(ending).await? {
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
                Some(Listed { slot: *slot, summary: self.summary(sealed)? })
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

    /// Does what a message asks for that counts once, `name` being its own at this provider. None:
    /// it was done within `life`, or is being done. After a fault it may be asked for again.
    ///
    /// A mark that is set before would outlive a fault, and one that is set after would come too
    /// late for a second copy: so it is a lease first, and lasts once the work is done. Whoever
    /// dies meanwhile leaves a lease of [`AT_WORK`].
    pub async fn once<T>(
        &self,
        provider: &str,
        name: &str,
        life: Duration,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<Option<T>, Fault> {
        let (slot, owner) = (message_slot(provider, name), Owner(draw(&mut SystemEntropy)));
        if !self.store.take(slot, owner, AT_WORK).await?.ours {
            return Ok(None);
        }
        let done = work.await;
        match &done {
            // The work is done, whether or not that can be written down.
            Ok(_) => match self.store.extend(slot, owner, life).await {
                Ok(true) => {}
                Ok(false) => tracing::warn!(provider, "a message took too long to be remembered"),
                Err(fault) => tracing::warn!(provider, %fault, "a message is not remembered"),
            },
            Err(_) => {
                // Where this fails too, the lease runs out.
                let _ = self.store.release(slot, owner).await;
            }
        }
        done.map(Some)
    }

    /// Where the sessions are that have ended. What was made after it is told by the summary.
    async fn slots(&self, ending: &Ending) -> Result<Vec<Slot>, Fault> {
        if let Whom::Session(id) = ending.whom {
            return Ok(vec![slot_of(id)]);
        }
        if ending.whom == Whom::Everyone {
            let all = self.list().await?.into_iter();
            let over = all.filter(|listed| ending.may_cover(&listed.summary));
            return Ok(over.map(|listed| listed.slot).collect());
        }
        let mut filed = Vec::new();
        for name in self.ring.names(&ending.whom.parts()) {
            filed.extend(self.store.filed(Handle(name)).await?);
        }
        filed.sort_unstable();
        filed.dedup();
        let mut over = Vec::new();
        for slot in filed {
            if let Held::Record(record) = self.store.read(slot).await?
                && self.summary(&record.summary).is_none_or(|told| ending.may_cover(&told))
            {
                over.push(slot);
            }
        }
        Ok(over)
    }

    fn summary(&self, sealed: &[u8]) -> Option<Summary> {
        let opened = self.ring.open(Purpose::Summary, "", sealed).ok()?;
        Summary::from_bytes(&opened.plain)
    }
}

/// Where a session is in the store.
pub(in crate::gateway) fn slot_of(id: SessionId) -> Slot {
    Slot(id.slot())
}

/// Where a message that counts once is in the store: no session is ever there.
fn message_slot(provider: &str, name: &str) -> Slot {
    let length = u64::try_from(provider.len()).unwrap_or(u64::MAX).to_be_bytes();
    let digest = Sha256::new_with_prefix(b"askara-gate/message")
        .chain_update(length)
        .chain_update(provider)
        .chain_update(name);
    Slot(digest.finalize().into())
}

/// How long the work that a message asks for may take; only then may another try it.
pub(in crate::gateway) const AT_WORK: Duration = Duration::from_secs(10);

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
