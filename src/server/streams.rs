//! Answers on their way to visitors, and HTTP/2 streams that nobody takes anything from (C-73).
//!
//! A visitor may close the window of a stream and keep its connection in good order: then nothing
//! is written that could time out, and the app's connection would be held for ever. So every
//! stream knows whether its answer waits for the visitor. An answer that waits for the app, like
//! a quiet stream of events, may do so.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::timed_io::Active;
use crate::gateway::Body;

/// Runs the streams of HTTP/2 connections; one that waits for its visitor too long is reset.
#[derive(Clone)]
pub(super) struct Streams {
    pub(super) patience: Duration,
}

/// An answer's body; as long as it is there, its connection is busy.
pub(super) struct Answering {
    body: Body,
    /// What is left of the app's last piece: over HTTP/2 it is handed out in frames of the usual
    /// size, so that whoever takes it slowly is seen to take it.
    rest: Option<Bytes>,
    http2: bool,
    _active: Active,
}

pin_project! {
    /// A stream under a time limit.
    struct Stream<F> {
        #[pin]
        future: F,
        limit: Limit,
    }
}

/// The timer is only there once a visitor was waited for.
struct Limit {
    patience: Duration,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What a stream's answer does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It waits for the app, or there is none yet.
    Nothing,
    /// It has just handed out a piece.
    HandedOut,
    /// Nobody has asked for more since.
    Untaken,
}

tokio::task_local! {
    static DOING: Cell<Doing>;
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let limit = Limit { patience: self.patience, waiting_since: None, timer: None };
        let stream = Stream { future, limit };
        tokio::spawn(DOING.scope(Cell::new(Doing::Nothing), stream));
    }
}

impl<F: Future<Output = ()>> Future for Stream<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.future.poll(context).is_ready() {
            return Poll::Ready(());
        }
        // Whoever could send what was handed out would have asked for more.
        match DOING.with(Cell::get) {
            Doing::Nothing => this.limit.waiting_since = None,
            Doing::HandedOut => {
                this.limit.waiting_since = Some(Instant::now());
                DOING.with(|doing| doing.set(Doing::Untaken));
            }
            Doing::Untaken => {}
        }
        // Dropped with its future, the stream is reset and the app's connection closed.
        this.limit.poll_over(context)
    }
}

impl Limit {
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(since) = self.waiting_since else {
            return Poll::Pending;
        };
        let deadline = since + self.patience;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // It is only moved forward when it fires.
        loop {
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

impl Answering {
    pub(super) fn new(body: Body, http2: bool, active: Active) -> Self {
        Self { body, rest: None, http2, _active: active }
    }

    fn next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, <Body as http_body::Body>::Error>>> {
        let mut piece = match self.rest.take() {
            Some(rest) => rest,
            None => {
                let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                    Some(Ok(frame)) => frame,
                    end => return Poll::Ready(end),
                };
                match frame.into_data() {
                    Ok(data) => data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                }
            }
        };
        if piece.len() > FRAME {
            self.rest = Some(piece.split_off(FRAME));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if !this.http2 {
            return Pin::new(&mut this.body).poll_frame(context);
        }
        let polled = this.next(context);
        let doing = if polled.is_ready() { Doing::HandedOut } else { Doing::Nothing };
        // There is no stream around it where nobody watches one.
        let _ = DOING.try_with(|cell| cell.set(doing));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.rest {
            None => self.body.size_hint(),
            Some(_) => SizeHint::default(),
        }
    }
}

/// The largest HTTP/2 frame that every peer takes.
const FRAME: usize = 16 * 1024;
