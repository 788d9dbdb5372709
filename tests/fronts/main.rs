//! Every proxy that asks the gateway, as a real process on its recipe of `deploy/`, in every
//! situation that people and attackers bring: a test for each front and situation.
//!
//! A front is a file here with a `FRONT` and `each_situation!`, and a line below; one that hands over
//! the gateway's whole answer has `each_situation_of_whole_answers!` as well.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "../browser/browser.rs"]
mod browser;
#[path = "../browser/chromedriver.rs"]
mod chromedriver;
#[allow(dead_code)]
#[path = "../oidc/client_keys.rs"]
mod client_keys;
#[allow(dead_code, unused_imports)]
#[path = "../gateway/harness/mod.rs"]
mod harness;
#[allow(dead_code)]
#[path = "../oidc/openid_provider.rs"]
mod openid_provider;
#[allow(dead_code)]
#[path = "../oidc/seen.rs"]
mod seen;
#[allow(dead_code)]
#[path = "../browser/wire.rs"]
mod wire;

mod certificate;
mod front;
mod program;
mod recipe;
#[macro_use]
mod situations;
mod stage;

mod caddy;
#[macro_use]
mod envoy;
mod envoy_grpc;
mod envoy_http;
mod fifty;
mod gates_alike;
mod haproxy;
mod ingress_nginx;
mod nginx;
mod nginx_of_oauth2_proxy;
mod traefik;
mod traefik_in_kubernetes;
