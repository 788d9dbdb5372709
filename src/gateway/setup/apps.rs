//! The apps of the configuration, ready to be connected to.

use std::sync::Arc;

use http::HeaderValue;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::auth::host::Host;
use crate::config::{self, HealthChecks, UpstreamAddress};
use crate::tls::{
    BadCertificate, CertificateFiles, ClientCertificate, Roots, client_config,
    client_config_showing,
};
use crate::upstream::{Address, App, Checks, Target, Thresholds, TlsTarget};

/// Reads the files that reaching an app needs.
pub(super) fn app(upstream: &config::Upstream) -> Result<App, BadCertificate> {
    let mut shared = None;
    let addresses: Result<Vec<_>, _> = upstream
        .servers
        .iter()
        .map(|server| {
            let (name, host) = (server.to_string(), host(server));
            Ok(Address { name, host, target: target(server, upstream, &mut shared)? })
        })
        .collect();
    let checks = upstream.health.as_ref().map(checks);
    Ok(App::new(addresses?, checks, upstream.connections))
}

/// How TLS is spoken to the servers of an app.
fn tls(upstream: &config::Upstream) -> Result<ClientConfig, BadCertificate> {
    let roots = match (&upstream.ca_file, upstream.insecure) {
        (_, true) => Roots::Anybody,
        (Some(path), false) => Roots::File(path),
        (None, false) => Roots::System,
    };
    let Some(files) = &upstream.certificate else {
        return client_config(&roots);
    };
    let files = CertificateFiles { certificate: files.certificate.clone(), key: files.key.clone() };
    client_config_showing(&roots, Arc::new(ClientCertificate::read(files)?))
}

/// `shared` is what all servers of the app with TLS have in common, once there is one.
fn target(
    server: &UpstreamAddress,
    upstream: &config::Upstream,
    shared: &mut Option<Arc<ClientConfig>>,
) -> Result<Target, BadCertificate> {
    let address =
        |host: &Host, port: u16| format!("{}:{}", host.name(), host.port().unwrap_or(port));
    Ok(match server {
        UpstreamAddress::Http(host) => Target::Tcp(address(host, 80)),
        UpstreamAddress::H2c(host) => Target::H2c(address(host, 80)),
        UpstreamAddress::Unix(path) => Target::Unix(path.clone()),
        UpstreamAddress::Https(host) => {
            let name = upstream.server_name.as_deref().unwrap_or(host.name());
            let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
                .map_err(|error| BadCertificate::at(&"route.upstream_tls.server_name", &error))?;
            let config = match shared {
                Some(config) => Arc::clone(config),
                None => Arc::clone(shared.insert(Arc::new(tls(upstream)?))),
            };
            let address = address(host, 443);
            Target::Tls(TlsTarget { address, name, config, http2: upstream.http2 })
        }
    })
}

/// What a health check calls the server.
fn host(server: &UpstreamAddress) -> HeaderValue {
    let name = match server {
        UpstreamAddress::Http(host) | UpstreamAddress::Https(host) | UpstreamAddress::H2c(host) => {
            host.as_str()
        }
        UpstreamAddress::Unix(_) => "localhost",
    };
    HeaderValue::from_str(name).unwrap_or(HeaderValue::from_static("localhost"))
}

fn checks(health: &HealthChecks) -> Checks {
    Checks {
        path: health.path.clone(),
        interval: health.interval,
        timeout: health.timeout,
        status: health.status.clone(),
        thresholds: Thresholds {
            unhealthy_after: health.unhealthy_after,
            healthy_after: health.healthy_after,
        },
    }
}
