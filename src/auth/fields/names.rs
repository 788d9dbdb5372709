//! Which names an operator may state, and what of a visitor's is taken for one of them.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::auth::headers::{ENVOY_REMOVES, HOP_BY_HOP};

/// The names that a route speaks for alone.
#[derive(Clone, Debug, Default)]
pub struct Managed {
    names: Vec<HeaderName>,
}

impl Managed {
    /// Adds a name; false where it is there, or one that apps may take for it.
    #[must_use]
    pub fn add(&mut self, name: &HeaderName) -> bool {
        let is_new = !self.has(name.as_str());
        self.names.push(name.clone());
        is_new
    }

    /// They themselves.
    pub fn names(&self) -> &[HeaderName] {
        &self.names
    }

    /// Whether an app may take `name` for one of them: many fold `_` and `.` (C-34).
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| is_same(own.as_str(), name))
    }

    /// Removes every spelling of them, in a head or in trailers.
    pub fn strip(&self, headers: &mut HeaderMap) {
        if self.names.is_empty() {
            return;
        }
        if headers.keys().any(|name| self.has(name.as_str())) {
            let theirs: Vec<HeaderName> =
                headers.keys().filter(|name| self.has(name.as_str())).cloned().collect();
            for name in theirs {
                headers.remove(name);
            }
        }
        if headers.contains_key(header::TRAILER) {
            self.strip_announced(headers);
        }
    }

    /// What is not announced is not passed on behind a body either (C-39).
    fn strip_announced(&self, headers: &mut HeaderMap) {
        let lines = headers.get_all(header::TRAILER).iter();
        let names = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
        let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
        let others: Vec<String> = names
            .filter(|name| !self.has(name.as_str()))
            .map(|name| name.as_str().to_owned())
            .collect();
        headers.remove(header::TRAILER);
        if let Ok(others) = HeaderValue::try_from(others.join(", "))
            && !others.is_empty()
        {
            headers.insert(header::TRAILER, others);
        }
    }
}

/// Why an operator can't state a field to the app; none: it can be.
pub fn refused_to_app(name: &HeaderName) -> Option<&'static str> {
    let is = |other: &HeaderName| is_same(name.as_str(), other.as_str());
    let folded = name.as_str().replace(['_', '.'], "-");
    if HOP_BY_HOP.iter().chain(&FRAMING).any(is) {
        Some("belongs to the connection or says how a message is framed")
    } else if OF_THE_REQUEST.iter().any(is) {
        Some("says what the visitor's own request is")
    } else if folded.starts_with("sec-") || folded.starts_with("access-control-") {
        Some("is a browser's own word")
    } else if folded.starts_with("x-accel-") || OF_A_PROXY.iter().any(is) {
        Some("tells a proxy in front what to do")
    } else if OF_THE_WAY.contains(&folded.as_str()) || folded.starts_with("x-askara-") {
        Some("is the gateway's own")
    } else {
        None
    }
}

/// Why an operator can't set or remove a field of an answer; none: it can be.
pub fn refused_to_visitor(name: &HeaderName) -> Option<&'static str> {
    let is = |other: &HeaderName| is_same(name.as_str(), other.as_str());
    if HOP_BY_HOP.iter().chain(&FRAMING).any(is) {
        Some("belongs to the connection or says how a message is framed")
    } else if is(&header::SET_COOKIE) {
        Some("is between the app and its visitors, and the gateway's")
    } else if name.as_str().starts_with("sec-websocket-") {
        Some("is a part of the handshake")
    } else {
        None
    }
}

/// Whether two lower-case names are the same to an app that folds `_` and `.` to `-`.
fn is_same(one: &str, other: &str) -> bool {
    let fold = |byte: u8| if matches!(byte, b'_' | b'.') { b'-' } else { byte };
    one.len() == other.len() && one.bytes().map(fold).eq(other.bytes().map(fold))
}

const FRAMING: [HeaderName; 3] =
    [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_RANGE];

const OF_THE_REQUEST: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::ORIGIN,
    header::RANGE,
    header::SET_COOKIE,
];

const OF_A_PROXY: [HeaderName; 2] = [header::LOCATION, ENVOY_REMOVES];

const OF_THE_WAY: [&str; 7] = [
    "forwarded",
    "via",
    "x-forwarded-access-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HeaderName {
        HeaderName::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn c34_every_spelling_of_a_stated_name_goes() {
        let mut managed = Managed::default();
        assert!(managed.add(&name("X-Remote-User")) && managed.add(&name("REMOTE_USER")));
        assert!(!managed.add(&name("x.remote_user")), "an app may take it for the first");
        for theirs in
            ["x-remote-user", "X_Remote_User", "X.Remote-User", "remote-user", "Remote.User"]
        {
            let mut headers = HeaderMap::new();
            headers.append(name(theirs), HeaderValue::from_static("a"));
            headers.append(name(theirs), HeaderValue::from_static("b"));
            headers.append("x-remote-users", HeaderValue::from_static("c"));
            managed.strip(&mut headers);
            let left: Vec<_> = headers.keys().collect();
            assert_eq!(left, ["x-remote-users"], "{theirs}");
        }
    }

    #[test]
    fn c39_a_stated_name_is_not_announced_behind_a_body() {
        let mut managed = Managed::default();
        assert!(managed.add(&name("x-remote-user")));
        for (line, left) in [
            ("x-sum, X-Remote.User", Some("x-sum")),
            ("x_remote_user", None),
            ("a,b ,x-remote-user,c", Some("a, b, c")),
            ("x remote", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::TRAILER, HeaderValue::from_static(line));
            managed.strip(&mut headers);
            let told = headers.get(header::TRAILER).map(|told| told.to_str().unwrap());
            assert_eq!(told, left, "{line}");
        }
    }

    #[test]
    fn nobody_states_what_framing_or_a_decision_rests_on() {
        for bad in [
            "connection",
            "te",
            "keep-alive",
            "upgrade",
            "transfer-encoding",
            "transfer_encoding",
            "content-length",
            "content.length",
            "host",
            "cookie",
            "set-cookie",
            "expect",
            "origin",
            "x-forwarded-for",
            "x_forwarded_host",
            "x-real-ip",
            "forwarded",
            "via",
            "x-askara-assertion",
            "x-askara-provider",
            "sec-fetch-site",
            "sec-websocket-key",
        ] {
            assert!(refused_to_app(&name(bad)).is_some(), "{bad}");
        }
        for good in ["authorization", "x-remote-user", "remote_user", "x-forwarded-user", "accept"]
        {
            assert_eq!(refused_to_app(&name(good)), None, "{good}");
        }
        for bad in [
            "set-cookie",
            "set_cookie",
            "connection",
            "content-length",
            "trailer",
            "transfer-encoding",
            "content-encoding",
            "sec-websocket-accept",
        ] {
            assert!(refused_to_visitor(&name(bad)).is_some(), "{bad}");
        }
        for good in ["server", "x-frame-options", "content-security-policy", "cache-control"] {
            assert_eq!(refused_to_visitor(&name(good)), None, "{good}");
        }
    }
}
