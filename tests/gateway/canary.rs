//! Nothing secret is ever in the log, however much of it there is (C-105): every kind of provider,
//! from the first visit to the sign-out, with all that can go wrong on the way, at TRACE.

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use crate::harness::*;

const TRACE: &str = "[log]\nlevel = \"trace\"\naccess = true";

struct Scene {
    what: String,
    provider: Provider,
    _app: App,
    gate: Gate,
    visitor: Visitor,
    /// Beside those that the provider knows.
    secrets: Vec<String>,
}

async fn scene(play: Play, lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::playing(play).await, App::start().await);
    let url = provider.url();
    provider.describes_itself(&json!({
        "introspection_endpoint": format!("{url}/introspect"),
        "end_session_endpoint": format!("{url}/end_session"),
    }));
    provider.token_life(2);
    let key = random_key();
    let mut builder = gateway()
        .with_provider(&provider)
        .with_provider_line(&format!("revocation_url = \"{url}/revoke\""))
        .with_upstream(&app)
        .with_keys(&[&key])
        .with_table(TRACE);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    let secrets = vec![CLIENT_SECRET.to_owned(), key];
    let what = format!("{} {lines:?}", play.kind);
    Scene { what, provider, _app: app, gate, visitor, secrets }
}

impl Scene {
    /// Keeps every cookie that the browser has.
    fn note_cookies(&mut self) {
        for name in self.visitor.cookie_names() {
            self.secrets.extend(self.visitor.cookie(&name));
        }
    }

    async fn logs_in_badly(&mut self) {
        for fault in [Fault::oauth(400, "invalid_grant"), Fault::html(), Fault::Reset] {
            let callback = self.visitor.consent("/page").await;
            self.note_cookies();
            self.provider.fails_next_token_call(fault);
            self.visitor.open(&callback).await;
        }
        let callback = self.visitor.consent("/page").await;
        self.note_cookies();
        self.visitor.forget_cookies();
        self.visitor.open(&callback).await;
        self.visitor.open(&callback.replace("state=", "state=x&state=")).await;
    }

    async fn lives(&mut self) {
        let callback = self.visitor.consent("/page").await;
        self.secrets.push(callback.split("state=").nth(1).unwrap().to_owned());
        self.note_cookies();
        self.visitor.open(&callback).await;
        self.note_cookies();
        // Broken on purpose: what does not open is no less secret.
        let broken = format!("{}A", self.visitor.session_line());
        self.gate.send(ask("GET", "/").cookie(&broken)).await;
        self.gate.send(ask("GET", "/").header("authorization", "Bearer canary-of-a-client")).await;
        self.secrets.push("canary-of-a-client".to_owned());
        wait(2200).await;
        assert_eq!(self.visitor.fetch("/").await.status, 200, "{}", self.what);
        self.note_cookies();
        self.visitor.send(ask("POST", "/oauth2/sign_out").navigating().same_origin()).await;
        let provider = &self.provider;
        eventually("the tokens are taken back", || provider.posted("/revoke").len() == 2).await;
    }

    fn assert_silent(&self) {
        let output = self.gate.output();
        let (what, provider) = (&self.what, &self.provider);
        assert!(output.contains("TRACE") || output.contains("DEBUG"), "{what}: all is told");
        assert!(output.contains("signed in") && output.contains("token renewed"), "{what}");
        let known = provider.secrets();
        let kinds = [
            provider.newest_token(),
            provider.last_token_request().body["refresh_token"].as_str().unwrap().to_owned(),
        ];
        assert!(kinds.iter().all(|kind| known.contains(kind)), "{what}: the list is whole");
        assert!(known.len() >= 8, "{what}: {} secrets", known.len());
        assert_none_in(&output, self.secrets.iter().chain(&known), what);
    }
}

/// Looks for each as it is, and as it stands in an address or a form.
fn assert_none_in<'a>(output: &str, secrets: impl Iterator<Item = &'a String>, what: &str) {
    for secret in secrets.filter(|secret| secret.len() >= 8) {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let Some(at) = output.find(secret.as_str()).or_else(|| output.find(&encoded)) else {
            continue;
        };
        let line = output[..at].lines().count().saturating_sub(1);
        panic!("C-105: {what}: {secret:.12}… in {:?}", output.lines().nth(line));
    }
}

async fn is_silent(play: Play, lines: &[&str]) {
    let mut scene = scene(play, lines).await;
    scene.logs_in_badly().await;
    scene.lives().await;
    scene.assert_silent();
}

#[tokio::test]
async fn c105_no_kind_of_provider_has_its_secrets_in_the_log() {
    join_all(ROWS.map(|play| is_silent(play, &[]))).await;
}

#[tokio::test]
async fn c105_no_manner_of_asking_has_its_secrets_in_the_log() {
    let introspects = "bearer = { introspection = true, audience = [\"api\"] }";
    let hint = "id_token_hint = true";
    is_silent(Play { proof: Proof::Key, ..OIDC }, &[introspects, hint]).await;
    let (provider, app) = (Provider::openid().await, App::start().await);
    provider.describes_itself(&json!({
        "pushed_authorization_request_endpoint": format!("{}/par", provider.url()),
    }));
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("pushed_authorization = \"always\"")
        .with_upstream(&app)
        .with_table(TRACE)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    provider.fails_at("/par", Fault::oauth(400, "invalid_request"));
    gate.visitor().open("/").await;
    assert_none_in(&gate.output(), provider.secrets().iter(), "pushed");
}

#[tokio::test]
async fn c105_http2_has_no_secrets_in_the_log() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let gate =
        gateway().with_provider(&provider).with_upstream(&app).with_table(TRACE).start().await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/page").await;
    let attempt = visitor.state_cookies().pop().unwrap();
    let attempt = visitor.cookie(&attempt).unwrap();
    visitor.open(&callback).await;
    let socket = TokioIo::new(gate.connect().await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), socket).await.unwrap();
    tokio::spawn(connection);
    let session = visitor.session().unwrap();
    for (target, status) in [("/page", 200), (callback.as_str(), 303), ("/oauth2/userinfo", 200)] {
        let request = Request::get(format!("{}{target}", gate.base()))
            .header("cookie", format!("askara={session}"))
            .header("authorization", "Basic canary-basic")
            .body(Empty::<Bytes>::new())
            .unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{target}");
        response.into_body().collect().await.unwrap();
    }
    let output = gate.output();
    let state = callback.split("state=").nth(1).unwrap().to_owned();
    let own = [session, attempt, state, "canary-basic".to_owned()];
    assert_none_in(&output, provider.secrets().iter().chain(&own), "HTTP/2");
}
