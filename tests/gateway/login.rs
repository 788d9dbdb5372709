//! From a first visit to the page that the person wanted.

use std::collections::HashMap;

use url::Url;

use crate::harness::*;

async fn app_behind_login() -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    (provider, app, gate)
}

fn query_of(address: &str) -> HashMap<String, String> {
    let address: Url = address.parse().unwrap();
    address.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn a_navigation_without_a_session_goes_to_the_provider() {
    let (provider, app, gate) = app_behind_login().await;
    let answer = gate.visitor().open("/").await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let to = answer.location();
    assert!(to.starts_with(&format!("{}/authorize?", provider.url())));
    let query = query_of(to);
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["client_id"], "gate-under-test");
    assert_eq!(query["scope"], "profile organization");
    assert_eq!(query["redirect_uri"], format!("{}{CALLBACK}", gate.base()));
    assert!(!to.contains("code_challenge"), "the preset has no PKCE");
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn the_state_is_unguessable_and_stays_in_one_sealed_cookie() {
    let (_provider, _app, gate) = app_behind_login().await;
    let (one, two) = (gate.visitor().open("/").await, gate.visitor().open("/").await);
    let state = query_of(one.location())["state"].clone();
    assert!(state.len() >= 43, "256 bits in base64url: {state}");
    assert!(state.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    assert_ne!(state, query_of(two.location())["state"]);
    let [cookie] = one.set_cookies().try_into().unwrap();
    assert!(cookie.name.starts_with("askara-st-"), "{}", cookie.name);
    assert!(cookie.has("httponly"));
    assert!(cookie.is("samesite", "Lax"));
    assert!(cookie.is("path", "/"));
    assert!(!cookie.has("domain"));
    assert!(!cookie.has("secure"), "an http:// public_url has no Secure");
    assert_eq!(cookie.max_age(), Some(600));
    assert!(!cookie.value.contains(&state), "the state is sealed");
}

#[tokio::test]
async fn a_deep_link_comes_back_query_and_all() {
    let (_provider, app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    let link = "/wiki/a%20page?rev=3&q=%C3%A9%26&empty=&q=2";
    visitor.login_at(link).await;
    assert_eq!(app.targets(), [link]);
    assert!(visitor.state_cookies().is_empty(), "the attempt is over");
}

#[tokio::test]
async fn the_token_call_is_the_json_that_askara_asks_for() {
    let (provider, _app, gate) = app_behind_login().await;
    gate.visitor().login().await;
    let request = provider.last_token_request();
    assert!(request.content_type.starts_with("application/json"));
    let redirect_uri = format!("{}{CALLBACK}", gate.base());
    assert_eq!(request.body["grant_type"], "authorization_code");
    assert_eq!(request.body["redirect_uri"], redirect_uri, "S2");
    assert_eq!(request.body["client_id"], "gate-under-test");
    assert_eq!(request.body["client_secret"], CLIENT_SECRET);
    assert_eq!(provider.exchanges(), 1);
    assert_eq!(provider.me_calls(), 1);
}

#[tokio::test]
async fn the_callback_leads_to_a_clean_address_of_our_own() {
    let (_provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/deep?x=1").await;
    let answer = visitor.open(&format!("{callback}&unknown=ignored")).await;
    assert!(answer.redirects(), "{}", answer.text());
    let to = gate.origin().join(answer.location()).unwrap();
    assert_eq!(to.as_str(), format!("{}/deep?x=1", gate.base()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "C-106");
    assert!(answer.sets("askara").is_some());
    let names: Vec<_> = answer.set_cookies().into_iter().map(|cookie| cookie.name).collect();
    let [session, rounds, attempt] = names.as_slice() else { panic!("{names:?}") };
    assert_eq!((session.as_str(), rounds.as_str()), ("askara", "askara-rounds"));
    assert!(attempt.starts_with("askara-st-"), "the attempt's end: {attempt}");
}

#[tokio::test]
async fn a_fetch_gets_a_problem_with_the_login_address_and_no_cookie() {
    let (_provider, app, gate) = app_behind_login().await;
    let answer = gate.visitor().fetch("/api/things").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("www-authenticate").is_some(), "S7");
    assert!(answer.set_cookies().is_empty(), "C-16");
    let problem = answer.json();
    assert_eq!(problem["status"], 401);
    let members = problem.as_object().unwrap().values();
    let mut texts = members.filter_map(serde_json::Value::as_str);
    assert!(texts.any(|text| text.contains("/oauth2/")), "{problem}");
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn nothing_but_a_navigation_is_ever_redirected() {
    let (_provider, app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    let others = [
        ask("GET", "/").header("sec-fetch-mode", "no-cors").header("accept", "text/html"),
        ask("GET", "/").header("accept", "image/avif,image/*"),
        ask("GET", "/").header("accept", "application/json"),
        ask("GET", "/").header("x-requested-with", "XMLHttpRequest"),
        ask("GET", "/").header("connection", "upgrade").header("upgrade", "websocket"),
        ask("POST", "/").header("accept", "text/html").body("kept=nowhere"),
        ask("POST", "/").header("content-type", "application/grpc"),
        ask("DELETE", "/").header("sec-fetch-mode", "navigate"),
        ask("OPTIONS", "/").header("access-control-request-method", "GET"),
        ask("GET", "/?access_token=x").fetching().header("authorization", "Bearer x"),
    ];
    for other in others {
        let what = format!("{} {:?}", other.method, other.headers);
        let answer = visitor.send(other).await;
        assert_eq!(answer.status, 401, "{what}");
        assert!(answer.set_cookies().is_empty(), "{what}");
    }
    assert!(app.requests().is_empty(), "C-51, C-89");
}

#[tokio::test]
async fn a_client_without_fetch_metadata_is_judged_by_what_it_accepts() {
    let (_provider, _app, gate) = app_behind_login().await;
    let navigations = [
        ask("GET", "/"),
        ask("HEAD", "/"),
        ask("GET", "/").header("accept", "*/*"),
        ask("GET", "/").header("accept", "text/html,application/xhtml+xml"),
        ask("HEAD", "/").header("sec-fetch-mode", "navigate"),
    ];
    for navigation in navigations {
        let what = format!("{} {:?}", navigation.method, navigation.headers);
        let answer = gate.visitor().send(navigation).await;
        assert_eq!(answer.status, 302, "{what}");
    }
}

#[tokio::test]
async fn start_and_sign_in_go_to_the_provider_and_back_to_rd() {
    let (_provider, app, gate) = app_behind_login().await;
    for own in ["/oauth2/start", "/oauth2/sign_in"] {
        let visitor = gate.visitor();
        app.forgets();
        visitor.login_at(&format!("{own}?rd=%2Fafter%3Fx%3D1")).await;
        assert_eq!(app.targets(), ["/after?x=1"], "{own}");
    }
}

#[tokio::test]
async fn sign_in_never_ends_a_session_that_opens() {
    let (_provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let answer = visitor.open("/oauth2/sign_in").await;
    assert!(answer.sets("askara").is_none_or(|cookie| !cookie.deletes()));
    assert_eq!(visitor.fetch("/").await.status, 200);
}

#[tokio::test]
async fn start_alone_makes_no_session() {
    let (_provider, _app, gate) = app_behind_login().await;
    let answer = gate.visitor().open("/oauth2/start").await;
    assert!(answer.sets("askara").is_none(), "C-68");
    assert_eq!(gate.visitor().fetch("/oauth2/userinfo").await.status, 401);
}

#[tokio::test]
async fn another_redirect_path_is_ours_and_the_provider_is_told() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("redirect_path = \"/callback\"")
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    let callback = visitor.consent_at("/page", "/callback").await;
    let sent = provider.last_authorization();
    let registered = format!("{}/callback", gate.base());
    assert!(sent.contains(&("redirect_uri".to_owned(), registered.clone())));
    let answer = visitor.follow(visitor.open(&callback).await).await;
    assert_eq!(answer.status, 200);
    assert_eq!(provider.last_token_request().body["redirect_uri"], registered);
    assert_eq!(app.targets(), ["/page"]);
}

#[tokio::test]
async fn a_query_in_the_authorize_address_is_kept_and_never_doubled() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let scopes = "scopes = [\"profile\", \"extra\"]";
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line(scopes)
        .with_upstream(&app)
        .start()
        .await;
    gate.visitor().login().await;
    let mut names: Vec<_> = provider.last_authorization();
    assert!(names.contains(&("scope".to_owned(), "profile extra".to_owned())));
    names.sort();
    names.dedup_by(|one, two| one.0 == two.0);
    assert_eq!(names.len(), provider.last_authorization().len(), "S1");
}

#[tokio::test]
async fn no_answer_of_our_own_is_ever_cached() {
    let (_provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    let own = ["start", "sign_in", "sign_out", "userinfo", "auth", "callback", "nothing-here"];
    for path in own {
        let answer = visitor.open(&format!("/oauth2/{path}")).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    assert_eq!(visitor.fetch("/").await.header("cache-control"), Some("no-store"));
}
