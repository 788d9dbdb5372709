//! The gateway as the world meets it: the real binary on loopback, spoken to over real sockets.
//!
//! Each file is one theme, each test a sentence. `C-nn` names a case of the attack table, `S-nn` a
//! standard; both are asserted by what arrives on either side, never by what the gateway logs.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod harness;

mod callback;
mod capacity;
mod cli;
mod early_answer;
mod early_window;
mod forward;
mod framing;
mod headers;
mod hosts;
mod http2;
mod kept;
mod login;
mod login_trouble;
mod outage;
mod paths;
mod refresh;
mod resend;
mod return_to;
mod routes;
mod seal;
mod session;
mod shutdown;
mod sign_out;
mod streaming;
mod tabs;
mod tls;
mod tunnels;
mod untaken;
mod upstream_trouble;
mod web_socket;
