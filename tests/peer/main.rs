//! askara-gate in the place of oauth2-proxy: both behind the same nginx, with the configuration
//! that oauth2-proxy documents, one after the other, with the same provider and the same app.
//!
//! `OAUTH2_PROXY_BIN` names its binary. Without one its half is left out, which is said, and
//! askara-gate's outcomes are held against those that are written down in `situations`.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code, unused_imports)]
#[path = "../gateway/harness/mod.rs"]
mod harness;
#[allow(dead_code)]
#[path = "../real/nginx.rs"]
mod nginx;

mod candidate;
mod comparison;
mod front;
mod oauth2_proxy;
mod outcomes;
mod situations;
mod stage;
mod walk;
