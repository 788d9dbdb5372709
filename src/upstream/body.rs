//! Bodies on their way: streamed frame by frame, never gathered, with a limit on silence.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::carrier::Carrier;
use super::turn::Share;
use super::{Bounds, Failure};
use crate::auth::fields::Managed;
use crate::auth::headers;

/// Where the body of a request comes from.
pub enum Source {
    /// What was kept of an earlier request.
    Kept(Full<Bytes>),
    Visitor(Incoming),
}

/// What a visitor sends to the app.
pub struct VisitorBody {
    body: Option<Source>,
    silence: Silence,
    progress: Progress,
    /// How many bytes may still come.
    left: Option<u64>,
    managed: Option<Arc<Managed>>,
}

/// What an app sends to the visitor. Its connection goes back to the pool at the end.
pub struct AnswerBody {
    body: Incoming,
    carrier: Option<Carrier>,
    // Behind the connection: its place is free when it is.
    share: Option<Share>,
    silence: Silence,
}

/// How far a visitor's body has come: an app may take its time while it is still being sent to,
/// and its connection carries nothing else until all of it is there.
#[derive(Clone, Default)]
pub(super) struct Progress(Option<Arc<Sent>>);

#[derive(Default)]
struct Sent {
    frames: AtomicU64,
    over: AtomicBool,
}

/// Nobody sent anything for too long.
#[derive(Debug)]
pub(super) struct Stalled;

/// More came than may.
#[derive(Debug)]
pub(super) struct TooLarge;

/// A time limit between two frames; the timer is only there while one is waited for.
struct Silence {
    limit: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether somebody waits now: time in which nobody asks does not count.
    waiting: bool,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl VisitorBody {
    /// A body that may be silent for `idle`.
    pub(super) fn new(body: Source, idle: Option<Duration>, bounds: Bounds) -> Self {
        if body.is_end_stream() {
            return Self::absent();
        }
        let silence = Silence { limit: idle, timer: None, waiting: false };
        let progress = Progress(Some(Arc::default()));
        let Bounds { body_bytes: left, managed, .. } = bounds;
        Self { body: Some(body), silence, progress, left, managed }
    }

    pub(super) fn absent() -> Self {
        let silence = Silence { limit: None, timer: None, waiting: false };
        let progress = Progress::default();
        Self { body: None, silence, progress, left: None, managed: None }
    }

    pub(super) fn is_absent(&self) -> bool {
        self.body.is_none()
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl From<Incoming> for Source {
    fn from(body: Incoming) -> Self {
        Self::Visitor(body)
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Self::Kept(Full::new(bytes))
    }
}

impl Body for Source {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Kept(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Visitor(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Kept(body) => body.is_end_stream(),
            Self::Visitor(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Kept(body) => body.size_hint(),
            Self::Visitor(body) => body.size_hint(),
        }
    }
}

impl Body for VisitorBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(&mut *body).poll_frame(context);
        let frame = ready!(this.silence.bound(polled, context))?;
        if let (Some(left), Some(Ok(frame))) = (&mut this.left, &frame) {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            // The app gets an error in the place of the end, and never takes it for the whole.
            *left = left.checked_sub(length).ok_or(TooLarge)?;
        }
        let over = match &frame {
            None => true,
            // Whoever sends it by its length asks no more once that is reached.
            Some(Ok(frame)) => {
                let left = body.size_hint().exact();
                frame.is_trailers() || body.is_end_stream() || left == Some(0)
            }
            Some(Err(_)) => false,
        };
        this.progress.moved(over);
        let managed = this.managed.as_deref();
        let cleaned = |mut frame: Frame<Bytes>| {
            if let (Some(managed), Some(trailers)) = (managed, frame.trailers_mut()) {
                managed.strip(trailers);
            }
            without_claims(frame)
        };
        Poll::Ready(frame.map(|frame| frame.map(cleaned).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Source::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Source::size_hint)
    }
}

impl AnswerBody {
    pub(super) fn new(
        body: Incoming,
        carrier: Carrier,
        share: Option<Share>,
        idle: Option<Duration>,
    ) -> Self {
        // An answer without a body is over before anyone asks for its frames.
        let (carrier, share) = if body.is_end_stream() {
            carrier.give_back();
            (None, None)
        } else {
            (Some(carrier), share)
        };
        Self { body, carrier, share, silence: Silence { limit: idle, timer: None, waiting: false } }
    }

    /// The empty body of an answer that turns into a tunnel.
    pub(super) fn tunnel(body: Incoming) -> Self {
        Self {
            body,
            carrier: None,
            share: None,
            silence: Silence { limit: None, timer: None, waiting: false },
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame =
            ready!(this.silence.bound(Pin::new(&mut this.body).poll_frame(context), context))?;
        let over = match &frame {
            None => true,
            Some(Ok(_)) => this.body.is_end_stream(),
            Some(Err(_)) => {
                // Passed on as it is: a broken answer must not look like a whole one (S59).
                this.carrier = None;
                this.share = None;
                false
            }
        };
        if over && let Some(carrier) = this.carrier.take() {
            carrier.give_back();
            this.share = None;
        }
        Poll::Ready(frame.map(|frame| frame.map(without_claims).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Progress {
    /// Whether nothing of the body is still to come; true of one that is absent.
    pub(super) fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|sent| sent.over.load(Ordering::Relaxed))
    }

    fn moved(&self, over: bool) {
        if let Some(sent) = &self.0 {
            sent.frames.fetch_add(1, Ordering::Relaxed);
            sent.over.fetch_or(over, Ordering::Relaxed);
        }
    }

    /// Waits for the head of an answer; the limit starts anew as long as the body moves.
    pub(super) async fn bound<T>(
        &self,
        mut head: Pin<&mut impl Future<Output = Result<T, Failure>>>,
        limit: Option<Duration>,
    ) -> Result<T, Failure> {
        let Some(limit) = limit else { return head.await };
        let mut seen = 0;
        loop {
            if let Ok(answered) = tokio::time::timeout(limit, head.as_mut()).await {
                return answered;
            }
            let frames = self.0.as_ref().map_or(0, |sent| sent.frames.load(Ordering::Relaxed));
            if frames == seen {
                return Err(Failure::Slow);
            }
            seen = frames;
        }
    }
}

impl Silence {
    fn bound<T>(&mut self, polled: Poll<T>, context: &mut Context<'_>) -> Poll<Result<T, Stalled>> {
        let Some(limit) = self.limit else {
            return polled.map(Ok);
        };
        match polled {
            Poll::Ready(value) => {
                self.waiting = false;
                Poll::Ready(Ok(value))
            }
            Poll::Pending => {
                let begins = !std::mem::replace(&mut self.waiting, true);
                let timer = match &mut self.timer {
                    Some(timer) => {
                        if begins {
                            timer.as_mut().reset(Instant::now() + limit);
                        }
                        timer
                    }
                    none => none.insert(Box::pin(sleep(limit))),
                };
                timer.as_mut().poll(context).map(|()| Err(Stalled))
            }
        }
    }
}

impl std::fmt::Display for Stalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body stood still for too long")
    }
}

impl std::error::Error for Stalled {}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body is larger than it may be")
    }
}

impl std::error::Error for TooLarge {}

/// Trailers go on without what only the gateway may say (C-39).
fn without_claims(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        headers::strip_trailers(trailers);
    }
    frame
}
