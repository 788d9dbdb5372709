//! Sends what the core builds for a provider, within bounds: a time limit for the whole call,
//! 256 KiB for the answer, no redirect followed (C-93), a few calls at once (C-78).
//! [`directory`] keeps what is learnt from a provider: its addresses and its keys.

mod connector;
pub mod directory;
mod shared;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;

use connector::Connector;

pub use crate::tls::CertificateFiles;

/// The way to the provider.
pub struct Client {
    http: OnceLock<Http>,
    options: Options,
    /// For each lane its places.
    lanes: [Semaphore; LANES],
}

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The only authorities that are believed; none: the system's.
    pub ca_file: Option<PathBuf>,
    /// What the client shows where its certificate is its proof (RFC 8705).
    pub certificate: Option<CertificateFiles>,
    /// For a whole call.
    pub limit: Duration,
}

/// What a call is for. What anybody can begin, and begin again, never takes the place of what
/// needs a session or a code, nor of anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Questions about the tokens of API clients.
    Api,
    /// What a code leads to.
    Login,
    /// What comes before there is a code.
    Push,
    Renewal,
    /// Taking tokens back.
    Revocation,
}

/// Why a call brought no answer. No such failure ever ends a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// The connection could not be made.
    Connect(String),
    /// It broke, or the answer was no HTTP.
    Broken(String),
    /// Too many calls at once; nothing was sent.
    Busy,
    /// Our own settings do not allow a connection, such as an unreadable `ca_file`.
    Setup(String),
    TimeOut,
    /// The answer was larger than it may be.
    TooLarge,
}

type Http = legacy::Client<Connector, Full<Bytes>>;

impl Client {
    /// A client that trusts the system's authorities, or those of `ca_file` alone. The TLS part
    /// is made at the first call: a gateway has to start while its provider is away.
    pub fn new(options: Options) -> Self {
        let lanes = std::array::from_fn(|_| Semaphore::new(MAX_CALLS));
        Self { http: OnceLock::new(), options, lanes }
    }

    /// Sends a request and takes the whole answer, in at most `limit` once it is its turn.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        lane: Lane,
    ) -> Result<Response<Bytes>, CallFailure> {
        self.send_for(request, lane, MAX_ANSWER).await
    }

    /// The same for an answer of at most `most` bytes.
    pub async fn send_for(
        &self,
        request: Request<Bytes>,
        lane: Lane,
        most: usize,
    ) -> Result<Response<Bytes>, CallFailure> {
        let limit = self.options.limit;
        let turn = tokio::time::timeout(limit, self.lanes[lane as usize].acquire()).await;
        let _turn = turn.map_err(|_| CallFailure::Busy)?;
        tokio::time::timeout(limit, self.exchange(request, most))
            .await
            .unwrap_or(Err(CallFailure::TimeOut))
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        most: usize,
    ) -> Result<Response<Bytes>, CallFailure> {
        let http = self.http()?;
        let again = request.clone();
        let sent = match http.request(request.map(Full::new)).await {
            // Nothing was sent: the one case in which a code or refresh token is safe to try again.
            Err(error) if error.is_connect() => http.request(again.map(Full::new)).await,
            sent => sent,
        };
        let answer = sent.map_err(|error| {
            let why = chain(&error);
            if error.is_connect() { CallFailure::Connect(why) } else { CallFailure::Broken(why) }
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, most).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                CallFailure::TooLarge
            } else {
                CallFailure::Broken(chain(&*error))
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    /// A failure is not kept: files that can't be read now may be there at the next call.
    fn http(&self) -> Result<&Http, CallFailure> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let built = build(&self.options)?;
        Ok(self.http.get_or_init(|| built))
    }
}

impl std::fmt::Display for CallFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "can't connect: {why}"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
            Self::Busy => f.write_str("too many calls at once"),
            Self::Setup(why) => write!(f, "can't call: {why}"),
            Self::TimeOut => f.write_str("no answer in time"),
            Self::TooLarge => f.write_str("the answer is too large"),
        }
    }
}

fn build(options: &Options) -> Result<Http, CallFailure> {
    let connector =
        Connector::new(options).map_err(|error| CallFailure::Setup(error.to_string()))?;
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(4)
        .pool_timer(TokioTimer::new())
        .build(connector))
}

/// An error with its causes; those of hyper and rustls tell of connections, never of contents.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Tokens and identities are a few kilobytes; more is no answer (C-93).
pub const MAX_ANSWER: usize = 256 * 1024;
const LANES: usize = Lane::Revocation as usize + 1;
const MAX_CALLS: usize = 64;
/// Shorter than what servers keep, so that a token call seldom meets a closed connection.
const IDLE: Duration = Duration::from_secs(4);
