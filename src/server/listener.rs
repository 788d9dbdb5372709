//! Sockets to listen on.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcp};
use std::os::unix::net::{UnixListener as StdUnix, UnixStream as StdUnixStream};
use std::path::Path;

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::StartError;
use crate::config::{Address, Listen};

/// The sockets of one `listen` entry, one for each worker.
pub(super) struct Sockets {
    bound: Vec<Bound>,
}

/// One listening socket.
pub(super) struct Bound {
    pub(super) socket: Listening,
    pub(super) tls: bool,
}

pub(super) enum Listening {
    Tcp(StdTcp),
    Unix(StdUnix),
}

/// A listening socket in the runtime of whoever made it.
pub(super) enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Sockets {
    /// Binds for `workers`; adds to `addresses` what was bound, as a person would open it.
    pub(super) fn bind(
        listen: &Listen,
        workers: usize,
        addresses: &mut Vec<String>,
    ) -> Result<Vec<Self>, StartError> {
        let scheme = if listen.tls { "https" } else { "http" };
        let failed = |what: &str, error: io::Error| {
            StartError::Io(format!("can't listen on {what}: {error}"))
        };
        match &listen.address {
            Address::Tcp(address) => {
                let named = |error| failed(&address.to_string(), error);
                let first = tcp(*address).map_err(named)?;
                // With port 0 the first socket chooses, and the others follow.
                let actual = first.local_addr().map_err(named)?;
                let mut bound = vec![first];
                for _ in 1..workers {
                    bound.push(tcp(actual).map_err(named)?);
                }
                addresses.push(format!("{scheme}://{actual}"));
                Ok(vec![Self::of(bound.into_iter().map(Listening::Tcp), listen.tls)])
            }
            Address::Unix(path) => {
                let named = |error| failed(&path.display().to_string(), error);
                let socket = unix(path).map_err(named)?;
                addresses.push(format!("unix:{}", path.display()));
                let shared = shared(Listening::Unix(socket), workers).map_err(named)?;
                Ok(vec![Self::of(shared.into_iter(), false)])
            }
            Address::Systemd => {
                let inherited = inherited().map_err(|error| failed("systemd's sockets", error))?;
                let mut all = Vec::new();
                for socket in inherited {
                    addresses.push(String::from("systemd"));
                    let tls = listen.tls && matches!(socket, Listening::Tcp(_));
                    let shared = shared(socket, workers)
                        .map_err(|error| failed("systemd's sockets", error))?;
                    all.push(Self::of(shared.into_iter(), tls));
                }
                Ok(all)
            }
        }
    }

    /// The socket of the next worker.
    pub(super) fn take(&mut self) -> Option<Bound> {
        self.bound.pop()
    }

    fn of(sockets: impl Iterator<Item = Listening>, tls: bool) -> Self {
        Self { bound: sockets.map(|socket| Bound { socket, tls }).collect() }
    }
}

impl Acceptor {
    /// To be called in a runtime.
    pub(super) fn new(socket: Listening) -> io::Result<Self> {
        Ok(match socket {
            Listening::Tcp(socket) => Self::Tcp(TcpListener::from_std(socket)?),
            Listening::Unix(socket) => Self::Unix(UnixListener::from_std(socket)?),
        })
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(socket) => {
                socket.accept().await.map(|(stream, peer)| Accepted::Tcp(stream, peer))
            }
            Self::Unix(socket) => socket.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    /// Closes the socket, after whatever waits on it was accepted. The kernel itself is asked: the
    /// runtime knows only of connections whose event it has seen already.
    pub(super) fn empty(self) -> Vec<Accepted> {
        let mut waiting = Vec::new();
        match self {
            Self::Tcp(socket) => {
                let Ok(socket) = socket.into_std() else { return waiting };
                while let Ok((stream, peer)) = socket.accept() {
                    let set = stream.set_nonblocking(true);
                    let stream = set.and_then(|()| TcpStream::from_std(stream));
                    waiting.extend(stream.map(|stream| Accepted::Tcp(stream, peer)));
                }
            }
            Self::Unix(socket) => {
                let Ok(socket) = socket.into_std() else { return waiting };
                while let Ok((stream, _)) = socket.accept() {
                    let set = stream.set_nonblocking(true);
                    let stream = set.and_then(|()| UnixStream::from_std(stream));
                    waiting.extend(stream.map(Accepted::Unix));
                }
            }
        }
        waiting
    }
}

fn tcp(address: SocketAddr) -> io::Result<StdTcp> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // One socket for each worker, and a second process may take over without a gap.
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes the place of a socket that a dead process left behind, and of nothing else.
fn unix(path: &Path) -> io::Result<StdUnix> {
    use std::os::unix::fs::FileTypeExt as _;
    if let Ok(metadata) = fs::symlink_metadata(path)
        && metadata.file_type().is_socket()
    {
        if StdUnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        fs::remove_file(path)?;
    }
    let socket = StdUnix::bind(path)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The sockets that systemd handed over.
fn inherited() -> io::Result<Vec<Listening>> {
    let mut handed = ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..handed.len() {
        if let Ok(Some(socket)) = handed.take_unix_listener(index) {
            socket.set_nonblocking(true)?;
            sockets.push(Listening::Unix(socket));
        } else if let Some(socket) = handed.take_tcp_listener(index)? {
            socket.set_nonblocking(true)?;
            sockets.push(Listening::Tcp(socket));
        }
    }
    if sockets.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "none were handed over (LISTEN_FDS)"));
    }
    Ok(sockets)
}

/// One socket for all workers: whichever is free accepts.
fn shared(socket: Listening, workers: usize) -> io::Result<Vec<Listening>> {
    let mut all = Vec::with_capacity(workers);
    for _ in 1..workers {
        all.push(match &socket {
            Listening::Tcp(socket) => Listening::Tcp(socket.try_clone()?),
            Listening::Unix(socket) => Listening::Unix(socket.try_clone()?),
        });
    }
    all.push(socket);
    Ok(all)
}

/// Prepares an accepted connection; a peer that is gone already shows at its first read.
pub(super) fn prepare(socket: &TcpStream) {
    let socket = SockRef::from(socket);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_keepalive(true);
}

/// Connections that wait to be accepted; the kernel caps it.
const BACKLOG: i32 = 8192;
