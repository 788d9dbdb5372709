//! Header fields: what a visitor may not say, what one hop keeps to itself, what the app is told.
//!
//! 1. Hop-by-hop fields and whatever `Connection` names go first, so that a visitor cannot name
//!    one of ours (C-37; RFC 9110 7.6.1). Fields that a decision rests on can't be named away.
//! 2. Every identity and forwarding field that a visitor sends goes, on every route and in every
//!    spelling: `_` and `.` count as `-`, and names with `_` go altogether (C-34, C-35).
//! 3. Then ours are stated, each exactly once (C-36).

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, header};

use super::cookie;
use super::identity::Identity;
use crate::secret::AccessToken;

/// The fields that state a session to the app, made once per session and set on every request.
#[derive(Clone, Debug)]
pub struct Statement {
    pub authorization: HeaderValue,
    pub access_token: HeaderValue,
    pub identity: Vec<(HeaderName, HeaderValue)>,
}

/// A token that can't stand in a header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unspeakable;

impl Statement {
    /// Writes the fields of a session.
    pub fn new(identity: &Identity, token: &AccessToken) -> Result<Self, Unspeakable> {
        // The token leaves secrecy for the app; the values are marked so that no log shows them.
        let field = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| Unspeakable)?;
            value.set_sensitive(true);
            Ok(value)
        };
        let mut stated = vec![(FORWARDED_USER, encoded(&identity.user))];
        let optional = [
            (FORWARDED_EMAIL, &identity.email),
            (FORWARDED_PREFERRED_USERNAME, &identity.preferred_username),
            (ASKARA_ORGANIZATION, &identity.organization),
        ];
        for (name, text) in optional {
            stated.extend(text.as_ref().map(|text| (name, encoded(text))));
        }
        if !identity.groups.is_empty() {
            stated.push((FORWARDED_GROUPS, encoded_list(&identity.groups)));
        }
        Ok(Self {
            authorization: field(&format!("Bearer {}", token.expose()))?,
            access_token: field(token.expose())?,
            identity: stated,
        })
    }
}

/// Removes what this hop keeps to itself, in a request or an answer.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        for name in nominated(headers) {
            headers.remove(name);
        }
    }
    // Most messages have none of them: one look instead of ten removals.
    if headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        for name in HOP_BY_HOP {
            headers.remove(name);
        }
    }
}

/// Removes what a request's `Connection` names, before anything of ours is stated: so a visitor
/// can't name it away. A wish to upgrade stays; what becomes of it is decided later.
pub fn strip_nominated(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONNECTION) {
        return;
    }
    let mut upgrades = false;
    for name in nominated(headers) {
        if name == header::UPGRADE {
            upgrades = true;
        } else if !HOP_BY_HOP.contains(&name) {
            headers.remove(name);
        }
    }
    if upgrades {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        headers.remove(header::CONNECTION);
    }
}

/// What a field says that is there once, and says something in ASCII.
pub fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok().filter(|value| !value.is_empty())?;
    values.next().is_none().then_some(value)
}

/// Whether a message belongs to a gRPC call.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| is_grpc_type(kind.as_bytes()))
}

