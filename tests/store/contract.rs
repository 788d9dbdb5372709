//! What every store has to keep to: these tests run on the model and on real servers.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{Cursor, Handle, Held, Kept, Owner, Record, Slot, Store, Taken, Written};

/// One empty store for one test.
pub(crate) trait Stand {
    /// A connection of another replica to it.
    fn open(&self) -> Arc<dyn Store>;
}

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);
/// So short that a test can wait for its end.
const SHORT: Duration = Duration::from_millis(400);
/// Surely behind the end of [`SHORT`].
const PAST_SHORT: Duration = Duration::from_millis(600);

const ANNA: Owner = Owner([1; 16]);
const BERT: Owner = Owner([2; 16]);

/// Makes a test of each function here: `$stand` gives an empty store. It needs `contract` in scope.
macro_rules! held_to_the_contract {
    ($stand:expr, $test:meta) => {
        held_to_the_contract! {
            $stand, $test;
            a_lease_is_one_owners_until_it_is_given_back
            a_lease_of_nobody_can_be_neither_extended_nor_released
            a_lease_that_is_not_extended_runs_out
            a_lease_that_is_extended_or_taken_again_lasts
            of_many_who_take_a_lease_at_once_one_gets_it
            taking_a_lease_tells_what_is_held
            a_record_comes_back_as_it_went_in
            creating_leaves_what_is_as_new
            the_newest_record_wins_in_any_order
            how_new_a_record_is_counts_by_number
            a_record_that_has_to_be_there_and_is_not_has_ended
            ending_gives_back_what_was_there
            an_ended_session_never_comes_back
            an_end_is_forgotten_after_its_life_and_not_before
            a_record_lasts_as_long_as_the_last_write_said
            sessions_are_found_under_every_handle
            what_is_filed_is_forgotten_after_its_life_and_not_before
            the_list_shows_every_session
            a_notice_reaches_all_who_listen_and_all_who_come_later
            notices_come_whole_and_in_order_in_however_many_pieces
            listening_ends_with_its_patience
            a_notice_outlasts_one_with_a_shorter_life
            who_listens_is_in_nobodys_way
            a_name_is_said_for_the_first_time_once
            a_store_answers
        }
    };
    ($stand:expr, $test:meta; $($name:ident)+) => {
        $(
            #[$test]
            async fn $name() {
                contract::$name(&$stand).await;
            }
        )+
    };
}

pub(crate) async fn a_lease_is_one_owners_until_it_is_given_back(stand: &impl Stand) {
    let (one, other) = (stand.open(), stand.open());
    let slot = slot(1);
    assert!(takes(&one, slot, ANNA, LONG).await);
    assert!(!takes(&other, slot, BERT, LONG).await);
    assert!(takes(&one, slot, ANNA, LONG).await);
    other.release(slot, BERT).await.unwrap();
    assert!(!other.extend(slot, BERT, LONG).await.unwrap());
    assert!(one.extend(slot, ANNA, LONG).await.unwrap());
    assert!(!takes(&other, slot, BERT, LONG).await);
    one.release(slot, ANNA).await.unwrap();
    assert!(takes(&other, slot, BERT, LONG).await);
    assert!(!one.extend(slot, ANNA, LONG).await.unwrap());
}

pub(crate) async fn a_lease_of_nobody_can_be_neither_extended_nor_released(stand: &impl Stand) {
    let store = stand.open();
    assert!(!store.extend(slot(1), ANNA, LONG).await.unwrap());
    store.release(slot(1), ANNA).await.unwrap();
    assert!(takes(&store, slot(1), BERT, LONG).await);
}

pub(crate) async fn a_lease_that_is_not_extended_runs_out(stand: &impl Stand) {
    let store = stand.open();
    assert!(takes(&store, slot(1), ANNA, SHORT).await);
    until(async || takes(&store, slot(1), BERT, LONG).await).await;
    assert!(!store.extend(slot(1), ANNA, LONG).await.unwrap());
    store.release(slot(1), ANNA).await.unwrap();
    assert!(!takes(&store, slot(1), ANNA, LONG).await);
}

