//! `check`: is the configuration right?

use std::process::ExitCode;

use super::{Failed, Settings};
use crate::config::Environment;
use crate::server;

/// Reads the configuration and every file that it names; binds and calls nothing.
pub(super) fn check(settings: &Settings) -> Result<ExitCode, Failed> {
    let config = settings.load(&Environment::of_process())?;
    server::check(&config)?;
    for warning in &config.warnings {
        println!("warning: {warning}");
    }
    println!("{}", config.largest_session);
    println!("the configuration is right");
    Ok(ExitCode::SUCCESS)
}
