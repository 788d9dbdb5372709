//! What a visitor sees whom a proxy in front does not let pass: a 403 whatever comes, that says who
//! is signed in and what to do.

use serde_json::{Value, json};

use crate::harness::*;

const DENIED: &str = "You don’t have access to this page";
const STAFF: &str =
    "{ claim = \"me:/team\", any = [\"staff\"], message = \"Only for <staff> & friends\" }";

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn scene_with(lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::openid().await, App::start().await);
    provider.names_person("Ada <b>Lovelace");
    let mut builder = gateway()
        .with_top("trusted_proxies = [\"127.0.0.1\"]")
        .with_provider(&provider)
        .with_route(route("/any", &app))
        .with_route(ruled("/staff", STAFF, &app))
        .with_route(ruled("/inside", "{ network = [\"192.0.2.0/24\"] }", &app))
        .with_route(ruled("/vault", "{ acr = [\"urn:mfa\"] }", &app))
        .with_route(public("/open", &app))
        .with_route(route("/get", &app).with("methods = [\"GET\"]"))
        .with_table(LOG);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

async fn scene() -> Scene {
    scene_with(&[]).await
}

/// What nginx makes of a subrequest's 403.
fn denied(goal: &str) -> Ask {
    ask("GET", "/oauth2/denied").navigating().header("x-forwarded-uri", goal)
}

impl Scene {
    async fn page(&self, goal: &str) -> Answer {
        let answer = self.visitor.send(denied(goal)).await;
        assert_own_page(&answer);
        assert_eq!(answer.status, 403, "{goal}: {}", answer.text());
        assert!(answer.set_cookies().is_empty(), "{goal}: no login begins");
        answer
    }
}

#[tokio::test]
async fn a_person_reads_who_they_are_and_how_to_be_somebody_else() {
    let scene = scene().await;
    scene.visitor.login_at("/any").await;
    let answer = scene.page("/staff/list?page=2&x").await;
    assert_eq!(shown(&answer).heading, DENIED);
    let text = answer.text();
    assert!(text.contains("Ada &lt;b&gt;Lovelace (ada@example.com)"), "C-70: {text}");
    assert!(text.contains("Only for &lt;staff&gt; &amp; friends"), "{text}");
    assert!(!text.contains("/team"), "never the rule itself: {text}");
    assert!(shown(&answer).again.is_none(), "{text}");
    let other = link(&answer, "other-account").unwrap();
    assert!(other.contains("account=other") && other.contains("rd=%2Fstaff%2Flist%3Fpage%3D2%26x"));
    let french = denied("/staff").header("accept-language", "fr");
    let text = scene.visitor.send(french).await.text();
    assert!(text.contains("Session ouverte pour") && text.contains("Only for &lt;staff"), "{text}");
    scene.provider.names_subject("43");
    scene.provider.fails_me(Fault::json(200, &json!({ "sub": "43", "team": "staff" })));
    let sent = scene.visitor.send(ask("GET", &other).navigating().same_origin()).await;
    assert_eq!(scene.visitor.follow(sent).await.status, 200);
    assert_eq!(scene.app.last().target, "/staff/list?page=2&x");
}

