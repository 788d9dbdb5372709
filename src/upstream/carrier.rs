//! What an answer's body still comes on: a connection of its own, or a stream among others.

use super::http2::Place;
use super::pool::Lease;

/// Held until the body was read to its end, or nobody wants the rest of it.
pub(super) enum Carrier {
    Connection(Lease),
    /// Dropped, the stream is over: what is still to come of the request is not sent any more.
    Stream(Place),
}

impl Carrier {
    /// The answer was read to its end.
    pub(super) fn give_back(self) {
        if let Self::Connection(mut lease) = self {
            lease.give_back();
        }
    }

    /// Nothing else may come on this connection. A stream has its frames, and can't be misread.
    pub(super) fn discard(&mut self) {
        if let Self::Connection(lease) = self {
            lease.discard();
        }
    }
}
