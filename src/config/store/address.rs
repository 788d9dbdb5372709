//! The address of a store.

use crate::auth::host::Host;
use crate::secret::Secret;

/// Whom to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreServers {
    One(StoreAddress),
    /// The Sentinels know who the master of this name is.
    Sentinels {
        sentinels: Vec<StoreAddress>,
        master: String,
    },
    /// Some nodes of a Cluster; they know the others.
    Cluster(Vec<StoreAddress>),
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreAddress {
    /// A name, or an IP address without brackets.
    pub host: String,
    pub port: u16,
}

/// A user of the store; none: its default user.
#[derive(Clone, Debug)]
pub struct StoreLogin {
    pub user: Option<String>,
    pub password: Secret<String>,
}

/// An address, read.
pub(super) struct StoreUrl {
    pub(super) is_encrypted: bool,
    pub(super) servers: StoreServers,
    pub(super) login: Option<StoreLogin>,
    pub(super) database: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    One,
    Sentinel,
    Cluster,
}

/// Reads an address. What is wrong is said without a word of it: there may be a password in it.
pub(super) fn parse(text: &Secret<String>) -> Result<StoreUrl, String> {
    // Only its parts go on, and the password among them is a secret again.
    let (scheme, rest) = text.expose().trim().split_once("://").ok_or(EXAMPLES)?;
    let (kind, is_encrypted) = match scheme {
        "redis" => (Kind::One, false),
        "rediss" => (Kind::One, true),
        "redis+sentinel" => (Kind::Sentinel, false),
        "rediss+sentinel" => (Kind::Sentinel, true),
        "redis+cluster" => (Kind::Cluster, false),
        "rediss+cluster" => (Kind::Cluster, true),
        _ => return Err(String::from(EXAMPLES)),
    };
    if rest.contains(['?', '#']) {
        return Err(String::from(
            "must have no \"?\" and no \"#\"; in a password they are \"%3F\" and \"%23\"",
        ));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(self::login(login)?), hosts),
        None => (None, authority),
    };
    let hosts = hosts.split(',').map(|host| address(host, kind)).collect::<Result<Vec<_>, _>>()?;
    let (servers, database) = servers(kind, hosts, path.strip_suffix('/').unwrap_or(path))?;
    Ok(StoreUrl { is_encrypted, servers, login, database })
}

fn servers(
    kind: Kind,
    mut hosts: Vec<StoreAddress>,
    path: &str,
) -> Result<(StoreServers, u32), String> {
    let database = |text: &str| match text {
        "" => Ok(0),
        _ => text.parse().map_err(|_| String::from("must end with the number of a database")),
    };
    match kind {
        Kind::One => match (hosts.pop(), hosts.is_empty()) {
            (Some(host), true) => Ok((StoreServers::One(host), database(path)?)),
            _ => Err(String::from(
                "has several hosts; they need \"redis+sentinel://\" or \"redis+cluster://\"",
            )),
        },
        Kind::Sentinel => {
            let (master, number) = path.split_once('/').unwrap_or((path, ""));
            let master = decoded(master).filter(|master| !master.is_empty()).ok_or(
                "needs the master's name, as in \"redis+sentinel://host1:26379,host2:26379/mymaster\"",
            )?;
            Ok((StoreServers::Sentinels { sentinels: hosts, master }, database(number)?))
        }
        Kind::Cluster => match database(path)? {
            0 => Ok((StoreServers::Cluster(hosts), 0)),
            _ => Err(String::from("must have no number behind it: a Cluster has one database")),
        },
    }
}

fn login(text: &str) -> Result<StoreLogin, String> {
    let (user, password) =
        text.split_once(':').ok_or("must say \"user:password@\" or \":password@\"")?;
    let (Some(user), Some(password)) = (decoded(user), decoded(password)) else {
        return Err(String::from("has a \"%\" that no two hexadecimal digits follow"));
    };
    if password.is_empty() {
        return Err(String::from("has an empty password"));
    }
    let user = (!user.is_empty()).then_some(user);
    Ok(StoreLogin { user, password: Secret::new(password) })
}

fn address(text: &str, kind: Kind) -> Result<StoreAddress, String> {
    let host = Host::parse(text).ok_or(
        "has a host that is none; in a user or password, \"@\" is \"%40\", \"/\" is \"%2F\" and \":\" is \"%3A\"",
    )?;
    let port = match kind {
        Kind::Sentinel => 26379,
        Kind::One | Kind::Cluster => 6379,
    };
    let port = host.port().unwrap_or(port);
    Ok(StoreAddress { host: host.name().trim_matches(['[', ']']).to_owned(), port })
}

/// Undoes percent-encoding (RFC 3986 section 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| !digits.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

pub(super) const EXAMPLES: &str = "must be the address of a store, such as \"redis://host:6379\", \"rediss://user:password@host:6379/0\", \"redis+sentinel://host1:26379,host2:26379/mymaster\" or \"redis+cluster://host1:7000,host2:7001\"";
