//! The body of an answer: our own, or the app's; a stream of the app's ends with its session, and
//! so does a gRPC call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Frame, SizeHint};
use http_body_util::Full;

use super::limits::Slot;
use super::respond::grpc;
use super::sessions::Leash;
use super::who::Counted;
use crate::auth::headers::is_grpc_type;
use crate::upstream::AnswerBody;

/// The body of an answer.
pub enum Body {
    App(AnswerBody),
    /// A message of gRPC's and its end.
    Call(Box<tonic::body::Body>),
    /// One that is counted until it is over.
    Counted(Box<CountedBody>),
    Events(Box<Events>),
    Own(Full<Bytes>),
}

/// A body that is counted among those that are open.
pub struct CountedBody {
    body: Body,
    _slot: Arc<Slot<Counted>>,
}

/// A stream of an app's that is open for as long as its session is.
pub struct Events {
    /// None when the session is over: its connection is closed, which tells the app.
    body: Option<AnswerBody>,
    leash: Leash,
    /// What is said at the end of a session; a gRPC call must not look as if it were whole.
    farewell: Option<HeaderMap>,
}

/// An answer that may last, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// It may end anywhere.
    Events,
    /// A gRPC call, which ends with words or is broken.
    Call,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Body {
    /// The body of an answer that ends when its session does.
    pub(super) fn leashed(body: AnswerBody, leash: Leash, lasts: Lasting) -> Self {
        let farewell = (lasts == Lasting::Call).then(grpc::session_ended);
        Self::Events(Box::new(Events { body: Some(body), leash, farewell }))
    }

    /// The same, which holds a slot until it is over.
    pub(super) fn holding(self, slot: Option<Arc<Slot<Counted>>>) -> Self {
        match slot {
            Some(slot) => Self::Counted(Box::new(CountedBody { body: self, _slot: slot })),
            None => self,
        }
    }
}

impl From<Full<Bytes>> for Body {
    fn from(body: Full<Bytes>) -> Self {
        Self::Own(body)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Own(Full::new(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::App(body) => Pin::new(body).poll_frame(context),
            Self::Call(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Self::Counted(counted) => Pin::new(&mut counted.body).poll_frame(context),
            Self::Events(events) => events.poll_frame(context),
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::App(body) => body.is_end_stream(),
            Self::Call(body) => body.is_end_stream(),
            Self::Counted(counted) => counted.body.is_end_stream(),
            Self::Events(events) => events.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::App(body) => body.size_hint(),
            Self::Call(body) => body.size_hint(),
            Self::Counted(counted) => counted.body.size_hint(),
            // As long as it is not over, nobody knows how long it gets.
            Self::Events(_) => SizeHint::default(),
            Self::Own(body) => body.size_hint(),
        }
    }
}

impl Events {
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.leash.poll_ended(context).is_ready() {
            self.body = None;
        }
        match &mut self.body {
            Some(body) => http_body::Body::poll_frame(Pin::new(body), context),
            None => Poll::Ready(self.farewell.take().map(|words| Ok(Frame::trailers(words)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Some(body) => http_body::Body::is_end_stream(body),
            None => self.farewell.is_none(),
        }
    }
}

impl Lasting {
    /// Whether an answer goes on for as long as somebody listens.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
        if is_grpc_type(kind) {
            return Some(Self::Call);
        }
        let kind = kind.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        let endless = ENDLESS.iter().any(|endless| kind.eq_ignore_ascii_case(endless));
        endless.then_some(Self::Events)
    }
}

/// Server-sent events, and what cameras send.
const ENDLESS: [&[u8]; 2] = [b"text/event-stream", b"multipart/x-mixed-replace"];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_lasts_is_known_by_its_type() {
        use Lasting::{Call, Events};
        for (kind, lasts) in [
            ("text/event-stream", Some(Events)),
            ("Text/Event-Stream; charset=utf-8", Some(Events)),
            ("multipart/x-mixed-replace;boundary=x", Some(Events)),
            (" text/event-stream ", Some(Events)),
            ("application/grpc+proto", Some(Call)),
            ("application/grpc-web", None),
            ("text/event-streams", None),
            ("text/html", None),
            ("application/octet-stream", None),
            ("multipart/form-data; boundary=text/event-stream", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            assert_eq!(Lasting::of(&headers), None);
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(Lasting::of(&headers), lasts, "{kind:?}");
        }
    }
}
