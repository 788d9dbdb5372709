//! The gateway against a certified OpenID provider: the npm package `oidc-provider`, a real process
//! for each test, with people who sign in through its pages.
//!
//! `stand` plays the gateway's part itself, so that a failed test elsewhere is the gateway's fault.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod client_keys;
mod form;
#[allow(dead_code, unused_imports)]
#[path = "../gateway/harness/mod.rs"]
mod harness;
mod openid_provider;
mod party;
mod person;
mod scene;
mod seen;
mod verifier;

mod answers;
mod assertion;
mod backchannel;
mod bearer;
mod client_auth;
mod form_post;
mod login;
mod outage;
mod refresh;
mod sign_out;
mod stand;
mod stand_clients;
mod step_up;
mod strict;
