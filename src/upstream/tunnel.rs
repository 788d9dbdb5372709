//! WebSockets: after both sides agreed, bytes go through untouched, until one of the sides ends it,
//! the session is over (C-80), or we go away.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use hyper::body::{Body, Incoming};
use hyper::upgrade::{self, OnUpgrade};
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Failure;
use super::body::AnswerBody;
use super::both_ways::BothWays;
use super::web_socket::Reason;

/// The tunnels of one worker. They outlive their requests.
#[derive(Clone)]
pub struct Tunnels {
    tasks: TaskTracker,
    leaving: CancellationToken,
    /// Also cancelled with the other.
    sharing: CancellationToken,
    mask: fn() -> [u8; 4],
}

/// Resolves when the session is over that a tunnel was opened with.
pub type Until = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Marks a request that came as an extended CONNECT and now looks like an upgrade (RFC 8441).
#[derive(Clone, Copy)]
pub struct OverHttp2;

/// What is kept for as long as a tunnel that is one stream of a connection, so that whoever made
/// it knows that the connection is in use.
#[derive(Clone)]
pub struct Company(#[expect(dead_code, reason = "it is only held")] Arc<dyn Any + Send + Sync>);

/// A visitor's wish to speak WebSocket.
pub(super) struct Wanted {
    visitor: OnUpgrade,
    /// What we ask the app with where the visitor has not: HTTP/2 knows no such key.
    key: Option<String>,
    company: Option<Company>,
}

impl Company {
    /// Holds `kept`.
    pub fn new(kept: impl Send + Sync + 'static) -> Self {
        Self(Arc::new(kept))
    }
}

impl Tunnels {
    /// None yet. `mask` draws the random mask of a frame to an app (RFC 6455 5.3).
    pub fn new(mask: fn() -> [u8; 4]) -> Self {
        let leaving = CancellationToken::new();
        Self { tasks: TaskTracker::new(), sharing: leaving.child_token(), leaving, mask }
    }

    /// Waits until there is none left; new ones may come until then.
    pub async fn wait(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Has all of them end, with a word to both sides that we go away.
    pub fn leave(&self) {
        self.leaving.cancel();
    }

    /// The same for those alone that share a connection with requests, which is in use for as long
    /// as they are.
    pub fn leave_shared(&self) {
        self.sharing.cancel();
    }

    /// Takes the wish out of a request. Any other upgrade is dropped like every hop-by-hop field:
    /// `h2c` through a proxy is a way around it (C-61). So is one with a body, which would stand
    /// between the head and the messages.
    pub(super) fn wanted<B: Body>(&self, request: &mut Request<B>) -> Option<Wanted> {
        let fields = request.headers();
        let asked = request.method() == Method::GET
            && request.body().is_end_stream()
            && is_websocket(fields)
            && names_upgrade(fields);
        if !asked {
            return None;
        }
        let key = match request.version() {
            Version::HTTP_11 => None,
            _ => Some(self.key(request.extensions().get()?)),
        };
        let company = request.extensions_mut().remove();
        Some(Wanted { visitor: upgrade::on(request), key, company })
    }

    /// Draws a key (RFC 6455 4.1).
    fn key(&self, _: &OverHttp2) -> String {
        let draw = self.mask;
        STANDARD.encode([draw(), draw(), draw(), draw()].concat())
    }

    fn open(&self, wanted: Wanted, app: OnUpgrade, idle: Option<Duration>, until: Option<Until>) {
        let Self { leaving, sharing, mask, .. } = self.clone();
        let leaving = if wanted.is_over_http2() { sharing } else { leaving };
        self.tasks.spawn(async move {
            let Wanted { visitor, company: _company, .. } = wanted;
            let Ok((visitor, app)) = tokio::try_join!(visitor, app) else { return };
            let mut tunnel = BothWays::new(TokioIo::new(visitor), TokioIo::new(app));
            let over = async {
                match until {
                    Some(until) => until.await,
                    None => std::future::pending().await,
                }
            };
            let reason = tokio::select! {
                // Looked at first: whoever never stops talking must not keep it from being heard.
                biased;
                () = over => Reason::SessionEnded,
                () = leaving.cancelled() => Reason::GoingAway,
                () = tunnel.carry(idle) => return,
            };
            tunnel.end(reason, mask()).await;
        });
    }
}

impl Wanted {
    pub(super) fn is_over_http2(&self) -> bool {
        self.key.is_some()
    }

    /// States the wish to the app.
    pub(super) fn state(&self, fields: &mut HeaderMap) {
        fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        let key = self.key.as_ref().and_then(|key| HeaderValue::from_str(key).ok());
        if let Some(key) = key {
            fields.insert(header::SEC_WEBSOCKET_KEY, key);
        }
    }

    /// Joins both sides after the app's 101 (S55): only to the protocol that was asked for.
    pub(super) fn accept(
        self,
        mut answer: Response<Incoming>,
        tunnels: &Tunnels,
        idle: Option<Duration>,
        until: Option<Until>,
    ) -> Result<Response<AnswerBody>, Failure> {
        if !is_websocket(answer.headers()) {
            return Err(Failure::Nonsense("an upgrade to another protocol than asked for"));
        }
        if self.key.as_ref().is_some_and(|key| !accepts(answer.headers(), key)) {
            return Err(Failure::Nonsense("an upgrade for a key that nobody sent"));
        }
        let app = upgrade::on(&mut answer);
        tunnels.open(self, app, idle, until);
        crate::auth::headers::strip_hop_by_hop(answer.headers_mut());
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        answer.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        Ok(answer.map(AnswerBody::tunnel))
    }
}

/// Whether the app has read the key (RFC 6455 4.2.2).
fn accepts(fields: &HeaderMap, key: &str) -> bool {
    let expected = STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize());
    fields.get(header::SEC_WEBSOCKET_ACCEPT).is_some_and(|value| *value == expected)
}

fn is_websocket(fields: &HeaderMap) -> bool {
    let mut values = fields.get_all(header::UPGRADE).iter();
    values.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && values.next().is_none()
}

fn names_upgrade(fields: &HeaderMap) -> bool {
    let lines = fields.get_all(header::CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// What is hashed with every key (RFC 6455 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
