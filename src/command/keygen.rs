//! `keygen`: a key for `session.keys`.

use std::process::ExitCode;

use super::Failed;
use crate::config::key_text;
use crate::gateway::clock::fresh_key;

/// Prints 32 random bytes in base64.
pub(super) fn keygen() -> Result<ExitCode, Failed> {
    println!("{}", *key_text(&fresh_key()));
    Ok(ExitCode::SUCCESS)
}