/// Whether a `Content-Type` is gRPC's. gRPC for browsers, `application/grpc-web`, is none: to
/// whoever carries it, it is a request like any other.
pub fn is_grpc_type(kind: &[u8]) -> bool {
    let Some((kind, rest)) = kind.split_at_checked(GRPC.len()) else { return false };
    kind.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// Removes what a visitor may not say: identity, forwarding and every ambiguous spelling.
/// `Expect` goes too: the gateway itself answers it.
pub fn strip_claims(headers: &mut HeaderMap) {
    if claims(headers).next().is_some() {
        let claimed: Vec<HeaderName> = claims(headers).cloned().collect();
        for name in claimed {
            headers.remove(name);
        }
    }
    headers.remove(header::EXPECT);
}

/// The names that a visitor may not say, as they came.
pub fn claims(headers: &HeaderMap) -> impl Iterator<Item = &HeaderName> {
    headers.keys().filter(|name| is_claim(name.as_str()))
}

/// Removes what some apps take for the method in the place of the request line's: where a rule rests
/// on the method, the app must see the one that was judged (C-47).
pub fn strip_method_overrides(headers: &mut HeaderMap) {
    for name in &METHOD_OVERRIDES {
        headers.remove(name);
    }
}

/// Removes our own cookies from what the app sees.
pub fn strip_own_cookies(headers: &mut HeaderMap) {
    let lines = || headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let rest = cookie::others_only(lines()).and_then(|rest| HeaderValue::from_bytes(&rest).ok());
    match rest {
        Some(rest) => drop(headers.insert(header::COOKIE, rest)),
        None => drop(headers.remove(header::COOKIE)),
    }
}

/// Removes cookies of ours that an app tries to set; tells whether there were any (C-29).
pub fn strip_foreign_set_cookies(headers: &mut HeaderMap) -> bool {
    let ours = |value: &HeaderValue| {
        let name = cookie::set_cookie_name(value.as_bytes());
        std::str::from_utf8(name).is_ok_and(cookie::is_ours)
    };
    if !headers.get_all(header::SET_COOKIE).iter().any(ours) {
        return false;
    }
    let kept: Vec<HeaderValue> =
        headers.get_all(header::SET_COOKIE).iter().filter(|value| !ours(value)).cloned().collect();
    headers.remove(header::SET_COOKIE);
    for value in kept {
        headers.append(header::SET_COOKIE, value);
    }
    true
}

/// Keeps of trailers only what may follow a body: no framing, no identity, nothing of ours
/// (C-39).
pub fn strip_trailers(trailers: &mut HeaderMap) {
    strip_hop_by_hop(trailers);
    strip_claims(trailers);
    for name in NO_TRAILERS {
        trailers.remove(name);
    }
}

/// Whether a field belongs to the families that only the gateway speaks for.
fn is_claim(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.contains(&b'_') {
        return true;
    }
    if !bytes.contains(&b'.') {
        return is_managed(name);
    }
    is_managed(&name.replace('.', "-"))
}

/// `name` is lower-case, as every parsed field name is.
fn is_managed(name: &str) -> bool {
    const FAMILIES: [&str; 5] =
        ["x-forwarded-", "x-auth-request-", "x-askara-", "x-original-", "x-envoy-"];
    match name.as_bytes().first() {
        Some(b'x') => {
            FAMILIES.iter().any(|family| name.starts_with(family))
                || matches!(name, "x-real-ip" | "x-forwarded" | "x-client-ip" | "x-rewrite-url")
        }
        Some(b'f') => name == "forwarded",
        Some(b't') => name == "true-client-ip",
        Some(b'c') => name == "cf-connecting-ip",
        _ => false,
    }
}

fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(header::CONNECTION).iter();
    let tokens = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    tokens
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .filter(|name| !PROTECTED.contains(name))
        .collect()
}

/// A text as a field value: printable ASCII as it is, all else percent-encoded as UTF-8 (C-40).
/// So are `%` itself and spaces at the ends, which parsers take away: no two texts look alike.
fn encoded(text: &str) -> HeaderValue {
    value(encode(text, b""))
}

/// A list as one field value: joined by commas, a comma inside is `%2C`.
fn encoded_list(items: &[String]) -> HeaderValue {
    let items: Vec<String> = items.iter().map(|item| encode(item, b",")).collect();
    value(items.join(","))
}

/// The same as a part of something larger, in which the bytes of `around` mean something else:
/// they are percent-encoded too.
pub(super) fn encode(text: &str, around: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let inner = text.len() - text.trim_start_matches(' ').len()..text.trim_end_matches(' ').len();
    for (at, byte) in text.bytes().enumerate() {
        let plain = matches!(byte, b'!'..=b'~') && byte != b'%';
        if (plain || byte == b' ' && inner.contains(&at)) && !around.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn value(ascii: String) -> HeaderValue {
    HeaderValue::try_from(ascii).expect("printable ASCII is always a field value")
}

/// The fields that say who somebody is.
pub static FORWARDED: [HeaderName; 4] =
    [FORWARDED_USER, FORWARDED_EMAIL, FORWARDED_GROUPS, FORWARDED_PREFERRED_USERNAME];
/// The others that only the gateway states.
pub static STATED_BY_US: [HeaderName; 3] = [ASKARA_ORGANIZATION, ASKARA_PROVIDER, ASKARA_ASSERTION];
const FORWARDED_USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const FORWARDED_EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
const FORWARDED_GROUPS: HeaderName = HeaderName::from_static("x-forwarded-groups");
const FORWARDED_PREFERRED_USERNAME: HeaderName =
    HeaderName::from_static("x-forwarded-preferred-username");
const ASKARA_ORGANIZATION: HeaderName = HeaderName::from_static("x-askara-organization");
pub const ASKARA_PROVIDER: HeaderName = HeaderName::from_static("x-askara-provider");
pub const ASKARA_ASSERTION: HeaderName = HeaderName::from_static("x-askara-assertion");
/// `X-Forwarded-Access-Token`.
pub static FORWARDED_ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-forwarded-access-token");

const GRPC: &[u8] = b"application/grpc";

/// What one hop keeps to itself.
pub(super) const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("http2-settings"),
];

/// The names that Envoy takes off a request before it goes to the app.
pub const ENVOY_REMOVES: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");
/// What some apps take for the method.
pub static METHOD_OVERRIDES: [HeaderName; 3] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
];

/// Fields on which framing or a decision rests: naming them in `Connection` removes nothing.
const PROTECTED: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::COOKIE,
    header::SET_COOKIE,
    header::CACHE_CONTROL,
    header::ORIGIN,
];

