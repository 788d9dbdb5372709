//! Where `rd` may lead (C-1 to C-10): home, to an allowed host, and nowhere else.
//!
//! `cases/return_to.txt` has one case a line: `ok` must be kept, `own` may be kept or refused (it
//! stays on our origin either way), `no` must be refused; then the value as it stands in a query.

use url::Url;

use crate::harness::*;

const CASES: &str = include_str!("cases/return_to.txt");

const ALLOWED: &str = r#"allowed_redirects = [
    "foo.bar", ".bar.foo", "port.bar:8080", ".sub.port.bar:8080", "anyport.bar:*",
    ".sub.anyport.bar:*", "www.whitelisteddomain.tld", "*.wildcard.sub.port.bar:8080",
    "*.wildcard.sub.anyport.bar:*", "*.wildcard.bar", "*.wildcard.proxy.foo.bar",
]"#;

/// The one allowed host that the attack list is written around.
const ALLOWED_HOST: &str = "www.whitelisteddomain.tld";

async fn gate_that_allows(provider: &Provider, app: &App) -> Gate {
    gateway().with_top(ALLOWED).with_provider(provider).with_upstream(app).start().await
}

fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    CASES.lines().map(|line| line.split_once('\t').unwrap())
}

fn decoded(rd: &str) -> String {
    let pair = format!("rd={rd}");
    let (_, value) = form_urlencoded::parse(pair.as_bytes()).next().unwrap();
    value.into_owned()
}

/// Judges where a browser would land, by the WHATWG rules.
fn judge(home: &Url, kind: &str, rd: &str, location: Option<&str>) -> Result<(), String> {
    let landing = match location {
        Some(location) => home.join(location).map_err(|error| error.to_string())?,
        None if kind == "ok" => return Err("refused".to_owned()),
        None => return Ok(()),
    };
    if kind == "ok" {
        let wanted = home.join(&decoded(rd)).unwrap();
        return match landing == wanted {
            true => Ok(()),
            false => Err(format!("led to {landing}")),
        };
    }
    let ours = landing.origin() == home.origin();
    let allowed = landing.host_str() == Some(ALLOWED_HOST)
        && landing.port().is_none()
        && matches!(landing.scheme(), "http" | "https");
    match ours || allowed {
        true => Ok(()),
        false => Err(format!("led to {landing}")),
    }
}

/// The first dozen say enough.
fn assert_none(wrong: &[String]) {
    let shown: Vec<_> = wrong.iter().take(12).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), shown.join("\n"));
}

#[tokio::test]
async fn signing_out_leads_only_where_it_may() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gate_that_allows(&provider, &app).await;
    let mut line = gate.line().await;
    let mut wrong = Vec::new();
    for (kind, rd) in cases() {
        let target = format!("/oauth2/sign_out?rd={rd}");
        let answer = line.send(ask("GET", &target).navigating().same_origin()).await;
        if answer.status >= 400 {
            wrong.push(format!("{kind} {rd}: {}", answer.status));
        }
        if let Err(why) = judge(gate.origin(), kind, rd, answer.header("location")) {
            wrong.push(format!("{kind} {rd}: {why}"));
        }
    }
    assert_none(&wrong);
}

#[tokio::test]
async fn signing_in_leads_only_where_it_may() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gate_that_allows(&provider, &app).await;
    let mut wrong = Vec::new();
    // Every login takes a handful of requests: a third of the small table, a sample of the attacks.
    for (kind, rd) in cases().step_by(3).take(19).chain(cases().skip(57).step_by(25)) {
        let visitor = gate.visitor();
        let callback = visitor.consent(&format!("/oauth2/start?rd={rd}")).await;
        let answer = visitor.open(&callback).await;
        if !answer.redirects() || visitor.session().is_none() {
            wrong.push(format!("{kind} {rd}: no login, {}", answer.status));
        }
        if let Err(why) = judge(gate.origin(), kind, rd, answer.header("location")) {
            wrong.push(format!("{kind} {rd}: {why}"));
        }
    }
    assert_none(&wrong);
}

#[tokio::test]
async fn an_attack_on_rd_still_signs_in_and_lands_at_home() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gate_that_allows(&provider, &app).await;
    let attacks = [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "https://127.0.0.1@evil.example/",
        "https://evil%E3%80%82example/",
        "/a/../..//evil.example",
        "https://foo.bar.evil.example/",
        "https://foo.bar.",
    ];
    for attack in attacks {
        let rd: String = form_urlencoded::byte_serialize(&percent_decoded(attack)).collect();
        let visitor = gate.visitor();
        app.forgets();
        visitor.login_at(&format!("/oauth2/start?rd={rd}")).await;
        assert_eq!(app.targets(), ["/"], "{attack}");
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    decoded(text).into_bytes()
}

#[tokio::test]
async fn our_own_paths_and_overlong_addresses_are_no_landing() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gate_that_allows(&provider, &app).await;
    let long = format!("/{}", "l".repeat(2100));
    let own = ["/oauth2/callback", "/oauth2/sign_out", "/oauth2/start", "/oauth2/start?rd=/x"];
    for rd in own.into_iter().chain([long.as_str()]) {
        let rd: String = form_urlencoded::byte_serialize(rd.as_bytes()).collect();
        let visitor = gate.visitor();
        app.forgets();
        visitor.login_at(&format!("/oauth2/start?rd={rd}")).await;
        assert_eq!(app.targets(), ["/"], "C-10: {rd}");
    }
}

#[tokio::test]
async fn a_deep_link_with_an_address_in_its_query_survives() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gate_that_allows(&provider, &app).await;
    let link = "/open?url=https://elsewhere.example/a?b=c&next=//elsewhere.example";
    gate.visitor().login_at(link).await;
    assert_eq!(app.targets(), [link]);
}

#[tokio::test]
async fn a_doubled_rd_is_never_the_foreign_one() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gate_that_allows(&provider, &app).await;
    let target = "/oauth2/sign_out?rd=/ok&rd=https://evil.example/";
    let answer = gate.send(ask("GET", target).navigating().same_origin()).await;
    if let Some(location) = answer.header("location") {
        let landing = gate.origin().join(location).unwrap();
        assert_eq!(landing.origin(), gate.origin().origin());
    }
}
