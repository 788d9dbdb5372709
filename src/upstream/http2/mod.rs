//! The HTTP/2 connections of one worker to one app: few, and shared by many requests.
//!
//! A connection carries as many streams as its app allows; when all are full, another is opened.
//! One that the app says farewell on (GOAWAY) gets no new stream and ends with its last one.

mod replay;
mod send;

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::oneshot;

use super::connect::{Heard, Stream};
use super::pool::MAX_AGE;
use replay::Replay;
pub(super) use send::send;

/// The connections that are open.
#[derive(Default)]
pub(super) struct Connections {
    // Only this worker's thread takes the lock, so it never waits.
    open: Mutex<Vec<Arc<Connection>>>,
}

/// One of them.
struct Connection {
    sender: SendRequest<Replay>,
    wire: Arc<Mutex<Wire>>,
    streams: AtomicUsize,
    idle_since: Mutex<Instant>,
    opened: Instant,
    /// Whether the app said anything since the oldest stream without an answer began.
    heard: Heard,
    /// It may be dead: it gets no more streams.
    retired: AtomicBool,
}

type Wire = Pin<Box<http2::Connection<TokioIo<Stream>, Replay, TokioExecutor>>>;

/// Room for one stream.
pub(super) struct Place {
    connection: Arc<Connection>,
    /// Whether the connection has carried another stream before.
    reused: bool,
    since: Instant,
    /// Dropped, the rest of the request's body is given up.
    request: Option<oneshot::Sender<()>>,
}

impl Connections {
    /// Room on a connection that is there.
    pub(super) fn place(&self) -> Option<Place> {
        let mut open = lock(&self.open);
        open.retain(|connection| {
            !connection.sender.is_closed()
                && !connection.retired.load(Ordering::Relaxed)
                && connection.opened.elapsed() < MAX_AGE
        });
        open.iter().find_map(|connection| connection.place(true))
    }

    /// Speaks HTTP/2 on `stream`, and makes room on it.
    pub(super) async fn begin(self: &Arc<Self>, stream: Stream) -> Result<Place, String> {
        let heard = stream.heard();
        let (sender, wire) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(STREAM_WINDOW * MAX_STREAMS as u32)
            .max_header_list_size(MAX_HEADER_LIST)
            .max_send_buf_size(MAX_SEND_BUFFER)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let wire = Arc::new(Mutex::new(Box::pin(wire)));
        let connection = Arc::new(Connection {
            sender,
            wire: Arc::clone(&wire),
            streams: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
            opened: Instant::now(),
            heard,
            retired: AtomicBool::new(false),
        });
        let place = connection.place(false).ok_or("the app allows no streams")?;
        lock(&self.open).push(connection);
        tokio::spawn(run(wire, Arc::downgrade(self)));
        Ok(place)
    }

    /// Lets go of a connection; the streams that it carries go on.
    fn leave(&self, left: &Arc<Connection>) {
        lock(&self.open).retain(|connection| !Arc::ptr_eq(connection, left));
    }

    fn sweep(&self) {
        lock(&self.open).retain(|connection| !connection.is_stale());
    }
}

/// Drives a connection to its end. As nobody else may come by, whoever is idle is let go here.
async fn run(wire: Arc<Mutex<Wire>>, connections: Weak<Connections>) {
    let sweeping = async {
        loop {
            tokio::time::sleep(MAX_IDLE / 2).await;
            if let Some(connections) = connections.upgrade() {
                connections.sweep();
            }
        }
    };
    tokio::select! {
        // Whoever waits for an answer on it is told of the error; nobody else cares.
        _ = std::future::poll_fn(|context| lock(&wire).as_mut().poll(context)) => {}
        () = sweeping => {}
    }
}

impl Connection {
    fn place(self: &Arc<Self>, reused: bool) -> Option<Place> {
        let allowed = lock(&self.wire).current_max_send_streams().min(MAX_STREAMS);
        if self.streams.load(Ordering::Relaxed) >= allowed {
            return None;
        }
        if self.streams.fetch_add(1, Ordering::Relaxed) == 0 {
            self.heard.set(false);
        }
        let since = Instant::now();
        Some(Place { connection: Arc::clone(self), reused, since, request: None })
    }

    fn is_stale(&self) -> bool {
        self.streams.load(Ordering::Relaxed) == 0 && lock(&self.idle_since).elapsed() >= MAX_IDLE
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A peer that is gone without a word would get every request of the worker.
        let no_answer = self.request.is_none() && !self.connection.heard.get();
        if no_answer && self.since.elapsed() >= MAX_SILENCE {
            self.connection.retired.store(true, Ordering::Relaxed);
        }
        if self.connection.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            *lock(&self.connection.idle_since) = Instant::now();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of one connection; an app may allow fewer.
const MAX_STREAMS: usize = 128;
/// What an app may send ahead of a visitor who takes it slowly. The connection's window is large
/// enough for all streams together, so that slow visitors never hold up the others.
const STREAM_WINDOW: u32 = 64 * 1024;
/// What an app may have to be sent ahead of its taking it.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// Of the head of an answer, in bytes.
const MAX_HEADER_LIST: u32 = 64 * 1024;
/// Only while there are streams, and rarely: gRPC servers close connections on which they are
/// asked more than once in five minutes. A host that is gone is found by TCP's own questions.
const PING: Duration = Duration::from_secs(330);
/// Whoever gives up on an answer after this long, on a connection that said nothing meanwhile, was
/// the last to use it.
const MAX_SILENCE: Duration = Duration::from_secs(1);
const PONG: Duration = Duration::from_secs(20);
const MAX_IDLE: Duration = Duration::from_secs(60);
