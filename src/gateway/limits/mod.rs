//! How often somebody may ask, and how much at once (`[limits]`, and `limits` of a route).
//!
//! Counted in this process alone: of several replicas each counts what comes to it. What is off
//! costs nothing, and what is on costs one lock of many.

mod buckets;
mod slots;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body::Body as _;

use buckets::Buckets;
pub(super) use slots::Slot;
use slots::Slots;

use super::own::OwnPath;
use super::respond::Failure;
use super::who::{Counted, Who};
use crate::auth::route_limits::{self, Limited, RouteLimits};
use crate::upstream::{self, Bounds, Source, Times};

/// What all workers count.
pub(super) struct Limits {
    /// Buckets count from here.
    start: Instant,
    addresses: Buckets<u128>,
    sessions: Buckets<Counted>,
    slots: Arc<Slots<Counted>>,
    /// For our own paths.
    own: Option<route_limits::Counted>,
}

impl Limits {
    /// Nothing counted yet; `routes` is what holds for routes that say nothing else.
    pub(super) fn new(routes: &Limited) -> Self {
        Self {
            start: Instant::now(),
            addresses: Buckets::default(),
            sessions: Buckets::default(),
            slots: Arc::default(),
            own: routes.per_address,
        }
    }

    /// Counts a request to one of our own paths, but for those that watch over us.
    pub(super) fn at_own_path(&self, own: OwnPath, client: Option<IpAddr>) -> Result<(), Failure> {
        match own {
            OwnPath::Ping | OwnPath::Ready => Ok(()),
            _ => self.per_address(self.own, client),
        }
    }

    /// Counts a request by where it came from. Where that is not known, nothing is counted.
    pub(super) fn by_address(
        &self,
        limits: &RouteLimits,
        client: Option<IpAddr>,
    ) -> Result<(), Failure> {
        let limited = limits.limited();
        limited.map_or(Ok(()), |limited| self.per_address(limited.per_address, client))
    }

    /// Counts a request by whose it is; what is returned is held until its answer is over. What
    /// nobody is known of is not counted.
    pub(super) fn by_session(
        &self,
        limits: &RouteLimits,
        who: &Who,
    ) -> Result<Option<Arc<Slot<Counted>>>, Failure> {
        self.rate_by_session(limits, who)?;
        let Some(limited) = limits.limited() else { return Ok(None) };
        let Some(most) = limited.concurrent_per_session else { return Ok(None) };
        let Some(counted) = who.counted() else { return Ok(None) };
        let slot = self.slots.open((limited.concurrent_among, counted), most);
        // Nobody knows when one of the others is over.
        slot.map(|slot| Some(Arc::new(slot))).ok_or_else(|| too_many(Duration::from_secs(1)))
    }

    /// Counts the same, but not how long it lasts.
    pub(super) fn rate_by_session(&self, limits: &RouteLimits, who: &Who) -> Result<(), Failure> {
        let Some(limit) = limits.limited().and_then(|limited| limited.per_session) else {
            return Ok(());
        };
        let Some(counted) = who.counted() else { return Ok(()) };
        let taken = self.sessions.take((limit.among, counted), limit.rate, self.now());
        taken.map_err(too_many)
    }

    fn per_address(
        &self,
        limit: Option<route_limits::Counted>,
        client: Option<IpAddr>,
    ) -> Result<(), Failure> {
        let (Some(limit), Some(client)) = (limit, client) else { return Ok(()) };
        let taken = self.addresses.take((limit.among, block(client)), limit.rate, self.now());
        taken.map_err(too_many)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What of a route's limits the way to the app has to keep; a body that says itself that it is too
/// large does not go there at all.
pub(super) fn bounded(limits: &RouteLimits, body: &Source) -> Result<Bounds, Failure> {
    let Some(limited) = limits.limited() else { return Ok(Bounds::default()) };
    if limited.body_bytes.is_some_and(|most| body.size_hint().lower() > most) {
        return Err(Failure::Upstream(upstream::Failure::TooLarge));
    }
    let times = limited.times.map(|times| Times {
        connect: times.connect,
        response_head: times.response_head,
        body_idle: times.body_idle,
        stream_idle: times.stream_idle,
    });
    Ok(Bounds { times, body_bytes: limited.body_bytes, managed: None })
}

/// What one visitor has of addresses: of IPv6 a network of 64 bits, in which anyone has them all.
pub(super) fn block(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => 1 << 64 | u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64,
    }
}

const fn too_many(retry_after: Duration) -> Failure {
    Failure::TooMany { retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_counts_as_one_and_ipv4_addresses_apart() {
        let block = |text: &str| block(text.parse().unwrap());
        assert_eq!(block("2001:db8::1"), block("2001:db8::ffff:0:0:2"));
        assert_ne!(block("2001:db8::1"), block("2001:db8:0:1::1"));
        assert_ne!(block("192.0.2.1"), block("192.0.2.2"));
        assert_eq!(block("::ffff:192.0.2.1"), block("192.0.2.1"));
        assert_ne!(block("192.0.2.1"), block("::c000:201"));
    }
}
