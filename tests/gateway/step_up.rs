//! Rules that want more of somebody who is signed in, routes that wish for a way of signing in, and
//! what becomes of browsers, scripts and programs until they have it.

use serde_json::{Value, json};
use url::Url;

use crate::harness::*;

const VAULT: &str = "{ all = [{ acr = [\"urn:mfa\"] }, { max_age = \"10m\" }] }";

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

/// A route for everybody who is signed in, and two that want more.
async fn scene(lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let mut builder = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_route(ruled("/vault", VAULT, &app))
        .with_route(ruled("/recent", "{ max_age = \"10m\" }", &app))
        .with_table(LOG);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

impl Scene {
    /// From now on people prove who they are at the provider, and in the way that is wanted.
    fn confirms(&self) {
        self.provider.writes_id_token(&json!({ "acr": "urn:mfa", "auth_time": unix_now() }));
    }

    fn asked(&self, name: &str) -> Option<String> {
        let asked = self.provider.last_authorization();
        asked.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    async fn user(&self) -> Value {
        self.visitor.fetch("/oauth2/userinfo").await.json()["user"].clone()
    }
}

#[tokio::test]
async fn a_navigation_goes_to_the_provider_and_comes_back_with_what_was_wanted() {
    let scene = scene(&[]).await;
    scene.visitor.login().await;
    let first = scene.visitor.session();
    assert_eq!(scene.asked("acr_values"), None);
    assert_eq!(scene.asked("max_age").as_deref(), Some("31536000"), "so that auth_time is told");
    scene.confirms();
    scene.app.forgets();
    let answer = scene.visitor.navigate("/vault/door?x=1").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.app.targets(), ["/vault/door?x=1"]);
    assert_eq!(scene.asked("acr_values").as_deref(), Some("urn:mfa"));
    assert_eq!(scene.asked("max_age").as_deref(), Some("600"));
    assert_ne!(scene.visitor.session(), first, "a login makes a session of its own (C-31)");
    assert_eq!(scene.visitor.fetch("/vault").await.status, 200);
    assert_eq!(scene.provider.authorizations(), 2);
}

#[tokio::test]
async fn whoever_comes_to_such_a_route_first_is_asked_for_all_of_it_in_one_login() {
    let scene = scene(&[]).await;
    scene.confirms();
    let answer = scene.visitor.navigate("/vault").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.provider.authorizations(), 1);
    assert_eq!(scene.asked("acr_values").as_deref(), Some("urn:mfa"));
    assert_eq!(scene.asked("max_age").as_deref(), Some("600"));
}

#[tokio::test]
async fn a_provider_that_confirms_nothing_never_sends_a_browser_round_in_circles() {
    let scene = scene(&[]).await;
    scene.visitor.login().await;
    for (told, target) in [
        (json!({}), "/vault"),
        (json!({ "acr": "urn:password", "auth_time": unix_now() }), "/vault"),
        (json!({ "acr": "urn:mfa", "auth_time": unix_now() - 700 }), "/vault"),
        (json!({ "acr": "urn:mfa" }), "/vault"),
        (json!({}), "/recent"),
    ] {
        scene.provider.writes_id_token(&told);
        let before = scene.provider.authorizations();
        scene.app.forgets();
        let answer = scene.visitor.navigate(target).await;
        assert_own_page(&answer);
        let page = shown(&answer);
        assert_eq!(
            (page.status, page.heading.as_str()),
            (403, heading::STEP_UP_UNMET),
            "{told} {target}"
        );
        assert_eq!(scene.provider.authorizations(), before + 1, "{told}: one way there and back");
        assert!(answer.text().contains("Ada"), "who is signed in: {}", answer.text());
        assert!(scene.app.requests().is_empty(), "{told}");
        assert_eq!(scene.visitor.fetch("/").await.status, 200, "the session is a good one");
    }
    // The person may try again, and is asked for the same.
    let answer = scene.visitor.navigate("/vault/door").await;
    scene.confirms();
    let answer = scene.visitor.navigate(&shown(&answer).again.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.asked("acr_values").as_deref(), Some("urn:mfa"));
    assert_eq!(scene.app.last().target, "/vault/door");
}

