//! A provider's metadata and keys on a local port: counts the calls, fails and waits as told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::auth::discovery::tests::settings;
use crate::auth::provider::Settings;
use crate::provider::{Client, Options};

pub(super) struct Desk {
    url: String,
    state: Arc<State>,
}

struct State {
    answers: Mutex<Vec<(&'static str, u16, String)>>,
    calls: watch::Sender<Vec<String>>,
    /// Each answer takes one.
    leave: Semaphore,
}

impl Desk {
    /// A sound provider with one key.
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            answers: Mutex::default(),
            calls: watch::Sender::new(Vec::new()),
            leave: Semaphore::new(Semaphore::MAX_PERMITS),
        });
        let desk = Self { url, state: Arc::clone(&state) };
        desk.answers(METADATA, 200, &desk.metadata());
        desk.answers(KEYS, 200, ONE_KEY);
        tokio::spawn(accept(listener, state));
        desk
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::new(Settings { issuer: Some(self.url.clone()), ..settings() })
    }

    pub(super) fn metadata(&self) -> String {
        let url = &self.url;
        json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}{KEYS}"),
        })
        .to_string()
    }

    /// What is answered at `path` from now on.
    pub(super) fn answers(&self, path: &'static str, status: u16, body: &str) {
        let mut answers = self.state.answers.lock().unwrap();
        answers.retain(|(known, ..)| *known != path);
        answers.push((path, status, body.to_owned()));
    }

    /// Nothing is answered until `goes_on`.
    pub(super) fn waits(&self) {
        self.state.leave.forget_permits(usize::MAX);
    }

    pub(super) fn goes_on(&self) {
        self.state.leave.add_permits(1000);
    }

    /// How often `path` was asked for.
    pub(super) fn calls(&self, path: &str) -> usize {
        self.state.calls.borrow().iter().filter(|call| *call == path).count()
    }

    /// Waits until `path` was asked for so many times.
    pub(super) async fn called(&self, path: &str, times: usize) {
        let mut calls = self.state.calls.subscribe();
        let there =
            calls.wait_for(|calls| calls.iter().filter(|call| *call == path).count() >= times);
        tokio::time::timeout(LIMIT, there).await.expect("the call never came").unwrap();
    }
}

pub(super) fn client() -> Client {
    Client::new(Options { ca_file: None, certificate: None, limit: LIMIT })
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let answer = service_fn(move |request| answer(request, Arc::clone(&state)));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), answer).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    state.calls.send_modify(|calls| calls.push(path.clone()));
    state.leave.acquire().await.unwrap().forget();
    let answers = state.answers.lock().unwrap();
    let (status, body) = answers
        .iter()
        .find(|(known, ..)| *known == path)
        .map_or((404, String::new()), |(_, status, body)| (*status, body.clone()));
    let answer = Response::builder().status(status).header("location", "/elsewhere");
    Ok(answer.body(Full::new(Bytes::from(body))).unwrap())
}

pub(super) const METADATA: &str = "/.well-known/openid-configuration";
pub(super) const KEYS: &str = "/keys";
pub(super) const ONE_KEY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
pub(super) const TWO_KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// Far beyond what any of these tests takes.
const LIMIT: Duration = Duration::from_secs(20);
