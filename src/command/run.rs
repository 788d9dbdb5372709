//! `run`: serve until a signal ends it.

use std::process::ExitCode;
use std::time::Duration;

use super::{Failed, Settings, secrets, signals};
use crate::config::{Config, Environment, KeySource, obtain_key};
use crate::gateway::clock::fresh_key;
use crate::secret::SealKey;
use crate::server::{Drained, Server};
use crate::telemetry;

/// Serves; the code tells whether everything that ran was finished.
pub(super) fn run(settings: &Settings) -> Result<ExitCode, Failed> {
    let config = settings.load(&Environment::of_process())?;
    telemetry::init(config.log);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let public = config.public.to_string();
        let (delay, files) = (config.limits.drain_delay, config.secret_files.clone());
        let server = bind(config)?;
        for address in server.addresses() {
            tracing::info!(%address, %public, "listening");
        }
        let following = secrets::follow(settings, files, server.gateway());
        tokio::select! {
            ended = serve(server, delay) => ended,
            failed = following => Err(failed),
        }
    })
}

/// Finds the keys and binds.
pub(super) fn bind(config: Config) -> Result<Server, Failed> {
    let made: Vec<SealKey>;
    let keys = match &config.session.keys {
        KeySource::Given(keys) => keys.as_slice(),
        KeySource::File(file) => {
            made = vec![kept_key(file.as_deref())];
            &made
        }
    };
    let keys: Vec<SealKey> = keys.to_vec();
    Ok(Server::bind(config, &keys)?)
}

/// Serves until the signals say that it is over; after SIGTERM still for `delay`.
pub(super) async fn serve(server: Server, delay: Duration) -> Result<ExitCode, Failed> {
    let phase = signals::phases(delay)?;
    match server.serve(phase).await? {
        Drained::Clean => {
            tracing::info!("done");
            Ok(ExitCode::SUCCESS)
        }
        Drained::CutShort => Err(Failed::Other(String::from("some requests were cut short"))),
    }
}

/// The key of the state folder; where there is none, one for this run only.
fn kept_key(file: Option<&std::path::Path>) -> SealKey {
    match obtain_key(file, fresh_key()) {
        Ok(key) => {
            if let Some(file) = file {
                tracing::info!(file = %file.display(), "sessions are sealed with the key in this file");
            }
            key
        }
        Err(why) => {
            tracing::warn!(
                reason = why.reason,
                "NO KEY CAN BE KEPT: every session ends with this process, and other replicas know none of them; set session.keys (askara-gate keygen makes one)"
            );
            fresh_key()
        }
    }
}
