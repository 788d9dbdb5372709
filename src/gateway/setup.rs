//! What every worker is made of: the apps, the provider and the store, ready to be connected to.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_util::task::TaskTracker;

use super::clock::SystemEntropy;
use super::{Gateway, Worker, stores};
use crate::auth::draw;
use crate::auth::host::Host;
use crate::config::{self, Config, TlsFiles, UpstreamAddress};
use crate::provider::{self, CertificateFiles, Client};
use crate::store::Store;
use crate::store::redis::{self, Redis};
use crate::tls::{BadCertificate, Roots, certificates, certified_key, client_config};
use crate::upstream::{Target, Times, TlsTarget, Tunnels, Upstream};

/// The edges of a worker; every file that they need was read.
pub struct Setup {
    targets: Vec<Target>,
    times: Times,
    providers: Vec<provider::Options>,
    store: Option<redis::Options>,
}

impl Setup {
    /// Reads every file that the configuration names for apps, providers and store.
    pub fn new(config: &Config) -> Result<Self, BadCertificate> {
        let targets: Result<Vec<Target>, BadCertificate> =
            config.upstreams.iter().map(target).collect();
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
            targets: targets?,
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

    /// A worker with connections of its own. `tasks` are waited for when the server drains,
    /// `tunnels` for a moment.
    pub fn worker(
        &self,
        gateway: &Arc<Gateway>,
        tasks: TaskTracker,
        tunnels: &Tunnels,
    ) -> Arc<Worker> {
        let upstream = |target: &Target| Upstream::new(target.clone(), self.times, tunnels.clone());
        let upstreams = self.targets.iter().map(upstream).collect();
        let clients = self.providers.iter().cloned().map(Client::new).collect();
        Worker::new(Arc::clone(gateway), upstreams, clients, self.store(), tasks)
    }
}

fn target(upstream: &config::Upstream) -> Result<Target, BadCertificate> {
    let address =
        |host: &Host, port: u16| format!("{}:{}", host.name(), host.port().unwrap_or(port));
    match &upstream.address {
        UpstreamAddress::Http(host) => Ok(Target::Tcp(address(host, 80))),
        UpstreamAddress::Unix(path) => Ok(Target::Unix(path.clone())),
        UpstreamAddress::Https(host) => {
            let roots = match (&upstream.ca_file, upstream.insecure) {
                (_, true) => Roots::Anybody,
                (Some(path), false) => Roots::File(path),
                (None, false) => Roots::System,
            };
            let name = upstream.server_name.as_deref().unwrap_or(host.name());
            let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
                .map_err(|error| BadCertificate::at(&"route.upstream_tls.server_name", &error))?;
            let config = Arc::new(client_config(&roots)?);
            Ok(Target::Tls(TlsTarget { address: address(host, 443), name, config }))
        }
    }
}