pub(crate) async fn a_lease_that_is_extended_or_taken_again_lasts(stand: &impl Stand) {
    let store = stand.open();
    for slot in [slot(1), slot(2)] {
        assert!(takes(&store, slot, ANNA, SHORT).await);
    }
    assert!(store.extend(slot(1), ANNA, LONG).await.unwrap());
    assert!(takes(&store, slot(2), ANNA, LONG).await);
    sleep(PAST_SHORT).await;
    for slot in [slot(1), slot(2)] {
        assert!(!takes(&store, slot, BERT, LONG).await);
    }
}

pub(crate) async fn of_many_who_take_a_lease_at_once_one_gets_it(stand: &impl Stand) {
    let mut takers = JoinSet::new();
    for number in 0..20 {
        let store = stand.open();
        takers.spawn(async move { takes(&store, slot(1), Owner([number; 16]), LONG).await });
    }
    let taken = takers.join_all().await;
    assert_eq!(taken.into_iter().filter(|ours| *ours).count(), 1);
}

pub(crate) async fn taking_a_lease_tells_what_is_held(stand: &impl Stand) {
    let store = stand.open();
    let taken = |ours, held| Taken { ours, held };
    let (slot, record) = (slot(1), record(1, 1));
    assert_eq!(store.take(slot, ANNA, LONG).await.unwrap(), taken(true, Held::Nothing));
    store.keep(slot, &record, false, LONG).await.unwrap();
    let held = Held::Record(record);
    assert_eq!(store.take(slot, ANNA, LONG).await.unwrap(), taken(true, held.clone()));
    assert_eq!(store.take(slot, BERT, LONG).await.unwrap(), taken(false, held));
    store.end(slot, LONG).await.unwrap();
    for owner in [ANNA, BERT] {
        assert_eq!(store.take(slot, owner, LONG).await.unwrap(), taken(false, Held::Ended));
    }
}

pub(crate) async fn a_record_comes_back_as_it_went_in(stand: &impl Stand) {
    let store = stand.open();
    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Nothing);
    let all: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    for (number, (sealed, summary)) in
        [(all.clone(), all), (Vec::new(), Vec::new()), (b"\0\r\n".to_vec(), b"$-1\r\n".to_vec())]
            .into_iter()
            .enumerate()
    {
        let written = Written { generation: u32::MAX, at: u64::MAX };
        let record = Record { written, sealed, summary };
        let slot = slot(number as u8);
        assert_eq!(store.create(slot, &record, &[], LONG).await.unwrap(), Kept::Yes);
        assert_eq!(stand.open().read(slot).await.unwrap(), Held::Record(record));
    }
}

pub(crate) async fn creating_leaves_what_is_as_new(stand: &impl Stand) {
    let store = stand.open();
    let create = async |record: &Record| store.create(slot(1), record, &[], LONG).await.unwrap();
    assert_eq!(create(&record(1, 1)).await, Kept::Yes);
    assert_eq!(create(&record(7, 7)).await, Kept::Yes);
    for late in [record(1, 1), record(7, 6), record(7, 7)] {
        assert_eq!(create(&late).await, Kept::Newer(record(7, 7)));
        assert_eq!(store.read(slot(1)).await.unwrap(), Held::Record(record(7, 7)));
    }
}

pub(crate) async fn the_newest_record_wins_in_any_order(stand: &impl Stand) {
    let store = stand.open();
    let records = [record(1, 9), record(2, 1), record(2, 2)];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (number, order) in orders.into_iter().enumerate() {
        let slot = slot(number as u8);
        let mut newest: Option<&Record> = None;
        for record in order.map(|index: usize| &records[index]) {
            let kept = store.keep(slot, record, newest.is_some(), LONG).await.unwrap();
            match newest {
                Some(there) if there.written > record.written => {
                    assert_eq!(kept, Kept::Newer(there.clone()));
                }
                _ => {
                    assert_eq!(kept, Kept::Yes);
                    newest = Some(record);
                }
            }
        }
        assert_eq!(store.read(slot).await.unwrap(), Held::Record(records[2].clone()));
        // The same once more is as new, and is not written.
        let again = Record { sealed: b"other".to_vec(), ..records[2].clone() };
        let kept = store.keep(slot, &again, true, LONG).await.unwrap();
        assert_eq!(kept, Kept::Newer(records[2].clone()));
    }
}

