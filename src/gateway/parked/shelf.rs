//! Room for forms that wait: bounded in bytes, and shared fairly.
//!
//! Strangers fill this. So each address has a share, its own oldest form gives way first, and where
//! there is no room at all, the one who has most gives way. Room is taken before a body is read, so
//! that bodies on their way count as well.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use bytes::Bytes;

use crate::auth::Timestamp;
use crate::auth::parked::ParkedId;
use crate::gateway::limits::block;

/// What waits, and who has how much of the room.
#[derive(Default)]
pub(super) struct Shelf {
    kept: HashMap<ParkedId, Kept>,
    /// By number: the oldest first.
    order: BTreeMap<u64, ParkedId>,
    holders: HashMap<Holder, Held>,
    bytes: usize,
    count: u64,
}

/// One form.
struct Kept {
    holder: Holder,
    number: u64,
    room: usize,
    ends: Timestamp,
    place: Place,
}

/// Where the form itself is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Here, sealed.
    Here(Bytes),
    /// In the store, in so many pieces.
    Store(u8),
}

/// Who is given a share: an address, or the network that a home has of version 6. What comes
/// without an address is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Holder(Option<u128>);

#[derive(Default)]
struct Held {
    bytes: usize,
    /// By number: the oldest first.
    forms: BTreeMap<u64, ParkedId>,
}

/// A form that gave way, or was over.
pub(super) type Gone = (ParkedId, Place);

impl Holder {
    pub(super) fn of(client: Option<IpAddr>) -> Self {
        Self(client.map(block))
    }
}

impl Shelf {
    /// Takes room for a form of up to `bytes` that is about to be read; whether there was any, and
    /// what had to go. The room counts until [`Self::give_back`] or until the form is gone.
    pub(super) fn take_room(
        &mut self,
        holder: Holder,
        bytes: usize,
        now: Timestamp,
    ) -> (bool, Vec<Gone>) {
        let mut gone = Vec::new();
        let taken = self.make_room(holder, bytes + EACH, now, &mut gone).is_some();
        (taken, gone)
    }

    fn make_room(
        &mut self,
        holder: Holder,
        room: usize,
        now: Timestamp,
        gone: &mut Vec<Gone>,
    ) -> Option<()> {
        if room > SHARE {
            return None;
        }
        self.sweep(now);
        while self.holders.get(&holder).is_some_and(|held| held.bytes + room > SHARE) {
            gone.push(self.oldest_of(holder)?);
        }
        while self.bytes + room > ROOM {
            // Of those who have the same, the one whose oldest form is older.
            let oldest = |held: &Held| held.forms.first_key_value().map(|(number, _)| *number);
            let all = self.holders.iter();
            let all = all.filter_map(|(holder, held)| Some((*holder, held.bytes, oldest(held)?)));
            let (most, ..) = all.max_by_key(|(_, bytes, oldest)| (*bytes, Reverse(*oldest)))?;
            gone.push(self.oldest_of(most)?);
        }
        self.bytes += room;
        self.holders.entry(holder).or_default().bytes += room;
        Some(())
    }

    /// Gives room back that was taken for `bytes`.
    pub(super) fn give_back(&mut self, holder: Holder, bytes: usize) {
        self.free(holder, bytes + EACH);
    }

    /// Keeps a form in the room that was taken for `taken` bytes.
    pub(super) fn keep(
        &mut self,
        id: ParkedId,
        holder: Holder,
        taken: usize,
        place: Place,
        ends: Timestamp,
    ) {
        self.count += 1;
        let number = self.count;
        self.holders.entry(holder).or_default().forms.insert(number, id);
        self.order.insert(number, id);
        self.kept.insert(id, Kept { holder, number, room: taken + EACH, ends, place });
    }

    /// Looks where a form is.
    pub(super) fn find(&self, id: ParkedId, now: Timestamp) -> Option<Place> {
        self.kept.get(&id).filter(|kept| kept.ends > now).map(|kept| kept.place.clone())
    }

    /// Takes a form away: whoever asks next finds nothing.
    pub(super) fn take(&mut self, id: ParkedId, now: Timestamp) -> Option<Place> {
        self.remove(id).filter(|kept| kept.ends > now).map(|kept| kept.place)
    }

    /// Lets go of what is over. What is in a store goes there by itself.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        while let Some((_, &id)) = self.order.first_key_value()
            && self.kept.get(&id).is_none_or(|kept| kept.ends <= now)
        {
            self.remove(id);
        }
    }

    fn oldest_of(&mut self, holder: Holder) -> Option<Gone> {
        let id = *self.holders.get(&holder)?.forms.first_key_value()?.1;
        Some((id, self.remove(id)?.place))
    }

    fn remove(&mut self, id: ParkedId) -> Option<Kept> {
        let kept = self.kept.remove(&id)?;
        self.order.remove(&kept.number);
        if let Some(held) = self.holders.get_mut(&kept.holder) {
            held.forms.remove(&kept.number);
        }
        self.free(kept.holder, kept.room);
        Some(kept)
    }

    fn free(&mut self, holder: Holder, room: usize) {
        self.bytes = self.bytes.saturating_sub(room);
        if let Some(held) = self.holders.get_mut(&holder) {
            held.bytes = held.bytes.saturating_sub(room);
            if held.bytes == 0 && held.forms.is_empty() {
                self.holders.remove(&holder);
            }
        }
    }
}

