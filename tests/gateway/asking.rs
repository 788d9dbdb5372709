//! What the authorization request says beyond the protocol: what the operator adds, and what a
//! link of ours may ask for.

use crate::harness::*;

async fn gate_with(lines: &[&str]) -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let mut builder = gateway().with_provider(&provider).with_upstream(&app);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    (provider, app, builder.start().await)
}

/// The values of one name in the last authorization request.
fn asked(provider: &Provider, name: &str) -> Vec<String> {
    let pairs = provider.last_authorization().into_iter();
    pairs.filter(|(known, _)| known == name).map(|(_, value)| value).collect()
}

const LINK: &str = "/oauth2/start?rd=%2Fpage&prompt=login&login_hint=ada%40example.com\
     &acr_values=urn:high&ui_locales=fr%20de";
const NAMES: [&str; 4] = ["prompt", "login_hint", "acr_values", "ui_locales"];

#[tokio::test]
async fn a_link_asks_for_what_the_operator_lets_it() {
    let values = ["login", "ada@example.com", "urn:high", "fr de"];
    let allowed: [&[&str]; 4] = [&[], &["prompt"], &["login_hint", "ui_locales"], &NAMES];
    for names in allowed {
        let (provider, app, gate) = gate_with(&[&format!("link_params = {names:?}")]).await;
        gate.visitor().login_at(LINK).await;
        for (name, value) in NAMES.iter().zip(values) {
            let wanted: &[&str] = if names.contains(name) { &[value] } else { &[] };
            assert_eq!(asked(&provider, name), wanted, "{name} of {names:?}");
        }
        assert_eq!(app.targets(), ["/page"]);
    }
}

