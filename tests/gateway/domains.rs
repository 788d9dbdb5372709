//! Many hosts behind one gateway: which of them share sessions, and that a login ends where it
//! began.

use url::Url;

use crate::harness::*;

/// Somebody whose browser knows several hosts of one gateway.
struct Person<'a> {
    gate: &'a Gate,
    /// Goes to the provider.
    visitor: Visitor,
    kept: Vec<Kept>,
}

struct Kept {
    name: String,
    value: String,
    /// The host that set it, or the domain that it is for.
    host: String,
    below: bool,
}

impl<'a> Person<'a> {
    fn at(gate: &'a Gate) -> Self {
        Self { gate, visitor: gate.visitor(), kept: Vec::new() }
    }

    async fn send(&mut self, host: &str, ask: Ask) -> Answer {
        let line = self.line(host);
        let answer = self.gate.send(ask.header("host", host).cookie(&line)).await;
        for cookie in answer.set_cookies() {
            self.keep(host, &cookie);
        }
        answer
    }

    async fn open(&mut self, host: &str, target: &str) -> Answer {
        self.send(host, ask("GET", target).navigating()).await
    }

    async fn fetch(&mut self, host: &str, target: &str) -> u16 {
        self.send(host, ask("GET", target).fetching()).await.status
    }

    /// Signs in, and returns the callback's address and where it leads.
    async fn login(&mut self, host: &str, target: &str) -> (Url, Answer) {
        let sent = self.open(host, target).await;
        assert!(sent.redirects(), "{host}{target}: {}", sent.text());
        let back = self.visitor.follow_while(sent, |next| next.path() != CALLBACK).await;
        let callback: Url = back.location().parse().unwrap();
        let target = &callback[url::Position::BeforePath..];
        let answer = self.open(&host_of(&callback), target).await;
        (callback, answer)
    }

    fn keep(&mut self, host: &str, cookie: &SetCookie) {
        assert!(cookie.has("secure") && cookie.is("path", "/"), "{cookie:?}");
        let domain = cookie.attributes.get("domain");
        assert_eq!(domain.is_none(), cookie.name.starts_with("__Host-"), "{cookie:?}");
        if let Some(domain) = domain {
            assert!(host == domain || host.ends_with(&format!(".{domain}")), "{host} {cookie:?}");
        }
        let at = domain.map_or(host, String::as_str).to_owned();
        self.kept.retain(|kept| (&kept.name, &kept.host) != (&cookie.name, &at));
        if !cookie.deletes() {
            let (name, value) = (cookie.name.clone(), cookie.value.clone());
            self.kept.push(Kept { name, value, host: at, below: domain.is_some() });
        }
    }

    fn line(&self, host: &str) -> String {
        let goes = |kept: &&Kept| {
            kept.host == host || kept.below && host.ends_with(&format!(".{}", kept.host))
        };
        let pairs =
            self.kept.iter().filter(goes).map(|kept| format!("{}={}", kept.name, kept.value));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// The value of the session cookie that goes to a host.
    fn session(&self, host: &str) -> &str {
        let is_it = |kept: &&Kept| {
            kept.name.ends_with("-askara")
                && (kept.host == host || kept.below && host.ends_with(&kept.host))
        };
        &self.kept.iter().find(is_it).unwrap_or_else(|| panic!("no session for {host}")).value
    }
}

fn host_of(address: &Url) -> String {
    address.host_str().unwrap().to_owned()
}

const HOSTS: [&str; 3] = ["app.example.com", "wiki.example.com", "one.teams.example.org"];

/// A gateway for [`HOSTS`] and one more; with further lines of `[session]`.
async fn scene(session: &[&str], provider_lines: &[&str]) -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let mut builder = gateway()
        .behind("https://app.example.com")
        .with_provider(&provider)
        .with_route(route("/", &app).with("host = \"wiki.example.com\""))
        .with_route(route("/", &app).with("host = \"*.teams.example.org\""))
        .with_upstream(&app);
    for line in session {
        builder = builder.with_session(line);
    }
    for line in provider_lines {
        builder = builder.with_provider_line(line);
    }
    (provider, app, builder.start().await)
}