#[tokio::test]
async fn a_rule_that_wants_two_things_that_no_login_brings_ends_on_the_page_too() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let rule = "{ all = [{ acr = [\"urn:a\"] }, { acr = [\"urn:b\"] }] }";
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_route(ruled("/both", rule, &app))
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    // The first of the two is asked for and brought; then the second would be, without the first.
    provider.writes_id_token(&json!({ "acr": "urn:a" }));
    let answer = visitor.navigate("/both").await;
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (403, heading::STEP_UP_UNMET));
    assert_eq!(provider.authorizations(), 2);
}

#[tokio::test]
async fn a_script_is_told_where_to_step_up_and_how() {
    let scene = scene(&[]).await;
    scene.visitor.login().await;
    let page = format!("{}/page", scene.gate.base());
    let asks = || ask("GET", "/vault").fetching().header("referer", &page);
    let answer = scene.visitor.send(asks()).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.header("www-authenticate"),
        Some(
            r#"Bearer realm="askara-gate", error="insufficient_user_authentication", acr_values="urn:mfa", max_age="600""#
        )
    );
    assert!(answer.set_cookies().iter().all(|cookie| !cookie.name.contains("-st-")));
    let problem = answer.json();
    assert_eq!(problem["type"], "urn:askara-gate:step-up-needed");
    let login: Url = problem["login"].as_str().unwrap().parse().unwrap();
    assert_eq!(login.origin(), scene.gate.origin().origin());
    scene.confirms();
    let start = &login[url::Position::BeforePath..];
    assert_eq!(scene.visitor.navigate(start).await.status, 200);
    assert_eq!(scene.asked("acr_values").as_deref(), Some("urn:mfa"), "of the rule of the script");
    assert_eq!(scene.app.last().target, "/page", "where the person was");
    assert_eq!(scene.visitor.send(asks()).await.status, 200);
}

#[tokio::test]
async fn what_a_link_says_of_a_step_up_counts_only_as_we_sealed_it() {
    let scene = scene(&[]).await;
    for forged in ["AAAA", "", "eyJhY3IiOlsieCJdfQ", "%00"] {
        let answer = scene.visitor.open(&format!("/oauth2/start?step_up={forged}&rd=%2F")).await;
        assert_eq!(answer.status, 302, "an ordinary login: {forged}");
        assert!(!answer.location().contains("acr_values"), "{}", answer.location());
    }
}

#[tokio::test]
async fn a_form_that_wants_a_step_up_is_answered_by_a_page_and_sent_nowhere() {
    let scene = scene(&[]).await;
    scene.visitor.login().await;
    scene.app.forgets();
    let post = ask("POST", "/vault").navigating().same_origin().body("x=1");
    let answer = scene.visitor.send(post).await;
    assert_own_page(&answer);
    assert_eq!(answer.status, 401);
    assert!(scene.app.requests().is_empty());
    assert!(shown(&answer).again.unwrap().starts_with("/oauth2/start?"), "{}", answer.text());
}

#[tokio::test]
async fn a_step_up_by_another_person_replaces_the_session_like_any_login() {
    let scene = scene(&[]).await;
    scene.visitor.login().await;
    assert_eq!(scene.user().await, "42");
    scene.provider.names_subject("43");
    scene.confirms();
    assert_eq!(scene.visitor.navigate("/vault").await.status, 200);
    assert_eq!(scene.user().await, "43");
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("43"));
}

