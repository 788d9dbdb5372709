//! How much one route takes.

use std::time::Duration;

use super::rate::Rate;

/// How much one route takes. Nothing is limited unless it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteLimits(Option<Box<Limited>>);

/// What is limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limited {
    /// The most that a request may bring.
    pub body_bytes: Option<u64>,
    /// None: as everywhere.
    pub times: Option<AppTimes>,
    pub per_address: Option<Counted>,
    pub per_session: Option<Counted>,
    /// Of one session at once; a WebSocket or an event stream counts for as long as it is open.
    pub concurrent_per_session: Option<u32>,
    /// Which routes count concurrent requests together.
    pub concurrent_among: u32,
}

/// A rate, and which requests count together: all under the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub rate: Rate,
    /// [`EVERYWHERE`], or a number of the route's own.
    pub among: u32,
}

/// How long an app may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppTimes {
    pub connect: Duration,
    pub response_head: Duration,
    pub body_idle: Duration,
    pub stream_idle: Option<Duration>,
}

impl RouteLimits {
    /// These limits; the more is off, the less is looked at.
    pub fn new(limited: Limited) -> Self {
        let nothing = Limited { concurrent_among: limited.concurrent_among, ..Limited::default() };
        Self((limited != nothing).then(|| Box::new(limited)))
    }

    /// What is limited; none: nothing.
    pub fn limited(&self) -> Option<&Limited> {
        self.0.as_deref()
    }
}

/// What the limits of the root table count among: all routes that say nothing of their own.
pub const EVERYWHERE: u32 = 0;