#[tokio::test]
async fn a_login_ends_at_the_host_where_it_began_and_holds_only_there() {
    let (_provider, app, gate) = scene(&[], &[]).await;
    let mut person = Person::at(&gate);
    for host in HOSTS {
        let (callback, landed) = person.login(host, "/page?x=1").await;
        assert_eq!(host_of(&callback), host);
        assert_eq!(landed.location(), "/page?x=1", "{host}");
        assert_eq!(person.fetch(host, "/page").await, 200, "{host}");
        assert_eq!(app.last().header("x-forwarded-host"), Some(host));
    }
    app.forgets();
    for from in HOSTS {
        for to in HOSTS.iter().filter(|to| **to != from) {
            let stolen = format!("__Host-askara={}", person.session(from));
            let ask = ask("GET", "/").fetching().header("host", to).cookie(&stolen);
            assert_eq!(gate.send(ask).await.status, 401, "{from} at {to}");
        }
    }
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn an_attempt_of_one_host_is_none_at_another() {
    let (provider, _app, gate) = scene(&[], &[]).await;
    let mut person = Person::at(&gate);
    let sent = person.open("wiki.example.com", "/").await;
    let back = person.visitor.follow_while(sent, |next| next.path() != CALLBACK).await;
    let callback: Url = back.location().parse().unwrap();
    let line = person.line("wiki.example.com");
    let target = &callback[url::Position::BeforePath..];
    let carried = ask("GET", target).navigating().header("host", "app.example.com").cookie(&line);
    assert_eq!(gate.send(carried).await.status, 403, "C-11");
    assert_eq!(provider.exchanges(), 0);
    assert_eq!(person.open("wiki.example.com", target).await.status, 303);
}

#[tokio::test]
async fn signing_out_at_one_host_leaves_the_others() {
    let (_provider, _app, gate) = scene(&[], &[]).await;
    let mut person = Person::at(&gate);
    for host in HOSTS {
        person.login(host, "/").await;
    }
    let session = person.session("wiki.example.com").to_owned();
    let out = ask("GET", "/oauth2/sign_out").navigating().same_origin();
    let gone = person.send("wiki.example.com", out).await;
    assert!(gone.clears("__Host-askara"));
    let again = ask("GET", "/")
        .fetching()
        .header("host", "wiki.example.com")
        .cookie(&format!("__Host-askara={session}"));
    assert_eq!(gate.send(again).await.status, 401);
    assert_eq!(person.fetch("app.example.com", "/").await, 200);
    assert_eq!(person.fetch("one.teams.example.org", "/").await, 200);
}

#[tokio::test]
async fn hosts_below_a_listed_domain_share_and_the_others_do_not() {
    let (_provider, app, gate) = scene(&["cookie_domain = [\"example.com\"]"], &[]).await;
    let mut person = Person::at(&gate);
    person.login("wiki.example.com", "/").await;
    assert_eq!(person.fetch("wiki.example.com", "/").await, 200);
    assert_eq!(person.fetch("app.example.com", "/").await, 200, "shared");
    assert_eq!(person.fetch("one.teams.example.org", "/").await, 401);
    let shared = person.session("app.example.com").to_owned();
    app.forgets();
    for name in ["__Host-askara", "__Secure-askara"] {
        let ask = ask("GET", "/").fetching().header("host", "one.teams.example.org");
        let carried = gate.send(ask.cookie(&format!("{name}={shared}"))).await;
        assert_eq!(carried.status, 401, "{name}");
    }
    assert!(app.requests().is_empty());
    person.login("one.teams.example.org", "/").await;
    assert_eq!(person.fetch("one.teams.example.org", "/").await, 200);
    assert_eq!(person.fetch("two.teams.example.org", "/").await, 401);
    let out = ask("GET", "/oauth2/sign_out").navigating().same_origin();
    let gone = person.send("app.example.com", out).await;
    assert!(gone.sets("__Secure-askara").unwrap().is("domain", "example.com"), "S43");
    assert_eq!(person.fetch("wiki.example.com", "/").await, 401, "shared");
    assert_eq!(person.fetch("one.teams.example.org", "/").await, 200);
}

#[tokio::test]
async fn a_renewed_session_stays_where_it_was() {
    let provider = Provider::with_token_life(2).await;
    let app = App::start().await;
    let gate = gateway()
        .behind("https://app.example.com")
        .with_provider(&provider)
        .with_route(route("/", &app).with("host = \"wiki.example.com\""))
        .with_upstream(&app)
        .start()
        .await;
    let mut person = Person::at(&gate);
    person.login("wiki.example.com", "/").await;
    let old = person.session("wiki.example.com").to_owned();
    wait(PAST_EXPIRY).await;
    provider.token_life(3600);
    assert_eq!(person.fetch("wiki.example.com", "/").await, 200);
    assert_eq!(provider.refreshes(), 1);
    let renewed = person.session("wiki.example.com").to_owned();
    for (host, session, status) in [
        ("wiki.example.com", &renewed, 200),
        ("wiki.example.com", &old, 200),
        ("app.example.com", &renewed, 401),
        ("app.example.com", &old, 401),
    ] {
        let cookie = format!("__Host-askara={session}");
        let ask = ask("GET", "/").fetching().header("host", host).cookie(&cookie);
        assert_eq!(gate.send(ask).await.status, status, "{host}");
    }
    assert_eq!(provider.refreshes(), 1);
}

#[tokio::test]
async fn a_provider_with_one_address_sends_people_back_to_where_they_began() {
    let fixed = ["send_redirect_uri = false"];
    let (provider, app, gate) = scene(&["cookie_domain = [\"example.com\"]"], &fixed).await;
    provider.registers(&format!("https://app.example.com{CALLBACK}"));
    let mut person = Person::at(&gate);
    let (callback, landed) = person.login("wiki.example.com", "/page?x=1").await;
    assert_eq!(host_of(&callback), "app.example.com");
    assert_eq!(landed.location(), "https://wiki.example.com/page?x=1");
    assert_eq!(person.fetch("wiki.example.com", "/page").await, 200);
    assert_eq!(app.targets(), ["/page"]);
    assert!(gate.output().contains("send_redirect_uri"), "the operator is told of the third host");
}

#[tokio::test]
async fn only_listed_hosts_are_told_to_the_provider() {
    let (provider, _app, gate) = scene(&[], &[]).await;
    let mut person = Person::at(&gate);
    for host in ["evil.example", "teams.example.org", "wiki.example.com.evil.example"] {
        let answer = person.open(host, "/").await;
        assert_eq!(answer.location(), "https://app.example.com/", "C-71: {host}");
    }
    assert_eq!(provider.authorizations(), 0);
    let (callback, _) = person.login("two.teams.example.org", "/").await;
    assert_eq!(host_of(&callback), "two.teams.example.org");
}
