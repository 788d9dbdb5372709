//! The streams of sessions: WebSockets and event streams that end when their session does (C-80).
//!
//! Shared by all workers. Only a request that opens a stream comes here.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

use super::OpenSession;
use crate::auth::Timestamp;
use crate::auth::ending::{Ending, Whom};
use crate::auth::session::{Session, SessionId};

/// All streams that are open, by session.
pub(in crate::gateway) struct Streams {
    /// The longest that a session may last.
    absolute: Duration,
    /// How long streams go on after their session.
    grace: Duration,
    numbers: AtomicU64,
    shards: [Mutex<Shard>; SHARDS],
}

/// What a stream is held by: it resolves when its session is over. Dropped, the stream is gone.
pub(in crate::gateway) struct Leash {
    streams: Arc<Streams>,
    id: SessionId,
    number: u64,
    told: oneshot::Receiver<()>,
    absolute_end: Pin<Box<Sleep>>,
    /// There once the session is over.
    grace: Option<Pin<Box<Sleep>>>,
    over: bool,
}

type Shard = HashMap<SessionId, Vec<Held>>;

struct Held {
    number: u64,
    open: Arc<OpenSession>,
    /// Dropped, it tells.
    _told: oneshot::Sender<()>,
}

impl Streams {
    /// None yet.
    pub(in crate::gateway) fn new(absolute: Duration, grace: Duration) -> Arc<Self> {
        let shards = std::array::from_fn(|_| Mutex::new(Shard::default()));
        Arc::new(Self { absolute, grace, numbers: AtomicU64::new(0), shards })
    }

    /// Registers a stream that is served with this session. Whoever does so has to ask afterwards
    /// whether the session has ended meanwhile. Needs a runtime with timers.
    pub(in crate::gateway) fn attach(
        self: &Arc<Self>,
        open: &Arc<OpenSession>,
        now: Timestamp,
    ) -> Leash {
        let id = open.session.id;
        let ends = open.session.absolute_end(self.absolute);
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        let held = Held { number, open: Arc::clone(open), _told: tell };
        self.shard(id).entry(id).or_default().push(held);
        let absolute_end = Box::pin(sleep(ends.since(now)));
        Leash {
            streams: Arc::clone(self),
            id,
            number,
            told,
            absolute_end,
            grace: None,
            over: false,
        }
    }

    /// Ends every stream whose session `ending` covers.
    pub(in crate::gateway) fn end(&self, ending: &Ending) {
        let mut ended = Vec::new();
        let mut take = |held: &mut Vec<Held>| {
            ended.extend(held.extract_if(.., |held| ending.covers(&held.open.session)));
        };
        match ending.whom {
            Whom::Session(id) => {
                self.shard(id).get_mut(&id).map(take);
            }
            _ => {
                for shard in &self.shards {
                    lock(shard).values_mut().for_each(&mut take);
                }
            }
        }
        if !ended.is_empty() {
            tracing::debug!(streams = ended.len(), "streams end with their sessions");
        }
    }

    /// Ends every stream of this one session.
    pub(in crate::gateway) fn end_session(&self, session: &Session) {
        let Session { id, created, ends, .. } = *session;
        self.end(&Ending { whom: Whom::Session(id), before: created, until: ends });
    }

    /// How many are open, without those that were told to end.
    pub(in crate::gateway) fn count(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).values().map(Vec::len).sum::<usize>()).sum()
    }

    fn shard(&self, id: SessionId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[id.shard(SHARDS)])
    }
}

impl Leash {
    /// It is over already.
    pub(super) fn end(&mut self) {
        self.over = true;
    }

    /// Waits until the session is over; given up before, nothing is lost.
    pub(in crate::gateway) async fn ended(&mut self) {
        poll_fn(|context| self.poll_ended(context)).await;
    }

    /// The same for whoever keeps nothing but the future.
    pub(in crate::gateway) async fn over(mut self) {
        self.ended().await;
    }

    /// Ready when the session is over, now and ever after.
    pub(in crate::gateway) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.over {
            ready!(self.poll_session(context));
            self.over = true;
        }
        Poll::Ready(())
    }

    /// Ready when the session is over, and the grace behind it.
    fn poll_session(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(grace) = &mut self.grace {
            return grace.as_mut().poll(context);
        }
        let ended = Pin::new(&mut self.told).poll(context).is_ready()
            || self.absolute_end.as_mut().poll(context).is_ready();
        match ended {
            false => Poll::Pending,
            true if self.streams.grace.is_zero() => Poll::Ready(()),
            true => {
                let grace = self.grace.insert(Box::pin(sleep(self.streams.grace)));
                grace.as_mut().poll(context)
            }
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let mut shard = self.streams.shard(self.id);
        if let Some(held) = shard.get_mut(&self.id) {
            held.retain(|held| held.number != self.number);
            if held.is_empty() {
                shard.remove(&self.id);
            }
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHARDS: usize = 16;

#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
