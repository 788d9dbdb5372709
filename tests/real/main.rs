//! Real servers around the gateway: Debian's nginx as the app behind it, and in front of it.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code, unused_imports)]
#[path = "../gateway/harness/mod.rs"]
mod harness;
mod nginx;

mod behind;
mod in_front;
