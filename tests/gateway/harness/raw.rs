//! Bytes as they are, for requests that no client library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the gateway may take to begin, and how long to be quiet before it counts as done.
const FIRST_BYTE: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(300);

pub(crate) struct RawAnswer {
    pub(crate) bytes: Vec<u8>,
    /// The gateway closed the connection (as against falling silent).
    pub(crate) closed: bool,
}

impl RawAnswer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The status of every answer on the connection, in order.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let text = self.text();
        text.match_indices("HTTP/1.")
            .filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok())
            .collect()
    }

    /// The first final status; `None` where the connection was closed without a word.
    pub(crate) fn status(&self) -> Option<u16> {
        self.statuses().into_iter().find(|status| *status >= 200)
    }
}

pub(crate) async fn exchange(port: u16, bytes: &[u8]) -> RawAnswer {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // The gateway may refuse and close before it has read all: that is an answer, not an error.
    let _ = socket.write_all(bytes).await;
    read_all(&mut socket).await
}

/// Reads until the gateway closes or falls silent.
pub(crate) async fn read_all(socket: &mut TcpStream) -> RawAnswer {
    let mut answer = RawAnswer { bytes: Vec::new(), closed: false };
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let patience = if answer.bytes.is_empty() { FIRST_BYTE } else { QUIET };
        match timeout(patience, socket.read(&mut buffer)).await {
            Err(_) => return answer,
            Ok(Ok(0) | Err(_)) => {
                answer.closed = true;
                return answer;
            }
            Ok(Ok(read)) => answer.bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
