//! askara-gate.
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
pub mod telemetry;
pub mod tls;
pub mod upstream;
