//! The provider fails and the token has run out (sessions.md rule 5): who is told what.

use futures_util::future::join_all;

use crate::harness::*;

const LIFE: u64 = 2;

struct Scene {
    provider: Provider,
    app: App,
    visitor: Visitor,
    _gate: Gate,
}

async fn expired() -> Scene {
    let (provider, app) = (Provider::with_token_life(LIFE).await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_table("[limits]\nprovider = \"1s\"")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    wait(PAST_EXPIRY).await;
    provider.token_life(3600);
    Scene { provider, app, visitor, _gate: gate }
}

#[tokio::test]
async fn c99_a_passing_failure_is_a_503_that_keeps_the_session() {
    let faults = [
        Fault::status(503),
        Fault::status(500),
        Fault::status(429),
        Fault::html(),
        Fault::array(),
        Fault::truncated(),
        Fault::huge(),
        Fault::Reset,
        Fault::Hang,
        Fault::oauth(400, "temporarily_unavailable"),
        Fault::oauth(401, "invalid_client"),
        Fault::oauth(400, "unauthorized_client"),
        Fault::oauth(400, "unsupported_grant_type"),
        Fault::oauth(400, "invalid_scope"),
    ];
    let all = faults.map(|fault| async move {
        let what = format!("{fault:?}").chars().take(120).collect::<String>();
        let scene = expired().await;
        scene.provider.fails_token_calls(fault);
        let answer = scene.visitor.fetch("/").await;
        assert_eq!(answer.status, 503, "C-99: {what}");
        assert!(answer.header("retry-after").is_some(), "C-99: {what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert!(answer.set_cookies().is_empty(), "C-99, rule 8: {what}");
        let page = scene.visitor.open("/").await;
        assert_eq!(page.status, 503, "not a login loop: {what}");
        assert_own_page(&page);
        assert!(!page.text().contains("canary"), "C-112: {what}");
        assert!(scene.visitor.session().is_some(), "{what}");
        assert!(scene.app.requests().is_empty(), "{what}");
    });
    join_all(all).await;
}

#[tokio::test]
async fn the_session_comes_back_when_the_provider_does() {
    let scene = expired().await;
    scene.provider.fails_token_calls(Fault::status(503));
    assert_eq!(scene.visitor.fetch("/").await.status, 503);
    scene.provider.behaves_again();
    let mut last = 0;
    for _ in 0..150 {
        last = scene.visitor.fetch("/").await.status;
        if last == 200 {
            break;
        }
        wait(100).await;
    }
    assert_eq!(last, 200, "within fifteen seconds");
    assert!(scene.visitor.session().is_some());
}

#[tokio::test]
async fn c98_a_definitive_no_leads_to_a_new_login() {
    // The second is what league's kind of server answers to a revoked token.
    for error in ["invalid_grant", "invalid_request"] {
        let scene = expired().await;
        scene.provider.fails_token_calls(Fault::oauth(400, error));
        let answer = scene.visitor.open("/page").await;
        assert_eq!(answer.status, 302, "C-98: {error}");
        assert!(answer.location().starts_with(&scene.provider.url()));
        // Another replica may have renewed it a moment ago, and its cookie be on the way.
        assert!(answer.sets("askara").is_none(), "rule 6: {error}");
        scene.provider.behaves_again();
        scene.visitor.login_at("/page").await;
        assert_eq!(scene.app.last().target, "/page");
    }
}

#[tokio::test]
async fn c98_a_definitive_no_to_a_fetch_is_a_401() {
    let scene = expired().await;
    scene.provider.fails_token_calls(Fault::oauth(401, "invalid_grant"));
    let answer = scene.visitor.fetch("/").await;
    assert_eq!(answer.status, 401, "C-98");
    assert!(answer.sets("askara").is_none(), "rule 6");
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn fifty_requests_in_an_outage_are_one_call_not_fifty() {
    let scene = expired().await;
    scene.provider.latency(200);
    scene.provider.fails_token_calls(Fault::status(503));
    let answers = join_all((0..50).map(|_| scene.visitor.fetch("/"))).await;
    assert!(answers.iter().all(|answer| answer.status == 503));
    let calls = scene.provider.refreshes();
    assert!(calls <= 2, "one probe at a time: {calls} calls");
}

#[tokio::test]
async fn a_rotated_client_secret_logs_nobody_out() {
    let scene = expired().await;
    scene.provider.fails_token_calls(Fault::oauth(401, "invalid_client"));
    assert_eq!(scene.visitor.fetch("/").await.status, 503, "rule 5");
    let info = scene.visitor.fetch("/oauth2/userinfo").await;
    assert!(matches!(info.status, 200 | 503), "{}", info.status);
    let subrequest = scene.visitor.fetch("/oauth2/auth").await;
    assert_ne!(subrequest.status, 401, "C-121: never a login storm");
    assert!(scene.visitor.session().is_some());
}
