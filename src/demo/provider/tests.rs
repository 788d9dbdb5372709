use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::{NotMade, Options, StandIn};

mod authorize;
mod person;
mod token;

const CALLBACK: &str = "http://app.test/oauth2/callback";
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// A browser and a client in front of one stand-in.
struct Scene {
    provider: Arc<StandIn>,
    cookie: Option<String>,
}

struct Seen {
    status: StatusCode,
    location: String,
    body: String,
}

impl Scene {
    fn new() -> Self {
        let options = Options::new("client".into(), "secret".into(), vec![CALLBACK.into()]);
        Self { provider: StandIn::new(options).unwrap(), cookie: None }
    }

    fn send(&mut self, method: &str, path: &str, kind: &str, body: &str, now: SystemTime) -> Seen {
        let mut request = Request::builder().method(method).uri(path).header("content-type", kind);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let answer = self.provider.answer(&request, now);
        let header = |name| {
            let value = answer.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        if let Some(cookie) = header("set-cookie") {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let (status, location) = (answer.status(), header("location").unwrap_or_default());
        Seen { status, location, body: whole(answer.into_body()) }
    }

    fn authorize(&mut self, more: &str) -> Seen {
        let query = format!(
            "response_type=code&client_id=client&redirect_uri={CALLBACK}\
             &scope=profile%20organization&state=s{more}"
        );
        self.send("GET", &format!("/authorize?{query}"), "", "", NOW)
    }

    fn post(&mut self, path: &str, page: &Seen, rest: &str) -> Seen {
        let body = format!("transaction={}&{rest}", page.transaction());
        self.send("POST", path, "application/x-www-form-urlencoded", &body, NOW)
    }

    fn sign_in(&mut self, page: &Seen) -> Seen {
        let account = "email=demo%40example.com&password=demo";
        self.post("/authorize/sign-in", page, account)
    }

    fn consent(&mut self, page: &Seen, decision: &str) -> Seen {
        let decision = format!("decision={decision}");
        self.post("/authorize/consent", page, &decision)
    }

    /// Returns a code, whatever the person has to be asked for it.
    fn code(&mut self, more: &str) -> String {
        let mut seen = self.authorize(more);
        if seen.body.contains("id=\"sign-in\"") {
            seen = self.sign_in(&seen);
        }
        if seen.body.contains("id=\"allow\"") {
            seen = self.consent(&seen, "allow");
        }
        seen.parameter("code").unwrap()
    }

    fn token(&mut self, call: &Value, now: SystemTime) -> (StatusCode, Value) {
        let kind = "application/json; charset=utf-8";
        let seen = self.send("POST", "/oauth2/token", kind, &call.to_string(), now);
        (seen.status, serde_json::from_str(&seen.body).unwrap())
    }

    fn me(&self, token: &str, now: SystemTime) -> (StatusCode, String) {
        let request = Request::get("/me")
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::new())
            .unwrap();
        let answer = self.provider.answer(&request, now);
        (answer.status(), whole(answer.into_body()))
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

fn whole(body: impl http_body::Body<Data = Bytes, Error = std::convert::Infallible>) -> String {
    use futures_util::FutureExt as _;

    let collected = Box::pin(body.collect()).now_or_never().unwrap().unwrap();
    String::from_utf8(collected.to_bytes().to_vec()).unwrap()
}

#[test]
fn a_stand_in_without_an_address_to_return_to_is_not_made() {
    let options = Options::new("client".into(), "secret".into(), Vec::new());
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
