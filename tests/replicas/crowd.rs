//! Many requests, and what was answered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::harness::{Answer, Visitor, wait};

/// Sends so many requests of one browser at once, all with the cookie that it has now.
pub(crate) async fn crowd(visitor: &Visitor, target: &str, size: usize) -> Vec<Answer> {
    join_all((0..size).map(|_| visitor.fetch(target))).await
}

/// People who go on fetching, one thing after another, until it is ended.
pub(crate) struct Browsing {
    over: Arc<AtomicBool>,
    people: Vec<JoinHandle<Tally>>,
}

impl Browsing {
    pub(crate) fn begin(people: &[Visitor], pause: u64) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let browse = |(number, visitor): (usize, &Visitor)| {
            let (visitor, over) = (visitor.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut tally = Tally::default();
                while !over.load(Ordering::Relaxed) {
                    tally.count(&visitor.fetch(&format!("/{number}")).await);
                    wait(pause).await;
                }
                tally
            })
        };
        let people = people.iter().enumerate().map(browse).collect();
        Self { over, people }
    }

    pub(crate) async fn end(self) -> Tally {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Tally::default();
        for person in self.people {
            all.add(&person.await.unwrap());
        }
        all
    }
}

/// Answers by status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    by_status: BTreeMap<u16, usize>,
    /// Answers that clear a session cookie.
    pub(crate) clearing: usize,
}

impl Tally {
    pub(crate) fn of<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Self {
        let mut tally = Self::default();
        answers.into_iter().for_each(|answer| tally.count(answer));
        tally
    }

    pub(crate) fn count(&mut self, answer: &Answer) {
        *self.by_status.entry(answer.status).or_default() += 1;
        self.clearing += usize::from(answer.clears("askara"));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (status, count) in &other.by_status {
            *self.by_status.entry(*status).or_default() += count;
        }
        self.clearing += other.clearing;
    }

    pub(crate) fn all(&self) -> usize {
        self.by_status.values().sum()
    }

    pub(crate) fn with(&self, status: u16) -> usize {
        self.by_status.get(&status).copied().unwrap_or_default()
    }

    pub(crate) fn other_than_200(&self) -> usize {
        self.all() - self.with(200)
    }
}

/// What was not 200, such as "3 × 401, 1 × 503".
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = self.by_status.iter().filter(|(status, _)| **status != 200);
        let others: Vec<_> = others.map(|(status, count)| format!("{count} × {status}")).collect();
        f.write_str(if others.is_empty() { "0" } else { "" })?;
        f.write_str(&others.join(", "))
    }
}
