//! A person with a browser: Debian's chromium, driven through its chromedriver, goes through
//! `askara-gate demo` as anybody would who has just cloned the project.
//!
//! A test that fails leaves a screenshot of every open tab in the build's folder and says where.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod backstage;
mod browser;
mod chromedriver;
mod demo;
mod denied;
#[allow(dead_code, unused_imports)]
#[path = "../gateway/harness/mod.rs"]
mod harness;
mod still_page;
mod wire;

mod app;
mod driver;
mod login;
mod loops;
mod origins;
mod pages;
mod parked;
mod providers;
mod session_script;
mod sockets;
