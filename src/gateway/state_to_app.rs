//! What the app is told: the path it was asked for, where the visitor came from, and who it is.

use std::net::IpAddr;

use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Uri, Version};

use super::Gateway;
use super::session::Current;
use super::visit::{Arrival, Visit};
use crate::auth::headers::{FORWARDED_ACCESS_TOKEN, strip_own_cookies};
use crate::auth::route::{Authorization, Route};
use crate::auth::trust::Peer;

impl Gateway {
    /// Turns a visitor's head into one for the app. Claims of the visitor's were stripped before.
    pub(super) fn state_to_app(
        &self,
        parts: &mut Parts,
        route: &Route,
        current: Option<&Current>,
        arrival: &Arrival,
        visit: &Visit<'_>,
    ) {
        self.state_way(parts, arrival);
        // HTTP/2 may split the field, which HTTP/1.1 must not (RFC 9113 8.2.3).
        if visit.own.any || visit.own.others && parts.version == Version::HTTP_2 {
            strip_own_cookies(&mut parts.headers);
        }
        let headers = &mut parts.headers;
        if route.authorization != Authorization::Pass {
            headers.remove(header::AUTHORIZATION);
        }
        let Some(current) = current else { return };
        let statement = &current.newest.statement;
        if route.authorization == Authorization::Replace {
            headers.insert(header::AUTHORIZATION, statement.authorization.clone());
        }
        if route.access_token_header {
            headers.insert(FORWARDED_ACCESS_TOKEN, statement.access_token.clone());
        }
        for (name, value) in &statement.identity {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// The target in origin form, the host that was asked for, and the way it came.
    fn state_way(&self, parts: &mut Parts, arrival: &Arrival) {
        let headers = &mut parts.headers;
        // The authority wins over `Host` (RFC 9112 3.2.2), and HTTP/2 may have had no `Host`.
        if let Some(authority) = parts.uri.authority() {
            headers.extend(
                HeaderValue::from_str(authority.as_str())
                    .ok()
                    .map(|host| (header::HOST, host)),
            );
            let path = parts.uri.path_and_query().cloned();
            parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        }
        let forwarded = &arrival.forwarded;
        if let Some(client) = forwarded.client {
            let address = field(&client.to_string());
            let chain = match &forwarded.chain {
                Some(chain) => field(&format!(
                    "{chain}, {}",
                    address_of(arrival.peer).unwrap_or(client)
                )),
                None => address.clone(),
            };
            headers.extend(chain.map(|chain| (FORWARDED_FOR, chain)));
            headers.extend(address.map(|address| (REAL_IP, address)));
        }
        let origin = self.origin_of(&arrival.host);
        let host = if arrival.told_host {
            arrival.host.as_str()
        } else {
            origin.host.as_str()
        };
        headers.extend(field(host).map(|host| (FORWARDED_HOST, host)));
        let https = forwarded.https.unwrap_or(origin.https);
        let scheme = HeaderValue::from_static(if https { "https" } else { "http" });
        headers.insert(FORWARDED_PROTO, scheme);
        let version = if parts.version == Version::HTTP_2 {
            "2.0"
        } else {
            "1.1"
        };
        headers.extend(field(&format!("{version} {}", self.via)).map(|via| (header::VIA, via)));
    }
}

fn field(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// The peer's own address, which a trusted proxy's chain does not name yet.
fn address_of(peer: Peer) -> Option<IpAddr> {
    match peer {
        Peer::Address(address) => Some(address),
        Peer::Unix => None,
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
