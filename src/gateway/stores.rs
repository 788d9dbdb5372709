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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{StoreLogin, TlsFiles};
    use crate::secret::Secret;

    fn store(tls: Option<StoreTls>) -> StoreConfig {
        let host = |number: u16| StoreAddress { host: format!("h{number}"), port: number };
        StoreConfig {
            servers: StoreServers::Sentinels {
                sentinels: vec![host(1), host(2)],
                master: String::from("mymaster"),
            },
            login: Some(StoreLogin {
                user: Some(String::from("gate")),
                password: Secret::new(String::from("canary")),
            }),
            database: 3,
            tls,
            prefix: String::from("prefix"),
            limit: Duration::from_secs(1),
        }
    }

    #[test]
    fn everything_that_was_configured_arrives() {
        assert!(options(&Keeping::Cookie).unwrap().is_none());
        for keeping in [Keeping::Stored(store(None)), Keeping::Coordinated(store(None))] {
            let options = options(&keeping).unwrap().unwrap();
            let shown = format!("{options:?}");
            assert!(!shown.contains("canary"), "{shown}");
            let login = options.login.unwrap();
            assert!(login.user.as_deref() == Some("gate") && login.password.ct_eq(b"canary"));
            assert_eq!((options.database, options.prefix.as_str()), (3, "prefix"));
            assert_eq!(options.limit, Duration::from_secs(1));
            assert!(options.tls.is_none());
            let Servers::Sentinels { sentinels, master } = options.servers else {
                panic!("{shown}");
            };
            assert_eq!(master, "mymaster");
            assert_eq!(
                sentinels.iter().map(ToString::to_string).collect::<Vec<_>>(),
                ["h1:1", "h2:2"]
            );
        }
    }

    #[test]
    fn a_file_that_can_not_be_used_is_found_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.pem");
        let files = TlsFiles { certificate: missing.clone(), key: missing.clone() };
        for tls in [
            StoreTls { ca_file: Some(missing), ..StoreTls::default() },
            StoreTls { certificate: Some(files), ..StoreTls::default() },
            StoreTls { server_name: Some(String::from("a b")), ..StoreTls::default() },
        ] {
            let refused = options(&Keeping::Stored(store(Some(tls.clone()))));
            assert!(refused.is_err(), "{tls:?}");
        }
        let insecure = StoreTls { insecure: true, ..StoreTls::default() };
        assert!(options(&Keeping::Stored(store(Some(insecure)))).unwrap().unwrap().tls.is_some());
    }
}
