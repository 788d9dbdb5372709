//! The stand-in for a provider: consents at once, takes the token calls of the kind that it plays
//! and no other, rotates refresh tokens.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::play::{ASKARA, OIDC, Play};
use super::provider_desk::Desk;
use super::signer::Signer;
use super::{Fault, Port, provider_http};

pub(crate) struct Provider {
    url: String,
    desk: Arc<Mutex<Desk>>,
    port: Port,
    task: JoinHandle<()>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        Self::playing(ASKARA).await
    }

    pub(crate) async fn openid() -> Self {
        Self::playing(OIDC).await
    }

    pub(crate) async fn playing(play: Play) -> Self {
        let port = Port::reserve();
        let url = format!("http://127.0.0.1:{}", port.number);
        let desk = Arc::new(Mutex::new(Desk::new(play, &url)));
        let task = tokio::spawn(provider_http::accept(port.listen(), Arc::clone(&desk)));
        Self { url, desk, port, task }
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

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap()
    }

    // --- how it behaves from now on

    /// How long a token call takes; what it does is done before the wait.
    pub(crate) fn latency(&self, millis: u64) {
        self.desk().latency = Duration::from_millis(millis);
    }

    /// How long a token call waits before anything is done about it: a caller that is gone by then
    /// has spent nothing.
    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(crate) fn hesitation(&self, millis: u64) {
        self.desk().hesitation = Duration::from_millis(millis);
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

    pub(crate) fn fails_at(&self, path: &'static str, fault: Fault) {
        self.desk().faults.insert(path, fault);
    }

    pub(crate) fn behaves_again(&self) {
        let mut desk = self.desk();
        desk.token_fault = None;
        desk.me_fault = None;
        desk.denial = None;
        desk.faults.clear();
    }

    pub(crate) fn denies(&self, error: &str) {
        self.desk().denial = Some(error.to_owned());
    }

    /// Refuses connections from now on.
    pub(crate) async fn goes_away(&self) {
        self.task.abort();
        let address = self.url.trim_start_matches("http://");
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            super::wait(10).await;
        }
    }

    /// Listens again where it did.
    #[allow(dead_code, reason = "only tests/replicas needs it")]
    pub(crate) fn comes_back(&mut self) {
        let desk = Arc::clone(&self.desk);
        self.task = tokio::spawn(provider_http::accept(self.port.listen(), desk));
    }

    /// As if the codes that it gave were older than they may be.
    pub(crate) fn lets_codes_expire(&self) {
        self.desk().codes.clear();
    }

    /// As if somebody had removed or changed the registration of the client.
    pub(crate) fn forgets_the_client(&self) {
        self.desk().client_known = false;
    }

    /// As one that has never heard of PKCE.
    pub(crate) fn ignores_verifiers(&self) {
        self.desk().checks_verifiers = false;
    }

    /// Sends browsers here whose request names no address.
    pub(crate) fn registers(&self, redirect_uri: &str) {
        self.desk().registered = redirect_uri.to_owned();
    }

    pub(crate) fn writes_expires_in_as_text(&self) {
        self.desk().expires_in = |life| Some(Value::String(life.to_string()));
    }

    pub(crate) fn writes_expires_in_as_float(&self) {
        self.desk().expires_in = |life| Some(json!(life as f64));
    }

    pub(crate) fn writes_expires_in(&self, value: &Value) {
        self.desk().told_life = Some(value.clone());
    }

    /// What the token answer says that it is.
    pub(crate) fn writes_content_type(&self, kind: &str) {
        self.desk().content_type = kind.to_owned();
    }

    pub(crate) fn leaves_out_expires_in(&self) {
        self.desk().expires_in = |_| None;
    }

    pub(crate) fn writes_token_type(&self, token_type: Option<&str>) {
        self.desk().token_type = token_type.map(str::to_owned);
    }

    /// Gives access tokens that are no JWT.
    pub(crate) fn gives_opaque_tokens(&self) {
        self.desk().opaque = true;
    }

    /// Changes members of the token answer; null takes one away.
    pub(crate) fn writes_token_answer(&self, changes: &Value) {
        self.desk().token_answer = changes.clone();
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

    // --- OpenID

    /// Changes claims of the id_token; null takes one away.
    pub(crate) fn writes_id_token(&self, changes: &Value) {
        self.desk().id_claims = changes.clone();
    }

    /// Changes members of the metadata.
    pub(crate) fn describes_itself(&self, changes: &Value) {
        self.desk().metadata = changes.clone();
    }

    pub(crate) fn tells_issuer(&self, issuer: Option<&str>) {
        self.desk().tells_issuer = issuer.map(str::to_owned);
    }

    pub(crate) fn answers_introspection(&self, answer: &Value) {
        self.desk().introspection = answer.clone();
    }

    /// Signs with another key from now on; the keys of before stay published.
    pub(crate) fn takes_key(&self, signer: &Arc<Signer>) {
        let mut desk = self.desk();
        desk.signer = Arc::clone(signer);
        desk.published.push(Arc::clone(signer));
    }

    /// An access token for an API client; null takes a claim away.
    pub(crate) fn api_token(&self, header: &Value, claims: &Value) -> String {
        self.desk().api_token(header, claims)
    }

    /// What such a token says.
    pub(crate) fn api_claims(&self, claims: &Value) -> Value {
        self.desk().api_claims(claims)
    }

    /// A token that ends sessions; null takes a claim away.
    pub(crate) fn logout_token(&self, header: &Value, claims: &Value) -> String {
        self.desk().logout_token(header, claims)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}
