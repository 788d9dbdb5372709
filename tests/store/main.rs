//! The store on real servers: what every store has to keep to, and what only servers do, which is
//! to be slow, to go away, to be someone else and to refuse.
//!
//! `STORE_SERVER` names the program; it is `redis-server` unless that says otherwise.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[macro_use]
mod contract;
mod server;

mod alone;

use std::sync::Arc;

use askara_gate::store::{Cursor, Handle, Held, Kept, Owner, Record, Slot, Store, Taken, Written};
