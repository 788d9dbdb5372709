//! askara-gate: a reverse proxy that puts unmodified apps behind Askara login.
//!
//! # The way of a request
//!
//! 1. [`server`] accepts a connection, speaks TLS and HTTP, and bounds how long a peer may take.
//! 2. [`gateway`] has the whole way on one screen (`passage.rs`): is the head well-formed, whose path is it,
//!    which route, which session, is its token due, may it pass.
//! 3. [`auth`] decides each of these, and does nothing else: it is pure.
//! 4. [`upstream`] forwards what was permitted, streaming both ways.
//! 5. [`provider`] carries the calls that `auth` writes and reads, and keeps what it learnt.
//! 6. [`store`] is what replicas share: sealed records, leases, and what has ended.
//! 7. Where a proxy in front carries the traffic, the way ends before 4: `gateway/subrequest` says the
//!    decision in the words of the proxy that asks.
//! 8. Whatever goes wrong on the way becomes an answer in one file, `gateway/respond.rs`.
//!
//! # The rooms, and who may name whom
//!
//! `command → server → gateway → {auth, provider, store, upstream}`; `auth` names only [`secret`]; the
//! edges never name each other. [`config`] turns text into values of `auth`, [`tls`] is for both
//! ends of a connection, [`telemetry`] is what the operator sees. `tests/layering.rs` holds this.
//!
//! Forwarding, and a yes to a proxy that asks, demand a [`auth::policy::Permit`], and only the policy makes one. Time and
//! randomness come in at one place, `gateway/clock.rs`, and are arguments everywhere else.
//!
//! # To add something
//!
//! - A kind of rule: `auth/access`. A kind of provider: a row in `auth/preset.rs`.
//! - A key of the configuration: its room's file in `config/`.
//! - A path of our own: an arm in `gateway/own.rs`.
//! - A proxy that asks in another way: `gateway/subrequest/manner.rs`, a recipe in `deploy/`, a file in
//!   `tests/fronts`.
//! - A store for sessions: a file in `store/`, held to `tests/store/contract.rs`.

#![forbid(unsafe_code)]

pub mod auth;
pub mod command;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod gateway;
pub mod provider;
pub mod secret;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod upstream;
