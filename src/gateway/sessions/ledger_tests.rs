use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::secret::Secret;
use crate::store::{Answer, Cursor, Held, Kept, Notices, Page, Taken};

const LIFE: Duration = Duration::from_secs(480);

/// A store that knows leases alone, and for how long they were taken; away at will.
#[derive(Default)]
struct Leases {
    taken: Mutex<HashMap<[u8; 32], (Owner, Duration)>>,
    away: AtomicBool,
}

impl Leases {
    fn answer<'a, T: Send + 'a>(&'a self, answer: impl FnOnce() -> T) -> Answer<'a, T> {
        let away = self.away.load(Ordering::SeqCst);
        let answer = if away { Err(Fault::Away(String::from("away"))) } else { Ok(answer()) };
        Box::pin(async { answer })
    }

    /// How long each lease lasts.
    fn lives(&self) -> Vec<Duration> {
        self.taken.lock().unwrap().values().map(|(_, life)| *life).collect()
    }

    fn goes_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }
}

impl Store for Leases {
    fn take(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, Taken> {
        self.answer(|| {
            let mut taken = self.taken.lock().unwrap();
            let ours = taken.entry(slot.0).or_insert((owner, life)).0 == owner;
            Taken { ours, held: Held::Nothing }
        })
    }

    fn extend(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, bool> {
        self.answer(|| match self.taken.lock().unwrap().get_mut(&slot.0) {
            Some(lease) if lease.0 == owner => {
                lease.1 = life;
                true
            }
            _ => false,
        })
    }

    fn release(&self, slot: Slot, owner: Owner) -> Answer<'_, ()> {
        self.answer(|| {
            self.taken.lock().unwrap().retain(|key, lease| *key != slot.0 || lease.0 != owner);
        })
    }

    fn read(&self, _: Slot) -> Answer<'_, Held> {
        unreachable!("leases alone")
    }

    fn create<'a>(
        &'a self,
        _: Slot,
        _: &'a Record,
        _: &'a [Handle],
        _: Duration,
    ) -> Answer<'a, Kept> {
        unreachable!("leases alone")
    }

    fn keep<'a>(&'a self, _: Slot, _: &'a Record, _: bool, _: Duration) -> Answer<'a, Kept> {
        unreachable!("leases alone")
    }

    fn end(&self, _: Slot, _: Duration) -> Answer<'_, Option<Record>> {
        unreachable!("leases alone")
    }

    fn announce<'a>(&'a self, _: &'a [u8], _: Duration) -> Answer<'a, ()> {
        unreachable!("leases alone")
    }

    fn listen<'a>(&'a self, _: &'a Cursor, _: Duration) -> Answer<'a, Notices> {
        unreachable!("leases alone")
    }

    fn filed(&self, _: Handle) -> Answer<'_, Vec<Slot>> {
        unreachable!("leases alone")
    }

    fn list<'a>(&'a self, _: Option<&'a str>) -> Answer<'a, Page> {
        unreachable!("leases alone")
    }

    fn first_time(&self, _: [u8; 32], _: Duration) -> Answer<'_, bool> {
        unreachable!("leases alone")
    }

    fn ping(&self) -> Answer<'_, ()> {
        unreachable!("leases alone")
    }
}

fn ledger() -> (Ledger, Arc<Leases>) {
    let leases = Arc::new(Leases::default());
    let ring = KeyRing::new(&[Secret::new([1; 32])], "app.example.com").unwrap();
    let store: Arc<dyn Store> = Arc::<Leases>::clone(&leases);
    (Ledger::new(store, Arc::new(ring)), leases)
}

async fn works() -> Result<u8, Fault> {
    Ok(7)
}

#[tokio::test]
async fn s34_a_message_counts_once_for_each_provider() {
    let (ledger, leases) = ledger();
    for (provider, name, done) in [
        ("oidc", "a", Some(7)),
        ("oidc", "a", None),
        ("oidc", "b", Some(7)),
        ("other", "a", Some(7)),
        ("other", "a", None),
        // No two pairs read the same.
        ("oid", "ca", Some(7)),
    ] {
        let told = ledger.once(provider, name, LIFE, works()).await;
        assert_eq!(told, Ok(done), "{provider} {name}");
    }
    assert_eq!(leases.lives(), [LIFE; 4], "remembered once it is done");
}

#[tokio::test]
async fn s34_a_second_copy_is_not_done_while_the_first_is() {
    let (ledger, leases) = ledger();
    let work = async {
        assert_eq!(leases.lives(), [AT_WORK], "whoever dies here keeps nobody off for long");
        assert_eq!(ledger.once("oidc", "a", LIFE, works()).await, Ok(None));
        works().await
    };
    assert_eq!(ledger.once("oidc", "a", LIFE, work).await, Ok(Some(7)));
}

#[tokio::test]
async fn s34_what_a_fault_kept_from_being_done_may_be_asked_for_again() {
    let (ledger, leases) = ledger();
    let fails = async || Err::<u8, _>(Fault::Away(String::from("away")));
    for _ in 0..2 {
        assert!(ledger.once("oidc", "a", LIFE, fails()).await.is_err());
        assert!(leases.lives().is_empty());
    }
    leases.goes_away(true);
    let never = async { panic!("nobody may work without the lease") };
    assert!(ledger.once::<u8>("oidc", "a", LIFE, never).await.is_err());
    leases.goes_away(false);
    assert_eq!(ledger.once("oidc", "a", LIFE, works()).await, Ok(Some(7)));
    assert_eq!(ledger.once("oidc", "a", LIFE, works()).await, Ok(None));
}

#[tokio::test]
async fn a_store_that_goes_away_during_the_work_leaves_only_the_short_lease() {
    let (ledger, leases) = ledger();
    for (name, is_done) in [("done", true), ("undone", false)] {
        let work = async {
            leases.goes_away(true);
            if is_done { Ok(7) } else { Err(Fault::Away(String::from("away"))) }
        };
        // What is done is done, whether or not it can be remembered.
        assert_eq!(ledger.once("oidc", name, LIFE, work).await.is_ok(), is_done);
        leases.goes_away(false);
    }
    assert_eq!(leases.lives(), [AT_WORK; 2]);
}