/// Fields that must not come behind a body (RFC 9110 6.5.1).
const NO_TRAILERS: [HeaderName; 9] = [
    header::CONTENT_LENGTH,
    header::HOST,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
    AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
    header::CACHE_CONTROL,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        map.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn c34_every_spelling_of_a_managed_field_goes() {
        for name in [
            "X-Forwarded-User",
            "x_forwarded_user",
            "X-Forwarded_User",
            "x.forwarded.user",
            "X-Forwarded-For",
            "x-forwarded-anything",
            "X-Auth-Request-Email",
            "X-Askara-Organization",
            "X-Original-URL",
            "X-Envoy-Original-Path",
            "X-Real-IP",
            "x.real.ip",
            "Forwarded",
            "True-Client-IP",
            "CF-Connecting-IP",
            "any_underscore",
            "expect",
        ] {
            let mut headers = map(&[(name, "x"), (name, "y"), ("accept", "*/*")]);
            strip_claims(&mut headers);
            assert_eq!(names(&headers), ["accept"], "{name}");
        }
        let mut headers = map(&[("x-request-id", "1"), ("x-custom", "2"), ("authorization", "3")]);
        strip_claims(&mut headers);
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn c37_connection_takes_what_it_names_but_nothing_essential() {
        let mut headers = map(&[
            ("connection", "close, X-Custom, Host"),
            ("connection", "COOKIE, content-length"),
            ("x-custom", "1"),
            ("host", "a"),
            ("cookie", "b=1"),
            ("content-length", "0"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
        ]);
        strip_hop_by_hop(&mut headers);
        let mut left = names(&headers);
        left.sort_unstable();
        assert_eq!(left, ["content-length", "cookie", "host"]);
    }

    #[test]
    fn c37_a_visitor_names_nothing_of_ours_away() {
        let mut headers = map(&[
            ("connection", "X-Forwarded-User, Authorization"),
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("x-forwarded-user", "theirs"),
        ]);
        strip_nominated(&mut headers);
        headers.insert("x-forwarded-user", "ours".parse().unwrap());
        assert_eq!(
            (&headers["connection"], &headers["upgrade"]),
            (&"upgrade".parse().unwrap(), &"websocket".parse().unwrap())
        );
        strip_hop_by_hop(&mut headers);
        assert_eq!(names(&headers), ["x-forwarded-user"]);
    }

    #[test]
    fn c40_an_identity_never_splits_a_field() {
        let identity = Identity {
            user: String::from("a\r\nX-Evil: 1"),
            email: Some(String::from("zo\u{eb}@example.com")),
            groups: ["a,b", "c d", "\0", " admin ", "100%2C", "  "].map(String::from).to_vec(),
            ..Identity::default()
        };
        let token = Secret::new(String::from("token"));
        let statement = Statement::new(&identity, &token).unwrap();
        let stated: Vec<_> =
            statement.identity.iter().map(|(_, value)| value.to_str().unwrap()).collect();
        assert_eq!(
            stated,
            [
                "a%0D%0AX-Evil: 1",
                "zo%C3%AB@example.com",
                "a%2Cb,c d,%00,%20admin%20,100%252C,%20%20"
            ]
        );
        assert_eq!(statement.authorization, "Bearer token");
        assert!(!format!("{statement:?}").contains("Bearer"));
        assert!(Statement::new(&identity, &Secret::new(String::from("a\nb"))).is_err());
    }

    #[test]
    fn c29_an_app_sets_its_own_cookies_and_none_of_ours() {
        let mut headers = map(&[
            ("set-cookie", "app=1"),
            ("set-cookie", "__Host-askara=; Max-Age=0"),
            ("set-cookie", "askara.1=x"),
            ("set-cookie", "askarab=2"),
        ]);
        assert!(strip_foreign_set_cookies(&mut headers));
        let left: Vec<_> = headers.get_all("set-cookie").iter().collect();
        assert_eq!(left, ["app=1", "askarab=2"]);
        assert!(!strip_foreign_set_cookies(&mut headers));
    }

    #[test]
    fn calls_are_known_by_their_type() {
        for (kind, call) in [
            ("application/grpc", true),
            ("Application/GRPC+proto", true),
            ("application/grpc; charset=utf-8", true),
            ("application/grpc-web+proto", false),
            ("application/grp", false),
            ("text/html", false),
        ] {
            assert_eq!(is_grpc(&map(&[("content-type", kind)])), call, "{kind}");
        }
        assert!(!is_grpc(&map(&[])));
    }

    #[test]
    fn c39_trailers_carry_neither_identity_nor_framing() {
        let mut trailers = map(&[
            ("grpc-status", "0"),
            ("x-forwarded-user", "admin"),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
            ("authorization", "Bearer x"),
        ]);
        strip_trailers(&mut trailers);
        assert_eq!(names(&trailers), ["grpc-status"]);
    }
}
