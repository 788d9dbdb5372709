//! What every worker is made of: the apps, the provider and the store, ready to be connected to.

mod apps;

use std::future::Future;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::clock::SystemEntropy;
use super::{Gateway, Worker, stores};
use crate::auth::draw;
use crate::config::{Config, TlsFiles};
use crate::provider::{self, CertificateFiles, Client};
use crate::store::Store;
use crate::store::redis::{self, Redis};
use crate::tls::{BadCertificate, certificates, certified_key};
use crate::upstream::{App, Times, Tunnels, Upstream};

/// The edges of a worker; every file that they need was read.
pub struct Setup {
    apps: Vec<Arc<App>>,
    times: Times,
    providers: Vec<provider::Options>,
    store: Option<redis::Options>,
}

impl Setup {
    /// Reads every file that the configuration names for apps, providers and store.
    pub fn new(config: &Config) -> Result<Self, BadCertificate> {
        let apps: Result<Vec<_>, _> =
            config.upstreams.iter().map(|upstream| apps::app(upstream).map(Arc::new)).collect();
        let limits = &config.limits;
        let mut providers = Vec::new();
        for configured in &config.providers {
            if let Some(path) = &configured.ca_file {
                certificates(path)?;
            }
            let files = |files: &TlsFiles| CertificateFiles {
                certificate: files.certificate.clone(),
                key: files.key.clone(),
            };
            let certificate = configured.certificate.as_ref().map(files);
            if let Some(files) = &certificate {
                certified_key(&files.certificate, &files.key)?;
            }
            providers.push(provider::Options {
                ca_file: configured.ca_file.clone(),
                certificate,
                limit: limits.provider,
            });
        }
        Ok(Self {
            apps: apps?,
            times: Times {
                connect: limits.connect,
                response_head: limits.response_head,
                body_idle: limits.body_idle,
                stream_idle: limits.stream_idle,
            },
            providers,
            store: stores::options(&config.session.keeping)?,
        })
    }

    /// A store with connections of its own, for one thread; none where sessions are in cookies
    /// alone.
    pub fn store(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::new(Redis::new(self.store.clone()?)))
    }

    /// Room for the tunnels of one worker.
    pub fn tunnels(&self) -> Tunnels {
        Tunnels::new(|| draw(&mut SystemEntropy))
    }

    /// The health checks of all servers of apps, one for each, to be run for the whole process.
    pub fn health_checks(&self, gateway: &Gateway) -> Vec<impl Future<Output = ()> + use<>> {
        self.apps.iter().flat_map(|app| app.watch(&gateway.metrics)).collect()
    }

    /// A worker with connections of its own. `tasks` are waited for when the server drains,
    /// `tunnels` for a moment.
    pub fn worker(
        &self,
        gateway: &Arc<Gateway>,
        tasks: TaskTracker,
        tunnels: &Tunnels,
    ) -> Arc<Worker> {
        let upstream = |app: &Arc<App>| {
            let metrics = Arc::clone(&gateway.metrics);
            Upstream::new(Arc::clone(app), self.times, tunnels.clone(), metrics)
        };
        let upstreams = self.apps.iter().map(upstream).collect();
        let clients = self.providers.iter().cloned().map(Client::new).collect();
        Worker::new(Arc::clone(gateway), upstreams, clients, self.store(), tasks)
    }
}
