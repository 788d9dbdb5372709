//! One request, as far as it was understood before anything was decided.

use std::net::IpAddr;

use http::{HeaderMap, Method, StatusCode, header};

use super::Gateway;
use super::respond::Asker;
use crate::auth::cookie::OwnCookies;
use crate::auth::host::{Host, Origin};
use crate::auth::realm::Realm;
use crate::auth::trust::{Forwarded, Peer};

/// What a request's head says of itself, parsed.
pub(super) struct Visit<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    /// The path as it came, without the query.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) host: &'a Host,
    /// Where it came from, as far as it is known.
    pub(super) client: Option<IpAddr>,
    pub(super) own: OwnCookies<'a>,
    /// Whether a proxy in front may be asking, or this is what it asks about: it takes 200 for a
    /// yes, and gRPC says its no under 200.
    pub(super) by_status: bool,
}

/// Where a request came from.
pub(super) struct Arrival {
    pub(super) peer: Peer,
    pub(super) host: Host,
    /// The host that it came to itself, where a trusted proxy told another one.
    pub(super) came_to: Option<Host>,
    pub(super) forwarded: Forwarded,
}

impl Arrival {
    /// Where the request came from, as far as it is known.
    pub(super) fn client(&self) -> Option<IpAddr> {
        self.forwarded.client.or_else(|| self.peer.address())
    }
}

impl Visit<'_> {
    /// The path and the query.
    pub(super) fn target(&self) -> String {
        let query = if self.query.is_empty() { "" } else { "?" };
        format!("{}{query}{}", self.path, self.query)
    }

    /// The page around a request that failed, as far as it tells: that is what a person wants
    /// back.
    pub(super) fn referer(&self) -> Option<&str> {
        self.headers.get(header::REFERER).and_then(|value| value.to_str().ok())
    }

    /// Who is to be answered, should there be something to say.
    pub(super) fn asker(&self) -> Asker {
        let asker = Asker::of(self.method, self.headers);
        if self.by_status { asker.by_status() } else { asker }
    }

    /// How a redirect is said: what was posted must not be posted again (S1, S21).
    pub(super) fn redirect_status(&self) -> StatusCode {
        if *self.method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND }
    }

    /// A member of the query or the posted form, decoded once.
    pub(super) fn member(&self, name: &str, form: &str) -> Option<String> {
        [self.query, form].into_iter().find_map(|members| {
            let mut members = form_urlencoded::parse(members.as_bytes());
            members.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        })
    }

    /// The origin at which the visitor sees us, made of the configuration: the request only
    /// chooses among hosts that are listed.
    pub(super) fn origin(&self, gateway: &Gateway) -> Origin {
        gateway.origin_of(self.host)
    }
}

impl Gateway {
    /// Our origin at a host: public_url's, or that of a route's host.
    pub(super) fn origin_of(&self, host: &Host) -> Origin {
        let public = &self.public;
        if host.name() == public.host.name() || !self.routes.names(host) {
            return public.clone();
        }
        let port = public.host.port().map_or_else(String::new, |port| format!(":{port}"));
        let named = Host::parse(&format!("{}{port}", host.name()));
        Origin { https: public.https, host: named.unwrap_or_else(|| public.host.clone()) }
    }

    /// Which hosts share sessions with a host.
    pub(super) fn realm_at<'a>(&'a self, host: &'a Host) -> Realm<'a> {
        self.sessions.sealer.realms.at(host.name(), || self.routes.names(host))
    }

    /// Whether a host, its port aside, is public_url's or a route's: only there a login begins.
    pub(super) fn knows(&self, host: &Host) -> bool {
        host.name() == self.public.host.name() || self.routes.names(host)
    }
}
