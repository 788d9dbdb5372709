//! The way to the store: calls that are slow, lost on their way or on their way back, done after
//! nobody waits for them any more, or not possible at all.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::mutants::Mutant;
use super::replica::Process;
use super::{Sim, lock};
use crate::auth::ending::Ending;
use crate::auth::seal::Purpose;
use crate::store::model::Model;
use crate::store::{
    Answer, Cursor, Fault, Handle, Held, Kept, Notices, Owner, Page, Record, Slot, Store, Taken,
};

/// The store itself, and what is between it and each replica.
pub(super) struct Shared {
    model: Mutex<(u64, Model)>,
    away: AtomicBool,
    /// Whether calls to a store that is away wait in vain, or are told at once.
    pub(super) hangs: AtomicBool,
    cut_off: Vec<AtomicBool>,
    broken: Notify,
    /// Who took each lease last.
    owners: Mutex<BTreeMap<Slot, Owner>>,
}

/// One process's way to the store.
pub(super) struct Link {
    pub(super) sim: Arc<Sim>,
    pub(super) process: Arc<Process>,
}

/// What becomes of one call.
enum Fate {
    Fine {
        to: Duration,
        back: Duration,
    },
    Refused,
    Dropped,
    AnswerLost,
    /// It is done after everybody has given it up.
    Late(Duration),
}

impl Shared {
    pub(super) fn new(replicas: usize) -> Self {
        Self {
            model: Mutex::default(),
            away: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            cut_off: (0..replicas).map(|_| AtomicBool::new(false)).collect(),
            broken: Notify::new(),
            owners: Mutex::default(),
        }
    }

    pub(super) fn model(&self) -> Model {
        lock(&self.model).1.clone()
    }

    /// Forgets everything.
    pub(super) fn wipe(&self) {
        let mut model = lock(&self.model);
        *model = (model.0 + 1, Model::default());
    }

    pub(super) fn set_away(&self, away: bool, hangs: bool) {
        self.away.store(away, Ordering::Relaxed);
        self.hangs.store(hangs, Ordering::Relaxed);
        self.broken.notify_waiters();
    }

    pub(super) fn set_cut_off(&self, replica: usize, cut_off: bool) {
        self.cut_off[replica].store(cut_off, Ordering::Relaxed);
        self.broken.notify_waiters();
    }

    fn owner(&self, slot: Slot) -> Option<Owner> {
        lock(&self.owners).get(&slot).copied()
    }

    fn owns(&self, slot: Slot, owner: Owner) {
        lock(&self.owners).insert(slot, owner);
    }

    pub(super) fn reaches(&self, replica: usize) -> bool {
        !self.away.load(Ordering::Relaxed) && !self.cut_off[replica].load(Ordering::Relaxed)
    }
}

impl Link {
    fn fate(&self, what: &str, slot: Option<Slot>) -> Fate {
        let sim = &self.sim;
        if !sim.store.reaches(self.process.replica) {
            let away = sim.store.away.load(Ordering::Relaxed);
            let hangs = !away || sim.store.hangs.load(Ordering::Relaxed);
            return if hangs { Fate::Dropped } else { Fate::Refused };
        }
        let chances = sim.chances();
        let slot = slot.map_or(0, |slot| u64::from_le_bytes(*slot.0.first_chunk().expect("32")));
        let call = what.bytes().fold(0, |call, byte| call * 31 + u64::from(byte));
        let mut dice = sim.dice_of(&[self.process.number as u64, call, slot, sim.millis()]);
        if dice.permille(chances.store_drops) {
            let late = dice.millis(260, 6000);
            return match dice.below(5) {
                0 => Fate::Refused,
                1 | 2 => Fate::Dropped,
                3 => Fate::AnswerLost,
                _ => Fate::Late(late),
            };
        }
        let most = if dice.permille(chances.store_slow) { 120 } else { 2 };
        Fate::Fine { to: dice.millis(0, most), back: dice.millis(0, most) }
    }

