//! One connection: HTTP/1.1 or HTTP/2, until it is closed, idle for too long, or drained.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::phase::{Phase, until_draining};
use super::timed_io::{Active, Activity, TimedIo, Times};
use crate::auth::trust::Peer;
use crate::config::Limits;
use crate::gateway::{Body, Worker};

/// How connections are served; made once for each worker.
#[derive(Clone)]
pub(super) struct Protocol {
    builder: Builder<TokioExecutor>,
    times: Times,
    linger: Duration,
}

/// An answer's body; as long as it is there, its connection is busy.
struct Answering {
    body: Body,
    _active: Active,
}

impl Protocol {
    pub(super) fn new(limits: &Limits) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            // Its time limit for heads is its limit for idle connections too; ours are apart.
            .header_read_timeout(None)
            .max_buf_size(limits.header_bytes);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(MAX_STREAMS)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .keep_alive_interval(Some(PING))
            .keep_alive_timeout(PING);
        let times = Times {
            head: limits.request_head,
            keep_alive: limits.keep_alive,
            write: limits.body_idle,
        };
        Self { builder, times, linger: LINGER.min(limits.drain / 4) }
    }

    /// Serves a connection to its end.
    pub(super) async fn serve<I>(
        &self,
        io: I,
        peer: Peer,
        worker: Arc<Worker>,
        mut phase: watch::Receiver<Phase>,
    ) where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::default());
        let io = TokioIo::new(TimedIo::new(io, Arc::clone(&activity), self.times));
        let service =
            service_fn(|request| answer(request, peer, Arc::clone(&worker), Arc::clone(&activity)));
        let mut connection = pin!(self.builder.serve_connection_with_upgrades(io, service));
        let ending = async {
            tokio::select! {
                () = until_draining(&mut phase) => {
                    // HTTP/2 says in its own words which requests were still taken. HTTP/1.1 has
                    // only `Connection: close` on the next answer: an idle client gets a moment
                    // to ask once more, so that no request meets a closed door.
                    if !activity.is_http2.load(Ordering::Relaxed) {
                        tokio::time::sleep(self.linger).await;
                    }
                }
                () = activity.idle.notified() => {}
            }
        };
        tokio::select! {
            // How a connection breaks is the peer's affair.
            _ = connection.as_mut() => return,
            () = ending => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: Peer,
    worker: Arc<Worker>,
    activity: Arc<Activity>,
) -> Result<Response<Answering>, Infallible> {
    let active = activity.begin();
    let http2 = request.version() == Version::HTTP_2;
    if http2 {
        activity.is_http2.store(true, Ordering::Relaxed);
    }
    let mut answer = Arc::clone(&worker).handle(request, peer).await;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        activity.tunnel.store(true, Ordering::Relaxed);
    } else if !http2 && worker.is_draining() {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer.map(|body| Answering { body, _active: active }))
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 256;
/// Streams that were reset before we saw them (C-74).
const MAX_RESETS: usize = 20;
/// A dead HTTP/2 peer is found within two of these.
const PING: Duration = Duration::from_secs(20);
/// How long an idle HTTP/1.1 connection may still ask once more while we drain.
const LINGER: Duration = Duration::from_secs(1);
