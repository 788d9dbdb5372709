//! Provider, gateway, app and a person, put up as a test wants them.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::harness::{App, Ask, CALLBACK, Gate, Port, Visitor, ask, gateway, ruled};
use crate::openid_provider::{OpenIdProvider, Settings, settings};
use crate::person::{Arrival, Person};

pub(crate) const CLIENT: &str = "gate-under-test";
pub(crate) const SECRET: &str = "canary-client-secret-8d1f";

/// Whatever says it first: userinfo, the id_token, or a token that an API's client brought.
const IDENTITY: &str = r#"[identity]
user = ["id:/sub", "token:/sub"]
email = ["me:/email", "id:/email", "token:/email"]
name = ["me:/name", "id:/name"]
groups = ["me:/groups", "id:/groups"]
organization = ["me:/organization", "id:/organization"]
preferred_username = ["me:/preferred_username", "id:/preferred_username"]
"#;

const BY_SESSION: &str = "backchannel_logout_session_required";

pub(crate) struct Plan {
    client: Value,
    lines: Vec<String>,
    over_tls: bool,
    papers: TempDir,
    routes: Vec<Ruled>,
    session_lines: Vec<String>,
    settings: Settings,
    tables: Vec<String>,
}

struct Ruled {
    path: String,
    rule: String,
    line: String,
}

/// A confidential client with a secret, and nothing out of the ordinary.
pub(crate) fn plan() -> Plan {
    let papers = TempDir::new().unwrap();
    let plan = Plan {
        client: json!({ "client_id": CLIENT }),
        lines: Vec::new(),
        over_tls: false,
        papers,
        routes: Vec::new(),
        session_lines: Vec::new(),
        settings: settings(),
        tables: vec![IDENTITY.to_owned()],
    };
    plan.with_secret(SECRET)
}

impl Plan {
    pub(crate) fn with_secret(self, secret: &str) -> Self {
        let file = self.paper("client.secret", secret);
        self.with_client("client_secret", secret)
            .with_line(&format!("client_secret = {{ file = {file:?} }}"))
    }

    /// Neither side knows of a secret.
    pub(crate) fn without_secret(mut self) -> Self {
        self.client.as_object_mut().unwrap().remove("client_secret");
        self.lines.retain(|line| !line.starts_with("client_secret"));
        self
    }

    /// What the provider knows of the gateway.
    pub(crate) fn with_client(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.client[name] = value.into();
        self
    }

    /// What the provider is like.
    pub(crate) fn with_settings(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.settings = change(self.settings);
        self
    }

    /// A line of `[provider]`; one of the same key takes the place of the first.
    pub(crate) fn with_line(mut self, line: &str) -> Self {
        self.lines.retain(|known| key_of(known) != key_of(line));
        self.lines.push(line.to_owned());
        self
    }

    /// A line of `[session]`.
    pub(crate) fn with_session(mut self, line: &str) -> Self {
        self.session_lines.push(line.to_owned());
        self
    }

    pub(crate) fn with_table(mut self, table: &str) -> Self {
        self.tables.push(table.to_owned());
        self
    }

    /// A path to the app that has a rule and one more line of its own.
    pub(crate) fn with_rule(mut self, path: &str, rule: &str, line: &str) -> Self {
        let [path, rule, line] = [path, rule, line].map(str::to_owned);
        self.routes.push(Ruled { path, rule, line });
        self
    }

    /// What the gateway knows of people without being told.
    pub(crate) fn with_the_default_identity(mut self) -> Self {
        self.tables.retain(|table| table != IDENTITY);
        self
    }

    /// The provider tells the gateway when somebody signs out there, naming its session or only the
    /// person.
    pub(crate) fn told_of_sign_outs(self, by_session: bool) -> Self {
        self.with_client(BY_SESSION, by_session)
    }

    /// The gateway speaks https.
    pub(crate) fn over_tls(mut self) -> Self {
        self.over_tls = true;
        self
    }

    /// Writes a file that a line can name.
    pub(crate) fn paper(&self, name: &str, content: &str) -> String {
        let path = self.papers.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) async fn start(self) -> Scene {
        let (here, there) = (Port::reserve(), Port::reserve());
        let app = App::start().await;
        let provider = OpenIdProvider::start_on(there.twin(), self.settings_for(&here)).await;
        let gate = self.gate(here, &there, &app).await;
        Scene::new(app, gate, provider, self)
    }

