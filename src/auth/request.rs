//! Which requests are well-formed enough to be judged: the one place that closes what an HTTP
//! library leaves to its user.
//!
//! 1. `CONNECT`, `TRACE` and `TRACK` are refused (C-65).
//! 2. Exactly one host: the authority of the target where there is one, else exactly one `Host`
//!    field; both only if they are equal; no user information (C-62, C-63; RFC 9112 3.2).
//! 3. The target has a path that starts with `/` (C-64).
//! 4. `Transfer-Encoding` is one `chunked` or absent (C-55; RFC 9112 6.1).
//! 5. The request has not been through this gateway before (C-66; RFC 9110 7.6.3).

use http::header::{HOST, TRANSFER_ENCODING, UPGRADE, VIA};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use super::host::Host;

/// Why a request is refused before anything else is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRequest {
    Host,
    Loop,
    Method,
    Target,
    TransferEncoding,
}

/// What kind of answer a visitor without a session can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// A person follows a link: a redirect or a page reaches them.
    Navigation,
    /// A script, an image, an API client: only a status does.
    Other,
}

/// Judges the head of a request; returns the host that it is for. `via` is this process's own
/// pseudonym.
pub fn admit(parts: &Parts, via: &str) -> Result<Host, BadRequest> {
    if never_served(&parts.method) {
        return Err(BadRequest::Method);
    }
    let host = host_of(&parts.uri, &parts.headers)?;
    if !parts.uri.path().starts_with('/') {
        return Err(BadRequest::Target);
    }
    if let Some(first) = parts.headers.get(TRANSFER_ENCODING) {
        let one = parts.headers.get_all(TRANSFER_ENCODING).iter().count() == 1;
        if !one || !first.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(BadRequest::TransferEncoding);
        }
    }
    let seen = |value: &http::HeaderValue| {
        memchr::memmem::find(value.as_bytes(), via.as_bytes()).is_some()
    };
    if parts.headers.get_all(VIA).iter().any(seen) {
        return Err(BadRequest::Loop);
    }
    Ok(host)
}

/// Whether a method makes a tunnel of a proxy, or tells a page's script what it must not know
/// (C-65).
pub fn never_served(method: &Method) -> bool {
    matches!(method.as_str(), "CONNECT" | "TRACE" | "TRACK")
}

/// Whether a request wants its connection for something else than a WebSocket. A proxy that lets it
/// hands all that follows on unseen: in HTTP/2 without TLS that is any request (C-60; RFC 9113 3.1
/// has ended that upgrade). Some proxies keep `Upgrade` to themselves when they ask.
pub fn wants_tunnel(headers: &HeaderMap) -> bool {
    let is_other = |to: &http::HeaderValue| !to.as_bytes().eq_ignore_ascii_case(b"websocket");
    headers.contains_key("http2-settings") || headers.get_all(UPGRADE).iter().any(is_other)
}

/// Tells a navigation from everything else (design: by `Sec-Fetch-Mode`, and where a client does
/// not send it, by what a script or an API client would say of itself).
pub fn intent(method: &Method, headers: &HeaderMap) -> Intent {
    if method != Method::GET && method != Method::HEAD {
        return Intent::Other;
    }
    let value = |name: &str| headers.get(name).map(http::HeaderValue::as_bytes);
    if let Some(mode) = value("sec-fetch-mode") {
        return if mode == b"navigate" { Intent::Navigation } else { Intent::Other };
    }
    let grpc = value("content-type").is_some_and(|kind| kind.starts_with(b"application/grpc"));
    // A proxy that asks about a handshake may keep `Upgrade` to itself.
    let opens = value("upgrade").is_some() || value("sec-websocket-version").is_some();
    if grpc || opens || value("x-requested-with").is_some() {
        return Intent::Other;
    }
    let mut accepts = headers.get_all("accept").iter().peekable();
    let any = accepts.peek().is_none();
    let html = |accept: &http::HeaderValue| {
        let accept = accept.as_bytes().to_ascii_lowercase();
        accept.trim_ascii() == b"*/*" || memchr::memmem::find(&accept, b"text/html").is_some()
    };
    if any || accepts.any(html) { Intent::Navigation } else { Intent::Other }
}

