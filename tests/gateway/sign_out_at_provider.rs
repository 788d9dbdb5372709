//! Signing out where there is more than our own session to end: at the provider (S33), and the
//! tokens that it gave (RFC 7009; S10).

use std::time::{Duration, Instant};

use serde_json::json;
use url::Url;

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

const ALLOWED: &str = "allowed_redirects = [\"after.example\"]";

async fn scene(lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::openid().await, App::start().await);
    provider.describes_itself(&json!({
        "end_session_endpoint": format!("{}/end_session?own=1", provider.url()),
        "revocation_endpoint": format!("{}/revoke", provider.url()),
    }));
    let mut builder =
        gateway().with_top(ALLOWED).with_provider(&provider).with_upstream(&app).with_table(LOG);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

impl Scene {
    async fn signs_out(&self, target: &str) -> Answer {
        self.visitor.send(ask("POST", target).navigating().same_origin()).await
    }

    /// What was revoked: the hint and the token, in order.
    fn revoked(&self) -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let posted = self.provider.posted("/revoke").into_iter();
        posted
            .map(|call| (text(&call.body["token_type_hint"]), text(&call.body["token"])))
            .collect()
    }
}

fn query_of(address: &str) -> Vec<(String, String)> {
    address.parse::<Url>().unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn s33_our_session_is_over_and_the_browser_is_sent_to_end_the_other() {
    let scene = scene(&[]).await;
    scene.visitor.login().await;
    let line = scene.visitor.session_line();
    let answer = scene.signs_out("/oauth2/sign_out?rd=%2Fbye%3Fx%3D1").await;
    assert_eq!(answer.status, 303, "S21");
    assert!(answer.clears("askara"), "S33: first of all");
    let to = answer.location();
    assert!(to.starts_with(&format!("{}/end_session?", scene.provider.url())), "{to}");
    let query = query_of(to);
    let names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["own", "client_id", "post_logout_redirect_uri", "state"], "S33");
    assert_eq!(query[1].1, "gate-under-test");
    assert_eq!(query[2].1, format!("{}/oauth2/signed_out", scene.gate.base()));
    assert!(!query[3].1.contains("bye"), "where to go is sealed");
    assert_eq!(scene.gate.send(ask("GET", "/").fetching().cookie(&line)).await.status, 401);
    let landed = scene.visitor.follow_while(answer, |next| next.path() != "/bye").await;
    assert_eq!((landed.status, landed.location()), (303, "/bye?x=1"));
}

#[tokio::test]
async fn s33_the_way_back_is_ours_or_the_page_that_says_it_is_done() {
    let scene = scene(&[]).await;
    scene.visitor.login().await;
    let sent = scene.signs_out("/oauth2/sign_out?rd=%2Fbye").await;
    let state = query_of(sent.location()).pop().unwrap().1;
    let other = gateway().with_upstream(&scene.app).start().await;
    let refused = [
        String::new(),
        "?state=".to_owned(),
        "?state=%2Fevil".to_owned(),
        "?state=https%3A%2F%2Fevil.example".to_owned(),
        format!("?state={}", &state[..state.len() - 2]),
        format!("?state={}A", state),
        format!("?state={}", state.to_uppercase()),
        "?rd=%2Fbye".to_owned(),
    ];
    for query in refused {
        let answer = scene.visitor.open(&format!("/oauth2/signed_out{query}")).await;
        assert_own_page(&answer);
        assert_eq!((answer.status, shown(&answer).heading.as_str()), (200, "You’re signed out"));
    }
    let target = format!("/oauth2/signed_out?state={state}");
    assert_eq!(other.visitor().open(&target).await.status, 200, "another gateway's");
    assert_eq!(scene.visitor.send(ask("POST", &target)).await.status, 405);
    assert_eq!(scene.visitor.open(&target).await.location(), "/bye");
    scene.visitor.login().await;
    let sent = scene.signs_out("/oauth2/sign_out?rd=https%3A%2F%2Fafter.example%2Fx").await;
    let far = |next: &Url| next.host_str() != Some("after.example");
    let led = scene.visitor.follow_while(sent, far).await;
    assert_eq!((led.status, led.location()), (303, "https://after.example/x"), "where it may");
    // What must not be led to is not sealed either.
    scene.visitor.login().await;
    let sent = scene.signs_out("/oauth2/sign_out?rd=https%3A%2F%2Fevil.example%2F").await;
    let done = scene.visitor.follow(sent).await;
    assert_eq!((done.status, shown(&done).heading.as_str()), (200, "You’re signed out"), "C-1");
}

#[tokio::test]
async fn s33_the_id_token_goes_along_where_the_operator_wants_it() {
    let scene = scene(&["id_token_hint = true"]).await;
    scene.visitor.login().await;
    let sent = scene.signs_out("/oauth2/sign_out").await;
    let query = query_of(sent.location());
    let hint = query.iter().find(|(name, _)| name == "id_token_hint").expect("a hint");
    assert_eq!(claims_of(&hint.1)["sub"], "42");
    assert!(scene.provider.secrets().contains(&hint.1), "the provider's own");
}