/// What all forms take together, in this process.
const ROOM: usize = 16 << 20;
/// What the forms of one address take.
const SHARE: usize = ROOM / 8;
/// What a form takes beside its bytes; it bounds how many there are.
const EACH: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::host::Host;
    use crate::auth::parked::Claim;
    use crate::auth::testing::Counting;
    use std::net::Ipv4Addr;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const LATER: Timestamp = Timestamp::from_unix(1_800_000_600);
    const LARGE: usize = 64 * 1024;

    fn id(number: u64) -> ParkedId {
        let host = Host::parse("app.example.com").unwrap();
        Claim::draw(&host, NOW, &mut Counting(number)).id
    }

    fn holder(number: u32) -> Holder {
        Holder::of(Some(Ipv4Addr::from(number).into()))
    }

    fn park(shelf: &mut Shelf, number: u64, by: Holder) -> Option<usize> {
        let (taken, gone) = shelf.take_room(by, LARGE, NOW);
        let gone = taken.then_some(gone.len())?;
        let place = Place::Here(Bytes::from_static(b"sealed"));
        shelf.keep(id(number), by, LARGE, place, LATER);
        Some(gone)
    }

    #[test]
    fn a_form_is_taken_once_and_not_after_its_end() {
        let mut shelf = Shelf::default();
        park(&mut shelf, 1, holder(1)).unwrap();
        park(&mut shelf, 2, holder(1)).unwrap();
        assert!(shelf.find(id(1), NOW).is_some());
        assert!(shelf.take(id(1), NOW).is_some());
        assert_eq!(shelf.take(id(1), NOW), None);
        assert_eq!(shelf.find(id(2), LATER), None);
        assert_eq!(shelf.take(id(2), LATER), None);
        assert_eq!((shelf.bytes, shelf.holders.len(), shelf.order.len()), (0, 0, 0));
    }

    #[test]
    fn one_visitor_flushes_nobody_else() {
        let mut shelf = Shelf::default();
        park(&mut shelf, 0, holder(1)).unwrap();
        let mut gone = 0;
        for number in 1..1000 {
            gone += park(&mut shelf, number, holder(2)).unwrap();
        }
        assert!(shelf.find(id(0), NOW).is_some());
        assert!(shelf.find(id(1), NOW).is_none(), "its own oldest went");
        assert!(shelf.find(id(999), NOW).is_some());
        assert_eq!(gone + shelf.kept.len(), 1000);
        assert!(shelf.bytes <= SHARE + LARGE + EACH);
    }

    #[test]
    fn a_crowd_of_strangers_never_takes_more_than_the_room() {
        let mut shelf = Shelf::default();
        for number in 0..2000 {
            park(&mut shelf, number, holder(number as u32)).unwrap();
            assert!(shelf.bytes <= ROOM);
        }
        assert!(shelf.find(id(1999), NOW).is_some());
        assert!(shelf.find(id(0), NOW).is_none());
        // Whoever has most gives way: not those who have one.
        let mut shelf = Shelf::default();
        for number in 0..250 {
            park(&mut shelf, number, holder((number / 25) as u32)).unwrap();
        }
        for number in 1000..1050 {
            park(&mut shelf, number, holder(number as u32)).unwrap();
        }
        assert!((1000..1050).all(|number| shelf.find(id(number), NOW).is_some()));
    }

    #[test]
    fn bodies_on_their_way_count_and_give_their_room_back() {
        let mut shelf = Shelf::default();
        let mut taken = 0;
        while shelf.take_room(holder(1), LARGE, NOW).0 {
            taken += 1;
        }
        assert_eq!(taken, SHARE / (LARGE + EACH));
        assert!(shelf.take_room(holder(2), LARGE, NOW).0, "another has a share of its own");
        shelf.give_back(holder(1), LARGE);
        assert!(shelf.take_room(holder(1), LARGE, NOW).0);
        assert!(!shelf.take_room(holder(3), SHARE, NOW).0, "larger than a share");
    }

    #[test]
    fn a_home_of_version_6_is_one_holder() {
        let of = |text: &str| Holder::of(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::2"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn what_is_over_is_swept() {
        let mut shelf = Shelf::default();
        for number in 0..10 {
            park(&mut shelf, number, holder(1)).unwrap();
        }
        shelf.sweep(NOW);
        assert_eq!(shelf.kept.len(), 10);
        shelf.sweep(LATER);
        assert_eq!((shelf.kept.len(), shelf.bytes), (0, 0));
    }
}
