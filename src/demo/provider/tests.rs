use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::kind::{ClientAuth, TokenBody};
use super::{Kind, NotMade, Options, StandIn};

mod authorize;
mod kinds;
mod oidc;
mod person;
mod sign_out;
mod token;

const CALLBACK: &str = "http://app.test/oauth2/callback";
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

const SIGNED_OUT: &str = "http://app.test/oauth2/signed_out";
const FORM: &str = "application/x-www-form-urlencoded";
/// Has what form encoding changes, so that a client that forgets it is caught.
const SECRET: &str = "s:e+c&r e=t%";

/// A browser and a client in front of one stand-in.
struct Scene {
    provider: Arc<StandIn>,
    cookie: Option<String>,
}

struct Seen {
    status: StatusCode,
    location: String,
    challenge: String,
    cookies: Vec<String>,
    body: String,
}

impl Scene {
    fn new() -> Self {
        Self::playing(Kind::Askara)
    }

    fn playing(kind: Kind) -> Self {
        let mut options = Options::new(kind, "client".into(), SECRET.into(), vec![CALLBACK.into()]);
        options.post_logout_redirect_uris = vec![SIGNED_OUT.into()];
        Self { provider: StandIn::new(options).unwrap(), cookie: None }
    }

    fn send(&mut self, method: &str, path: &str, kind: &str, body: &str, now: SystemTime) -> Seen {
        self.send_with(method, path, &[("content-type", kind)], body, now)
    }

    fn send_with(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        now: SystemTime,
    ) -> Seen {
        let mut request = Request::builder().method(method).uri(path).header("host", "op.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let answer = self.provider.answer(&request, now);
        let all = |name| answer.headers().get_all(name).iter();
        let text = |name| all(name).map(|value| value.to_str().unwrap().to_owned());
        let cookies: Vec<String> = text("set-cookie").collect();
        if let Some(cookie) = cookies.first() {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        Seen {
            status: answer.status(),
            location: text("location").next().unwrap_or_default(),
            challenge: text("www-authenticate").next().unwrap_or_default(),
            cookies,
            body: whole(answer.into_body()),
        }
    }

    fn authorize(&mut self, more: &str) -> Seen {
        let scopes: Vec<&str> =
            self.provider.manner.scopes.iter().take(2).map(|(name, _)| *name).collect();
        let scopes = scopes.join("%20");
        self.ask(&format!("redirect_uri={CALLBACK}&scope={scopes}&state=s{more}"), NOW)
    }

    /// Makes an authorization request in the kind's own way.
    fn ask(&mut self, rest: &str, now: SystemTime) -> Seen {
        let place = &self.provider.manner.authorize;
        let query = format!("response_type=code&client_id=client&{rest}");
        if place.methods == "POST" {
            self.send("POST", place.path, FORM, &query, now)
        } else {
            self.send("GET", &format!("{}?{query}", place.path), "", "", now)
        }
    }

    fn post(&mut self, path: &str, page: &Seen, rest: &str) -> Seen {
        let body = format!("transaction={}&{rest}", page.transaction());
        let path = format!("{}{path}", self.provider.manner.authorize.path);
        self.send("POST", &path, FORM, &body, NOW)
    }

    fn sign_in(&mut self, page: &Seen) -> Seen {
        let account = "email=demo%40example.com&password=demo";
        self.post("/sign-in", page, account)
    }

    fn consent(&mut self, page: &Seen, decision: &str) -> Seen {
        let decision = format!("decision={decision}");
        self.post("/consent", page, &decision)
    }

    /// Returns a code, whatever the person has to be asked for it.
    fn code(&mut self, more: &str) -> String {
        let seen = self.authorize(more);
        self.allowed(seen).parameter("code").unwrap()
    }

    /// Returns the way back to the client, whatever the person has to be asked for it.
    fn allowed(&mut self, mut seen: Seen) -> Seen {
        if seen.body.contains("id=\"sign-in\"") {
            seen = self.sign_in(&seen);
        }
        if seen.body.contains("id=\"allow\"") {
            seen = self.consent(&seen, "allow");
        }
        seen
    }

    fn token(&mut self, call: &Value, now: SystemTime) -> (StatusCode, Value) {
        let kind = "application/json; charset=utf-8";
        let seen = self.send("POST", "/oauth2/token", kind, &call.to_string(), now);
        (seen.status, serde_json::from_str(&seen.body).unwrap())
    }

    /// Makes a token call in the kind's own way.
    fn call(&mut self, fields: &[(&str, &str)], now: SystemTime) -> (StatusCode, Value) {
        let manner = self.provider.manner;
        let mut fields: BTreeMap<&str, &str> = fields.iter().copied().collect();
        let basic = basic("client", SECRET);
        let mut headers = Vec::new();
        match manner.client_auth {
            ClientAuth::Basic => headers.push(("authorization", &*basic)),
            ClientAuth::Body => fields.extend([("client_id", "client"), ("client_secret", SECRET)]),
        }
        let (kind, body) = match manner.token_body {
            TokenBody::Json => ("application/json", serde_json::to_string(&fields).unwrap()),
            TokenBody::Form => (FORM, form(&fields)),
        };
        headers.push(("content-type", kind));
        let seen = self.send_with("POST", manner.token, &headers, &body, now);
        (seen.status, serde_json::from_str(&seen.body).unwrap())
    }

    /// Spends a code in the kind's own way, with more or other fields.
    fn spend(&mut self, code: &str, more: &[(&str, &str)], now: SystemTime) -> (StatusCode, Value) {
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        fields.extend(more);
        self.call(&fields, now)
    }

    fn refresh(&mut self, token: &Value, more: &[(&str, &str)]) -> (StatusCode, Value) {
        let token = token.as_str().unwrap();
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        fields.extend(more);
        self.call(&fields, NOW)
    }

    fn me(&mut self, token: &str, now: SystemTime) -> (StatusCode, String) {
        let path = self.provider.manner.userinfo.as_ref().unwrap().path;
        let token = format!("Bearer {token}");
        let seen = self.send_with("GET", path, &[("authorization", &token)], "", now);
        (seen.status, seen.body)
    }
}

impl Seen {
    fn transaction(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"transaction\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let query = self.location.strip_prefix(CALLBACK)?.strip_prefix('?')?;
        let mut all: BTreeMap<_, _> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        all.remove(name)
    }

    fn has(&self, id: &str) -> bool {
        self.body.contains(&format!("id=\"{id}\""))
    }
}

/// Returns HTTP Basic as RFC 6749, section 2.3.1, wants it.
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

fn form(fields: &BTreeMap<&str, &str>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn whole(body: impl http_body::Body<Data = Bytes, Error = std::convert::Infallible>) -> String {
    use futures_util::FutureExt as _;

    let collected = Box::pin(body.collect()).now_or_never().unwrap().unwrap();
    String::from_utf8(collected.to_bytes().to_vec()).unwrap()
}

#[test]
fn a_stand_in_without_an_address_to_return_to_is_not_made() {
    let options = Options::new(Kind::Askara, "client".into(), "secret".into(), Vec::new());
    assert_eq!(StandIn::new(options).err(), Some(NotMade::NoRedirectUri));
}

#[test]
fn a_path_takes_its_own_method() {
    let mut scene = Scene::new();
    for (method, path, expected) in [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/authorize/style.css", 200),
        ("GET", "/oauth2/token", 405),
        ("POST", "/me", 405),
        ("GET", "/nothing", 404),
    ] {
        let seen = scene.send(method, path, "", "", NOW);
        assert_eq!(seen.status.as_u16(), expected, "{method} {path}");
    }
}
