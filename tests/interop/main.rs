//! The gateway against the programs by which others prove that they speak a protocol: the
//! interoperability client and server of gRPC, Autobahn's WebSocket cases, h2spec.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code, unused_imports)]
#[path = "../gateway/harness/mod.rs"]
mod harness;
mod program;

mod autobahn;
mod grpc;
mod h2spec;
