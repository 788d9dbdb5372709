//! askara-gate.
#![forbid(unsafe_code)]
pub mod auth;
pub mod secret;
