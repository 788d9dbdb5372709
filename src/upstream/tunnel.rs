//! WebSockets: after both sides agreed, bytes go through untouched, until one of the sides ends it,
//! the session is over (C-80), or we go away.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::{self, OnUpgrade};
use hyper_util::rt::TokioIo;
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
    mask: fn() -> [u8; 4],
}

/// Resolves when the session is over that a tunnel was opened with.
pub type Until = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A visitor's wish to speak WebSocket.
pub(super) struct Wanted {
    visitor: OnUpgrade,
}

impl Tunnels {
    /// None yet. `mask` draws the random mask of a frame to an app (RFC 6455 5.3).
    pub fn new(mask: fn() -> [u8; 4]) -> Self {
        Self { tasks: TaskTracker::new(), leaving: CancellationToken::new(), mask }
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

    fn open(
        &self,
        visitor: OnUpgrade,
        app: OnUpgrade,
        idle: Option<Duration>,
        until: Option<Until>,
    ) {
        let Self { leaving, mask, .. } = self.clone();
        self.tasks.spawn(async move {
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

/// Takes the wish out of a request. Any other upgrade is dropped like every hop-by-hop field:
/// `h2c` through a proxy is a way around it (C-61). So is one with a body, which would stand between
/// the head and the messages.
pub(super) fn wanted(request: &mut Request<Incoming>) -> Option<Wanted> {
    let fields = request.headers();
    let asked = request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && request.body().is_end_stream()
        && is_websocket(fields)
        && names_upgrade(fields);
    asked.then(|| Wanted { visitor: upgrade::on(request) })
}

impl Wanted {
    /// States the wish to the app.
    pub(super) fn state(&self, fields: &mut HeaderMap) {
        fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
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
        let app = upgrade::on(&mut answer);
        tunnels.open(self.visitor, app, idle, until);
        crate::auth::headers::strip_hop_by_hop(answer.headers_mut());
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        answer.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        Ok(answer.map(AnswerBody::tunnel))
    }
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
