//! What the tests stand on: a gateway process, a provider that can misbehave, an app that records,
//! and a visitor with a browser's cookie jar. Everything listens on loopback and ends with its test.

mod app;
mod app_answers;
mod body;
mod child;
mod form;
mod gate;
mod gate_builder;
mod h2_app;
mod h2_frames;
mod held_app;
mod jar;
mod line;
mod log;
mod page;
mod play;
mod process;
mod provider;
mod provider_desk;
mod provider_families;
mod provider_faults;
mod provider_front;
mod provider_http;
mod provider_openid;
mod provider_seen;
mod raw;
mod raw_upstream;
mod redis;
mod route;
mod secrets;
mod signer;
mod tokens;
mod visitor;

pub(crate) use app::{App, Seen};
pub(crate) use body::{Body, empty, from_channel, full};
#[allow(unused_imports, reason = "the gateway itself is a Process")]
pub(crate) use child::Kept;
pub(crate) use form::Form;
pub(crate) use gate::{Gate, Port, trusting};
#[allow(unused_imports, reason = "only whoever writes the configuration by hand needs it")]
pub(crate) use gate_builder::CLIENT_ID;
pub(crate) use gate_builder::{CLIENT_SECRET, GateBuilder, gateway, random_key};
pub(crate) use h2_app::{Call, H2App, http2};
pub(crate) use h2_frames::{Connection, Outcome, Stream};
pub(crate) use held_app::HeldApp;
pub(crate) use jar::SetCookie;
pub(crate) use line::{Answer, Ask, Line, ask};
pub(crate) use log::LOG;
pub(crate) use page::{assert_own_page, heading, link, shown};
pub(crate) use play::{API_V1, ASKARA, OIDC, POCKETS, Play, Proof, ROWS, SIMPLIFIED};
pub(crate) use process::Process;
pub(crate) use provider::Provider;
pub(crate) use provider_faults::Fault;
pub(crate) use raw::{RawAnswer, read_all};
pub(crate) use raw_upstream::{RawUpstream, read_head};
pub(crate) use redis::Redis;
#[allow(unused_imports, reason = "only tests/gateway needs all of them")]
pub(crate) use route::{Route, public, route, ruled};
pub(crate) use signer::{Signer, claims_of, hmac_token, merged, unsigned};
pub(crate) use tokens::{random_hex, unix_now};
pub(crate) use visitor::Visitor;

/// The path that the askara preset calls back on.
pub(crate) const CALLBACK: &str = "/oauth2/callback";

/// Milliseconds after which a token of two seconds has surely run out: whole seconds are counted.
pub(crate) const PAST_EXPIRY: u64 = 3100;

/// Sleeps for real: sessions and tokens count whole seconds, so the tests wait a little over them.
pub(crate) async fn wait(millis: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}

/// Asks again every 20 ms until the condition holds; fails after five seconds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..250 {
        if holds() {
            return;
        }
        wait(20).await;
    }
    panic!("{what} did not happen within five seconds");
}
