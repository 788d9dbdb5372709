//! From Envoy's message to the visitor's request.

use std::net::IpAddr;

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::messages::{AttributeContext, CheckRequest, HttpRequest};
use crate::auth::host::Host;
use crate::auth::request::never_served;
use crate::auth::told::{BadTold, Source, Told};

/// What is asked about.
#[derive(Debug)]
pub(super) struct Original {
    pub(super) told: Told,
    /// The visitor's.
    pub(super) headers: HeaderMap,
    /// Envoy's own peer: the visitor, or a proxy between them.
    pub(super) source: Option<IpAddr>,
}

/// Why it is not known what is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// It is not about HTTP, or has fields that no request has.
    Message,
    Told(BadTold),
}

impl Original {
    /// Reads a message of a listed peer.
    pub(super) fn read(asked: CheckRequest) -> Result<Self, Unclear> {
        let attributes = asked.attributes.ok_or(Unclear::Message)?;
        let source = source(&attributes);
        let http = attributes.request.and_then(|request| request.http).ok_or(Unclear::Message)?;
        let headers = headers(&http)?;
        let told = told(&http).map_err(Unclear::Told)?;
        Ok(Self { told, headers, source })
    }
}

fn source(attributes: &AttributeContext) -> Option<IpAddr> {
    let address = attributes.source.as_ref()?.address.as_ref()?;
    address.socket_address.as_ref()?.address.parse().ok()
}

/// Envoy's message is the only source: what the visitor wrote into fields like `X-Forwarded-Uri`
/// tells nothing (C-38).
fn told(http: &HttpRequest) -> Result<Told, BadTold> {
    let method = Method::from_bytes(http.method.as_bytes());
    let method = method.map_err(|_| BadTold::Malformed("method"))?;
    // A tunnel has no path to judge, and no app is to repeat what it got (C-65).
    if never_served(&method) {
        return Err(BadTold::Malformed("method"));
    }
    let host = Host::parse(&http.host).ok_or(BadTold::Malformed("host"))?;
    let repeated = Some((&method, http.path.as_str()));
    let source = Source { listed: true, host: &host, is_visited: true, repeated };
    Told::read(&HeaderMap::new(), source)
}

fn headers(http: &HttpRequest) -> Result<HeaderMap, Unclear> {
    let joined = http.headers.iter().map(|(name, value)| (name, value.as_bytes()));
    let raw = http.header_map.iter().flat_map(|map| &map.headers);
    let raw = raw.map(|field| (&field.key, field.raw_value.as_slice()));
    let mut headers = HeaderMap::new();
    for (name, value) in joined.chain(raw) {
        if let Some(pseudo) = name.strip_prefix(':') {
            agrees(http, pseudo, value)?;
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unclear::Message)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| Unclear::Message)?;
        headers.try_append(name, value).map_err(|_| Unclear::Message)?;
    }
    Ok(headers)
}

/// What is judged must be what the app gets: in the message's own fields Envoy replaces what is not
/// UTF-8, among the headers it may not.
fn agrees(http: &HttpRequest, pseudo: &str, value: &[u8]) -> Result<(), Unclear> {
    let (told, name) = match pseudo {
        "authority" => (&http.host, "host"),
        "method" => (&http.method, "method"),
        "path" => (&http.path, "path"),
        _ => return Ok(()),
    };
    if told.as_bytes() == value { Ok(()) } else { Err(Unclear::Told(BadTold::Differing(name))) }
}

#[cfg(test)]
mod tests {
    use super::super::messages as sent;
    use super::*;

    fn http(method: &str, host: &str, path: &str) -> HttpRequest {
        HttpRequest {
            method: method.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            ..HttpRequest::default()
        }
    }

    fn asked(http: HttpRequest, source: &str) -> CheckRequest {
        let socket_address = Some(sent::SocketAddress { address: source.to_owned() });
        let source = Some(sent::Peer { address: Some(sent::Address { socket_address }) });
        let request = Some(sent::Request { http: Some(http) });
        CheckRequest { attributes: Some(AttributeContext { source, request }) }
    }

    fn raw(fields: &[(&str, &[u8])]) -> Option<sent::HeaderMap> {
        let field = |(name, value): &(&str, &[u8])| sent::HeaderValue {
            key: (*name).to_owned(),
            raw_value: value.to_vec(),
            ..sent::HeaderValue::default()
        };
        Some(sent::HeaderMap { headers: fields.iter().map(field).collect() })
    }

