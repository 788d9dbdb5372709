//! TCP connections to a name: whatever addresses it has at that moment.
//!
//! A name with several addresses is a server with several ways to it, or several servers. They are
//! begun with in turn, within the family that the system likes best, and one that does not answer
//! at once keeps nobody waiting: the next is tried beside it (RFC 8305 5).

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connects to `host:port`.
pub(super) async fn connect(address: &str) -> io::Result<TcpStream> {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let mut addresses: Vec<SocketAddr> = lookup_host(address).await?.collect();
    if let [only] = addresses.as_slice() {
        return TcpStream::connect(only).await;
    }
    rotate(&mut addresses, TURN.fetch_add(1, Ordering::Relaxed));
    first(addresses).await
}

/// Has another of those begin that are of the same family as the first.
fn rotate(addresses: &mut [SocketAddr], turn: usize) {
    let liked = addresses.first().map(SocketAddr::is_ipv4);
    let alike = addresses.iter().take_while(|one| Some(one.is_ipv4()) == liked).count();
    if alike > 0 {
        addresses[..alike].rotate_left(turn % alike);
    }
}

/// The first connection that stands; the others are given up.
async fn first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut left = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        let next = left.next();
        let was_last = next.is_none();
        if let Some(address) = next {
            attempts.spawn(TcpStream::connect(address));
        }
        let joined = match was_last {
            true => attempts.join_next().await,
            false => match timeout(DELAY, attempts.join_next()).await {
                Ok(joined) => joined,
                Err(_) => continue,
            },
        };
        match joined {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => failed = error,
            Some(Err(error)) => failed = io::Error::other(error),
            None => return Err(failed),
        }
    }
}

/// As RFC 8305 5 recommends.
const DELAY: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn turns(addresses: &[&str]) -> Vec<Vec<String>> {
        let parsed: Vec<SocketAddr> = addresses.iter().map(|one| one.parse().unwrap()).collect();
        let turn = |turn| {
            let mut addresses = parsed.clone();
            rotate(&mut addresses, turn);
            addresses.iter().map(ToString::to_string).collect()
        };
        (0..3).map(turn).collect()
    }

    #[test]
    fn addresses_of_one_family_take_turns_and_the_other_family_stays_behind() {
        let [a, b, c] = ["[::1]:1", "[::2]:1", "127.0.0.1:1"];
        assert_eq!(turns(&[a, b, c]), [[a, b, c], [b, a, c], [a, b, c]]);
        assert_eq!(turns(&[c, a, b]), [[c, a, b], [c, a, b], [c, a, b]]);
        assert_eq!(turns(&[]), [const { Vec::<String>::new() }; 3]);
    }

    #[tokio::test]
    async fn an_address_that_refuses_or_says_nothing_keeps_nobody_from_the_next() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let good = listener.local_addr().unwrap();
        let refusing = {
            let gone = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            gone.local_addr().unwrap()
        };
        let silent = full().await;
        for addresses in [vec![refusing, good], vec![silent.address, refusing, good], vec![good]] {
            let connected = timeout(Duration::from_secs(5), first(addresses)).await;
            assert_eq!(connected.unwrap().unwrap().peer_addr().unwrap(), good);
        }
        assert!(first(vec![refusing, refusing]).await.is_err());
        assert!(first(Vec::new()).await.is_err());
    }

    /// A listener that takes no more connections: the system drops what comes on top.
    struct Full {
        address: SocketAddr,
        _listener: socket2::Socket,
        _queued: Vec<socket2::Socket>,
    }

    async fn full() -> Full {
        let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = socket().unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut queued = Vec::new();
        for _ in 0..8 {
            let client = socket().unwrap();
            client.set_nonblocking(true).unwrap();
            // Whether it stands at once or never, it is one more in the queue.
            let _ = client.connect(&address.into());
            queued.push(client);
        }
        Full { address, _listener: listener, _queued: queued }
    }
}