#[tokio::test]
async fn a_program_is_told_what_its_token_lacks() {
    let scene = scene(&["bearer = { audience = [\"api\"] }"]).await;
    let send = async |claims: Value| {
        let token = scene.provider.api_token(&json!({}), &claims);
        // As a command-line client sends it, which could as well be a navigation.
        let ask = ask("GET", "/vault").header("authorization", &format!("Bearer {token}"));
        scene.gate.send(ask).await
    };
    for claims in [
        json!({}),
        json!({ "acr": "urn:mfa" }),
        json!({ "acr": "urn:password", "auth_time": unix_now() }),
        json!({ "acr": "urn:mfa", "auth_time": unix_now() - 700 }),
        json!({ "acr": "urn:mfa", "auth_time": unix_now() + 7000 }),
        json!({ "acr": ["urn:mfa"], "auth_time": unix_now() }),
    ] {
        let answer = send(claims.clone()).await;
        assert_eq!(answer.status, 401, "{claims}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("insufficient_user_authentication"), "{claims}: {challenge}");
        assert!(answer.json().get("login").is_none(), "{claims}: a browser's way");
        assert!(answer.set_cookies().is_empty());
    }
    assert!(scene.app.requests().is_empty());
    let answer = send(json!({ "acr": "urn:mfa", "auth_time": unix_now() - 60 })).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_route_says_how_people_sign_in_for_it_however_the_login_begins() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let wishes =
        "login = { acr_values = [\"urn:a\", \"urn:b\"], max_age = \"5m\", prompt = \"login\" }";
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("max_age = \"1h\"")
        .with_provider_line("link_params = [\"prompt\", \"acr_values\", \"login_hint\"]")
        .with_upstream(&app)
        .with_route(route("/strict", &app).with(wishes))
        .with_table(LOG)
        .start()
        .await;
    let asked = |answer: &Answer, name: &str| {
        let to: Url = answer.location().parse().unwrap();
        let mut values = to.query_pairs().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.into_owned());
        assert!(values.next().is_none(), "{name} is said once (S1)");
        value
    };
    for target in [
        "/strict/page?x=1",
        "/oauth2/start?rd=%2Fstrict%2Fpage",
        "/oauth2/sign_in?rd=%2Fstrict%2Fpage",
        "/oauth2/start?rd=%2Fstrict&prompt=none&acr_values=urn%3Aweak",
    ] {
        let answer = gate.visitor().open(target).await;
        assert_eq!(asked(&answer, "acr_values").as_deref(), Some("urn:a urn:b"), "{target}");
        assert_eq!(asked(&answer, "max_age").as_deref(), Some("300"), "{target}");
        assert_eq!(asked(&answer, "prompt").as_deref(), Some("login"), "{target}");
    }
    let answer = gate.visitor().open("/oauth2/start?rd=%2Fother&prompt=none").await;
    assert_eq!(asked(&answer, "acr_values"), None);
    assert_eq!(asked(&answer, "max_age").as_deref(), Some("3600"));
    assert_eq!(asked(&answer, "prompt").as_deref(), Some("none"), "what a link may ask");
    // The age that the route wished for is judged when the browser is back (S29).
    for (age, target, status) in [(900, "/strict", 502), (900, "/other", 200), (60, "/strict", 200)]
    {
        provider.writes_id_token(&json!({ "auth_time": unix_now() - age }));
        let answer = gate.visitor().navigate(target).await;
        assert_eq!(answer.status, status, "{age} {target}: {}", answer.text());
    }
}

#[tokio::test]
async fn where_no_id_token_comes_the_wishes_are_said_and_the_operator_is_warned() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/wish", &app).with("login = { max_age = \"5m\", prompt = \"login\" }"))
        .with_route(ruled("/vault", VAULT, &app))
        .with_table(LOG)
        .start()
        .await;
    let answer = gate.visitor().open("/wish").await;
    assert!(answer.location().contains("max_age=300"), "{}", answer.location());
    let output = gate.output();
    assert!(output.contains("login.max_age is asked for and can't be checked"), "{output}");
    assert!(output.contains("acr and max_age of the rule let no session pass"), "{output}");
    let visitor = gate.visitor();
    let answer = visitor.navigate("/vault").await;
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (403, heading::STEP_UP_UNMET));
    assert_eq!(provider.authorizations(), 2, "to sign in, and once for more");
}

#[tokio::test]
async fn a_provider_that_is_asked_by_a_form_steps_up_by_its_page() {
    let (provider, app) = (Provider::playing(POCKETS).await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_route(ruled("/vault", VAULT, &app))
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let answer = visitor.navigate("/vault").await;
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (403, heading::STEP_UP_UNMET));
    let asked = provider.last_authorization();
    assert!(asked.contains(&("acr_values".to_owned(), "urn:mfa".to_owned())), "{asked:?}");
}
