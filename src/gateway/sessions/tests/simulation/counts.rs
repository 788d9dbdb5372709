//! What came of many schedules.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::schedule::{Kind, Schedule};
use crate::gateway::sessions::Place;

/// Counted by where sessions are kept, one or more replicas, and the kind of provider.
#[derive(Default)]
pub(super) struct Counts {
    rows: BTreeMap<(&'static str, &'static str, &'static str), Row>,
}

/// What came of the schedules of one configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) schedules: u64,
    pub(super) sessions: u64,
    pub(super) requests: u64,
    pub(super) served: u64,
    pub(super) unavailable: u64,
    /// Requests of nobody, because the session was over.
    pub(super) over: u64,
    pub(super) refreshed: u64,
    /// Requests of nobody whose session went on, by the reason.
    pub(super) missed: BTreeMap<&'static str, u64>,
    /// Sessions that were lost, by the reason.
    pub(super) lost: BTreeMap<&'static str, u64>,
    /// Refresh tokens that were used again, by the reason.
    pub(super) twice: BTreeMap<&'static str, u64>,
}

impl Counts {
    pub(super) fn add(&mut self, schedule: &Schedule, row: &Row) {
        let place = match schedule.place {
            Place::Cookie => "cookie",
            Place::Coordinated => "coordinated",
            Place::Stored => "stored",
        };
        let kind = match schedule.provider {
            Kind::Rotates => "rotates",
            Kind::Revokes => "revokes",
            Kind::Lenient(_) => "lenient",
            Kind::Keeps => "keeps",
        };
        let several = if schedule.replicas > 1 { "several" } else { "one" };
        self.rows.entry((place, several, kind)).or_default().merge(row);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (key, row) in &other.rows {
            self.rows.entry(*key).or_default().merge(row);
        }
    }

    pub(super) fn total(&self) -> Row {
        let mut total = Row::default();
        self.rows.values().for_each(|row| total.merge(row));
        total
    }

    /// The table, and what was counted below each of its rows.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{:<34}{:>9}{:>9}{:>10}{:>10}{:>8}{:>8}{:>8}{:>10}\n",
            "place, replicas, provider",
            "runs",
            "sessions",
            "requests",
            "served",
            "503",
            "over",
            "missed",
            "refreshed"
        );
        let total = self.total();
        let named = self
            .rows
            .iter()
            .map(|((place, several, kind), row)| (format!("{place}, {several}, {kind}"), row));
        for (name, row) in named.chain([(String::from("all"), &total)]) {
            let missed: u64 = row.missed.values().sum();
            let _ = writeln!(
                text,
                "{name:<34}{:>9}{:>9}{:>10}{:>10}{:>8}{:>8}{missed:>8}{:>10}",
                row.schedules,
                row.sessions,
                row.requests,
                row.served,
                row.unavailable,
                row.over,
                row.refreshed
            );
            for (what, of) in
                [("missed", &row.missed), ("lost", &row.lost), ("used twice", &row.twice)]
            {
                for (why, count) in of {
                    let _ = writeln!(text, "    {what}: {count} {why}");
                }
            }
        }
        text
    }
}

impl Row {
    fn merge(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.sessions += other.sessions;
        self.requests += other.requests;
        self.served += other.served;
        self.unavailable += other.unavailable;
        self.over += other.over;
        self.refreshed += other.refreshed;
        for (mine, theirs) in [
            (&mut self.missed, &other.missed),
            (&mut self.lost, &other.lost),
            (&mut self.twice, &other.twice),
        ] {
            for (why, count) in theirs {
                *mine.entry(why).or_default() += count;
            }
        }
    }
}
