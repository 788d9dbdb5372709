//! One request on its way to a server, and to another one where the first can't have done anything
//! with it.

use std::future::{Future as _, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::balance::{self, Candidate, Standing};
use super::carrier::Carrier;
use super::limit::Place;
use super::record::Record;
use super::retry::{self, Manner, Unsent};
use super::{Failure, Upstream, VisitorBody};

/// What a request takes up of a server until its answer, or its tunnel, is over.
pub(super) struct Share {
    pending: Option<Arc<AtomicU32>>,
    _place: Option<Place>,
}

/// A request's turn at a server.
struct Turn {
    number: usize,
    /// What spoke against the server when the turn began.
    seen: Record,
    /// None where nobody counts.
    share: Option<Share>,
}

/// Where a request has been.
#[derive(Default)]
struct Tried {
    numbers: Vec<usize>,
    tries: u8,
}

/// An answer, with what its body still comes on.
pub(super) type Answered = (Response<Incoming>, Carrier, Option<Share>);

impl Upstream {
    /// Sends a request to the server that has least to do, and to another one at once where no
    /// connection to the first could be had (S60): to each other server once, on a new connection,
    /// and three times at most in all.
    pub(super) async fn send(
        &self,
        mut request: Request<VisitorBody>,
        connect: Duration,
        upgrade: bool,
    ) -> Result<Answered, Failure> {
        let mut tried = Tried::default();
        loop {
            let turn = self.turn(&tried, connect).await?;
            let server = &self.app.servers[turn.number];
            let pool = &self.servers[turn.number].pool;
            let manner = Manner { connect, fresh: tried.any(), upgrade };
            let unsent = match retry::send(pool, manner, request).await {
                Ok((answer, carrier)) => {
                    server.answered(turn.seen, &self.metrics);
                    return Ok((answer, carrier, turn.share));
                }
                Err(unsent) => unsent,
            };
            let Unsent { failure, request: back, tries } = unsent;
            server.failed(&failure, self.app.millis(), &self.metrics);
            tried.numbers.push(turn.number);
            tried.tries += tries;
            match back {
                Some(back) if tried.may_go_on(self.servers.len()) => request = *back,
                _ => return Err(failure),
            }
        }
    }

    /// Waits until there is a place at a server, where their number is limited.
    async fn turn(&self, tried: &Tried, connect: Duration) -> Result<Turn, Failure> {
        let (number, seen) = self.choose(tried);
        let Some(limit) = &self.app.servers[number].limit else {
            return Ok(self.taken(number, seen, None));
        };
        if let Some(place) = limit.take() {
            return Ok(self.taken(number, seen, Some(place)));
        }
        let (number, place) = self.place(tried, connect).await?;
        Ok(self.taken(number, self.app.servers[number].record(), Some(place)))
    }

    fn choose(&self, tried: &Tried) -> (usize, Record) {
        let servers = &self.app.servers;
        if let [server] = servers.as_slice() {
            return (0, server.record());
        }
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        loop {
            let number = balance::choose(servers.len(), start, |number| {
                (!tried.numbers.contains(&number)).then(|| self.candidate(number))
            });
            // There is always one left that was not tried.
            let number = number.unwrap_or(0);
            if let Some(seen) = servers[number].begin(|| self.app.millis()) {
                return (number, seen);
            }
        }
    }

    fn candidate(&self, number: usize) -> Candidate {
        let server = &self.app.servers[number];
        Candidate {
            standing: server.standing(|| self.app.millis()),
            full: server.limit.as_ref().is_some_and(|limit| limit.is_full()),
            pending: self.servers[number].pending.load(Ordering::Relaxed),
        }
    }

    /// The first place that becomes free at any server that is up; at any at all where none is.
    async fn place(&self, tried: &Tried, connect: Duration) -> Result<(usize, Place), Failure> {
        let left = |number: &usize| !tried.numbers.contains(number);
        let is_up = |number: &usize| self.candidate(*number).standing == Standing::Up;
        let any_up = (0..self.servers.len()).filter(left).any(|number| is_up(&number));
        let mut waits: Vec<_> = (0..self.servers.len())
            .filter(|number| left(number) && (!any_up || is_up(number)))
            .filter_map(|number| {
                let limit = self.app.servers[number].limit.as_ref()?;
                Some((number, Box::pin(limit.wait())))
            })
            .collect();
        let first = poll_fn(|context| {
            for (number, wait) in &mut waits {
                if let Poll::Ready(place) = wait.as_mut().poll(context) {
                    return Poll::Ready((*number, place));
                }
            }
            Poll::Pending
        });
        timeout(connect, first).await.map_err(|_| Failure::Busy)
    }

    fn taken(&self, number: usize, seen: Record, place: Option<Place>) -> Turn {
        let counted = (!self.app.is_alone()).then(|| &self.servers[number].pending);
        let pending = counted.map(|pending| {
            pending.fetch_add(1, Ordering::Relaxed);
            Arc::clone(pending)
        });
        let share =
            (pending.is_some() || place.is_some()).then_some(Share { pending, _place: place });
        Turn { number, seen, share }
    }
}

impl Tried {
    fn any(&self) -> bool {
        !self.numbers.is_empty()
    }

    fn may_go_on(&self, servers: usize) -> bool {
        self.tries < MAX_TRIES && self.numbers.len() < servers
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(pending) = &self.pending {
            pending.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

const MAX_TRIES: u8 = 3;
