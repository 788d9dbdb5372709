//! An upstream that answers exactly the given bytes, right or wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::route::Listens;

pub(crate) struct RawUpstream {
    url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    answer: Vec<u8>,
    connections: AtomicUsize,
    heads: Mutex<Vec<String>>,
    then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Closes,
    Listens,
}

impl RawUpstream {
    /// Answers each request with these bytes and keeps the connection.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer.into(), Then::Listens).await
    }

    /// Answers with these bytes and closes.
    pub(crate) async fn closing_after(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer.into(), Then::Closes).await
    }

    /// Reads and never says a word.
    pub(crate) async fn silent() -> Self {
        Self::start(Vec::new(), Then::Listens).await
    }

    async fn start(answer: Vec<u8>, then: Then) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            answer,
            connections: AtomicUsize::new(0),
            heads: Mutex::default(),
            then,
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { url, state, task }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The heads of all requests, as they came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.state.heads.lock().unwrap().clone()
    }
}

impl Listens for RawUpstream {
    fn url(&self) -> String {
        Self::url(self)
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(answer_all(socket, Arc::clone(&state)));
    }
}

async fn answer_all(mut socket: TcpStream, state: Arc<State>) {
    while let Some(head) = read_head(&mut socket).await {
        state.heads.lock().unwrap().push(head);
        let written = socket.write_all(&state.answer).await;
        if written.is_err() || state.then == Then::Closes {
            return;
        }
    }
}

/// The head of the next message, with the empty line at its end; none where the peer closes.
pub(crate) async fn read_head(socket: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
