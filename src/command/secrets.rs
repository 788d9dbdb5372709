//! Secrets that are read again while the process serves: when one of their files changes, as
//! Kubernetes changes what it mounts, and at SIGHUP.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Failed, Settings, signals};
use crate::config::{Config, Environment, KeySource};
use crate::gateway::Gateway;

/// How a file looks from outside; none for one that is not there. Behind a symbolic link it is the
/// file that counts: Kubernetes replaces the link.
type Looks = Option<(SystemTime, u64, u64)>;

/// Hands what was read again to the gateway, for as long as it is run. The configuration is read
/// whole, so that a rotation may also change which files `session.keys` names; all else in it
/// waits for the next start.
pub(super) async fn follow(
    settings: &Settings,
    mut files: Vec<PathBuf>,
    gateway: Arc<Gateway>,
) -> Failed {
    match followed(settings, &mut files, &gateway).await {
        Err(failed) => failed,
        Ok(never) => match never {},
    }
}

async fn followed(
    settings: &Settings,
    files: &mut Vec<PathBuf>,
    gateway: &Gateway,
) -> Result<Infallible, Failed> {
    let mut hangups = signals::hangups()?;
    let mut seen = looks(files);
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            () = async {
                match &mut hangups {
                    Some(hangups) => drop(hangups.recv().await),
                    None => std::future::pending().await,
                }
            } => true,
        };
        let now = looks(files);
        if now == seen && !asked {
            continue;
        }
        // Looked at before they are read: a change in between is seen the next time.
        seen = now;
        match settings.load(&Environment::of_process()) {
            Ok(config) => {
                take(gateway, &config);
                if config.secret_files != *files {
                    *files = config.secret_files;
                    seen = looks(files);
                }
            }
            Err(Failed::Config(why) | Failed::Other(why)) => {
                tracing::warn!(%why, "secrets can't be read again; the old ones stay in use");
            }
        }
    }
}

fn take(gateway: &Gateway, config: &Config) {
    let keys = match &config.session.keys {
        KeySource::Given(keys) => keys.as_slice(),
        // A key that is made once never changes.
        KeySource::File(_) => &[],
    };
    let settings = config.providers.iter().map(|provider| provider.settings.as_ref());
    let taken = gateway.take_secrets(keys, settings);
    for provider in &taken.clients {
        tracing::info!(provider, "the client's secret was read again");
    }
    if taken.keys {
        tracing::info!(keys = keys.len(), "session.keys were replaced");
    } else if taken.clients.is_empty() {
        tracing::info!(
            "secrets were read again: neither session.keys nor a client's secret is another; the rest of the configuration is read at the next start"
        );
    }
}

fn looks(files: &[PathBuf]) -> Vec<Looks> {
    let look = |path: &PathBuf| {
        let file = fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len(), file.ino()))
    };
    files.iter().map(look).collect()
}

/// A look costs a system call for each file.
const EVERY: Duration = Duration::from_secs(2);
