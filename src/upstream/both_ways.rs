//! Two sides joined: bytes go both ways until the sides end it, or we do.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};

use super::way::Way;
use super::web_socket::Reason;

/// A visitor and an app that speak WebSocket.
pub(super) struct BothWays<V, A> {
    visitor: V,
    app: A,
    to_visitor: Way,
    to_app: Way,
}

impl<V, A> BothWays<V, A>
where
    V: AsyncRead + AsyncWrite + Unpin,
    A: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn new(visitor: V, app: A) -> Self {
        Self { visitor, app, to_visitor: Way::new(), to_app: Way::new() }
    }

    /// Carries bytes until both sides are done, one breaks off, or nothing moves for `idle`. Given
    /// up before, it has lost nothing.
    pub(super) async fn carry(&mut self, idle: Option<Duration>) {
        // Either side may break off at any time: that ends the tunnel, and is no fault.
        let Some(idle) = idle else {
            let _ = poll_fn(|context| self.poll_open(context)).await;
            return;
        };
        let mut moved = Instant::now();
        loop {
            let patience = moved + idle;
            let carried = poll_fn(|context| {
                let polled = self.poll_open(context);
                if self.to_visitor.has_moved() | self.to_app.has_moved() {
                    moved = Instant::now();
                }
                polled
            });
            if timeout_at(patience, carried).await.is_ok() || moved + idle <= patience {
                return;
            }
        }
    }

    /// Ends both ways, each between two of its frames where that comes soon.
    pub(super) async fn end(&mut self, reason: Reason, mask: [u8; 4]) {
        self.to_visitor.end(reason.to_client());
        self.to_app.end(reason.to_server(mask));
        if timeout(FRAME, self.ended()).await.is_ok() {
            return;
        }
        self.to_visitor.cut();
        self.to_app.cut();
        let _ = timeout(LINGER, self.ended()).await;
    }

    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let to_visitor = self.to_visitor.poll(context, &mut self.app, &mut self.visitor)?;
        let to_app = self.to_app.poll(context, &mut self.visitor, &mut self.app)?;
        ready!(to_visitor);
        to_app.map(Ok)
    }

    /// Waits for both ways: that one side has broken off does not keep the other from its end.
    async fn ended(&mut self) {
        poll_fn(|context| {
            let to_visitor = self.to_visitor.poll(context, &mut self.app, &mut self.visitor);
            let to_app = self.to_app.poll(context, &mut self.visitor, &mut self.app);
            match to_visitor.is_ready() && to_app.is_ready() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

/// How long a frame that is on its way may take.
const FRAME: Duration = Duration::from_secs(1);
/// How long both sides may take to go when there is nothing more to be said.
const LINGER: Duration = Duration::from_secs(1);

#[cfg(test)]
#[path = "both_ways_tests.rs"]
mod tests;
