//! One connection: HTTP/1.1 or HTTP/2, until it is closed, idle for too long, or drained.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::door::{Door, Place};
use super::phase::until_draining;
use super::streams::{Answering, Streams};
use super::timed_io::{Activity, TimedIo, Times};
use crate::auth::trust::Peer;
use crate::config::Limits;
use crate::gateway::{Company, Worker};

/// How connections are served; made once for each worker.
#[derive(Clone)]
pub(super) struct Protocol {
    builder: Builder<Streams>,
    times: Times,
    linger: Duration,
}

impl Protocol {
    pub(super) fn new(limits: &Limits) -> Self {
        let mut builder = Builder::new(Streams { patience: limits.body_idle });
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
            .max_send_buf_size(MAX_SEND_BUFFER)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .enable_connect_protocol()
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
    pub(super) async fn serve<I>(&self, io: I, peer: Peer, place: Place, door: &Door)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (activity, mut phase) = (Arc::new(Activity::default()), door.phase.clone());
        let io = TokioIo::new(TimedIo::new(io, place, Arc::clone(&activity), self.times));
        let service = service_fn(|request| {
            // Boxed: an idle connection would otherwise keep room for the largest request.
            Box::pin(answer(request, peer, Arc::clone(&door.worker), Arc::clone(&activity)))
        });
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
        // The peer has its part in the end, and may never play it.
        while timeout(self.times.write, connection.as_mut()).await.is_err() && activity.is_busy() {}
    }
}

async fn answer(
    mut request: Request<Incoming>,
    peer: Peer,
    worker: Arc<Worker>,
    activity: Arc<Activity>,
) -> Result<Response<Answering>, Infallible> {
    let active = activity.begin();
    let http2 = request.version() == Version::HTTP_2;
    if http2 {
        activity.is_http2.store(true, Ordering::Relaxed);
        if request.method() == Method::CONNECT {
            // A tunnel outlives its answer, and the connection must not be called idle by then.
            request.extensions_mut().insert(Company::new(activity.begin()));
        }
    }
    let mut answer = Arc::clone(&worker).handle(request, peer).await;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        activity.tunnel.store(true, Ordering::Relaxed);
    } else if !http2 && worker.is_draining() {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer.map(|body| Answering::new(body, http2, active)))
}

/// Of one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 128;
/// Of one HTTP/2 stream: what its visitor has not taken yet, and the app is rid of.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// Streams that were reset before we saw them (C-74).
const MAX_RESETS: usize = 20;
/// A dead HTTP/2 peer is found within two of these.
const PING: Duration = Duration::from_secs(20);
/// How long an idle HTTP/1.1 connection may still ask once more while we drain.
const LINGER: Duration = Duration::from_secs(1);