pub(crate) async fn how_new_a_record_is_counts_by_number(stand: &impl Stand) {
    let store = stand.open();
    // In rising order; bytes above 0x7f, zeros and letters among them.
    let rising = [
        record(0, 0),
        record(0, 1),
        record(0, 0x61),
        record(0, 0x7f),
        record(0, 0x80),
        record(0, 0xff),
        record(0, 0x100),
        record(0, 0x4100),
        record(0, 0x6100),
        record(0, u64::MAX),
        record(1, 0),
        record(0x80, 5),
        record(0xff, u64::MAX),
        record(0x100, 0),
        record(0x8000_0000, 0),
        record(u32::MAX, u64::MAX),
    ];
    for (index, record) in rising.iter().enumerate() {
        assert_eq!(store.keep(slot(1), record, false, LONG).await.unwrap(), Kept::Yes);
        for older in &rising[..=index] {
            let kept = store.keep(slot(1), older, true, LONG).await.unwrap();
            assert_eq!(kept, Kept::Newer(record.clone()), "{older:?}");
        }
    }
}

pub(crate) async fn a_record_that_has_to_be_there_and_is_not_has_ended(stand: &impl Stand) {
    let store = stand.open();
    assert_eq!(store.keep(slot(1), &record(1, 1), true, LONG).await.unwrap(), Kept::Ended);
    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Nothing);
    assert_eq!(store.keep(slot(1), &record(1, 1), false, LONG).await.unwrap(), Kept::Yes);
    assert_eq!(store.keep(slot(1), &record(1, 2), true, LONG).await.unwrap(), Kept::Yes);
}

pub(crate) async fn ending_gives_back_what_was_there(stand: &impl Stand) {
    let store = stand.open();
    assert_eq!(store.end(slot(1), LONG).await.unwrap(), None);
    store.create(slot(2), &record(1, 1), &[], LONG).await.unwrap();
    assert_eq!(stand.open().end(slot(2), LONG).await.unwrap(), Some(record(1, 1)));
    for slot in [slot(1), slot(2)] {
        assert_eq!(store.read(slot).await.unwrap(), Held::Ended);
        assert_eq!(store.end(slot, LONG).await.unwrap(), None);
    }
}

pub(crate) async fn an_ended_session_never_comes_back(stand: &impl Stand) {
    let store = stand.open();
    let slot = slot(1);
    store.create(slot, &record(1, 1), &[], LONG).await.unwrap();
    assert!(takes(&store, slot, ANNA, LONG).await);
    store.end(slot, LONG).await.unwrap();
    for newer in [record(1, 1), record(2, 1), record(u32::MAX, u64::MAX)] {
        for found in [true, false] {
            assert_eq!(store.keep(slot, &newer, found, LONG).await.unwrap(), Kept::Ended);
        }
        assert_eq!(store.create(slot, &newer, &[], LONG).await.unwrap(), Kept::Ended);
    }
    assert_eq!(store.read(slot).await.unwrap(), Held::Ended);
    assert!(!store.extend(slot, ANNA, LONG).await.unwrap());
    assert!(!takes(&store, slot, ANNA, LONG).await);
}

pub(crate) async fn an_end_is_forgotten_after_its_life_and_not_before(stand: &impl Stand) {
    let store = stand.open();
    store.end(slot(1), LONG).await.unwrap();
    store.end(slot(1), SHORT).await.unwrap();
    store.end(slot(2), SHORT).await.unwrap();
    until(async || store.read(slot(2)).await.unwrap() == Held::Nothing).await;
    assert_eq!(store.create(slot(2), &record(1, 1), &[], LONG).await.unwrap(), Kept::Yes);
    sleep(PAST_SHORT).await;
    assert_eq!(store.read(slot(1)).await.unwrap(), Held::Ended);
}

pub(crate) async fn a_record_lasts_as_long_as_the_last_write_said(stand: &impl Stand) {
    let store = stand.open();
    for number in [1, 2, 3] {
        store.create(slot(number), &record(1, 1), &[], SHORT).await.unwrap();
    }
    store.keep(slot(2), &record(2, 2), false, LONG).await.unwrap();
    // What is refused moves nothing.
    store.keep(slot(3), &record(0, 0), true, LONG).await.unwrap();
    for number in [1, 3] {
        until(async || store.read(slot(number)).await.unwrap() == Held::Nothing).await;
    }
    sleep(PAST_SHORT).await;
    assert_eq!(store.read(slot(2)).await.unwrap(), Held::Record(record(2, 2)));
}

