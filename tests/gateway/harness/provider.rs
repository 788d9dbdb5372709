//! The stand-in for Askara: consents at once, takes JSON token calls only, rotates refresh tokens.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Fault;
use super::provider_desk::{Desk, TokenRequest};

pub(crate) struct Provider {
    url: String,
    desk: Arc<Mutex<Desk>>,
    task: JoinHandle<()>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let desk = Arc::default();
        let task = tokio::spawn(accept(listener, Arc::clone(&desk)));
        Self { url, desk, task }
    }

    /// A provider whose access tokens live this many seconds.
    pub(crate) async fn with_token_life(seconds: u64) -> Self {
        let provider = Self::start().await;
        provider.token_life(seconds);
        provider
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap()
    }

    // --- how it behaves from now on

    /// How long a token call takes; what it does is done before the wait.
    pub(crate) fn latency(&self, millis: u64) {
        self.desk().latency = Duration::from_millis(millis);
    }

    pub(crate) fn token_life(&self, seconds: u64) {
        self.desk().life = seconds;
    }

    pub(crate) fn fails_next_token_call(&self, fault: Fault) {
        self.desk().token_faults.push_back(fault);
    }

    pub(crate) fn fails_token_calls(&self, fault: Fault) {
        self.desk().token_fault = Some(fault);
    }

    pub(crate) fn fails_me(&self, fault: Fault) {
        self.desk().me_fault = Some(fault);
    }

    pub(crate) fn behaves_again(&self) {
        let mut desk = self.desk();
        desk.token_fault = None;
        desk.me_fault = None;
        desk.denial = None;
    }

    pub(crate) fn denies(&self, error: &str) {
        self.desk().denial = Some(error.to_owned());
    }

    pub(crate) fn writes_expires_in_as_text(&self) {
        self.desk().expires_in = |life| Some(Value::String(life.to_string()));
    }

    pub(crate) fn writes_expires_in_as_float(&self) {
        self.desk().expires_in = |life| Some(json!(life as f64));
    }

    pub(crate) fn leaves_out_expires_in(&self) {
        self.desk().expires_in = |_| None;
    }

    pub(crate) fn writes_token_type(&self, token_type: Option<&str>) {
        self.desk().token_type = token_type.map(str::to_owned);
    }

    pub(crate) fn gives_no_refresh_tokens(&self) {
        self.desk().gives_refresh_tokens = false;
    }

    /// Refresh answers without a refresh token: the old one goes on being good.
    pub(crate) fn does_not_rotate(&self) {
        self.desk().rotates = false;
    }

    /// Whom tokens and `/me` speak of from the next token on.
    pub(crate) fn names_subject(&self, subject: &str) {
        self.desk().subject = subject.to_owned();
    }

    pub(crate) fn names_person(&self, name: &str) {
        self.desk().name = name.to_owned();
    }

    // --- what it saw

    pub(crate) fn token_calls(&self) -> usize {
        let desk = self.desk();
        desk.calls.exchanges + desk.calls.refreshes
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.desk().calls.exchanges
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.desk().calls.refreshes
    }

    pub(crate) fn me_calls(&self) -> usize {
        self.desk().calls.me
    }

    pub(crate) fn authorizations(&self) -> usize {
        self.desk().calls.authorize
    }

    /// The query of the last authorization request, in order.
    pub(crate) fn last_authorization(&self) -> Vec<(String, String)> {
        self.desk().authorizations.last().expect("one").clone()
    }

    pub(crate) fn last_token_request(&self) -> TokenRequest {
        self.desk().requests.last().expect("one").clone()
    }

    /// The newest access token that was given out.
    pub(crate) fn newest_token(&self) -> String {
        self.desk().issued.last().expect("one").clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, desk: Arc<Mutex<Desk>>) {
    while let Ok((socket, _)) = listener.accept().await {
        let desk = Arc::clone(&desk);
        let service = service_fn(move |request| answer(Arc::clone(&desk), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

async fn answer(
    desk: Arc<Mutex<Desk>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let fault = match (head.method.as_str(), head.uri.path()) {
        ("GET", "/authorize") => {
            let pairs = form_urlencoded::parse(query).into_owned().collect();
            Fault::redirect(&desk.lock().unwrap().authorize(pairs))
        }
        ("POST", "/oauth2/token") => {
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            let request = TokenRequest {
                content_type: header("content-type"),
                body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            };
            let (fault, latency) = {
                let mut desk = desk.lock().unwrap();
                (desk.token(request), desk.latency)
            };
            tokio::time::sleep(latency).await;
            fault
        }
        ("GET", "/me") => {
            let authorization = header("authorization");
            let bearer = authorization.strip_prefix("Bearer ").unwrap_or_default();
            desk.lock().unwrap().me(bearer)
        }
        _ => Fault::status(404),
    };
    fault.happen().await
}