    async fn call<T, F>(
        &self,
        what: &'static str,
        slot: impl Into<Option<Slot>>,
        work: impl FnOnce(Model, Arc<Sim>) -> F + Send + 'static,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let (sim, given_up) = (Arc::clone(&self.sim), Instant::now() + LIMIT);
        let lost = match self.fate(what, slot.into()) {
            Fate::Fine { to, back } => {
                pause(to).await;
                if sim.store.reaches(self.process.replica) {
                    let done = work(sim.store.model(), sim).await;
                    pause(back).await;
                    return done;
                }
                "on its way"
            }
            Fate::Refused => {
                self.fails("refused");
                return Err(Fault::Away(format!("{what}: refused")));
            }
            Fate::Dropped => "dropped",
            Fate::AnswerLost => {
                let _ = work(sim.store.model(), sim).await;
                "its answer"
            }
            Fate::Late(late) => {
                tokio::spawn(async move {
                    sleep(late).await;
                    sim.tell(|| format!("store: a late {what} is done"));
                    let _ = work(sim.store.model(), sim).await;
                });
                "late"
            }
        };
        sleep_until(given_up).await;
        self.fails(lost);
        self.sim.tell(|| format!("{}: {what} was lost ({lost})", self.process));
        Err(Fault::Away(format!("{what}: no answer in time")))
    }

    fn fails(&self, why: &str) {
        let now = self.sim.millis();
        self.sim.truth().failed.insert(self.process.number, now);
        if why == "refused" {
            self.sim.tell(|| format!("{}: the store refuses", self.process));
        }
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.sim.schedule.mutant == Some(mutant)
    }

