//! All sessions, piece by piece: `SCAN` on one server after the other.

use redis::{FromRedisValue as _, Pipeline, Value, cmd};
use tokio::time::Instant;

use super::dial::What;
use super::nodes::Place;
use super::reading::LARGEST;
use super::{Address, Redis, fault};
use crate::store::{Fault, Page, Slot};

/// Where to go on: a cursor of `SCAN`, and in a Cluster the node that it is for, as
/// `cursor host:port`.
struct From {
    cursor: u64,
    place: Place,
}

impl Redis {
    /// A piece is what one step of `SCAN` brings, which may be nothing.
    pub(super) async fn page(&self, from: Option<&str>) -> Result<Page, Fault> {
        let deadline = self.deadline();
        let masters = self.nodes.masters(deadline).await?;
        let from = match from {
            Some(text) => From::read(text).ok_or_else(fault::strange)?,
            None => From { cursor: 0, place: masters.iter().min().cloned().unwrap_or(Place(None)) },
        };
        if !masters.contains(&from.place) {
            // It is gone; what it had is on others, and a few sessions may be shown twice.
            let next = next_place(masters, &from.place);
            return Ok(Page { summaries: Vec::new(), next });
        }
        let (cursor, keys) = self.scan(&from, deadline).await?;
        let summaries = self.summaries(&from.place, keys, deadline).await?;
        let next = match cursor {
            0 => next_place(masters, &from.place),
            cursor => Some(From { cursor, ..from }.to_text()),
        };
        Ok(Page { summaries, next })
    }

    async fn scan(&self, from: &From, deadline: Instant) -> Result<(u64, Vec<Vec<u8>>), Fault> {
        let mut scan = cmd("SCAN");
        scan.arg(from.cursor).arg("MATCH").arg(self.keys.all_records()).arg("COUNT").arg(500);
        let answer = self.nodes.ask_at(&from.place, &What::One(scan), deadline).await?;
        <(u64, Vec<Vec<u8>>)>::from_redis_value(answer).map_err(|_| fault::strange())
    }

    async fn summaries(
        &self,
        place: &Place,
        keys: Vec<Vec<u8>>,
        deadline: Instant,
    ) -> Result<Vec<(Slot, Vec<u8>)>, Fault> {
        let mut slots = Vec::new();
        let mut all = Pipeline::new();
        for key in keys {
            if let Some(slot) = self.keys.slot_of_record(&key) {
                slots.push(slot);
                all.cmd("HGET").arg(&key).arg("i");
            }
        }
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        // What one of them is worth, or whether it is there still, says nothing of the others.
        all.ignore_errors();
        let answer = self.nodes.ask_at(place, &What::Many(all), deadline).await?;
        let Value::Array(answers) = answer else {
            return Err(fault::strange());
        };
        let summary = |answer| match answer {
            Value::BulkString(summary) if summary.len() <= LARGEST => Some(summary),
            _ => None,
        };
        let both = slots.into_iter().zip(answers);
        Ok(both.filter_map(|(slot, answer)| Some((slot, summary(answer)?))).collect())
    }
}

fn next_place(masters: Vec<Place>, place: &Place) -> Option<String> {
    let next = masters.into_iter().filter(|master| master > place).min()?;
    Some(From { cursor: 0, place: next }.to_text())
}

impl From {
    fn read(text: &str) -> Option<Self> {
        let Some((cursor, place)) = text.split_once(' ') else {
            return Some(Self { cursor: text.parse().ok()?, place: Place(None) });
        };
        let (host, port) = place.rsplit_once(':')?;
        let address = Address { host: host.to_owned(), port: port.parse().ok()? };
        Some(Self { cursor: cursor.parse().ok()?, place: Place(Some(address)) })
    }

    fn to_text(&self) -> String {
        match &self.place.0 {
            Some(Address { host, port }) => format!("{} {host}:{port}", self.cursor),
            None => self.cursor.to_string(),
        }
    }
}
