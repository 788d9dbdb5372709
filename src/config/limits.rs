//! Limits and times, each with a default and its reason.

use std::time::Duration;

use super::environment::Environment;
use super::problem::Problems;
use super::reader::Section;
use super::route::read_limited;
use crate::auth::route_limits::{EVERYWHERE, Limited};

/// What a peer may take, in time and in bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// To connect to an upstream.
    pub connect: Duration,
    /// For a whole call to the provider.
    pub provider: Duration,
    /// For the head of an upstream's answer.
    pub response_head: Duration,
    /// Between two pieces of a request body, or of an answer that a visitor does not take.
    pub body_idle: Duration,
    /// Between two pieces of an answer or on a WebSocket; off unless set: event streams are quiet.
    pub stream_idle: Option<Duration>,
    /// For the head of a request, from its first byte.
    pub request_head: Duration,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// Between two requests on a connection.
    pub keep_alive: Duration,
    /// How long new requests are still taken after SIGTERM, readiness being off: whoever sends
    /// them hears of that late.
    pub drain_delay: Duration,
    /// For what runs to finish, once nothing new is taken.
    pub drain: Duration,
    /// For the head of a request, in bytes.
    pub header_bytes: usize,
    /// Connections at once.
    pub connections: usize,
    /// Of every route that says nothing else.
    pub routes: Limited,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            provider: Duration::from_secs(10),
            response_head: Duration::from_secs(60),
            body_idle: Duration::from_secs(60),
            stream_idle: None,
            request_head: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            drain_delay: Duration::ZERO,
            drain: Duration::from_secs(30),
            header_bytes: 64 * 1024,
            connections: 16_384,
            routes: Limited::default(),
        }
    }
}

pub(super) fn parse(
    root: &mut Section,
    environment: &Environment,
    problems: &mut Problems,
) -> Limits {
    let mut section = root.section("limits", problems);
    let mut limits = Limits::default();
    for (key, limit) in [
        ("connect", &mut limits.connect),
        ("provider", &mut limits.provider),
        ("response_head", &mut limits.response_head),
        ("body_idle", &mut limits.body_idle),
        ("request_head", &mut limits.request_head),
        ("handshake", &mut limits.handshake),
        ("keep_alive", &mut limits.keep_alive),
        ("drain", &mut limits.drain),
    ] {
        if let Some(duration) = section.duration(key, problems) {
            if duration.is_zero() {
                problems.push(section.problem(key, "must be more than nothing"));
            }
            *limit = duration;
        }
    }
    limits.drain_delay =
        section.duration("drain_delay", problems).unwrap_or_else(|| drain_delay(environment));
    limits.stream_idle = section.duration("stream_idle", problems).filter(|idle| !idle.is_zero());
    for (key, limit, least) in [
        // hyper's read buffer has a floor of 8 KiB.
        ("header_bytes", &mut limits.header_bytes, 8192.0),
        ("connections", &mut limits.connections, 1.0),
    ] {
        match section.number(key, problems) {
            Some(number) if (least..=1e9).contains(&number) => *limit = number as usize,
            Some(_) => problems.push(section.problem(key, format!("must be at least {least}"))),
            None => {}
        }
    }
    limits.routes = read_limited(&mut section, &Limited::default(), EVERYWHERE, problems);
    section.finish(problems);
    limits
}

/// Kubernetes sends SIGTERM and takes a pod off its Services at the same time, and its proxies
/// hear of it within seconds. Elsewhere nobody waits for anything.
fn drain_delay(environment: &Environment) -> Duration {
    match environment.get("KUBERNETES_SERVICE_HOST") {
        Some(_) => Duration::from_secs(5),
        None => Duration::ZERO,
    }
}
