//! What the tables of a configuration say together: what can't be, and what is probably not meant.

use super::limits::Limits;
use super::problem::{Problem, Problems};
use super::provider::ProviderConfig;
use super::server::{Address, Server};
use super::session::Sharing;
use crate::auth::host::{HostPattern, Origin, is_or_is_below};
use crate::auth::realm::Realms;
use crate::auth::route::RouteTable;
use crate::auth::trust::Peer;

/// Domains whose cookies the hosts can't have.
pub(super) fn about_sharing(
    sharing: &Sharing,
    public: &Origin,
    routes: &RouteTable,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) {
    for domain in &sharing.domains {
        let is_above_home = is_or_is_below(public.host.name(), domain);
        if sharing.is_for_all && !(is_above_home && routes.are_below(domain)) {
            let message = format!(
                "public_url and every route's host must be {domain} or below it, or browsers drop the cookie; a list has the others keep their own"
            );
            problems.push(Problem::plain("session.cookie_domain", message));
        }
        let is_above = |host: &HostPattern| {
            let (HostPattern::Exact(name) | HostPattern::Below(name)) = host;
            is_or_is_below(name, domain)
        };
        if !sharing.is_for_all && !is_above_home && !routes.hosts().any(is_above) {
            warnings.push(format!(
                "session.cookie_domain: no host of the configuration is {domain} or below it"
            ));
        }
    }
}

/// Logins that come back to another host than the one that keeps their attempt.
pub(super) fn about_callbacks(
    providers: &[ProviderConfig],
    realms: &Realms,
    routes: &RouteTable,
    warnings: &mut Vec<String>,
) {
    let is_away = |host: &HostPattern| {
        let (HostPattern::Exact(name) | HostPattern::Below(name)) = host;
        realms.at(name, || true).kept().is_some()
    };
    let fixed = providers.iter().any(|one| !one.settings.authorization.send_redirect_uri);
    if fixed && routes.hosts().any(is_away) {
        warnings.push(String::from("provider.send_redirect_uri: with one fixed address people can sign in only at its host, and where session.cookie_domain shares sessions with it"));
    }
}

/// Limits on addresses where no address is known.
pub(super) fn about_addresses(
    server: &Server,
    limits: &Limits,
    routes: &RouteTable,
    warnings: &mut Vec<String>,
) {
    let limited = routes.routes().iter().filter_map(|route| route.limits.limited());
    let limits_addresses = limits.routes.per_address.is_some()
        || limited.into_iter().any(|limited| limited.per_address.is_some());
    let is_unix = |listen: &super::Listen| matches!(listen.address, Address::Unix(_));
    if limits_addresses
        && server.listen.iter().any(is_unix)
        && !server.trusted_proxies.trusts(Peer::Unix)
    {
        warnings.push(String::from("limits.rate_per_address: nobody has an address on a unix socket, so the limit does not hold there; with \"unix\" in trusted_proxies the proxy in front tells it"));
    }
}