    /// The provider's settings, with a client that is called back on this port.
    pub(crate) fn settings_for(&self, here: &Port) -> Settings {
        let scheme = if self.over_tls { "https" } else { "http" };
        let base = format!("{scheme}://127.0.0.1:{}", here.number);
        let mut client = self.client.clone();
        client["redirect_uris"] = json!([format!("{base}{CALLBACK}")]);
        client["post_logout_redirect_uris"] = json!([format!("{base}/oauth2/signed_out")]);
        if client.get(BY_SESSION).is_some() {
            client["backchannel_logout_uri"] = json!(format!("{base}/oauth2/backchannel-logout"));
        }
        self.settings.clone().with_client(client)
    }

    /// The gateway alone; its provider listens on the other port, now or later.
    pub(crate) async fn gate(&self, here: Port, there: &Port, app: &App) -> Gate {
        let mut provider = vec![
            "[provider]".to_owned(),
            "kind = \"oidc\"".to_owned(),
            format!("issuer = {:?}", self.settings.issuer_on(there)),
            format!("client_id = {CLIENT:?}"),
            r#"scopes = ["openid", "email", "profile", "groups", "organization"]"#.to_owned(),
        ];
        provider.retain(|usual| !self.lines.iter().any(|line| key_of(line) == key_of(usual)));
        provider.extend(self.lines.iter().cloned());
        let mut builder =
            gateway().on(here).with_provider_table(&provider.join("\n")).with_upstream(app);
        for Ruled { path, rule, line } in &self.routes {
            builder = builder.with_route(ruled(path, rule, app).with(line));
        }
        for line in &self.session_lines {
            builder = builder.with_session(line);
        }
        for table in &self.tables {
            builder = builder.with_table(table);
        }
        if self.over_tls {
            builder = builder.over_tls();
        }
        builder.start().await
    }
}

pub(crate) struct Scene {
    pub(crate) app: App,
    pub(crate) gate: Gate,
    pub(crate) person: Person,
    pub(crate) provider: OpenIdProvider,
    over_tls: bool,
    _papers: TempDir,
}

impl Scene {
    pub(crate) fn new(app: App, gate: Gate, provider: OpenIdProvider, plan: Plan) -> Self {
        let person = person_of(&gate, &provider, plan.over_tls, "ada");
        Self { app, gate, person, provider, over_tls: plan.over_tls, _papers: plan.papers }
    }

    /// Somebody else, with another browser.
    pub(crate) fn person(&self, account: &str) -> Person {
        person_of(&self.gate, &self.provider, self.over_tls, account)
    }

    pub(crate) fn address(&self, target: &str) -> Url {
        self.gate.origin().join(target).unwrap()
    }

    /// The same browser, in which somebody else signs in from now on.
    pub(crate) fn browser_of(&self, account: &str) -> Person {
        Person::new(self.person.visitor.clone(), account)
    }

    /// A person follows a link to the app.
    pub(crate) async fn goes_to(&self, target: &str) -> Arrival {
        self.person.goes_to(&self.address(target)).await
    }

    /// As far as the provider's answer: the callback address, not yet opened.
    pub(crate) async fn consents(&self, person: &Person, target: &str) -> Url {
        let called_back = |next: &Url| next.path() == CALLBACK;
        let end = person.goes_until(&self.address(target), called_back).await;
        assert_eq!(end.at.path(), CALLBACK, "{}", end.answer.text());
        assert_eq!(end.at.origin(), self.gate.origin().origin());
        end.at
    }

    pub(crate) async fn login(&self) {
        self.login_of(&self.person).await;
    }

    pub(crate) async fn login_of(&self, person: &Person) {
        let end = person.goes_to(&self.address("/")).await;
        assert_eq!(end.answer.status, 200, "{}: {}", end.at, end.answer.text());
        assert!(person.visitor.session().is_some(), "signing in brings a session");
    }

    /// Signs out here, and goes wherever that leads.
    pub(crate) async fn signs_out(&self) -> Arrival {
        let out = ask("POST", "/oauth2/sign_out").navigating().same_origin();
        let answer = self.person.visitor.send(out).await;
        assert!(answer.clears("askara"), "{}", answer.text());
        self.person.walks_on(self.address("/oauth2/sign_out"), answer, |_| false).await
    }
}

fn key_of(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// A browser that believes whichever side speaks https.
fn person_of(gate: &Gate, provider: &OpenIdProvider, over_tls: bool, account: &str) -> Person {
    let visitor = match provider.tls() {
        Some(tls) if !over_tls => Visitor::new(gate.origin().clone(), Some(tls)),
        _ => gate.visitor(),
    };
    Person::new(visitor, account)
}

/// A request of a program that brings a token of its own.
pub(crate) fn with_bearer(target: &str, token: &str) -> Ask {
    ask("GET", target).header("authorization", &format!("Bearer {token}"))
}
