//! What the configuration says of a store, as the store takes it.

use std::sync::Arc;

use rustls::pki_types::ServerName;

use crate::config::{Keeping, StoreAddress, StoreConfig, StoreServers, StoreTls};
use crate::store::redis::{Address, Login, Options, Servers, Tls};
use crate::tls::{
    BadCertificate, CertificateFiles, ClientCertificate, Roots, client_config,
    client_config_showing,
};

/// None where there is no store. Reads the files that it takes to connect.
pub(super) fn options(keeping: &Keeping) -> Result<Option<Options>, BadCertificate> {
    let store = match keeping {
        Keeping::Cookie => return Ok(None),
        Keeping::Coordinated(store) | Keeping::Stored(store) => store,
    };
    let StoreConfig { servers, login, database, tls, prefix, limit } = store;
    let login = login
        .as_ref()
        .map(|login| Login { user: login.user.clone(), password: login.password.clone() });
    Ok(Some(Options {
        servers: servers_of(servers),
        login,
        database: *database,
        tls: tls.as_ref().map(tls_of).transpose()?,
        prefix: prefix.clone(),
        limit: *limit,
    }))
}

fn servers_of(servers: &StoreServers) -> Servers {
    let address = |address: &StoreAddress| {
        let StoreAddress { host, port } = address.clone();
        Address { host, port }
    };
    match servers {
        StoreServers::One(one) => Servers::One(address(one)),
        StoreServers::Sentinels { sentinels, master } => Servers::Sentinels {
            sentinels: sentinels.iter().map(address).collect(),
            master: master.clone(),
        },
        StoreServers::Cluster(nodes) => Servers::Cluster(nodes.iter().map(address).collect()),
    }
}

fn tls_of(tls: &StoreTls) -> Result<Tls, BadCertificate> {
    let roots = match (&tls.ca_file, tls.insecure) {
        (_, true) => Roots::Anybody,
        (Some(path), false) => Roots::File(path),
        (None, false) => Roots::System,
    };
    let config = match &tls.certificate {
        Some(files) => {
            let shown = ClientCertificate::read(CertificateFiles {
                certificate: files.certificate.clone(),
                key: files.key.clone(),
            })?;
            client_config_showing(&roots, Arc::new(shown))?
        }
        None => client_config(&roots)?,
    };
    let name = tls.server_name.as_deref().map(|name| {
        ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
            .map_err(|error| BadCertificate::at(&"session.store_tls.server_name", &error))
    });
    Ok(Tls { config: Arc::new(config), name: name.transpose()? })
}