    #[test]
    fn a_request_is_read_from_either_kind_of_headers() {
        let joined = [("cookie", "a=1"), (":path", "/a?b=//c"), ("accept", "x,y")];
        let joined = HttpRequest {
            headers: joined.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..http("PUT", "App.example.com:8443", "/a?b=//c")
        };
        let lines: [(&str, &[u8]); 4] =
            [(":path", b"/a?b=//c"), ("cookie", b"a=1"), ("accept", b"x"), ("accept", b"y\xff")];
        let raw = HttpRequest { header_map: raw(&lines), headers: [].into(), ..joined.clone() };
        for (http, accepted) in [(joined, &[&b"x,y"[..]][..]), (raw, &[b"x", b"y\xff"])] {
            let read = Original::read(asked(http, "192.0.2.7")).unwrap();
            let host = Host::parse("app.example.com:8443").unwrap();
            let target = Some(String::from("/a?b=//c"));
            assert_eq!(read.told, Told { method: Some(Method::PUT), host, target });
            assert_eq!(read.headers.len(), 1 + accepted.len());
            assert_eq!(read.headers["cookie"], "a=1");
            let lines: Vec<_> =
                read.headers.get_all("accept").iter().map(HeaderValue::as_bytes).collect();
            assert_eq!(lines, accepted);
            assert_eq!(read.source, Some("192.0.2.7".parse().unwrap()));
        }
        let from_a_pipe = Original::read(asked(http("GET", "a", "/"), "")).unwrap();
        assert_eq!(from_a_pipe.source, None);
    }

    #[test]
    fn c38_what_is_not_sound_tells_nothing() {
        use BadTold::{Differing, Malformed};
        let ok = || http("GET", "a.example", "/admin");
        let with = |fields: &[(&str, &[u8])]| HttpRequest { header_map: raw(fields), ..ok() };
        for (http, unclear) in [
            (http("CONNECT", "a", "/"), Unclear::Told(Malformed("method"))),
            (http("TRACE", "a", "/"), Unclear::Told(Malformed("method"))),
            (http("", "a", "/"), Unclear::Told(Malformed("method"))),
            (http("GET", "", "/"), Unclear::Told(Malformed("host"))),
            (http("GET", "u@a", "/"), Unclear::Told(Malformed("host"))),
            (http("OPTIONS", "a", "*"), Unclear::Told(Malformed("path"))),
            (http("GET", "a", ""), Unclear::Told(Malformed("path"))),
            (http("GET", "a", "/public#/../admin"), Unclear::Told(Malformed("path"))),
            (with(&[(":path", b"/public")]), Unclear::Told(Differing("path"))),
            (with(&[(":path", b"/admin\xff")]), Unclear::Told(Differing("path"))),
            (with(&[(":method", b"POST")]), Unclear::Told(Differing("method"))),
            (with(&[(":authority", b"b.example")]), Unclear::Told(Differing("host"))),
            (with(&[("a b", b"")]), Unclear::Message),
            (with(&[("a", b"b\r\nc: d")]), Unclear::Message),
        ] {
            let read = Original::read(asked(http.clone(), "192.0.2.7"));
            assert_eq!(read.map(|read| read.told), Err(unclear), "{} {}", http.method, http.path);
        }
        let of_tcp = CheckRequest { attributes: Some(AttributeContext::default()) };
        for asked in [CheckRequest::default(), of_tcp] {
            assert_eq!(Original::read(asked).map(|read| read.told), Err(Unclear::Message));
        }
        let spoofed = with(&[("x-forwarded-uri", b"/public"), ("x-original-method", b"PUT")]);
        let read = Original::read(asked(spoofed, "192.0.2.7")).unwrap();
        assert_eq!(read.told.target.as_deref(), Some("/admin"));
        assert_eq!(read.told.method, Some(Method::GET));
    }

    #[test]
    fn more_fields_than_a_request_can_have_are_refused() {
        let many: Vec<(String, &[u8])> =
            (0..40_000).map(|n| (format!("x-{n}"), &b""[..])).collect();
        let many: Vec<_> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let http = HttpRequest { header_map: raw(&many), ..http("GET", "a", "/") };
        assert_eq!(Original::read(asked(http, "")).map(|read| read.told), Err(Unclear::Message));
    }
}