    async fn hear(&self, cursor: &Cursor, patience: Duration) -> Result<Notices, Fault> {
        let sim = &self.sim;
        let given_up = Instant::now() + patience + LIMIT;
        let broken = || Err(Fault::Away(String::from("listen: broken")));
        if !matches!(self.fate("listen", None), Fate::Fine { .. }) {
            sleep(Duration::from_millis(100)).await;
            return broken();
        }
        let (era, model) = lock(&sim.store.model).clone();
        let after = match cursor.0.split_once(':') {
            Some((then, number)) if then == era.to_string() => Cursor(number.to_owned()),
            // Numbers begin anew where everything was forgotten.
            _ => Cursor::default(),
        };
        self.process.hears(true);
        let wait = async {
            loop {
                sim.store.broken.notified().await;
                if !sim.store.reaches(self.process.replica) {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            heard = model.listen(&after, patience) => {
                let Notices { cursor, notices } = heard?;
                Ok(Notices { cursor: Cursor(format!("{era}:{}", cursor.0)), notices })
            }
            () = wait => {
                self.process.hears(false);
                if sim.store.hangs.load(Ordering::Relaxed) || !sim.store.away.load(Ordering::Relaxed) {
                    sleep_until(given_up).await;
                }
                broken()
            }
        }
    }
}

impl Store for Link {
    fn read(&self, slot: Slot) -> Answer<'_, Held> {
        let wrong = self.is(Mutant::WrongRecord);
        Box::pin(self.call("read", slot, move |model, sim| async move {
            if wrong {
                let other = sim.truth().facts.first().map(|fact| Slot(fact.session.id.slot()));
                return model.read(other.unwrap_or(slot)).await;
            }
            model.read(slot).await
        }))
    }

    fn create<'a>(
        &'a self,
        slot: Slot,
        record: &'a Record,
        handles: &'a [Handle],
        life: Duration,
    ) -> Answer<'a, Kept> {
        let (record, handles) = (record.clone(), handles.to_vec());
        Box::pin(self.call("create", slot, move |model, sim| async move {
            let kept = model.create(slot, &record, &handles, life).await;
            sim.note_kept(slot, &record, &kept);
            kept
        }))
    }

    fn take(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, Taken> {
        let blind = self.is(Mutant::NoReadUnderTheLease);
        let everyone = self.is(Mutant::LeaseForEveryone);
        Box::pin(self.call("take", slot, move |model, sim| async move {
            if everyone && let Some(owner) = sim.store.owner(slot) {
                model.release(slot, owner).await?;
            }
            let mut taken = model.take(slot, owner, life).await?;
            if taken.ours {
                sim.store.owns(slot, owner);
            }
            if blind && let Held::Record(record) = &mut taken.held {
                record.written.generation = 0;
            }
            Ok(taken)
        }))
    }

    fn extend(&self, slot: Slot, owner: Owner, life: Duration) -> Answer<'_, bool> {
        if self.is(Mutant::ShortLease) {
            return Box::pin(async { Ok(true) });
        }
        Box::pin(self.call("extend", slot, move |model, _| async move {
            model.extend(slot, owner, life).await
        }))
    }

    fn release(&self, slot: Slot, owner: Owner) -> Answer<'_, ()> {
        let anyone = self.is(Mutant::ReleaseByAnyone);
        Box::pin(self.call("release", slot, move |model, sim| async move {
            if anyone {
                // It comes again, when another has it.
                tokio::spawn(async move {
                    sleep(Duration::from_secs(3)).await;
                    let owner = sim.store.owner(slot).unwrap_or(owner);
                    sim.store.model().release(slot, owner).await
                });
            }
            model.release(slot, owner).await
        }))
    }

    fn keep<'a>(
        &'a self,
        slot: Slot,
        record: &'a Record,
        found: bool,
        life: Duration,
    ) -> Answer<'a, Kept> {
        if self.is(Mutant::KeepsNothing) {
            self.sim.note_kept(slot, record, &Ok(Kept::Yes));
            return Box::pin(async { Ok(Kept::Yes) });
        }
        let record = record.clone();
        Box::pin(self.call("keep", slot, move |model, sim| async move {
            let kept = model.keep(slot, &record, found, life).await;
            sim.note_kept(slot, &record, &kept);
            kept
        }))
    }

    fn end(&self, slot: Slot, life: Duration) -> Answer<'_, Option<Record>> {
        Box::pin(self.call("end", slot, move |model, _| async move { model.end(slot, life).await }))
    }

    fn announce<'a>(&'a self, notice: &'a [u8], life: Duration) -> Answer<'a, ()> {
        let (notice, mute) = (notice.to_vec(), self.is(Mutant::Mute));
        Box::pin(self.call("announce", None, move |model, sim| async move {
            let opened = sim.sealer.ring.open(Purpose::Ending, "", &notice);
            if let Some(ending) = opened.ok().and_then(|opened| Ending::from_bytes(&opened.plain)) {
                sim.tell(|| format!("store: tells of {:?}", ending.whom));
                sim.truth().announced(&ending, sim.millis());
            }
            if mute {
                return Ok(());
            }
            model.announce(&notice, life).await
        }))
    }

    fn listen<'a>(&'a self, cursor: &'a Cursor, patience: Duration) -> Answer<'a, Notices> {
        Box::pin(async move {
            let heard = self.hear(cursor, patience).await;
            if heard.is_err() {
                self.process.hears(false);
                self.fails("listen");
            }
            heard
        })
    }

    fn filed(&self, handle: Handle) -> Answer<'_, Vec<Slot>> {
        Box::pin(self.call("filed", None, move |model, _| async move { model.filed(handle).await }))
    }

    fn list<'a>(&'a self, from: Option<&'a str>) -> Answer<'a, Page> {
        let from = from.map(str::to_owned);
        Box::pin(
            self.call(
                "list",
                None,
                move |model, _| async move { model.list(from.as_deref()).await },
            ),
        )
    }

    fn first_time(&self, name: [u8; 32], life: Duration) -> Answer<'_, bool> {
        Box::pin(self.call("first_time", None, move |model, _| async move {
            model.first_time(name, life).await
        }))
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(self.call("ping", None, |model, _| async move { model.ping().await }))
    }
}

impl Sim {
    fn note_kept(&self, slot: Slot, record: &Record, kept: &Result<Kept, Fault>) {
        self.tell(|| format!("store: keeps {:?}: {kept:?}", record.written));
        if *kept == Ok(Kept::Yes) {
            self.truth().kept(slot, record.written, self.millis());
        }
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// How long a call of the store may take.
const LIMIT: Duration = Duration::from_millis(250);
