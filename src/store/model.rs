//! A store in memory, for tests: what [`super::Store`] promises, on tokio's clock and without
//! faults. The same calls in the same order always come to the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::{
    Answer, Cursor, Fault, Handle, Held, Kept, Notices, Owner, Page, Record, Slot, Store, Taken,
};
use crate::auth::tokens::to_hex;

/// One store; its clones are the connections of several replicas to it.
#[derive(Clone, Default)]
pub(crate) struct Model {
    state: Arc<Mutex<State>>,
    announced: Arc<Notify>,
}

#[derive(Default)]
struct State {
    records: BTreeMap<Slot, Lasting<Record>>,
    leases: BTreeMap<Slot, Lasting<Owner>>,
    ended: BTreeMap<Slot, Lasting<()>>,
    /// Handles with the slots that are filed under them.
    filed: BTreeMap<[u8; 32], BTreeMap<Slot, Instant>>,
    /// In the order of their numbers.
    notices: BTreeMap<u64, Lasting<Vec<u8>>>,
    last_notice: u64,
    said: BTreeMap<[u8; 32], Instant>,
}

/// Something that is there until a moment.
struct Lasting<T> {
    what: T,
    until: Instant,
}

impl Model {
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.forget(Instant::now());
        state
    }
}

impl State {
    fn forget(&mut self, now: Instant) {
        self.records.retain(|_, record| record.until > now);
        self.leases.retain(|_, lease| lease.until > now);
        self.ended.retain(|_, ended| ended.until > now);
        self.notices.retain(|_, notice| notice.until > now);
        self.said.retain(|_, until| *until > now);
        for slots in self.filed.values_mut() {
            slots.retain(|_, until| *until > now);
        }
        self.filed.retain(|_, slots| !slots.is_empty());
    }

    fn held(&self, slot: Slot) -> Held {
        match (self.ended.get(&slot), self.records.get(&slot)) {
            (Some(_), _) => Held::Ended,
            (None, Some(record)) => Held::Record(record.what.clone()),
            (None, None) => Held::Nothing,
        }
    }

    fn write(&mut self, slot: Slot, record: &Record, life: Duration) -> Kept {
        self.records.insert(slot, Lasting { what: record.clone(), until: after(life) });
        Kept::Yes
    }

    fn is_leased_to(&self, slot: Slot, owner: Owner) -> bool {
        self.leases.get(&slot).is_some_and(|lease| lease.what == owner)
    }

    fn notices_behind(&self, number: u64) -> Vec<(u64, Vec<u8>)> {
        let behind = self.notices.range(number.saturating_add(1)..).take(NOTICES_AT_ONCE);
        behind.map(|(number, notice)| (*number, notice.what.clone())).collect()
    }
}

