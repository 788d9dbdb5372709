//! How the stand-in provider is spoken to: HTTP/1.1, JSON and forms.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::provider_desk::{Desk, TokenRequest};
use super::{Body, Fault};

/// Serves until it is dropped, and takes its connections along.
pub(super) async fn accept(listener: TcpListener, desk: Arc<Mutex<Desk>>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let desk = Arc::clone(&desk);
        let service = service_fn(move |request| answer(Arc::clone(&desk), request));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

async fn answer(
    desk: Arc<Mutex<Desk>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let request = TokenRequest {
        authorization: header(&head.headers, "authorization"),
        content_type: header(&head.headers, "content-type"),
        body: read(&body, &header(&head.headers, "content-type")),
    };
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let told = if head.method == "POST" { &body[..] } else { query };
    let pairs: Vec<_> = form_urlencoded::parse(told).into_owned().collect();
    let hesitation = desk.lock().unwrap().hesitates(path);
    let is_token_call = path == desk.lock().unwrap().play.token;
    let _underway = is_token_call.then(|| Underway::begin(&desk));
    tokio::time::sleep(hesitation).await;
    let (fault, latency) = {
        let mut desk = desk.lock().unwrap();
        let latency = if path == desk.play.token { desk.latency } else { Default::default() };
        (desk.answer(head.method.as_str(), path, pairs, request), latency)
    };
    tokio::time::sleep(latency).await;
    fault.happen().await
}

/// A token call, until it is answered or its connection is gone.
struct Underway(Arc<Mutex<Desk>>);

impl Underway {
    fn begin(desk: &Arc<Mutex<Desk>>) -> Self {
        desk.lock().unwrap().calls.underway += 1;
        Self(Arc::clone(desk))
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Ok(mut desk) = self.0.lock() {
            desk.calls.underway -= 1;
        }
    }
}

impl Desk {
    /// Notes a token call as it comes.
    fn hesitates(&mut self, path: &str) -> Duration {
        if path != self.play.token {
            return Duration::ZERO;
        }
        self.calls.begun += 1;
        self.hesitation
    }

    fn answer(
        &mut self,
        method: &str,
        path: &str,
        pairs: Vec<(String, String)>,
        request: TokenRequest,
    ) -> Fault {
        self.paths.push(path.to_owned());
        self.note_secrets(&request);
        let authorize = (if self.play.posts { "POST" } else { "GET" }, self.play.authorize);
        if method == "POST" && ![self.play.authorize, self.play.token].contains(&path) {
            self.others.push((path.to_owned(), request.clone()));
        }
        if let Some(fault) = self.faults.get(path) {
            return fault.clone();
        }
        match (method, path) {
            at if at == authorize => self.authorize(pairs),
            ("POST", path) if path == self.play.token => self.token(request),
            ("GET", "/me") => {
                self.me(request.authorization.strip_prefix("Bearer ").unwrap_or_default())
            }
            ("GET", "/.well-known/openid-configuration") => self.metadata(),
            ("GET", "/jwks") => self.jwks(),
            ("GET", "/end_session") => self.end_session(&pairs),
            ("POST", "/par") => self.push(&request),
            ("POST", "/introspect") if self.recognises(&request) => {
                Fault::json(200, &self.introspection)
            }
            ("POST", "/revoke") if self.recognises(&request) => Fault::status(200),
            _ => Fault::status(404),
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// JSON as it is; a form as the object that it means.
fn read(body: &Bytes, kind: &str) -> Value {
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return serde_json::from_slice(body).unwrap_or(Value::Null);
    }
    let mut members = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(body).into_owned() {
        let twice = members.insert(name.clone(), Value::String(value));
        assert!(twice.is_none(), "{name} is said twice");
    }
    Value::Object(members)
}