#[tokio::test]
async fn the_goal_is_told_as_for_a_login() {
    let scene = scene().await;
    scene.visitor.login_at("/any").await;
    let path = "/oauth2/denied";
    for ask in [
        ask("GET", &format!("{path}?rd=%2Fstaff")),
        ask("GET", &format!("{path}?rd={}/staff?a&b", scene.gate.base())),
        ask("GET", path).header("x-auth-request-redirect", "/staff?a"),
        ask("GET", path).header("x-original-url", &format!("{}/staff", scene.gate.base())),
        ask("POST", path).header("x-original-uri", "/staff"),
    ] {
        let what = format!("{} {:?}", ask.target, ask.headers);
        let answer = scene.visitor.send(ask.navigating()).await;
        assert_eq!(answer.status, 403, "{what}");
        assert!(answer.text().contains("id=\"message\""), "{what}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_would_pass_by_now_is_a_link_and_still_no() {
    let scene = scene().await;
    scene.visitor.login_at("/any").await;
    let answer = scene.page("/any/page?x=1&y").await;
    assert_eq!(shown(&answer).heading, DENIED);
    assert_eq!(shown(&answer).again.as_deref(), Some("/any/page?x=1&y"));
    assert!(answer.text().contains(">Try again</a>"), "{}", answer.text());
    assert!(link(&answer, "other-account").is_some());
}

#[tokio::test]
async fn nobody_is_sent_on_a_login_and_everybody_finds_one() {
    let scene = scene().await;
    let answer = scene.page("/any?x=1").await;
    let page = shown(&answer);
    assert_eq!(page.heading, "Please sign in first");
    assert_eq!(page.again.as_deref(), Some("/oauth2/start?rd=%2Fany%3Fx%3D1"));
    assert!(link(&answer, "other-account").is_none());
    assert_eq!(scene.provider.authorizations(), 0);
    for (goal, heading) in [
        ("/inside", "This page isn’t open to you here"),
        ("/open", "This page isn’t open to you here"),
        ("/nowhere", "This page isn’t open to you here"),
        ("//evil.example/", "This page isn’t open to you here"),
        ("/oauth2/sign_in", "This page isn’t open to you here"),
    ] {
        let answer = scene.page(goal).await;
        assert_eq!(shown(&answer).heading, heading, "{goal}");
        assert!(!answer.text().contains("evil.example"), "never reflected");
    }
}

#[tokio::test]
async fn whose_session_lacks_something_finds_the_way_to_it() {
    let scene = scene().await;
    scene.visitor.login_at("/any").await;
    let answer = scene.page("/vault?x=1").await;
    assert_eq!(shown(&answer).heading, "Please confirm that it’s you");
    scene.provider.writes_id_token(&json!({ "acr": "urn:mfa" }));
    scene.app.forgets();
    let answer = scene.visitor.navigate(&shown(&answer).again.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.app.targets(), ["/vault?x=1"]);
}

#[tokio::test]
async fn a_script_and_a_program_get_a_problem() {
    let scene = scene_with(&["bearer = { audience = [\"api\"] }"]).await;
    scene.visitor.login_at("/any").await;
    let script = || ask("GET", "/oauth2/denied").fetching();
    let problem = async |ask: Ask| -> Value {
        let answer = scene.visitor.send(ask).await;
        let kind = answer.header("content-type").map(str::to_owned);
        assert_eq!((answer.status, kind.as_deref()), (403, Some("application/problem+json")));
        assert_eq!(answer.json()["status"], 403);
        answer.json()
    };
    let told = problem(script().header("x-forwarded-uri", "/staff")).await;
    assert_eq!(told["type"], "urn:askara-gate:not-allowed");
    assert_eq!(told["detail"], "Only for <staff> & friends");
    let told = problem(script().header("x-forwarded-uri", "/any").cookie("a=1")).await;
    let login = format!("{}/oauth2/start?rd=%2Fany", scene.gate.base());
    assert_eq!(
        (&told["type"], &told["login"]),
        (&json!("urn:askara-gate:sign-in-needed"), &json!(login))
    );
    let told = problem(script().header("x-forwarded-uri", "/vault")).await;
    assert!(told["login"].as_str().unwrap().contains("step_up="), "{told}");
    let token = scene.provider.api_token(&json!({}), &json!({ "team": "guests" }));
    for token in [token.as_str(), "a.b.c"] {
        let program = denied("/staff").header("authorization", &format!("Bearer {token}"));
        let answer = scene.gate.send(program).await;
        assert_eq!(answer.status, 403, "whatever the token: {}", answer.text());
    }
}

#[tokio::test]
async fn the_method_that_was_refused_is_the_one_that_is_judged() {
    let scene = scene().await;
    scene.visitor.login_at("/any").await;
    let posted = denied("/get").header("x-forwarded-method", "POST");
    let answer = scene.visitor.send(posted).await;
    assert_eq!(answer.status, 403);
    assert!(shown(&answer).again.is_none(), "no link would help: {}", answer.text());
    assert_eq!(shown(&scene.page("/get").await).again.as_deref(), Some("/get"));
    let foreign = denied("/any").header("x-forwarded-host", "evil.example");
    assert_eq!(scene.visitor.send(foreign).await.status, 403, "never a redirect");
}
