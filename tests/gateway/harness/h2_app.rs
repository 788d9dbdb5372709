//! An app that speaks HTTP/2 without TLS, stream by stream as the test says; and a visitor who does.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, SendResponse};
use http::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::route::Listens;
use super::{Body, Gate};

pub(crate) struct H2App {
    url: String,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// One stream, still to be answered.
pub(crate) struct Call {
    pub(crate) request: Request<RecvStream>,
    pub(crate) respond: SendResponse<Bytes>,
}

impl H2App {
    /// Answers every stream by `serve`.
    pub(crate) async fn start<S, F>(serve: S) -> Self
    where
        S: Fn(Call) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self::built(Builder::new(), serve).await
    }

    /// The same with settings of its own.
    pub(crate) async fn built<S, F>(builder: Builder, serve: S) -> Self
    where
        S: Fn(Call) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("h2c://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve_all(socket, builder.clone(), serve.clone()));
            }
        });
        Self { url, connections, task }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Answers all streams of a connection.
pub(crate) async fn serve_all<S, F>(socket: TcpStream, builder: Builder, serve: S)
where
    S: Fn(Call) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(mut connection) = builder.handshake(socket).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(serve(Call { request, respond }));
    }
}

impl Listens for H2App {
    fn url(&self) -> String {
        Self::url(self)
    }
}

impl Drop for H2App {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection of a visitor's that speaks HTTP/2 by prior knowledge.
pub(crate) async fn http2(gate: &Gate) -> http2::SendRequest<Body> {
    let socket = TokioIo::new(gate.connect().await);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), socket).await.unwrap();
    tokio::spawn(connection);
    sender
}
