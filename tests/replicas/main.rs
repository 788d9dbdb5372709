//! Several gateways with the same keys behind a real nginx, with a real Redis where they share
//! one: processes that are stopped, killed and started again (sessions.md, Proof).

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code, unused_imports)]
#[path = "../gateway/harness/mod.rs"]
mod harness;
#[allow(dead_code)]
#[path = "../real/nginx.rs"]
mod nginx;

mod crowd;
mod scene;
mod stage;

mod alone;
mod ends;
mod faults;
mod keys;
mod long;
mod ready;
mod rounds;
mod sockets;
