//! The way back from the provider: everything that must not count as a login.

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
}

async fn scene() -> Scene {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    Scene { provider, app, gate }
}

/// A page that says no, offers to start again, and brings no session.
fn assert_refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_own_page(answer);
    let page = answer.text();
    assert!(page.contains("href=") || page.contains("<form"), "{page}");
    assert!(answer.sets("askara").is_none_or(|cookie| cookie.deletes()));
}

fn state_of(callback: &str) -> String {
    let query = callback.split_once('?').unwrap().1;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == "state").unwrap().1.into_owned()
}

#[tokio::test]
async fn c11_a_callback_without_its_state_cookie_is_refused() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/").await;
    visitor.forget_cookies();
    assert_refused(&visitor.open(&callback).await, 403);
    assert_eq!(scene.provider.token_calls(), 0, "C-11");
}

#[tokio::test]
async fn c12_a_callback_in_another_browser_is_refused() {
    let scene = scene().await;
    let (victim, attacker) = (scene.gate.visitor(), scene.gate.visitor());
    let attackers = attacker.consent("/").await;
    victim.consent("/").await;
    assert_refused(&victim.open(&attackers).await, 403);
    assert_eq!(scene.provider.token_calls(), 0, "C-12");
    assert!(victim.session().is_none());
}

#[tokio::test]
async fn c12_a_state_cookie_under_another_attempts_name_is_refused() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let first = visitor.consent("/").await;
    let name = visitor.state_cookies().pop().unwrap();
    let other = scene.gate.visitor();
    other.consent("/").await;
    let foreign = other.cookie(&other.state_cookies()[0]).unwrap();
    visitor.put_cookie(&format!("{name}={foreign}"));
    assert_refused(&visitor.open(&first).await, 403);
    assert_eq!(scene.provider.token_calls(), 0, "C-12, C-26");
}

#[tokio::test]
async fn a_broken_state_cookie_is_refused() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/").await;
    let name = visitor.state_cookies().pop().unwrap();
    let value = visitor.cookie(&name).unwrap();
    let half = &value[..value.len() / 2];
    for broken in [half, "", "AAAA", &value.to_uppercase(), &format!("{value}A")] {
        let cookie = format!("{name}={broken}");
        let answer = scene.gate.send(ask("GET", &callback).navigating().cookie(&cookie)).await;
        assert_refused(&answer, 403);
    }
    assert_eq!(scene.provider.token_calls(), 0);
}

#[tokio::test]
async fn c13_a_replayed_callback_with_a_session_goes_home() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/page").await;
    visitor.open(&callback).await;
    let session = visitor.session();
    let answer = visitor.open(&callback).await;
    assert_eq!(answer.status, 303, "C-13: {}", answer.text());
    let to = scene.gate.origin().join(answer.location()).unwrap();
    assert_eq!(to.path(), "/");
    assert_eq!(scene.provider.token_calls(), 1, "C-13");
    assert_eq!(visitor.session(), session);
}

#[tokio::test]
async fn c13_a_replayed_callback_without_a_session_gets_a_page() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/").await;
    visitor.open(&callback).await;
    visitor.forget_cookies();
    assert_refused(&visitor.open(&callback).await, 403);
    assert_eq!(scene.provider.token_calls(), 1, "C-13");
}

#[tokio::test]
async fn c13_a_stolen_state_cookie_cannot_be_used_twice() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/").await;
    let name = visitor.state_cookies().pop().unwrap();
    let line = format!("{name}={}", visitor.cookie(&name).unwrap());
    visitor.open(&callback).await;
    let again = ask("GET", &callback).navigating().cookie(&line);
    let answer = scene.gate.send(again).await;
    let session = answer.sets("askara").filter(|cookie| !cookie.deletes());
    // The code is spent; whether the gateway remembers or the provider says so, one call got tokens.
    assert!(session.is_none() || scene.provider.token_calls() == 1);
    assert_eq!(scene.provider.me_calls(), 1);
}

