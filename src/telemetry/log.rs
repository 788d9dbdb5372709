//! The log: to standard error, as text or JSON, one event a line.

use std::io;

use tracing_subscriber::fmt;

use crate::config::{LogConfig, LogFormat};

/// Starts logging; a second start in one process changes nothing.
pub fn init(config: LogConfig) {
    let builder = fmt().with_max_level(config.level).with_writer(io::stderr).with_target(false);
    let started = match config.format {
        LogFormat::Json => {
            tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish())
        }
        LogFormat::Text => {
            tracing::subscriber::set_global_default(builder.with_ansi(false).finish())
        }
    };
    // Only a test that runs several gateways in one process starts it twice.
    drop(started);
}
