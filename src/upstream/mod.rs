//! Forwards what the policy permitted, streaming both ways.
//!
//! Every worker thread has its own [`Upstream`]s, each with its own connections, so that nothing
//! is shared between cores on the way of a request.

mod balance;
mod body;
mod both_ways;
mod carrier;
mod connect;
mod dial;
mod http2;
mod limit;
mod pool;
mod probe;
mod record;
mod retry;
mod server;
mod tunnel;
mod turn;
mod verdict;
mod way;
mod web_socket;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};

pub use body::{AnswerBody, Source, VisitorBody};
pub use connect::{Target, TlsTarget};
pub use probe::Checks;
pub use server::{Address, App};
pub use tunnel::{Company, OverHttp2, Tunnels, Until};
pub use verdict::Thresholds;

use crate::auth::fields::Managed;
use crate::auth::headers;
use crate::auth::policy::Permit;
use crate::telemetry::Metrics;
use pool::Pool;
use turn::Answered;

/// An app, as one worker reaches it.
pub struct Upstream {
    app: Arc<App>,
    /// In the order of the app's.
    servers: Vec<Reach>,
    /// Where the choice between equals begins.
    next: AtomicUsize,
    times: Times,
    tunnels: Tunnels,
    metrics: Arc<Metrics>,
}

/// A server, as one worker reaches it.
struct Reach {
    pool: Arc<Pool>,
    /// Requests and tunnels of this worker that are not over; only counted where there is a choice.
    pending: Arc<AtomicU32>,
}

/// How long an app may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub connect: Duration,
    pub response_head: Duration,
    pub body_idle: Duration,
    pub stream_idle: Option<Duration>,
}

/// What holds for one request in the place of what holds for the app.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    pub times: Option<Times>,
    /// The most that its body may have.
    pub body_bytes: Option<u64>,
    /// What a visitor must not say behind the body either (C-39).
    pub managed: Option<Arc<Managed>>,
}

/// Why an app gave no answer.
#[derive(Debug)]
pub enum Failure {
    /// It can't be reached.
    Connect(String),
    /// As many of its connections are in use as there may be.
    Busy,
    /// It reached the time limit without the head of an answer.
    Slow,
    /// It broke off, or spoke no HTTP.
    Broken(String),
    /// It gave up this one request on a connection that goes on.
    Reset(String),
    /// Its answer is one that no honest app gives.
    Nonsense(&'static str),
    /// The visitor's body has more than it may; the app never gets the whole of it.
    TooLarge,
    /// The session that opened a call was over before there was an answer (C-80).
    SessionEnded,
    /// The visitor's own body broke off or took too long; nobody may be there to be answered.
    Visitor,
}

impl Upstream {
    /// An app with connections of one's own; its `tunnels` outlive their requests, and a gateway
    /// that drains gives them a moment when everything else is done.
    pub fn new(app: Arc<App>, times: Times, tunnels: Tunnels, metrics: Arc<Metrics>) -> Self {
        let reach = |server: &server::Server| Reach {
            pool: Pool::new(server.address.target.clone(), server.limit.clone()),
            pending: Arc::default(),
        };
        let servers = app.servers.iter().map(reach).collect();
        let next = AtomicUsize::new(app.start());
        Self { app, servers, next, times, tunnels, metrics }
    }