#[tokio::test]
async fn c20_doubled_and_contradictory_parameters_are_refused() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/").await;
    let state = state_of(&callback);
    let long = "c".repeat(5000);
    let wrong = [
        format!("{callback}&code=other"),
        format!("{callback}&state={state}"),
        format!("{callback}&error=access_denied"),
        format!("{callback}&iss=https://one.example&iss=https://two.example"),
        format!("{CALLBACK}?error=access_denied&error=access_denied&state={state}"),
        format!("{CALLBACK}?code={long}&state={state}"),
        format!("{CALLBACK}?code=a%00b&state={state}"),
        format!("{CALLBACK}?code=a%0d%0ab&state={state}"),
        format!("{CALLBACK}?code=&state={state}"),
    ];
    for target in wrong {
        let answer = visitor.open(&target).await;
        assert_eq!(answer.status, 400, "C-20: {target}");
    }
    assert_eq!(scene.provider.token_calls(), 0, "C-20");
}

#[tokio::test]
async fn c22_a_callback_that_says_nothing_is_a_bad_request() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    visitor.consent("/").await;
    for query in ["", "?", "?state=", "?code=abc", "?code=abc&state=", "?x=y"] {
        let answer = visitor.open(&format!("{CALLBACK}{query}")).await;
        assert_eq!(answer.status, 400, "C-22: {query:?}");
    }
    assert_eq!(scene.provider.token_calls(), 0);
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn c22_only_get_finishes_a_login() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/page").await;
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = visitor.send(ask(method, &callback)).await;
        assert_eq!(answer.status, 405, "C-22: {method}");
    }
    let head = visitor.send(ask("HEAD", &callback).navigating()).await;
    assert_eq!(scene.provider.token_calls(), 0, "C-22: HEAD was {}", head.status);
    let answer = visitor.follow(visitor.open(&callback).await).await;
    assert_eq!(answer.status, 200, "HEAD does not consume the attempt");
    assert_eq!(scene.app.targets(), ["/page"]);
}

#[tokio::test]
async fn c22_a_callback_at_another_host_finishes_nothing() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/page").await;
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example"] {
        let elsewhere = ask("GET", &callback).navigating().header("host", host);
        assert_eq!(visitor.send(elsewhere).await.status, 421, "C-22: {host}");
    }
    assert_eq!(scene.provider.token_calls(), 0, "C-22");
    assert_eq!(visitor.navigate(&callback).await.status, 200, "the attempt is still there");
}

#[tokio::test]
async fn c21_a_denial_is_a_page_and_not_another_attempt() {
    let scene = scene().await;
    scene.provider.denies("access_denied");
    let visitor = scene.gate.visitor();
    let answer = visitor.navigate("/").await;
    assert_refused(&answer, 403);
    assert_eq!(scene.provider.token_calls(), 0, "C-21");
    assert_eq!(scene.provider.authorizations(), 1, "C-21: no auto-restart");
    assert!(visitor.state_cookies().is_empty(), "the attempt is over");
    scene.provider.behaves_again();
    visitor.login().await;
}

#[tokio::test]
async fn c21_what_the_provider_says_is_never_reflected() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let wordings = [
        "error=access_denied&error_description=%3Cscript%3Ecanary%3C/script%3E",
        "error=%3Cb%3Ecanary&error_description=canary",
        "error=access_denied&error_description=canary&error_uri=https://canary.example/",
    ];
    for wording in wordings {
        let state = state_of(&visitor.consent("/").await);
        let answer = visitor.open(&format!("{CALLBACK}?{wording}&state={state}")).await;
        assert_eq!(answer.status, 403, "C-21: {wording}");
        assert_own_page(&answer);
        assert!(!answer.text().contains("canary"), "C-70: {}", answer.text());
    }
}

#[tokio::test]
async fn c101_an_exchange_goes_on_when_the_browser_leaves() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    let callback = visitor.consent("/page").await;
    scene.provider.latency(400);
    let tab = visitor.clone();
    let leaving = callback.clone();
    let left = tokio::spawn(async move { tab.open(&leaving).await });
    wait(150).await;
    left.abort();
    wait(600).await;
    assert_eq!(scene.provider.exchanges(), 1);
    assert_eq!(scene.provider.me_calls(), 1, "C-101: it went on to the end");
    let answer = visitor.open(&callback).await;
    assert!(answer.redirects(), "C-101: the result was kept: {}", answer.text());
    assert_eq!(visitor.fetch("/").await.status, 200);
    assert_eq!(scene.provider.exchanges(), 1, "a code is spent once");
}
