//! WebSockets: after both sides agreed, bytes go through untouched.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::{self, OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use super::Failure;
use super::body::AnswerBody;

/// A visitor's wish to speak WebSocket.
pub(super) struct Wanted {
    visitor: OnUpgrade,
}

/// The visitor's end of a tunnel. Whatever goes through, either way, passes here.
struct Watched<I> {
    io: I,
    moved: Arc<Moved>,
}

/// When bytes last went through.
struct Moved {
    begun: Instant,
    millis: AtomicU64,
}

/// Takes the wish out of a request. Any other upgrade is dropped like every hop-by-hop field:
/// `h2c` through a proxy is a way around it (C-61). So is one with a body, which would stand between
/// the head and the messages.
pub(super) fn wanted(request: &mut Request<Incoming>) -> Option<Wanted> {
    let fields = request.headers();
    let asked = request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && request.body().is_end_stream()
        && is_websocket(fields)
        && names_upgrade(fields);
    asked.then(|| Wanted { visitor: upgrade::on(request) })
}

impl Wanted {
    /// States the wish to the app.
    pub(super) fn state(&self, fields: &mut HeaderMap) {
        fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }

    /// Joins both sides after the app's 101 (S55): only to the protocol that was asked for.
    pub(super) fn accept(
        self,
        mut answer: Response<Incoming>,
        tunnels: &TaskTracker,
        idle: Option<Duration>,
    ) -> Result<Response<AnswerBody>, Failure> {
        if !is_websocket(answer.headers()) {
            return Err(Failure::Nonsense("an upgrade to another protocol than asked for"));
        }
        let app = upgrade::on(&mut answer);
        tunnels.spawn(async move {
            if let Ok((visitor, app)) = tokio::try_join!(self.visitor, app) {
                join(TokioIo::new(visitor), TokioIo::new(app), idle).await;
            }
        });
        crate::auth::headers::strip_hop_by_hop(answer.headers_mut());
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        answer.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        Ok(answer.map(AnswerBody::tunnel))
    }
}

/// Copies both ways until both sides are done, one breaks off, or nothing moves for too long.
async fn join<V, A>(mut visitor: V, mut app: A, idle: Option<Duration>)
where
    V: AsyncRead + AsyncWrite + Unpin,
    A: AsyncRead + AsyncWrite + Unpin,
{
    // Either side may break off at any time: that ends the tunnel, and is no fault.
    let Some(idle) = idle else {
        let _ = copy_bidirectional_with_sizes(&mut visitor, &mut app, BUFFER, BUFFER).await;
        return;
    };
    let moved = Arc::new(Moved { begun: Instant::now(), millis: AtomicU64::new(0) });
    let mut visitor = Watched { io: visitor, moved: Arc::clone(&moved) };
    let copied = copy_bidirectional_with_sizes(&mut visitor, &mut app, BUFFER, BUFFER);
    tokio::pin!(copied);
    loop {
        let patience = moved.last() + idle;
        tokio::select! {
            _ = &mut copied => return,
            () = sleep_until(patience) => {}
        }
        if moved.last() + idle <= patience {
            return;
        }
    }
}

impl Moved {
    fn now(&self) {
        let millis = self.begun.elapsed().as_millis() as u64;
        self.millis.store(millis, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.begun + Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_read(context, buffer);
        if polled.is_ready() {
            this.moved.now();
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(context, bytes);
        if polled.is_ready() {
            this.moved.now();
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }
}

fn is_websocket(fields: &HeaderMap) -> bool {
    let mut values = fields.get_all(header::UPGRADE).iter();
    values.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && values.next().is_none()
}

fn names_upgrade(fields: &HeaderMap) -> bool {
    let lines = fields.get_all(header::CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// Most tunnels are silent most of the time, and keep a buffer for each way meanwhile.
const BUFFER: usize = 4 * 1024;
