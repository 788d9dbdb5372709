//! A connection that does not wait for ever: for the head of a request, between requests, and for
//! a peer that takes nothing (C-73).
//!
//! One timer, which is only moved forward when it fires: a request costs no timer operation.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use super::door::Place;

/// What the requests of a connection tell its transport.
#[derive(Default)]
pub(super) struct Activity {
    /// Requests that are being answered.
    active: AtomicU32,
    /// Requests so far.
    begun: AtomicU32,
    pub(super) is_http2: AtomicBool,
    /// The connection is a tunnel now: it has its own life.
    pub(super) tunnel: AtomicBool,
    /// Told when nothing was asked for too long.
    pub(super) idle: Notify,
}

/// A request that is being answered; dropped at the end of its answer.
pub(super) struct Active(Arc<Activity>);

/// The times of a connection.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) head: Duration,
    pub(super) keep_alive: Duration,
    pub(super) write: Duration,
}

/// A transport under these times.
pub(super) struct TimedIo<I> {
    io: I,
    _place: Place,
    activity: Arc<Activity>,
    times: Times,
    reading: Option<Pin<Box<Sleep>>>,
    writing: Option<Pin<Box<Sleep>>>,
    idle_since: Instant,
    head_since: Option<Instant>,
    seen: u32,
}

impl Activity {
    pub(super) fn begin(self: &Arc<Self>) -> Active {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Active(Arc::clone(self))
    }

    pub(super) fn is_busy(&self) -> bool {
        self.active.load(Ordering::Relaxed) > 0 || self.tunnel.load(Ordering::Relaxed)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<I> TimedIo<I> {
    pub(super) fn new(io: I, place: Place, activity: Arc<Activity>, times: Times) -> Self {
        Self {
            io,
            _place: place,
            activity,
            times,
            reading: None,
            writing: None,
            idle_since: Instant::now(),
            head_since: None,
            seen: 0,
        }
    }

    /// Something came while no request is being answered: the head of the next one, or what an
    /// HTTP/2 connection begins with. That is one long before its first request.
    fn note_read(&mut self, read: &[u8]) {
        if read.starts_with(PREFACE) && self.is_fresh() {
            self.activity.is_http2.store(true, Ordering::Relaxed);
        }
        if !self.activity.is_busy() && !self.activity.is_http2.load(Ordering::Relaxed) {
            self.head_since.get_or_insert_with(Instant::now);
        }
    }

    fn is_fresh(&self) -> bool {
        self.head_since.is_none() && self.activity.begun.load(Ordering::Relaxed) == 0
    }

    /// Whether the peer has kept us waiting for too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if self.activity.is_busy() {
            return Poll::Pending;
        }
        let begun = self.activity.begun.load(Ordering::Relaxed);
        if begun != self.seen {
            self.seen = begun;
            self.idle_since = Instant::now();
            self.head_since = None;
        }
        let deadline = match self.head_since {
            Some(since) => since + self.times.head,
            None => self.idle_since + self.times.keep_alive,
        };
        let timer = self.reading.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(context).is_ready() {
            if Instant::now() < deadline {
                timer.as_mut().reset(deadline);
                continue;
            }
            if self.head_since.is_some() {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            // An idle connection is closed in the protocol's own way.
            self.activity.idle.notify_one();
            self.idle_since = Instant::now();
            timer.as_mut().reset(self.idle_since + self.times.keep_alive);
        }
        Poll::Pending
    }

    fn bound_write<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.writing = None;
            return polled;
        }
        let deadline = || Box::pin(sleep_until(Instant::now() + self.times.write));
        let timer = self.writing.get_or_insert_with(deadline);
        timer.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for TimedIo<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.io).poll_read(context, buffer) {
            Poll::Ready(read) => {
                this.note_read(&buffer.filled()[before..]);
                Poll::Ready(read)
            }
            Poll::Pending => this.poll_patience(context).map(Err),
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for TimedIo<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(context, bytes);
        this.bound_write(context, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write_vectored(context, slices);
        this.bound_write(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_flush(context);
        this.bound_write(context, polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_shutdown(context);
        this.bound_write(context, polled)
    }
}

/// No HTTP/1 connection begins with it.
const PREFACE: &[u8] = b"PRI * HTTP/2";
