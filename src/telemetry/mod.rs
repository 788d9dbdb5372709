//! What the operator sees: logs and metrics. Never a secret.

mod log;
mod metrics;

pub use log::init;
pub use metrics::{
    BearerOutcome, LoginOutcome, Metrics, RefreshOutcome, RejectReason, UpstreamFault,
};
