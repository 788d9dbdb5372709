//! A visitor's body on an HTTP/2 stream, kept as long as the stream may be refused.
//!
//! An app that refuses a stream has not looked at it (RFC 9113 8.7), but by then the beginning of
//! its body was sent. That much is kept until the head of the answer is there, up to a limit.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

use super::super::body::TooLarge;
use super::super::{Failure, VisitorBody};

/// A body that may be sent again from its beginning.
pub(super) struct Original(Arc<Mutex<Source>>);

/// One sending of it.
pub(super) struct Replay {
    source: Arc<Mutex<Source>>,
    sending: u32,
    /// How many of the pieces that are kept were sent.
    sent: usize,
    /// Told, or dropped, when nobody wants the rest.
    given_up: oneshot::Receiver<()>,
}

struct Source {
    body: VisitorBody,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    /// Whether all that was sent so far is kept.
    intact: bool,
    ended: bool,
    /// The visitor broke off, or sent more than may be sent.
    broken: bool,
    too_large: bool,
    /// Which sending goes on; those before it get nothing more.
    sending: u32,
}

impl Original {
    pub(super) fn new(body: VisitorBody) -> Self {
        Self(Arc::new(Mutex::new(Source {
            body,
            kept: Vec::new(),
            kept_bytes: 0,
            intact: true,
            ended: false,
            broken: false,
            too_large: false,
            sending: 0,
        })))
    }

    /// Begins to send it, from its beginning.
    pub(super) fn send(&self, given_up: oneshot::Receiver<()>) -> Replay {
        let mut source = lock(&self.0);
        source.sending += 1;
        Replay { source: Arc::clone(&self.0), sending: source.sending, sent: 0, given_up }
    }

    /// Whether it can be sent again.
    pub(super) fn is_intact(&self) -> bool {
        lock(&self.0).intact
    }

    pub(super) fn is_absent(&self) -> bool {
        lock(&self.0).body.is_absent()
    }

    /// What was wrong with the visitor's part.
    pub(super) fn failure(&self) -> Option<Failure> {
        let source = lock(&self.0);
        match (source.broken, source.too_large) {
            (false, _) => None,
            (true, false) => Some(Failure::Visitor),
            (true, true) => Some(Failure::TooLarge),
        }
    }

    /// The body, where nothing of it was sent yet; nobody may be sending it any more.
    pub(super) fn untouched(&self) -> Option<VisitorBody> {
        let mut source = lock(&self.0);
        let whole = source.intact && !source.ended && source.kept.is_empty();
        (whole || source.body.is_absent())
            .then(|| std::mem::replace(&mut source.body, VisitorBody::absent()))
    }

    /// It was taken and will not be sent again.
    pub(super) fn settle(&self) {
        lock(&self.0).forget();
    }
}

impl Source {
    fn forget(&mut self) {
        self.intact = false;
        self.kept = Vec::new();
    }

    /// Takes note of a frame; whether it was kept.
    fn keep(&mut self, frame: &Frame<Bytes>) -> bool {
        let Some(data) = frame.data_ref().filter(|_| self.intact) else {
            // Trailers are rare in requests: whoever sends them is not sent again.
            self.forget();
            return false;
        };
        self.kept_bytes += data.len();
        if self.kept_bytes > MAX_KEPT {
            self.forget();
            return false;
        }
        self.kept.push(data.clone());
        true
    }
}

impl Body for Replay {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = self.get_mut();
        let mut source = lock(&this.source);
        let given_up = Pin::new(&mut this.given_up).poll(context).is_ready();
        if given_up || source.sending != this.sending {
            return Poll::Ready(Some(Err(h2::Reason::CANCEL.into())));
        }
        if let Some(data) = source.kept.get(this.sent) {
            this.sent += 1;
            return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
        }
        if source.ended {
            return Poll::Ready(None);
        }
        match ready!(Pin::new(&mut source.body).poll_frame(context)) {
            Some(Ok(frame)) => {
                if source.keep(&frame) {
                    this.sent += 1;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            // Whatever made the visitor stop, to the app it is a request that is given up.
            Some(Err(why)) => {
                source.broken = true;
                source.too_large = why.is::<TooLarge>();
                source.forget();
                Poll::Ready(Some(Err(h2::Reason::CANCEL.into())))
            }
            None => {
                source.ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let source = lock(&self.source);
        self.sent >= source.kept.len() && (source.ended || source.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let source = lock(&self.source);
        match self.sent >= source.kept.len() {
            true => source.body.size_hint(),
            false => SizeHint::default(),
        }
    }
}

fn lock(source: &Mutex<Source>) -> MutexGuard<'_, Source> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of a request that nobody has answered yet: pieces that would be in a socket's buffer otherwise.
const MAX_KEPT: usize = 64 * 1024;
