//! The store on real servers: what every store has to keep to, and what only servers do, which is
//! to be slow, to go away, to be someone else and to refuse.
//!
//! `STORE_SERVER` names the program; it is `redis-server` unless that says otherwise.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod cable;
#[macro_use]
mod contract;
mod server;

mod alone;
mod cluster;
mod rights;
mod sentinel;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use askara_gate::store::redis::Redis;
use askara_gate::store::{Cursor, Handle, Held, Kept, Owner, Record, Slot, Store, Taken, Written};

/// What a call may take unless the configuration says otherwise.
const SHORT_LIMIT: Duration = Duration::from_millis(250);
/// What a test that is about the limit allows on top of it, on a busy machine.
const ROOM: Duration = Duration::from_secs(5);
/// How long something may take that servers do by themselves.
const PATIENCE: Duration = Duration::from_secs(30);
const LIFE: Duration = Duration::from_secs(600);

fn slot(number: u8) -> Slot {
    Slot([number; 32])
}

fn record(sealed: &[u8]) -> Record {
    let written = Written { generation: 1, at: 1 };
    Record { written, sealed: sealed.to_vec(), summary: Vec::new() }
}

/// Waits until calls work again: what came before may still be on its way.
async fn until_it_works(store: &Redis) {
    until(async || store.ping().await.map_err(|fault| fault.to_string())).await;
}

/// Tries until it works; says in the end why it did not.
async fn until<T>(mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let latest = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(why) => assert!(Instant::now() < latest, "{why}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