    /// Forwards a request whose head is ready for the app. `permit` proves that the policy let
    /// it pass; `until` is asked for when the answer is a tunnel, and says when it has to end.
    pub async fn forward(
        &self,
        mut request: Request<Source>,
        permit: Permit,
        bounds: Bounds,
        until: impl FnOnce() -> Option<Until>,
    ) -> Result<Response<AnswerBody>, Failure> {
        permit.spend();
        let times = bounds.times.unwrap_or(self.times);
        let upgrade = self.tunnels.wanted(&mut request);
        if upgrade.is_some() && self.app.speaks_http2_alone() {
            return Err(Failure::Nonsense("no WebSocket, as it speaks HTTP/2 alone"));
        }
        let trailers = announced_trailers(request.headers());
        let takes_trailers = takes_trailers(request.headers());
        headers::strip_hop_by_hop(request.headers_mut());
        if let Some(upgrade) = &upgrade {
            upgrade.state(request.headers_mut());
        } else if takes_trailers {
            request.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));
            request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("te"));
        }
        request.headers_mut().extend(trailers.map(|names| (header::TRAILER, names)));
        // A call may be a stream that lasts, with long silences: how long is its client's affair,
        // who says so itself (`grpc-timeout`).
        let grpc = request.method() == Method::POST
            && self.app.may_speak_http2()
            && request.version() == Version::HTTP_2
            && headers::is_grpc(request.headers());
        let (head_limit, idle) = match grpc {
            true => (times.stream_idle, times.stream_idle),
            false => (Some(times.response_head), Some(times.body_idle)),
        };
        let request = outgoing(request, idle, bounds);
        let progress = request.body().progress();
        // Pinned here, it is never moved: every copy would make the state of every request larger.
        let mut head = pin!(self.send(request, times.connect, upgrade.is_some()));
        let head = progress.bound(head.as_mut(), head_limit);
        if !grpc {
            return self.incoming(head.await?, upgrade, times.stream_idle, until);
        }
        // The visitor may send for long before there is an answer, and must not outlive its session.
        let answered = bound_by(until(), head).await?;
        self.incoming(answered, upgrade, times.stream_idle, || None)
    }

    fn incoming(
        &self,
        (mut answer, mut carrier, share): Answered,
        upgrade: Option<tunnel::Wanted>,
        idle: Option<Duration>,
        until: impl FnOnce() -> Option<Until>,
    ) -> Result<Response<AnswerBody>, Failure> {
        let status = answer.status();
        if status == StatusCode::SWITCHING_PROTOCOLS {
            let upgrade = upgrade.ok_or(Failure::Nonsense("an upgrade that nobody asked for"))?;
            let until = held(share, until());
            return upgrade.accept(answer, &self.tunnels, idle, until);
        }
        if upgrade.is_some_and(|upgrade| upgrade.is_over_http2()) && status.is_success() {
            return Err(Failure::Nonsense("success instead of the upgrade that was asked for"));
        }
        if !(200..600).contains(&status.as_u16()) {
            return Err(Failure::Nonsense("a status outside of 200 to 599"));
        }
        // With both, hyper reads by Transfer-Encoding and leaves the length in: whoever reads by
        // the length would see another body (C-53; RFC 9112 6.3).
        if answer.headers().contains_key(header::TRANSFER_ENCODING)
            && answer.headers_mut().remove(header::CONTENT_LENGTH).is_some()
        {
            carrier.discard();
        }
        let trailers = announced_trailers(answer.headers());
        headers::strip_hop_by_hop(answer.headers_mut());
        if let Some(trailers) = trailers {
            answer.headers_mut().insert(header::TRAILER, trailers);
        }
        Ok(answer.map(|body| AnswerBody::new(body, carrier, share, idle)))
    }
}

/// Gives up `head` when the session is over.
async fn bound_by<T>(
    until: Option<Until>,
    head: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(until) = until else { return head.await };
    tokio::select! {
        biased;
        () = until => Err(Failure::SessionEnded),
        head = head => head,
    }
}

/// Has a tunnel hold what it takes up for as long as it lives: what is waited for beside it is
/// dropped with it.
pub fn held<T: Send + 'static>(taken: Option<T>, until: Option<Until>) -> Option<Until> {
    let Some(taken) = taken else {
        return until;
    };
    Some(Box::pin(async move {
        let _taken = taken;
        match until {
            Some(until) => until.await,
            None => std::future::pending().await,
        }
    }))
}

fn outgoing(
    request: Request<Source>,
    idle: Option<Duration>,
    bounds: Bounds,
) -> Request<VisitorBody> {
    let (mut head, body) = request.into_parts();
    head.version = Version::HTTP_11;
    let body = VisitorBody::new(body, idle, bounds);
    // Without it, hyper takes a GET or HEAD to have no body and drops the one that it has.
    if !body.is_absent() && !head.headers.contains_key(header::CONTENT_LENGTH) {
        head.headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    Request::from_parts(head, body)
}

fn takes_trailers(fields: &HeaderMap) -> bool {
    let mut lines = fields.get_all(header::TE).iter();
    lines.any(|line| memchr::memmem::find(line.as_bytes(), b"trailers").is_some())
}

/// The trailers that a message announces and that may be passed on; hyper writes no others.
fn announced_trailers(fields: &HeaderMap) -> Option<HeaderValue> {
    if !fields.contains_key(header::TRAILER) {
        return None;
    }
    let lines = fields.get_all(header::TRAILER).iter();
    let mut announced = HeaderMap::new();
    let names = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    // A map of headers panics when it is full, and nobody means that many.
    for name in names.take(MAX_TRAILERS) {
        if let Ok(name) = header::HeaderName::from_bytes(name.trim_ascii()) {
            announced.insert(name, HeaderValue::from_static(""));
        }
    }
    headers::strip_trailers(&mut announced);
    let names: Vec<&str> = announced.keys().map(header::HeaderName::as_str).collect();
    (!names.is_empty()).then(|| names.join(", ").parse().ok()).flatten()
}

const MAX_TRAILERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_trailers_than_a_map_can_hold_are_announced_in_part() {
        let names: Vec<String> = (0..40_000).map(|n| format!("x{n}")).collect();
        let mut fields = HeaderMap::new();
        fields.insert(header::TRAILER, names.join(",").parse().unwrap());
        let announced = announced_trailers(&fields).unwrap();
        assert!(announced.to_str().unwrap().starts_with("x0, x1, "));
        assert_eq!(announced.to_str().unwrap().split(',').count(), MAX_TRAILERS);
    }
}
