//! WebSockets: after both sides agreed, bytes go through untouched.

use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::{self, OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio_util::task::TaskTracker;

use super::Failure;
use super::body::AnswerBody;

/// A visitor's wish to speak WebSocket.
pub(super) struct Wanted {
    visitor: OnUpgrade,
}

/// Takes the wish out of a request. Any other upgrade is dropped like every hop-by-hop field:
/// `h2c` through a proxy is a way around it (C-61).
pub(super) fn wanted(request: &mut Request<Incoming>) -> Option<Wanted> {
    let fields = request.headers();
    let asked = request.version() == Version::HTTP_11
        && request.method() == Method::GET
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
        tasks: &TaskTracker,
    ) -> Result<Response<AnswerBody>, Failure> {
        if !is_websocket(answer.headers()) {
            return Err(Failure::Nonsense("an upgrade to another protocol than asked for"));
        }
        let app = upgrade::on(&mut answer);
        tasks.spawn(async move {
            let (Ok(visitor), Ok(app)) = tokio::join!(self.visitor, app) else {
                return;
            };
            // Either side may break off at any time: that ends the tunnel, and is no fault.
            let _ = copy_bidirectional(&mut TokioIo::new(visitor), &mut TokioIo::new(app)).await;
        });
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