pub(crate) async fn sessions_are_found_under_every_handle(stand: &impl Stand) {
    let store = stand.open();
    let [person, organization, nobody] = [[1; 32], [2; 32], [3; 32]].map(Handle);
    let create = async |number, handles: &[Handle]| {
        store.create(slot(number), &record(1, 1), handles, LONG).await.unwrap();
    };
    create(1, &[person, organization]).await;
    create(2, &[organization]).await;
    create(3, &[]).await;
    create(1, &[person, organization]).await;
    assert_eq!(filed(&stand.open(), person).await, [slot(1)]);
    assert_eq!(filed(&stand.open(), organization).await, [slot(1), slot(2)]);
    assert_eq!(filed(&stand.open(), nobody).await, []);
}

pub(crate) async fn what_is_filed_is_forgotten_after_its_life_and_not_before(stand: &impl Stand) {
    let store = stand.open();
    let (person, other) = (Handle([1; 32]), Handle([2; 32]));
    store.create(slot(1), &record(1, 1), &[person], LONG).await.unwrap();
    store.create(slot(2), &record(1, 1), &[person, other], SHORT).await.unwrap();
    until(async || filed(&store, other).await.is_empty()).await;
    until(async || filed(&store, person).await == [slot(1)]).await;
    // Neither a session that lives for a shorter time nor the same once more shortens it.
    store.create(slot(1), &record(1, 1), &[person], SHORT).await.unwrap();
    sleep(PAST_SHORT).await;
    assert_eq!(filed(&store, person).await, [slot(1)]);
}

pub(crate) async fn the_list_shows_every_session(stand: &impl Stand) {
    let store = stand.open();
    assert_eq!(listed(&store).await, []);
    let mut all = Vec::new();
    // More than come in one piece.
    for number in 0..1200_u32 {
        let mut slot = Slot([7; 32]);
        slot.0[..4].copy_from_slice(&number.to_be_bytes());
        let record = Record { summary: number.to_le_bytes().to_vec(), ..record(1, 1) };
        store.create(slot, &record, &[Handle([1; 32])], LONG).await.unwrap();
        all.push((slot, record.summary));
    }
    let (gone, _) = all.remove(3);
    store.end(gone, LONG).await.unwrap();
    takes(&store, gone, ANNA, LONG).await;
    store.first_time([9; 32], LONG).await.unwrap();
    store.announce(b"notice", LONG).await.unwrap();
    assert_eq!(listed(&store).await, all);
}

pub(crate) async fn a_notice_reaches_all_who_listen_and_all_who_come_later(stand: &impl Stand) {
    let both = [b"one".to_vec(), b"two\0".to_vec()];
    let mut listeners = JoinSet::new();
    for _ in 0..2 {
        let store = stand.open();
        listeners.spawn(async move { hear_all(&store, 2).await });
    }
    let store = stand.open();
    for notice in &both {
        store.announce(notice, LONG).await.unwrap();
    }
    for heard in listeners.join_all().await {
        assert_eq!(heard, both);
    }
    assert_eq!(hear_all(&stand.open(), 2).await, both);
}

pub(crate) async fn notices_come_whole_and_in_order_in_however_many_pieces(stand: &impl Stand) {
    let store = stand.open();
    let mut all: Vec<Vec<u8>> = (0..300_u32).map(|number| number.to_be_bytes().to_vec()).collect();
    for notice in &all {
        store.announce(notice, LONG).await.unwrap();
    }
    let listener = stand.open();
    assert_eq!(hear_all(&listener, all.len()).await, all);
    store.announce(b"last", LONG).await.unwrap();
    all.push(b"last".to_vec());
    assert_eq!(hear_all(&listener, all.len()).await, all);
}

