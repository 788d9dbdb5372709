//! The unmodified app behind the gateway: it records what it is sent.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::app_answers::answer;

/// A request as the app saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query, byte for byte.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// Empty for the paths that stream.
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "two lines of {name}");
        Some(value.to_str().unwrap())
    }

    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.headers.keys().map(ToString::to_string).collect()
    }
}

#[derive(Default)]
pub(super) struct Journal {
    pub(super) seen: Mutex<Vec<Seen>>,
    pub(super) abandoned: AtomicUsize,
}

/// Counts an answer as abandoned unless it came to its end.
pub(super) struct Unfinished {
    journal: Arc<Journal>,
    pub(super) finished: bool,
}

impl Unfinished {
    pub(super) fn new(journal: &Arc<Journal>) -> Self {
        Self { journal: Arc::clone(journal), finished: false }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished {
            self.journal.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

pub(crate) struct App {
    url: String,
    journal: Arc<Journal>,
    task: JoinHandle<()>,
}

impl App {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let journal = Arc::default();
        let task = tokio::spawn(accept(listener, Arc::clone(&journal)));
        Self { url, journal, task }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.journal.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.requests().pop().expect("the app was asked")
    }

    /// The targets of all requests, in order.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.requests().into_iter().map(|seen| seen.target).collect()
    }

    pub(crate) fn forgets(&self) {
        self.journal.seen.lock().unwrap().clear();
    }

    /// How many answers were broken off because nobody listened any more.
    pub(crate) fn abandoned(&self) -> usize {
        self.journal.abandoned.load(Ordering::SeqCst)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, journal: Arc<Journal>) {
    while let Ok((socket, _)) = listener.accept().await {
        let journal = Arc::clone(&journal);
        let service = service_fn(move |request| answer(Arc::clone(&journal), request));
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(socket), service).with_upgrades();
        tokio::spawn(connection);
    }
}
