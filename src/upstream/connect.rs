//! Connections to an app: TCP, TLS or a Unix socket, and what is spoken on them: HTTP/1.1, HTTP/2
//! where the configuration says so (`h2c`), or what both sides like better (ALPN).

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{VisitorBody, dial};

/// Where an app is, ready to be connected to.
#[derive(Clone)]
pub enum Target {
    /// `host:port`, resolved at every connection, so that a moved name is followed.
    Tcp(String),
    /// The same, and HTTP/2 is spoken there (RFC 9113 3.3).
    H2c(String),
    Tls(TlsTarget),
    Unix(PathBuf),
}

/// An app behind TLS.
#[derive(Clone)]
pub struct TlsTarget {
    /// `host:port`.
    pub address: String,
    /// The name that its certificate has to show.
    pub name: ServerName<'static>,
    pub config: Arc<rustls::ClientConfig>,
    /// Whether HTTP/2 is offered beside HTTP/1.1.
    pub http2: bool,
}

/// The near half of a connection.
pub(super) struct Wire {
    pub(super) sender: SendRequest<VisitorBody>,
    pub(super) heard: Heard,
    pub(super) opened: Instant,
}

/// A connection on which it is settled what is spoken.
pub(super) enum Either {
    Http1(Wire),
    Http2(Stream),
}

/// Whether the app said anything since the last request.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<AtomicBool>);

/// A connection, whatever is below it.
pub(super) struct Stream {
    link: Link,
    heard: Heard,
}

enum Link {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Target {
    /// Whether HTTP/2 may be spoken there.
    pub(super) const fn may_be_http2(&self) -> bool {
        matches!(self, Self::H2c(_) | Self::Tls(TlsTarget { http2: true, .. }))
    }

    /// Opens an HTTP/1.1 connection and hands out its sending half; the other half runs until it
    /// ends.
    pub(super) async fn connect(&self) -> Result<Wire, String> {
        if matches!(self, Self::H2c(_)) {
            return Err(String::from("it speaks HTTP/2 alone"));
        }
        http1(self.open(&[HTTP_1]).await.map_err(|error| error.to_string())?).await
    }

    /// Opens a connection for whatever version of HTTP is agreed on.
    pub(super) async fn connect_either(&self) -> Result<Either, String> {
        let link = self.open(&[HTTP_2, HTTP_1]).await.map_err(|error| error.to_string())?;
        let agreed = match &link {
            Link::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(HTTP_2),
            Link::Tcp(_) | Link::Unix(_) => matches!(self, Self::H2c(_)),
        };
        if !agreed {
            return http1(link).await.map(Either::Http1);
        }
        link.keep_alive().map_err(|error| error.to_string())?;
        Ok(Either::Http2(Stream { link, heard: Heard::default() }))
    }

    async fn open(&self, protocols: &[&[u8]]) -> std::io::Result<Link> {
        match self {
            Self::Tcp(address) | Self::H2c(address) => Ok(Link::Tcp(tcp(address).await?)),
            Self::Unix(path) => Ok(Link::Unix(UnixStream::connect(path).await?)),
            Self::Tls(target) => {
                let tcp = tcp(&target.address).await?;
                let connector = TlsConnector::from(Arc::clone(&target.config));
                let name = target.name.clone();
                // An app that is not offered HTTP/2 need not hear of the choice at all.
                let stream = match target.http2 {
                    false => connector.connect(name, tcp).await?,
                    true => {
                        let protocols = protocols.iter().map(|name| name.to_vec()).collect();
                        connector.with_alpn(protocols).connect(name, tcp).await?
                    }
                };
                Ok(Link::Tls(Box::new(stream)))
            }
        }
    }
}

impl Link {
    /// Has the system ask now and then whether the other host is still there: a connection that
    /// many requests share may be quiet for long, and lost without a word.
    fn keep_alive(&self) -> std::io::Result<()> {
        let socket = match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
            Self::Unix(_) => return Ok(()),
        };
        let questions = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE / 3);
        let socket = SockRef::from(socket);
        // Nothing is asked while something sent is not acknowledged: then this counts.
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(KEEP_ALIVE))?;
        socket.set_tcp_keepalive(&questions)
    }
}

async fn http1(link: Link) -> Result<Wire, String> {
    let heard = Heard::default();
    let stream = Stream { link, heard: heard.clone() };
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        // Whoever waits for an answer on it is told of the error; nobody else cares.
        let _ = connection.with_upgrades().await;
    });
    Ok(Wire { sender, heard, opened: Instant::now() })
}

async fn tcp(address: &str) -> std::io::Result<TcpStream> {
    let stream = dial::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Heard {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, heard: bool) {
        self.0.store(heard, Ordering::Relaxed);
    }
}

impl Stream {
    /// What tells whether anything came.
    pub(super) fn heard(&self) -> Heard {
        self.heard.clone()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = match &mut this.link {
            Link::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Link::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Link::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        if buffer.filled().len() > before {
            this.heard.set(true);
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match &mut self.get_mut().link {
            Link::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Link::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Link::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        match &mut self.get_mut().link {
            Link::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Link::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Link::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.link {
            Link::Tcp(stream) => stream.is_write_vectored(),
            Link::Tls(stream) => stream.is_write_vectored(),
            Link::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Link::Tls(stream) => Pin::new(stream).poll_flush(context),
            Link::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Link::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Link::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// As they are called in TLS (RFC 7301 6).
const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Of an answer; more is nonsense.
const MAX_HEADERS: usize = 256;
