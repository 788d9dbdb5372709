//! What `deploy/` holds for Kubernetes, Helm, systemd and containers, as it is: every configuration
//! in it is right, every manifest fits the API, and the gateway lives in a pod as they describe it.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code, unused_imports)]
#[path = "../gateway/harness/mod.rs"]
mod harness;
mod manifest;
mod pod;
mod program;

mod container;
mod helm;
mod image;
mod kubernetes;
mod sidecar;
mod systemd;
