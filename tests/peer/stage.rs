//! nginx, a gateway behind it, an app, a provider.

use serde_json::json;
use url::Url;

use crate::candidate::{Candidate, Kind, Renewal};
use crate::front::{SignIn, server};
use crate::harness::{Answer, App, Ask, Line, Port, Provider, Visitor};
use crate::nginx::Nginx;

/// What a stage is to be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) sign_in: SignIn,
    pub(crate) renewal: Renewal,
}

pub(crate) struct Stage {
    pub(crate) kind: Kind,
    pub(crate) app: App,
    pub(crate) provider: Provider,
    pub(crate) front: Url,
    gate: Option<Candidate>,
    gate_origin: Url,
    _nginx: Nginx,
    _port: Port,
}

impl Stage {
    pub(crate) async fn start(kind: Kind, plan: Plan) -> Self {
        let (app, provider) = (App::start().await, Provider::openid().await);
        provider.writes_id_token(&json!({ "preferred_username": "ada" }));
        if plan.renewal == Renewal::PastTwoSeconds {
            provider.token_life(2);
        }
        let port = Port::reserve();
        let text = server(port.number, &app.url(), plan.sign_in);
        let nginx = Nginx::start("", &text, |_| {});
        let held = port.twin();
        let front = nginx.url();
        let gate = Candidate::start(kind, port, &front, &provider, &app, plan.renewal).await;
        Self {
            kind,
            app,
            provider,
            front: front.parse().unwrap(),
            gate: Some(gate),
            gate_origin: format!("http://127.0.0.1:{}", held.number).parse().unwrap(),
            _nginx: nginx,
            _port: held,
        }
    }

    /// A browser that has never been here.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::new(self.front.clone(), None)
    }

    pub(crate) async fn signed_in(&self) -> Visitor {
        let visitor = self.visitor();
        let arrived = visitor.navigate("/").await;
        assert_eq!(arrived.status, 200, "{:?}: {}", self.kind, arrived.text());
        assert!(self.session(&visitor).is_some(), "{:?}: a session", self.kind);
        self.app.forgets();
        visitor
    }

    /// The session cookie's value, if the browser has one.
    pub(crate) fn session(&self, visitor: &Visitor) -> Option<String> {
        visitor.cookie(self.kind.cookie())
    }

    /// The session as a Cookie line of its own.
    pub(crate) fn session_line(&self, visitor: &Visitor) -> String {
        format!("{}={}", self.kind.cookie(), self.session(visitor).expect("signed in"))
    }

    /// Sends one request through nginx, on a connection of its own.
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        Line::open(&self.front, None).await.unwrap().send(ask).await
    }

    /// Asks the gateway itself, past nginx.
    pub(crate) async fn send_inside(&self, ask: Ask) -> Answer {
        Line::open(&self.gate_origin, None).await.unwrap().send(ask).await
    }

    /// Ends the gateway; nginx goes on.
    pub(crate) fn stops_the_gateway(&mut self) {
        self.gate = None;
    }
}
