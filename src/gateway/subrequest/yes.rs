//! The yes: who it is, in the fields that the proxy sets on the request for the app, and the newer
//! cookie for the browser.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body_util::Full;

use super::manner::Manner;
use crate::auth::headers::{
    ENVOY_REMOVES, FORWARDED, FORWARDED_ACCESS_TOKEN, METHOD_OVERRIDES, STATED_BY_US, Statement,
    strip_own_cookies,
};
use crate::auth::host::Host;
use crate::auth::path::RequestPath;
use crate::auth::policy::Permit;
use crate::auth::route::{Authorization, Found};
use crate::gateway::Gateway;
use crate::gateway::body::Body;
use crate::gateway::clock::now;
use crate::gateway::visit::{Arrival, Visit};
use crate::gateway::who::Who;

/// Whether requests that came through a listed proxy were carried to an app.
#[derive(Default)]
pub(in crate::gateway) struct CarriesTraffic(AtomicBool);

impl Gateway {
    /// Says yes, and what the app is to be told.
    pub(super) fn yes(
        &self,
        permit: Permit,
        manner: Manner,
        who: &Who,
        (found, path): (Found<'_>, &RequestPath<'_>),
        Visit { headers: visitor, host, .. }: &Visit<'_>,
    ) -> Response<Body> {
        permit.spend();
        let route = found.route;
        let mut answer = Response::new(Body::from(Full::new(Bytes::new())));
        *answer.status_mut() = manner.yes();
        let headers = answer.headers_mut();
        headers.reserve(16);
        self.state_person(headers, route, who);
        let tells_tokens = self.tells_tokens(manner, host);
        if tells_tokens {
            // An operator's own fields may hold a token, and the assertion is as good as one.
            self.state_fields(headers, route, path, who, now);
        } else {
            headers.remove(header::AUTHORIZATION);
            headers.remove(&FORWARDED_ACCESS_TOKEN);
        }
        state_as_auth_request(headers, manner, who.statement().filter(|_| tells_tokens));
        if manner.may_redirect() {
            let cookies = (tells_tokens && manner.listed).then_some(*visitor);
            state_cookies(headers, cookies);
            state_removals(
                headers,
                found,
                cookies.is_some() && visitor.contains_key(header::COOKIE),
            );
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        answer
    }

    /// Whether the answer tells tokens. A page's script must not read them: neither by asking us
    /// itself, nor through a proxy that has us carry the traffic and hands on everything.
    fn tells_tokens(&self, manner: Manner, host: &Host) -> bool {
        if !manner.from_a_page {
            return true;
        }
        // By the host: which path it is about, a page can tell as it likes.
        let carried = self.carries.0.load(Ordering::Relaxed)
            && self.routes.of_host(host).iter().any(|route| route.upstream.is_some());
        if manner.listed && carried {
            self.hints.tokens_withheld();
        }
        manner.listed && !carried
    }

    /// Remembers that a listed proxy has us carry its traffic.
    pub(in crate::gateway) fn carry(&self, arrival: &Arrival) {
        // Read first: the line of it stays shared between the threads.
        if arrival.forwarded.listed && !self.carries.0.load(Ordering::Relaxed) {
            self.carries.0.store(true, Ordering::Relaxed);
        }
    }

    /// Keeps the one cookie that counts. Halves of a session that is in two of them are worse than
    /// none: the next request would have parts of two generations, and nobody's session.
    pub(super) fn keep_one_cookie(&self, headers: &mut HeaderMap) {
        let lines = headers.get_all(header::SET_COOKIE).iter();
        let mut set = lines.filter(|line| memchr::memmem::find(line.as_bytes(), CLEARS).is_none());
        let (one, more) = (set.next().cloned(), set.next().is_some());
        headers.remove(header::SET_COOKIE);
        if more {
            self.hints.two_cookies();
        } else if let Some(line) = one {
            headers.insert(header::SET_COOKIE, line);
            let lines = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
            self.hints.head_of(lines.sum());
        }
    }
}

/// The same under the names that oauth2-proxy has given it, the only ones in `auth_request`.
fn state_as_auth_request(headers: &mut HeaderMap, manner: Manner, said: Option<&Statement>) {
    for (name, alias) in FORWARDED.iter().zip(&AUTH_REQUEST) {
        let value = match manner.may_redirect() {
            true => headers.get(name).cloned(),
            false => headers.remove(name),
        };
        // An operator's own field of that name is there already.
        if let Some(value) = value {
            headers.entry(alias).or_insert(value);
        }
    }
    if !manner.may_redirect() {
        headers.remove(&FORWARDED_ACCESS_TOKEN);
    }
    if let Some(statement) = said {
        headers.insert(&AUTH_REQUEST_ACCESS_TOKEN, statement.access_token.clone());
    }
}

/// The visitor's cookies without ours, which are of no use to the app. A page's script must not read
/// them: some are hidden from it.
fn state_cookies(headers: &mut HeaderMap, visitor: Option<&HeaderMap>) {
    let Some(visitor) = visitor else { return };
    for line in visitor.get_all(header::COOKIE) {
        headers.append(header::COOKIE, line.clone());
    }
    strip_own_cookies(headers);
}

/// What is not stated must not come from the visitor either: Envoy takes it off by this list.
fn state_removals(headers: &mut HeaderMap, found: Found<'_>, states_cookies: bool) {
    let route = found.route;
    let ours = STATED_BY_US.iter().chain(&FORWARDED).chain(&AUTH_REQUEST);
    let ours = ours.chain([&FORWARDED_ACCESS_TOKEN, &AUTH_REQUEST_ACCESS_TOKEN]);
    let theirs = (route.authorization != Authorization::Pass).then_some(&header::AUTHORIZATION);
    let cookies = states_cookies.then_some(&header::COOKIE);
    // The app must see the method that was judged (C-47).
    let methods = METHOD_OVERRIDES.iter().filter(|_| found.rests_on_method());
    let names = ours.chain(theirs).chain(cookies).chain(methods);
    let names = names.chain(route.fields.managed.names());
    let mut list = String::with_capacity(256);
    for name in names.filter(|name| !headers.contains_key(*name)) {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(name.as_str());
    }
    let list = HeaderValue::from_maybe_shared(Bytes::from(list)).ok();
    headers.extend(list.map(|list| (ENVOY_REMOVES, list)));
}

/// In the order of [`FORWARDED`].
static AUTH_REQUEST: [HeaderName; 4] = [
    HeaderName::from_static("x-auth-request-user"),
    HeaderName::from_static("x-auth-request-email"),
    HeaderName::from_static("x-auth-request-groups"),
    HeaderName::from_static("x-auth-request-preferred-username"),
];
static AUTH_REQUEST_ACCESS_TOKEN: HeaderName =
    HeaderName::from_static("x-auth-request-access-token");
const CLEARS: &[u8] = b"Max-Age=0";
