//! What stands behind nginx: one gateway or the other.

use crate::harness::{App, Gate, Port, Provider, gateway, public, route};
use crate::oauth2_proxy::OAuth2Proxy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    AskaraGate,
    OAuth2Proxy,
}

impl Kind {
    /// The name of the session's cookie.
    pub(crate) fn cookie(self) -> &'static str {
        match self {
            Self::AskaraGate => "askara",
            Self::OAuth2Proxy => "_oauth2_proxy",
        }
    }
}

/// A gateway that runs, and ends with the value.
#[allow(dead_code, reason = "held for its end")]
pub(crate) enum Candidate {
    AskaraGate(Box<Gate>),
    OAuth2Proxy(OAuth2Proxy),
}

/// How it renews sessions in a test that is about that: oauth2-proxy by the session's age, whatever
/// the token's life; askara-gate by the token's life, as always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// The session is never old enough.
    Off,
    /// Two seconds, as short as the token's life.
    PastTwoSeconds,
}

impl Candidate {
    pub(crate) async fn start(
        kind: Kind,
        port: Port,
        front: &str,
        provider: &Provider,
        app: &App,
        renewal: Renewal,
    ) -> Self {
        if kind == Kind::OAuth2Proxy {
            let refresh = (renewal == Renewal::PastTwoSeconds).then_some("2s");
            let process = OAuth2Proxy::start(port, front, provider, refresh).await;
            return Self::OAuth2Proxy(process);
        }
        let gate = gateway()
            .with_provider(provider)
            .with_route(public("/public", app))
            .with_route(route("/", app))
            .with_route(public("/", app).with("host = \"open.example\""))
            .with_route(public("/readable", app).with("methods = [\"GET\"]"))
            .with_top("trusted_proxies = [\"127.0.0.1\"]")
            .behind(front)
            .on(port)
            .start()
            .await;
        Self::AskaraGate(Box::new(gate))
    }
}