pub(crate) async fn listening_ends_with_its_patience(stand: &impl Stand) {
    let store = stand.open();
    for patience in [Duration::ZERO, Duration::from_millis(50)] {
        let heard = store.listen(&Cursor::default(), patience).await.unwrap();
        assert_eq!((heard.cursor, heard.notices), (Cursor::default(), Vec::new()));
    }
    store.announce(b"one", LONG).await.unwrap();
    let (cursor, _) = hear(&store, Cursor::default()).await;
    let heard = store.listen(&cursor, Duration::from_millis(50)).await.unwrap();
    assert_eq!((heard.cursor, heard.notices), (cursor, Vec::new()));
}

pub(crate) async fn a_notice_outlasts_one_with_a_shorter_life(stand: &impl Stand) {
    let store = stand.open();
    store.announce(b"long", LONG).await.unwrap();
    store.announce(b"short", SHORT).await.unwrap();
    sleep(PAST_SHORT).await;
    store.announce(b"short too", SHORT).await.unwrap();
    sleep(PAST_SHORT).await;
    let heard = stand.open().listen(&Cursor::default(), Duration::ZERO).await.unwrap();
    assert_eq!(heard.notices[0], b"long");
}

pub(crate) async fn who_listens_is_in_nobodys_way(stand: &impl Stand) {
    let store = stand.open();
    let listening = [Arc::clone(&store), Arc::clone(&store)]
        .map(|store| tokio::spawn(async move { hear(&store, Cursor::default()).await }));
    for _ in 0..20 {
        store.ping().await.unwrap();
        assert_eq!(store.read(slot(1)).await.unwrap(), Held::Nothing);
        tokio::task::yield_now().await;
    }
    assert!(listening.iter().all(|task| !task.is_finished()));
    store.announce(b"done", LONG).await.unwrap();
    for task in listening {
        assert_eq!(task.await.unwrap().1, [b"done".to_vec()]);
    }
}

pub(crate) async fn a_name_is_said_for_the_first_time_once(stand: &impl Stand) {
    let (one, other) = (stand.open(), stand.open());
    assert!(one.first_time([1; 32], LONG).await.unwrap());
    assert!(!other.first_time([1; 32], LONG).await.unwrap());
    assert!(other.first_time([2; 32], SHORT).await.unwrap());
    until(async || one.first_time([2; 32], LONG).await.unwrap()).await;
    assert!(!one.first_time([1; 32], LONG).await.unwrap());
}

pub(crate) async fn a_store_answers(stand: &impl Stand) {
    stand.open().ping().await.unwrap();
}

fn slot(number: u8) -> Slot {
    Slot([number; 32])
}

fn record(generation: u32, at: u64) -> Record {
    let sealed = format!("sealed {generation} {at}").into_bytes();
    let summary = format!("summary {generation} {at}").into_bytes();
    Record { written: Written { generation, at }, sealed, summary }
}

async fn takes(store: &Arc<dyn Store>, slot: Slot, owner: Owner, life: Duration) -> bool {
    store.take(slot, owner, life).await.unwrap().ours
}

async fn filed(store: &Arc<dyn Store>, handle: Handle) -> Vec<Slot> {
    let mut slots = store.filed(handle).await.unwrap();
    slots.sort();
    slots
}

async fn listed(store: &Arc<dyn Store>) -> Vec<(Slot, Vec<u8>)> {
    let mut all = Vec::new();
    let mut from = None;
    loop {
        let page = store.list(from.as_deref()).await.unwrap();
        all.extend(page.summaries);
        from = page.next;
        if from.is_none() {
            all.sort();
            all.dedup();
            return all;
        }
    }
}

/// Listens until there is something.
async fn hear(store: &Arc<dyn Store>, cursor: Cursor) -> (Cursor, Vec<Vec<u8>>) {
    for _ in 0..20 {
        let heard = store.listen(&cursor, Duration::from_secs(1)).await.unwrap();
        if !heard.notices.is_empty() {
            return (heard.cursor, heard.notices);
        }
    }
    panic!("no notice came");
}

/// Listens from the beginning until there are so many.
async fn hear_all(store: &Arc<dyn Store>, number: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut cursor = Cursor::default();
    while all.len() < number {
        let (next, heard) = hear(store, cursor).await;
        all.extend(heard);
        cursor = next;
    }
    all
}

/// Waits for something that time brings about.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let latest = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < latest, "it never came to this");
        sleep(Duration::from_millis(20)).await;
    }
}
