//! What a provider tells of itself: asked for when it is needed, believed when it is its own, and
//! waited for when it is away (S31).

use serde_json::{Value, json};

use crate::harness::*;

const METADATA: &str = "/.well-known/openid-configuration";

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn scene(provider: Provider, lines: &[&str]) -> Scene {
    let app = App::start().await;
    let mut builder = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app))
        .with_upstream(&app)
        .with_table("[limits]\nprovider = \"1s\"")
        .with_table(LOG);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

impl Scene {
    async fn is_not_learnt(&self, why: &str, what: &str) {
        let answer = self.visitor.open("/deep").await;
        assert_own_page(&answer);
        let page = shown(&answer);
        assert_eq!(
            (page.status, page.heading.as_str()),
            (503, heading::PROVIDER_UNAVAILABLE),
            "{what}"
        );
        assert_eq!(page.again.as_deref(), Some("/oauth2/start?rd=%2Fdeep"), "{what}");
        assert!(answer.header("retry-after").is_some(), "{what}");
        assert!(answer.set_cookies().is_empty(), "{what}");
        let line = self.gate.logged(&page.reference).await;
        let told = (line["level"].as_str().unwrap(), line["message"].as_str().unwrap());
        assert_eq!(told, ("ERROR", "the provider's addresses or keys can't be found out"));
        assert!(line["why"].as_str().unwrap().contains(why), "{what}: {line}");
        assert_eq!(self.provider.authorizations() + self.provider.token_calls(), 0, "{what}");
    }
}

#[tokio::test]
async fn it_is_asked_at_the_first_login_and_not_before_or_again() {
    let scene = scene(Provider::openid().await, &[]).await;
    assert_eq!(scene.visitor.fetch("/").await.status, 401);
    assert_eq!(scene.visitor.fetch("/open").await.status, 200);
    assert_eq!(scene.provider.calls(METADATA), 0, "nobody needs it yet");
    for _ in 0..3 {
        scene.gate.visitor().login().await;
    }
    assert_eq!((scene.provider.calls(METADATA), scene.provider.calls("/jwks")), (1, 1));
}

#[tokio::test]
async fn many_first_logins_are_one_question() {
    let scene = scene(Provider::openid().await, &[]).await;
    let visitors: Vec<_> = (0..20).map(|_| scene.gate.visitor()).collect();
    futures_util::future::join_all(visitors.iter().map(Visitor::login)).await;
    assert_eq!((scene.provider.calls(METADATA), scene.provider.calls("/jwks")), (1, 1));
}

