//! The gateway as the world meets it: the real binary on loopback, spoken to over real sockets.
//!
//! Each file is one theme, each test a sentence. `C-nn` names a case of the attack table, `S-nn` a
//! standard; both are asserted by what arrives on either side. The log is read for what it owes the
//! operator: the line that a page's reference leads to, and no secret.

// A test says what it expects by failing; the bans of the house are for the house.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod harness;

mod asking;
mod assertion;
mod attempts;
mod backchannel;
mod bearer;
mod callback;
mod canary;
mod capacity;
mod cli;
mod client_proof;
mod cors;
mod csrf;
mod denied;
mod denied_path;
mod discovery;
mod domains;
mod early_answer;
mod early_window;
mod ends;
mod explained;
mod ext_authz;
mod ext_authz_by_grpc;
mod fields;
mod form_post;
mod forward;
mod framing;
mod grpc;
mod headers;
mod hosts;
mod http2;
mod http2_app;
mod http2_refused;
mod http2_sockets;
mod http2_tls;
mod http2_trouble;
mod kept;
mod last_frames;
mod leaving;
mod limits;
mod login;
mod login_trouble;
mod loops;
mod mix_up;
mod openid;
mod outage;
mod parked;
mod paths;
mod post;
mod pushed;
mod refresh;
mod replaced;
mod resend;
mod return_addresses;
mod return_to;
mod routes;
mod rows;
mod rules;
mod seal;
mod session;
mod session_script;
mod session_size;
mod several;
mod shutdown;
mod sign_out;
mod sign_out_at_provider;
mod silence;
mod step_up;
mod stored;
mod streaming;
mod subrequests;
mod tabs;
mod tls;
mod token_answers;
mod tunnels;
mod untaken;
mod upstream_trouble;
mod upstreams;
mod web_socket;
