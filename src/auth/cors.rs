//! Which scripts of other origins may read a route's answers (Fetch Standard, CORS protocol).
//!
//! 1. A preflight is answered here, and never forwarded: it carries no session, so an app behind
//!    a login could not answer it (C-51).
//! 2. An origin is allowed by its exact text. `*` is for answers without credentials alone.
//! 3. What the app says of it does not count on a route with rules of ours.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::same_site::is_listed;

/// Whose scripts may read what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    pub origins: Origins,
    /// The methods, as `Access-Control-Allow-Methods` lists them.
    pub methods: HeaderValue,
    /// The request fields, as `Access-Control-Allow-Headers` lists them; none: only those that
    /// need no leave.
    pub headers: Option<HeaderValue>,
    /// The answer's fields that scripts may read beside the few that they always may.
    pub expose: Option<HeaderValue>,
    /// Whether browsers may send cookies along.
    pub credentials: bool,
    /// For how many seconds a browser may remember a preflight's answer.
    pub max_age: HeaderValue,
}

/// Which origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every one; never with credentials.
    Any,
    /// These, as browsers write them.
    Listed(Vec<HeaderValue>),
}

/// The method that a preflight asks for; none: it is no preflight.
pub fn preflight(method: &Method, headers: &HeaderMap) -> Option<Method> {
    if *method != Method::OPTIONS || !headers.contains_key(ORIGIN) {
        return None;
    }
    Method::from_bytes(headers.get(ACCESS_CONTROL_REQUEST_METHOD)?.as_bytes()).ok()
}

impl Cors {
    /// The fields that allow a preflight's request; none: its origin is not allowed. Which methods
    /// and fields are, the browser compares by itself.
    pub fn allow(&self, request: &HeaderMap) -> Option<HeaderMap> {
        let mut fields = self.granted(request)?;
        fields.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        fields.extend(self.headers.clone().map(|names| (ACCESS_CONTROL_ALLOW_HEADERS, names)));
        fields.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        Some(fields)
    }

    /// States in an answer who may read it, in the place of what the app said.
    pub fn state(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        for name in OF_THE_APP {
            answer.remove(name);
        }
        if let Some(mut fields) = self.granted(request) {
            fields.extend(self.expose.clone().map(|names| (ACCESS_CONTROL_EXPOSE_HEADERS, names)));
            answer.extend(fields);
        }
        // Also where it is not allowed, or no origin asked: a cache must not hand that answer to
        // one that is.
        answer.append(VARY, HeaderValue::from_static("Origin"));
    }

    fn granted(&self, request: &HeaderMap) -> Option<HeaderMap> {
        let origin = match &self.origins {
            Origins::Any if request.contains_key(ORIGIN) => Some(HeaderValue::from_static("*")),
            Origins::Any => None,
            Origins::Listed(listed) if is_listed(request, listed) => request.get(ORIGIN).cloned(),
            Origins::Listed(_) => None,
        }?;
        let mut fields = HeaderMap::new();
        fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials {
            fields.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        Some(fields)
    }
}

/// What an app may have said by itself.
const OF_THE_APP: [HeaderName; 7] = [
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
    HeaderName::from_static("access-control-allow-private-network"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: Origins, credentials: bool) -> Cors {
        Cors {
            origins,
            methods: HeaderValue::from_static("GET, PUT"),
            headers: Some(HeaderValue::from_static("content-type")),
            expose: Some(HeaderValue::from_static("x-total")),
            credentials,
            max_age: HeaderValue::from_static("600"),
        }
    }

    fn listed() -> Cors {
        cors(Origins::Listed(vec![HeaderValue::from_static("https://a.example")]), true)
    }

    fn from(origin: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        headers
    }

    #[test]
    fn c51_only_an_options_request_that_names_origin_and_method_is_a_preflight() {
        let mut asked = from("https://a.example");
        assert_eq!(preflight(&Method::OPTIONS, &asked), None);
        asked.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT"));
        assert_eq!(preflight(&Method::OPTIONS, &asked), Some(Method::PUT));
        assert_eq!(preflight(&Method::PUT, &asked), None);
        asked.remove(ORIGIN);
        assert_eq!(preflight(&Method::OPTIONS, &asked), None);
        asked = from("https://a.example");
        asked.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("no method"));
        assert_eq!(preflight(&Method::OPTIONS, &asked), None);
    }

    #[test]
    fn an_origin_is_allowed_by_its_exact_text() {
        for (origin, allowed) in [
            ("https://a.example", true),
            ("https://A.example", false),
            ("http://a.example", false),
            ("https://a.example:443", false),
            ("https://a.example.evil", false),
            ("https://b.a.example", false),
            ("null", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(listed().allow(&from(origin)).is_some(), allowed, "{origin}");
        }
        assert_eq!(listed().allow(&HeaderMap::new()), None);
        let mut twice = from("https://a.example");
        twice.append(ORIGIN, HeaderValue::from_static("https://a.example"));
        assert_eq!(listed().allow(&twice), None, "two lines are none");
    }

    #[test]
    fn a_listed_origin_is_echoed_with_credentials_and_any_is_a_star_without() {
        let fields = listed().allow(&from("https://a.example")).unwrap();
        assert_eq!(fields[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
        assert_eq!(fields[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(fields[ACCESS_CONTROL_ALLOW_METHODS], "GET, PUT");
        assert_eq!(fields[ACCESS_CONTROL_MAX_AGE], "600");
        let fields = cors(Origins::Any, false).allow(&from("https://whoever.example")).unwrap();
        assert_eq!(fields[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!fields.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn what_the_app_says_gives_way_whoever_asks() {
        for (origin, allowed) in [("https://a.example", true), ("https://evil.example", false)] {
            let mut answer = HeaderMap::new();
            for name in OF_THE_APP {
                answer.append(&name, HeaderValue::from_static("https://evil.example"));
                answer.append(&name, HeaderValue::from_static("*"));
            }
            answer.insert(VARY, HeaderValue::from_static("Accept"));
            listed().state(&from(origin), &mut answer);
            assert_eq!(answer.get_all(VARY).iter().count(), 2);
            answer.remove(VARY);
            assert_eq!(answer.len(), if allowed { 3 } else { 0 }, "{answer:?}");
            let echoed = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some();
            assert_eq!(echoed, allowed);
        }
    }
}
