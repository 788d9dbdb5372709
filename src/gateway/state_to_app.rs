//! What the app is told: the path it was asked for, where the visitor came from, and who it is.

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri, Version};

use super::Gateway;
use super::visit::{Arrival, Visit};
use super::who::Who;
use crate::auth::headers::{ASKARA_PROVIDER, FORWARDED_ACCESS_TOKEN, strip_own_cookies};
use crate::auth::host::Origin;
use crate::auth::route::{Authorization, Route};

impl Gateway {
    /// Turns a visitor's head into one for the app. Claims of the visitor's were stripped before.
    pub(super) fn state_to_app(
        &self,
        parts: &mut Parts,
        route: &Route,
        who: &Who,
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
        self.state_person(headers, route, who);
    }

    /// States who it is, as the route says.
    pub(super) fn state_person(&self, headers: &mut HeaderMap, route: &Route, who: &Who) {
        let Some(statement) = who.statement() else { return };
        if route.authorization == Authorization::Replace {
            headers.insert(header::AUTHORIZATION, statement.authorization.clone());
        }
        if route.access_token_header {
            headers.insert(&FORWARDED_ACCESS_TOKEN, statement.access_token.clone());
        }
        if self.parties.len() > 1
            && let Some(provider) = who.provider()
        {
            // The same name at two providers is two people (S26).
            headers.insert(ASKARA_PROVIDER, self.parties[provider].stated.clone());
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
            if let Some(host) = field(authority.as_str().to_owned()) {
                headers.insert(header::HOST, host);
            }
            let path = parts.uri.path_and_query().cloned();
            parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        }
        let forwarded = &arrival.forwarded;
        if let Some(client) = forwarded.client
            && let Some(address) = field(client.to_string())
        {
            let chain = match &forwarded.chain {
                Some(chain) => {
                    field(format!("{chain}, {}", arrival.peer.address().unwrap_or(client)))
                }
                None => Some(address.clone()),
            };
            headers.extend(chain.map(|chain| (FORWARDED_FOR, chain)));
            headers.insert(REAL_IP, address);
        }
        let host = if arrival.came_to.is_some() {
            field(arrival.host.as_str().to_owned())
        } else if arrival.host.name() == self.public.host.name() {
            Some(self.stated.host.clone())
        } else {
            field(self.origin_of(&arrival.host).host.as_str().to_owned())
        };
        headers.extend(host.map(|host| (FORWARDED_HOST, host)));
        let https = forwarded.https.unwrap_or(self.public.https);
        let scheme = HeaderValue::from_static(if https { "https" } else { "http" });
        headers.insert(FORWARDED_PROTO, scheme);
        let via = match parts.version {
            Version::HTTP_2 => &self.stated.via_http2,
            _ => &self.stated.via,
        };
        headers.append(header::VIA, via.clone());
    }
}

/// What is stated on every request in the same words.
pub(super) struct Stated {
    host: HeaderValue,
    via: HeaderValue,
    via_http2: HeaderValue,
}

impl Stated {
    /// For a gateway at `public`, called `name` in `Via`.
    pub(super) fn new(public: &Origin, name: &str) -> Self {
        let field = |text: String| field(text).unwrap_or(HeaderValue::from_static("unknown"));
        Self {
            host: field(public.host.as_str().to_owned()),
            via: field(format!("1.1 {name}")),
            via_http2: field(format!("2.0 {name}")),
        }
    }
}

fn field(text: String) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(text)).ok()
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
