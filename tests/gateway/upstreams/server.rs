//! A server of an app that says its name, can be made to hold requests, and can be killed with all
//! of its connections.

use std::future::Future;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::harness::*;

pub(super) struct Server {
    pub(super) url: String,
    pub(super) state: Arc<State>,
    task: JoinHandle<()>,
}

pub(super) struct State {
    name: String,
    /// What `/healthz` answers.
    health: AtomicU16,
    /// What everything else answers; 0 is to close without a word.
    status: AtomicU16,
    heads: Mutex<Vec<String>>,
    open: AtomicUsize,
    most: AtomicUsize,
    /// Whether requests of `/held` have to wait.
    holds: watch::Sender<bool>,
}

impl Server {
    pub(super) async fn start(name: &str) -> Self {
        Self::on(name, TcpListener::bind(("127.0.0.1", 0)).await.unwrap())
    }

    pub(super) fn on(name: &str, listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::run(name, url, listener)
    }

    pub(super) fn unix(name: &str, path: &std::path::Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let url = format!("unix:{}", path.display());
        Self::run(name, url, listener)
    }

    /// Serves whatever connections come.
    pub(super) fn run(name: &str, url: String, door: impl Door) -> Self {
        let state = Arc::new(State {
            name: name.to_owned(),
            health: AtomicU16::new(200),
            status: AtomicU16::new(200),
            heads: Mutex::default(),
            open: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            holds: watch::channel(true).0,
        });
        let served = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                if let Some(socket) = door.next().await {
                    connections.spawn(serve(socket, Arc::clone(&served)));
                }
            }
        });
        Self { url, state, task }
    }

    /// Ends it with all of its connections, and waits until they are gone.
    pub(super) async fn kill(self) {
        self.task.abort();
        let state = Arc::clone(&self.state);
        eventually("its end", move || state.open.load(Ordering::SeqCst) == 0).await;
    }

    pub(super) fn is_well(&self, status: u16) {
        self.state.health.store(status, Ordering::SeqCst);
    }

    pub(super) fn answers(&self, status: u16) {
        self.state.status.store(status, Ordering::SeqCst);
    }

    pub(super) fn release(&self) {
        self.state.holds.send_replace(false);
    }

    /// The heads of all requests, health checks aside.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads_where(|head| !head.starts_with("GET /healthz"))
    }

    pub(super) fn checks(&self) -> Vec<String> {
        self.heads_where(|head| head.starts_with("GET /healthz"))
    }

    /// How many connections were open at once, at most.
    pub(super) fn most(&self) -> usize {
        self.state.most.load(Ordering::SeqCst)
    }

    fn heads_where(&self, is: impl Fn(&str) -> bool) -> Vec<String> {
        let heads = self.state.heads.lock().unwrap();
        heads.iter().filter(|head| is(head)).cloned().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where connections come in.
pub(super) trait Door: Send + 'static {
    /// The next one; none where it came to nothing.
    fn next(&self) -> impl Future<Output = Option<Box<dyn Socket>>> + Send;
}

pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

impl Door for TcpListener {
    async fn next(&self) -> Option<Box<dyn Socket>> {
        Some(Box::new(self.accept().await.unwrap().0))
    }
}

impl Door for UnixListener {
    async fn next(&self) -> Option<Box<dyn Socket>> {
        Some(Box::new(self.accept().await.unwrap().0))
    }
}

/// TLS.
impl Door for (TcpListener, TlsAcceptor) {
    async fn next(&self) -> Option<Box<dyn Socket>> {
        let socket = self.0.accept().await.unwrap().0;
        Some(Box::new(self.1.accept(socket).await.ok()?))
    }
}

/// Counts a connection for as long as it is open.
struct Open(Arc<State>);

impl Open {
    fn new(state: &Arc<State>) -> Self {
        let open = state.open.fetch_add(1, Ordering::SeqCst) + 1;
        state.most.fetch_max(open, Ordering::SeqCst);
        Self(Arc::clone(state))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(mut socket: Box<dyn Socket>, state: Arc<State>) {
    let _open = Open::new(&state);
    while let Some(head) = head(&mut socket).await {
        let mut body = vec![0; length(&head)];
        if socket.read_exact(&mut body).await.is_err() {
            return;
        }
        let is_held = head.starts_with("GET /held");
        let status = if head.starts_with("GET /healthz") { &state.health } else { &state.status };
        state.heads.lock().unwrap().push(head);
        if is_held {
            let mut holds = state.holds.subscribe();
            holds.wait_for(|holds| !holds).await.unwrap();
        }
        let status = status.load(Ordering::SeqCst);
        let (name, length) = (&state.name, state.name.len());
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{name}");
        if status == 0 || socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn length(head: &str) -> usize {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let line = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    line.map_or(0, |(_, digits)| digits.parse().unwrap())
}

async fn head(socket: &mut Box<dyn Socket>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