#[tokio::test]
async fn a_provider_that_is_down_at_the_start_is_found_when_it_is_up() {
    let provider = Provider::openid().await;
    provider.fails_at(METADATA, Fault::status(503));
    let scene = scene(provider, &[]).await;
    scene.is_not_learnt("503", "down").await;
    assert_eq!(scene.visitor.fetch("/open").await.status, 200, "everything else is served");
    assert_eq!(scene.visitor.fetch("/").await.status, 401);
    scene.is_not_learnt("503", "and still down").await;
    assert_eq!(scene.provider.calls(METADATA), 1, "not asked for every visitor");
    scene.provider.behaves_again();
    wait(2000).await;
    scene.visitor.login_at("/oauth2/start?rd=%2Fdeep").await;
    assert_eq!(scene.app.last().target, "/deep");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_a_page_within_the_limit() {
    for (fault, why) in [(Fault::Hang, "no answer in time"), (Fault::Reset, "the connection broke")]
    {
        let provider = Provider::openid().await;
        provider.fails_at(METADATA, fault);
        scene(provider, &[]).await.is_not_learnt(why, why).await;
    }
    let away = Provider::openid().await;
    away.goes_away().await;
    scene(away, &[]).await.is_not_learnt("can't connect", "away").await;
}

#[tokio::test]
async fn s31_metadata_that_is_not_the_issuers_own_or_not_safe_is_refused() {
    type Changes = fn(&str) -> Value;
    let cases: [(Changes, &str); 9] = [
        (|_| json!({ "issuer": "https://evil.example" }), "it is for the issuer"),
        (|url| json!({ "issuer": format!("{url}/") }), "it is for the issuer"),
        (|_| json!({ "issuer": null }), "it names no issuer"),
        (|_| json!({ "token_endpoint": "http://evil.example/token" }), "token_endpoint"),
        (|_| json!({ "authorization_endpoint": "javascript:alert(1)" }), "authorization_endpoint"),
        (|_| json!({ "jwks_uri": "https://user:word@evil.example/" }), "jwks_uri"),
        (|_| json!({ "token_endpoint": null }), "token_endpoint is missing"),
        (|_| json!({ "token_endpoint": ["x"] }), "token_endpoint is of a wrong type"),
        (|_| json!({ "code_challenge_methods_supported": ["plain"] }), "S256"),
    ];
    for (changes, why) in cases {
        let provider = Provider::openid().await;
        let changes = changes(&provider.url());
        provider.describes_itself(&changes);
        scene(provider, &[]).await.is_not_learnt(why, &format!("S31: {changes}")).await;
    }
}

#[tokio::test]
async fn s31_metadata_that_is_none_is_refused() {
    let thief = RawUpstream::silent().await;
    for (fault, why) in [
        (Fault::redirect(&thief.url()), "302"),
        (Fault::html(), "no JSON"),
        (Fault::array(), "no JSON object"),
        (Fault::huge(), "too large"),
        (Fault::body(200, "application/json", r#"{"issuer":"a","issuer":"b"}"#), "twice"),
    ] {
        let what = format!("S31: {fault:?}").chars().take(80).collect::<String>();
        let provider = Provider::openid().await;
        provider.fails_at(METADATA, fault);
        scene(provider, &[]).await.is_not_learnt(why, &what).await;
    }
    assert_eq!(thief.connections(), 0, "C-93");
}

#[tokio::test]
async fn what_the_operator_says_is_not_looked_for() {
    let provider = Provider::openid().await;
    provider.describes_itself(&json!({ "userinfo_endpoint": "http://127.0.0.1:1/elsewhere" }));
    let scene = scene(provider, &["userinfo_url = \"\""]).await;
    scene.visitor.login().await;
    assert_eq!(scene.provider.me_calls(), 0);
    assert_eq!(scene.app.last().header("x-forwarded-email"), Some("ada@example.com"), "id_token");
    let provider = Provider::openid().await;
    provider.fails_at(METADATA, Fault::status(500));
    let url = provider.url();
    let lines = [
        format!("authorize_url = \"{url}/authorize\""),
        format!("token_url = \"{url}/oauth2/token\""),
        format!("jwks_url = \"{url}/jwks\""),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let complete = self::scene(provider, &lines).await;
    complete.visitor.login().await;
    assert_eq!(complete.provider.calls(METADATA), 0, "nothing is left to ask for");
}

/// A gateway that began anew, with a session of before and a provider that tells nothing.
async fn restarted(life: u64) -> (Scene, String) {
    let (provider, app, key) = (Provider::openid().await, App::start().await, random_key());
    provider.token_life(life);
    let builder = || {
        gateway()
            .with_provider(&provider)
            .with_upstream(&app)
            .with_keys(&[&key])
            .with_table("[limits]\nprovider = \"1s\"")
            .with_table(LOG)
    };
    let first = builder().start().await;
    let visitor = first.visitor();
    visitor.login().await;
    let line = visitor.session_line();
    provider.fails_at(METADATA, Fault::Hang);
    let gate = builder().on(first.stop()).start().await;
    let visitor = gate.visitor();
    app.forgets();
    (Scene { provider, app, gate, visitor }, line)
}

#[tokio::test]
async fn a_session_outlives_a_restart_while_the_provider_tells_nothing() {
    let (scene, line) = restarted(3600).await;
    let answer = scene.gate.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert_eq!(answer.status, 200, "nothing of the provider is needed");
    assert_eq!(scene.provider.calls(METADATA), 1, "by the first gateway");
    let (scene, line) = restarted(2).await;
    wait(2200).await;
    let answer = scene.gate.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert_eq!(answer.status, 503, "C-99: it may be renewed in a moment");
    assert!(answer.header("retry-after").is_some() && answer.set_cookies().is_empty());
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn s10_nobody_waits_to_sign_out_for_a_provider_that_tells_nothing() {
    let (scene, line) = restarted(3600).await;
    let leave = ask("POST", "/oauth2/sign_out").navigating().same_origin().cookie(&line);
    let begun = std::time::Instant::now();
    let answer = scene.gate.send(leave).await;
    assert!(begun.elapsed().as_millis() < 2500, "S10: {:?}", begun.elapsed());
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (200, "You’re signed out"));
    assert!(answer.clears("askara"), "S33");
    let again = scene.gate.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert_eq!(again.status, 401, "C-32");
}