#[tokio::test]
async fn nobody_is_sent_there_without_a_session_or_without_an_address() {
    let signed_out = scene(&[]).await;
    let answer = signed_out.signs_out("/oauth2/sign_out").await;
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (200, "You’re signed out"));
    let off = scene(&["end_session_url = \"\"", "revocation_url = \"\""]).await;
    off.visitor.login().await;
    let answer = off.signs_out("/oauth2/sign_out").await;
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (200, "You’re signed out"));
    assert!(answer.text().contains("may still remember you"), "{}", answer.text());
    wait(200).await;
    let calls = [&signed_out, &off].map(|scene| scene.provider.calls("/revoke"));
    assert_eq!(calls, [0, 0]);
}

#[tokio::test]
async fn s10_the_refresh_token_is_taken_back_and_then_the_access_token() {
    let scene = scene(&[]).await;
    scene.visitor.login().await;
    scene.signs_out("/oauth2/sign_out").await;
    eventually("both are taken back", || scene.provider.posted("/revoke").len() == 2).await;
    let [refresh, access] = scene.revoked().try_into().unwrap();
    assert_eq!((refresh.0.as_str(), access.0.as_str()), ("refresh_token", "access_token"), "S10");
    assert_eq!(access.1, scene.provider.newest_token());
    assert!(refresh.1.starts_with("def502"));
    let calls = scene.provider.posted("/revoke");
    assert!(calls.iter().all(|call| call.authorization.starts_with("Basic ")), "with our proof");
}

#[tokio::test]
async fn s10_nobody_waits_for_a_provider_that_does_not_answer() {
    for (fault, why) in [
        (Fault::Hang, "a token was not taken back in time"),
        (Fault::status(503), "a token was not taken back"),
        (Fault::Reset, "a token was not taken back"),
    ] {
        let what = format!("{fault:?}");
        let scene = scene(&[]).await;
        scene.visitor.login().await;
        scene.provider.fails_at("/revoke", fault);
        let begun = Instant::now();
        let answer = scene.signs_out("/oauth2/sign_out").await;
        assert!(answer.clears("askara") && answer.status == 303, "S10: {what}");
        assert!(begun.elapsed() < Duration::from_millis(2500), "S10: {what}");
        let line = scene.gate.logged(why).await;
        assert_eq!(line["level"], "WARN", "{line}");
        assert!(!scene.gate.output().contains(&scene.provider.newest_token()), "C-105");
        eventually("the other is tried too", || scene.revoked().len() == 2).await;
    }
}

#[tokio::test]
async fn s10_a_provider_of_any_kind_takes_tokens_back_where_it_has_an_address() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line(&format!("revocation_url = \"{}/revoke\"", provider.url()))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    visitor.send(ask("POST", "/oauth2/sign_out").navigating().same_origin()).await;
    eventually("both are taken back", || provider.posted("/revoke").len() == 2).await;
    for call in provider.posted("/revoke") {
        assert!(call.content_type.starts_with("application/x-www-form-urlencoded"), "RFC 7009 2.1");
        assert_eq!(call.body["client_id"], "gate-under-test");
    }
}

#[tokio::test]
async fn s10_tokens_that_come_after_the_sign_out_are_taken_back_too() {
    let scene = scene(&[]).await;
    scene.provider.token_life(2);
    scene.visitor.login().await;
    wait(2200).await;
    scene.provider.token_life(3600);
    scene.provider.latency(500);
    scene.app.forgets();
    let line = scene.visitor.session_line();
    let waiting = scene.gate.send(ask("GET", "/").fetching().cookie(&line));
    let (answer, ()) = tokio::join!(waiting, async {
        wait(150).await;
        scene.signs_out("/oauth2/sign_out").await;
    });
    assert_eq!(answer.status, 401, "C-32");
    assert!(scene.app.requests().is_empty());
    let late = scene.provider.newest_token();
    eventually("the new tokens are taken back", || scene.revoked().len() == 4).await;
    let revoked = scene.revoked();
    assert!(revoked.contains(&("access_token".to_owned(), late)), "S10: {}", revoked.len());
    let refresh = revoked.iter().filter(|(hint, _)| hint == "refresh_token").count();
    assert_eq!(refresh, 2, "S10: the old one and the new one");
}

#[tokio::test]
async fn s10_a_session_that_is_over_has_nothing_to_take_back() {
    let scene = scene(&["id_token_hint = true"]).await;
    scene.visitor.login().await;
    let line = scene.visitor.session_line();
    scene.signs_out("/oauth2/sign_out").await;
    eventually("the tokens are taken back", || scene.revoked().len() == 2).await;
    for _ in 0..5 {
        let again = ask("POST", "/oauth2/sign_out").navigating().same_origin().cookie(&line);
        let answer = scene.gate.send(again).await;
        assert_eq!(answer.status, 303, "a second click still leads to the provider's own");
        assert!(!answer.location().contains("id_token_hint"));
    }
    wait(200).await;
    assert_eq!(scene.revoked().len(), 2);
}
