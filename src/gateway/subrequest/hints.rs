//! What the operator should know of the proxy in front. Each is said once: visitors can cause most
//! of it at will.

use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;

use crate::auth::told::BadTold;
use crate::auth::trust::Peer;
use crate::gateway::Gateway;
use crate::gateway::respond::Failure;

/// What was said.
#[derive(Default)]
pub(in crate::gateway) struct Hints {
    unlisted: AtomicBool,
    unclear: AtomicBool,
    no_path: AtomicBool,
    no_method: AtomicBool,
    own_path: AtomicBool,
    two_cookies: AtomicBool,
    carried: AtomicBool,
    large_head: AtomicBool,
    withheld: AtomicBool,
    overridden: AtomicBool,
    call_failed: AtomicBool,
    no_address: AtomicBool,
    tunnel: AtomicBool,
}

impl Gateway {
    /// Refuses a request on a route that only questions are answered about.
    pub(in crate::gateway) fn no_app(&self) -> Failure {
        self.hints.nobody_carries();
        Failure::NoApp
    }
}

impl Hints {
    /// About a subrequest that does not say for sure what it is about.
    pub(super) fn about(&self, bad: BadTold, peer: Peer) {
        let peer = peer.address().map_or_else(|| String::from("unix"), |ip| ip.to_string());
        match bad {
            BadTold::Unlisted(field) if first(&self.unlisted) => tracing::warn!(
                peer,
                field,
                "a proxy that is not in trusted_proxies tells what it asks about, and gets 403; list it, if it is yours (further ones are not reported)"
            ),
            BadTold::Differing(field) | BadTold::Malformed(field) | BadTold::Twice(field)
                if first(&self.unclear) =>
            {
                tracing::warn!(
                    peer,
                    field,
                    ?bad,
                    "a subrequest tells two things, or one that can't be read, and gets 403; the proxy must set or blank X-Forwarded-Method, -Host and -Uri, X-Original-Method, -URI and -URL itself, or visitors can send them (further ones are not reported)"
                );
            }
            _ => {}
        }
    }

    /// About a subrequest whose path can't be judged by what was told.
    pub(super) fn about_path(&self, bad: BadTold) {
        match bad {
            BadTold::NoMethod if first(&self.no_method) => tracing::warn!(
                "a rule rests on the method, which the proxy in front does not tell: 403; have it send X-Forwarded-Method (further ones are not reported)"
            ),
            BadTold::MethodOverride if first(&self.overridden) => tracing::warn!(
                "a rule rests on the method, and a request names another one in X-HTTP-Method-Override: 403 (further ones are not reported)"
            ),
            BadTold::Tunnel if first(&self.tunnel) => tracing::warn!(
                "a request wants its connection for something else than a WebSocket: 403; the proxy in front could not ask about what follows on it (further ones are not reported)"
            ),
            BadTold::NoPath => self.nobody_told_the_path(),
            BadTold::OwnPath if first(&self.own_path) => tracing::warn!(
                "the proxy in front asks about a path of the gateway's own: 403; have it send those paths to the gateway without asking (further ones are not reported)"
            ),
            _ => {}
        }
    }

    /// Which route is meant is not known, and it matters.
    pub(super) fn nobody_told_the_path(&self) {
        if first(&self.no_path) {
            tracing::warn!(
                "the proxy in front does not tell which path it asks about, so all routes must be alike and the rules of all of them hold: 403; have it send X-Forwarded-Uri, and list it in trusted_proxies (further ones are not reported)"
            );
        }
    }

    /// A request came that somebody else should have carried.
    fn nobody_carries(&self) {
        if first(&self.carried) {
            tracing::warn!(
                "a request came to the gateway on a route with upstream = \"none\": 404; the proxy in front should carry it, or upstream name the app (further ones are not reported)"
            );
        }
    }

    /// What nginx has to read at once, by default into 4 KiB; what is larger it answers with 500.
    pub(super) fn head_of(&self, bytes: usize) {
        if bytes > NGINX_BUFFER && first(&self.large_head) {
            tracing::warn!(
                bytes,
                "the head of an answer to auth_request is larger than nginx reads by default, which makes it a 500; set proxy_buffer_size 32k in the location that asks (further ones are not reported)"
            );
        }
    }

    /// A proxy for which we carry the traffic lets pages ask.
    pub(super) fn tokens_withheld(&self) {
        if first(&self.withheld) {
            tracing::warn!(
                "a question came through a proxy for which the gateway carries the traffic: it may be a page's, so tokens are withheld; a proxy that only asks needs routes with upstream = \"none\" (further ones are not reported)"
            );
        }
    }

    /// A rule about addresses would let nobody pass.
    pub(super) fn nobody_told_the_address(&self) {
        if first(&self.no_address) {
            tracing::warn!(
                "a rule let somebody not pass, and the proxy in front does not tell for sure where they come from; where rules are about networks, have it send X-Forwarded-For, list all proxies before it, and let X-Real-IP say the same (further ones are not reported)"
            );
        }
    }

    /// A question by gRPC that could not be decided, which Envoy calls trouble of ours.
    pub(super) fn call_failed(&self, headers: &HeaderMap) {
        let code = headers.get("grpc-status").and_then(|code| code.to_str().ok());
        if code != Some("0") && first(&self.call_failed) {
            tracing::warn!(
                code,
                "a question by gRPC could not be read, or took too long (further ones are not reported)"
            );
        }
    }

    /// A renewed session can't get to its browser.
    pub(super) fn two_cookies(&self) {
        if first(&self.two_cookies) {
            tracing::warn!(
                "a session is in two cookies, of which nginx hands over only the first: the renewed one does not reach the browser, and people will have to sign in again; keep sessions in a store (session.store) (further ones are not reported)"
            );
        }
    }
}

/// Of nginx's page, less the status line and the fields that the server adds.
const NGINX_BUFFER: usize = 3_900;

fn first(said: &AtomicBool) -> bool {
    // Read first: the line of it stays shared between the threads.
    !said.load(Ordering::Relaxed) && !said.swap(true, Ordering::Relaxed)
}