impl Store for Model {
    fn read(&self, slot: Slot) -> Answer<'_, Held> {
        Box::pin(async move { Ok(self.state().held(slot)) })
    }

    fn create<'a>(
        &'a self,
        slot: Slot,
        record: &'a Record,
        handles: &'a [Handle],
        life: Duration,
    ) -> Answer<'a, Kept> {
        Box::pin(async move {
            let mut state = self.state();
            for handle in handles {
                let until = state.filed.entry(handle.0).or_default().entry(slot);
                let until = until.or_insert_with(|| after(life));
                *until = after(life).max(*until);
            }
            Ok(match state.held(slot) {
                Held::Ended => Kept::Ended,
                Held::Record(there) if there.written >= record.written => Kept::Newer(there),
                Held::Nothing | Held::Record(_) => state.write(slot, record, life),
            })
        })
    }

    fn take(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, Taken> {
        Box::pin(async move {
            let mut state = self.state();
            let held = state.held(slot);
            let free = !state.leases.contains_key(&slot) || state.is_leased_to(slot, owner);
            let ours = free && held != Held::Ended;
            if ours {
                state.leases.insert(slot, Lasting { what: owner, until: after(life) });
            }
            Ok(Taken { ours, held })
        })
    }

    fn extend(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, bool> {
        Box::pin(async move {
            let mut state = self.state();
            let ours = state.is_leased_to(slot, owner);
            if ours {
                state.leases.insert(slot, Lasting { what: owner, until: after(life) });
            }
            Ok(ours)
        })
    }

    fn release(&self, slot: Slot, owner: Owner) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            if state.is_leased_to(slot, owner) {
                state.leases.remove(&slot);
            }
            Ok(())
        })
    }

    fn keep<'a>(
        &'a self,
        slot: Slot,
        record: &'a Record,
        found: bool,
        life: Duration,
    ) -> Answer<'a, Kept> {
        Box::pin(async move {
            let mut state = self.state();
            Ok(match state.held(slot) {
                Held::Ended => Kept::Ended,
                Held::Nothing if found => Kept::Ended,
                Held::Record(there) if there.written >= record.written => Kept::Newer(there),
                Held::Nothing | Held::Record(_) => state.write(slot, record, life),
            })
        })
    }

    fn end(&self, slot: Slot, life: Duration) -> Answer<'_, Option<Record>> {
        Box::pin(async move {
            let mut state = self.state();
            let record = state.records.remove(&slot);
            state.leases.remove(&slot);
            let ended = state.ended.entry(slot);
            let ended = ended.or_insert_with(|| Lasting { what: (), until: after(life) });
            ended.until = after(life).max(ended.until);
            Ok(record.map(|record| record.what))
        })
    }

    fn announce<'a>(&'a self, notice: &'a [u8], life: Duration) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut state = self.state();
            state.last_notice += 1;
            let number = state.last_notice;
            state.notices.insert(number, Lasting { what: notice.to_owned(), until: after(life) });
            drop(state);
            self.announced.notify_waiters();
            Ok(())
        })
    }

    fn listen<'a>(&'a self, cursor: &'a Cursor, patience: Duration) -> Answer<'a, Notices> {
        Box::pin(async move {
            let Ok(number) = cursor.0.parse() else {
                return Err(Fault::Away(String::from("this is no cursor of this store")));
            };
            let until = after(patience);
            loop {
                let mut announced = std::pin::pin!(self.announced.notified());
                // From now on: a notice between the look and the wait is not missed.
                announced.as_mut().enable();
                let behind = self.state().notices_behind(number);
                if let Some((last, _)) = behind.last() {
                    let cursor = Cursor(last.to_string());
                    let notices = behind.into_iter().map(|(_, notice)| notice).collect();
                    return Ok(Notices { cursor, notices });
                }
                if timeout_at(until, announced).await.is_err() {
                    return Ok(Notices { cursor: cursor.clone(), notices: Vec::new() });
                }
            }
        })
    }

    fn filed(&self, handle: Handle) -> Answer<'_, Vec<Slot>> {
        Box::pin(async move {
            let state = self.state();
            let slots = state.filed.get(&handle.0).into_iter().flat_map(BTreeMap::keys);
            Ok(slots.copied().collect())
        })
    }

    fn list<'a>(&'a self, from: Option<&'a str>) -> Answer<'a, Page> {
        Box::pin(async move {
            let state = self.state();
            let mut rest = state.records.iter().filter(|(slot, _)| {
                // As text in the order of the bytes: what goes in between moves nothing.
                from.is_none_or(|from| *to_hex(&slot.0) > *from)
            });
            let some = rest.by_ref().take(SESSIONS_AT_ONCE);
            let summaries: Vec<_> =
                some.map(|(slot, record)| (*slot, record.what.summary.clone())).collect();
            let last = summaries.last().map(|(slot, _)| to_hex(&slot.0));
            let next = last.filter(|_| rest.next().is_some());
            Ok(Page { summaries, next })
        })
    }

    fn first_time(&self, name: [u8; 32], life: Duration) -> Answer<'_, bool> {
        Box::pin(async move {
            let mut state = self.state();
            let first = !state.said.contains_key(&name);
            if first {
                state.said.insert(name, after(life));
            }
            Ok(first)
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn after(life: Duration) -> Instant {
    Instant::now() + life
}

/// Few, so that tests see more than one piece.
const NOTICES_AT_ONCE: usize = 4;
const SESSIONS_AT_ONCE: usize = 4;

mod tests {
    use super::super::contract::{self, Stand};
    use super::*;

    impl Stand for Model {
        fn open(&self) -> Arc<dyn Store> {
            Arc::new(self.clone())
        }
    }

    held_to_the_contract!(Model::default(), tokio::test(start_paused = true));
}