fn host_of(uri: &Uri, headers: &HeaderMap) -> Result<Host, BadRequest> {
    let mut fields = headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(BadRequest::Host);
    }
    let parse = |text: &str| Host::parse(text).ok_or(BadRequest::Host);
    let field = match field {
        Some(value) => Some(parse(value.to_str().map_err(|_| BadRequest::Host)?)?),
        None => None,
    };
    let authority = match uri.authority() {
        Some(authority) => Some(parse(authority.as_str())?),
        None => None,
    };
    match (authority, field) {
        (Some(authority), Some(field)) if authority != field => Err(BadRequest::Host),
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err(BadRequest::Host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const VIA_NAME: &str = "askara-gate-0011";

    fn judge(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<String, BadRequest> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        admit(&parts, VIA_NAME).map(|host| host.as_str().to_owned())
    }

    #[test]
    fn c62_to_c66_malformed_heads_are_refused() {
        let host = ("host", "app.example.com");
        for (method, target, headers, read) in [
            ("GET", "/", &[host][..], Ok("app.example.com")),
            ("GET", "/", &[], Err(BadRequest::Host)),
            ("GET", "/", &[host, host], Err(BadRequest::Host)),
            ("GET", "/", &[("host", "a@b")], Err(BadRequest::Host)),
            ("GET", "http://app.example.com/", &[host], Ok("app.example.com")),
            ("GET", "http://evil/", &[host], Err(BadRequest::Host)),
            ("GET", "http://u@app.example.com/", &[], Err(BadRequest::Host)),
            ("GET", "a", &[], Err(BadRequest::Target)),
            ("OPTIONS", "*", &[host], Err(BadRequest::Target)),
            ("CONNECT", "app.example.com:443", &[host], Err(BadRequest::Method)),
            ("TRACE", "/", &[host], Err(BadRequest::Method)),
            ("TRACK", "/", &[host], Err(BadRequest::Method)),
            ("POST", "/", &[host, ("transfer-encoding", "Chunked")], Ok("app.example.com")),
            (
                "POST",
                "/",
                &[host, ("transfer-encoding", "gzip, chunked")],
                Err(BadRequest::TransferEncoding),
            ),
            (
                "POST",
                "/",
                &[host, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
                Err(BadRequest::TransferEncoding),
            ),
            ("GET", "/", &[host, ("via", "1.1 a, 1.1 askara-gate-0011")], Err(BadRequest::Loop)),
            ("GET", "/", &[host, ("via", "1.1 askara-gate-ffff")], Ok("app.example.com")),
        ] {
            let seen = judge(method, target, headers);
            assert_eq!(
                seen.as_deref(),
                read.as_ref().map(|host| *host),
                "{method} {target} {headers:?}"
            );
        }
    }

    #[test]
    fn c60_only_a_web_socket_takes_a_connection_over() {
        for (fields, wants) in [
            (&[][..], false),
            (&[("upgrade", "websocket")], false),
            (&[("upgrade", "WebSocket")], false),
            (&[("upgrade", "h2c")], true),
            (&[("upgrade", "websocket, h2c")], true),
            (&[("upgrade", "websocket"), ("upgrade", "h2c")], true),
            (&[("upgrade", "")], true),
            (&[("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA")], true),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in fields {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(wants_tunnel(&map), wants, "{fields:?}");
        }
    }

    #[test]
    fn a_navigation_is_told_from_a_script() {
        use Intent::{Navigation, Other};
        for (method, headers, read) in [
            ("GET", &[][..], Navigation),
            ("HEAD", &[("accept", "*/*")], Navigation),
            ("GET", &[("accept", "text/html,application/xml")], Navigation),
            ("GET", &[("accept", "application/json")], Other),
            ("GET", &[("accept", "image/png")], Other),
            ("POST", &[("accept", "text/html")], Other),
            ("GET", &[("sec-fetch-mode", "navigate"), ("accept", "application/json")], Navigation),
            ("GET", &[("sec-fetch-mode", "cors"), ("accept", "text/html")], Other),
            ("GET", &[("sec-fetch-mode", "no-cors")], Other),
            ("GET", &[("x-requested-with", "XMLHttpRequest")], Other),
            ("GET", &[("upgrade", "websocket")], Other),
            ("GET", &[("sec-websocket-version", "13")], Other),
            ("GET", &[("content-type", "application/grpc+proto")], Other),
            ("POST", &[("sec-fetch-mode", "navigate")], Other),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(intent(&method.parse().unwrap(), &map), read, "{method} {headers:?}");
        }
    }
}