#[tokio::test]
async fn a_link_never_replaces_what_the_flow_rests_on() {
    let (provider, _app, gate) = gate_with(&[&format!("link_params = {NAMES:?}")]).await;
    let evil = "client_id=evil&redirect_uri=https://evil.example/&scope=admin&state=mine\
         &response_type=token&response_mode=fragment&request_uri=https://evil.example/\
         &code_challenge=x&nonce=x&resource=x";
    gate.visitor().login_at(&format!("/oauth2/start?rd=%2F&{evil}")).await;
    assert_eq!(asked(&provider, "client_id"), ["gate-under-test"], "S1");
    assert_eq!(asked(&provider, "redirect_uri"), [format!("{}{CALLBACK}", gate.base())], "S2");
    assert_eq!(asked(&provider, "scope"), ["profile organization"], "S1");
    assert_eq!(asked(&provider, "response_type"), ["code"], "S1");
    assert_ne!(asked(&provider, "state"), ["mine"], "S1");
    for name in ["response_mode", "request_uri", "code_challenge", "nonce", "resource"] {
        assert!(asked(&provider, name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn what_a_link_says_oddly_is_left_out() {
    let (provider, _app, gate) = gate_with(&[&format!("link_params = {NAMES:?}")]).await;
    let long = "x".repeat(300);
    let odd = [
        "prompt=login&prompt=none".to_owned(),
        "prompt=".to_owned(),
        "prompt=a%0d%0ab".to_owned(),
        "prompt=a%00b".to_owned(),
        format!("prompt={long}"),
        "Prompt=login".to_owned(),
    ];
    for query in odd {
        gate.visitor().login_at(&format!("/oauth2/start?rd=%2F&{query}")).await;
        assert!(asked(&provider, "prompt").is_empty(), "{query:.40}");
    }
}

#[tokio::test]
async fn what_an_app_says_in_its_own_query_is_no_wish() {
    let (provider, app, gate) = gate_with(&[&format!("link_params = {NAMES:?}")]).await;
    let own = "/page?prompt=none&login_hint=eve%40example.com&acr_values=0&ui_locales=xx";
    gate.visitor().login_at(own).await;
    for name in NAMES {
        assert!(asked(&provider, name).is_empty(), "{name}");
    }
    assert_eq!(app.targets(), [own], "and the app gets it back");
    app.forgets();
    let visitor = gate.visitor();
    let form = ask("POST", "/oauth2/start?rd=%2F")
        .navigating()
        .header("content-type", "application/x-www-form-urlencoded")
        .body("prompt=login&login_hint=eve");
    let answer = visitor.send(form).await;
    assert_eq!(answer.status, 303, "S1");
    assert!(!answer.location().contains("prompt") && !answer.location().contains("eve"));
}

#[tokio::test]
async fn the_operator_adds_parameters_to_every_request() {
    let lines = [
        "authorize_params = { audience = \"https://api.example/?a=1&b=2\", prompt = \"consent\" }",
        "acr_values = [\"urn:high\", \"urn:low\"]",
    ];
    let (provider, _app, gate) = gate_with(&lines).await;
    gate.visitor().login().await;
    assert_eq!(asked(&provider, "audience"), ["https://api.example/?a=1&b=2"]);
    assert_eq!(asked(&provider, "prompt"), ["consent"]);
    assert_eq!(asked(&provider, "acr_values"), ["urn:high urn:low"]);
    gate.visitor().login_at("/oauth2/start?rd=%2F&prompt=login&audience=evil").await;
    assert_eq!(asked(&provider, "prompt"), ["consent"], "a link says nothing of it");
    assert_eq!(asked(&provider, "audience"), ["https://api.example/?a=1&b=2"]);
}

#[tokio::test]
async fn an_address_with_a_query_of_its_own_keeps_it_and_never_twice() {
    let provider = Provider::start().await;
    let url = provider.url();
    let line = format!("authorize_url = \"{url}/authorize?tenant=a%20b&client_id=evil&state=x\"");
    let app = App::start().await;
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line(&line)
        .with_upstream(&app)
        .start()
        .await;
    gate.visitor().login().await;
    assert_eq!(asked(&provider, "tenant"), ["a b"], "S1");
    assert_eq!(asked(&provider, "client_id"), ["gate-under-test"], "S1");
    assert_eq!(asked(&provider, "state").len(), 1, "S1");
}

#[tokio::test]
async fn a_provider_that_knows_one_address_is_told_none() {
    let (provider, app, gate) = gate_with(&["send_redirect_uri = false"]).await;
    provider.registers(&format!("{}{CALLBACK}", gate.base()));
    gate.visitor().login_at("/page").await;
    assert!(asked(&provider, "redirect_uri").is_empty());
    assert!(provider.last_token_request().body.get("redirect_uri").is_none(), "RFC 6749 4.1.3");
    assert_eq!(app.targets(), ["/page"]);
}

#[tokio::test]
async fn the_token_call_is_silent_about_the_address_where_it_has_to_be() {
    let provider = Provider::playing(Play { says_redirect_uri: false, ..ASKARA }).await;
    let app = App::start().await;
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("token_redirect_uri = false")
        .with_upstream(&app)
        .start()
        .await;
    gate.visitor().login_at("/page").await;
    assert_eq!(asked(&provider, "redirect_uri"), [format!("{}{CALLBACK}", gate.base())]);
    assert!(provider.last_token_request().body.get("redirect_uri").is_none());
    assert_eq!(app.targets(), ["/page"]);
}

#[tokio::test]
async fn a_provider_of_no_known_kind_is_only_configuration() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let url = provider.url();
    // Askara's manner, told property by property on top of another kind's.
    let table = format!(
        "[provider]
kind = \"simplified\"
client_id = \"gate-under-test\"
client_secret = {{ file = \"client.secret\" }}
authorize_url = \"{url}/authorize\"
token_url = \"{url}/oauth2/token\"
userinfo_url = \"{url}/me\"
client_auth = \"body\"
token_body = \"json\"
pkce = \"off\"
scopes = [\"profile\", \"organization\"]
[provider.identity]
user = [\"me:/id\"]
organization = [\"me:/organization/name\"]"
    );
    let gate = gateway().with_provider_table(&table).with_upstream(&app).start().await;
    gate.visitor().login_at("/deep").await;
    assert_eq!(app.last().header("x-forwarded-user"), Some("42"));
    assert_eq!(app.last().header("x-askara-organization"), Some("Analytical Engines"));
}
