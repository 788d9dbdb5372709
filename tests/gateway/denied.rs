//! Somebody whom a rule does not let pass: what a person reads, what a script and a program are
//! told, and what a session knows for rules.

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

async fn scene_at(provider: Provider, lines: &[&str]) -> Scene {
    let app = App::start().await;
    let mut builder = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_route(ruled("/staff", STAFF, &app))
        .with_route(ruled("/inside", "{ network = [\"192.0.2.0/24\"] }", &app))
        .with_route(ruled("/scoped", "{ scope = [\"things.read\"] }", &app))
        .with_table(LOG);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

async fn scene() -> Scene {
    scene_at(Provider::openid().await, &[]).await
}

impl Scene {
    /// What `/me` says of the team.
    fn team(&self, team: &Value) {
        self.provider.fails_me(Fault::json(200, &json!({ "id": "42", "sub": "42", "team": team })));
    }
}

#[tokio::test]
async fn a_person_reads_who_they_are_what_is_missing_and_where_to_go() {
    let scene = scene().await;
    scene.provider.names_person("Ada <b>Lovelace");
    scene.visitor.login().await;
    scene.app.forgets();
    let answer = scene.visitor.navigate("/staff/list?page=2").await;
    assert_own_page(&answer);
    let page = shown(&answer);
    assert_eq!((page.status, page.heading.as_str()), (403, DENIED));
    let text = answer.text();
    assert!(text.contains("Ada &lt;b&gt;Lovelace (ada@example.com)"), "C-70: {text}");
    assert!(text.contains("Only for &lt;staff&gt; &amp; friends"), "{text}");
    assert!(!text.contains("me:/") && !text.contains("/team"), "never the rule itself: {text}");
    assert_eq!(link(&answer, "home").as_deref(), Some("/"));
    assert!(scene.app.requests().is_empty());
    assert_eq!(scene.provider.authorizations(), 1, "nobody is sent round for it");
    let line = scene.gate.logged("a rule let somebody not pass").await;
    assert_eq!(line["user"], "42");
    assert!(line["route"].as_str().unwrap().starts_with("/staff"), "{line}");
    let french = ask("GET", "/staff").navigating().header("accept-language", "fr-FR,fr;q=0.9");
    let text = scene.visitor.send(french).await.text();
    assert!(text.contains("Session ouverte pour") && text.contains("Only for &lt;staff"), "{text}");
}

#[tokio::test]
async fn another_account_is_a_prompt_that_only_our_own_page_asks_for() {
    let scene = scene().await;
    scene.visitor.login().await;
    let answer = scene.visitor.navigate("/staff?x=1").await;
    let other = link(&answer, "other-account").unwrap();
    assert!(other.starts_with("/oauth2/start?"), "{other}");
    let own = scene.visitor.send(ask("GET", &other).navigating().same_origin()).await;
    assert!(own.location().contains("prompt=login"), "{}", own.location());
    for (field, value) in
        [("sec-fetch-site", "cross-site"), ("referer", "https://evil.example/"), ("origin", "null")]
    {
        let foreign = ask("GET", &other).navigating().header(field, value);
        let answer = scene.visitor.send(foreign).await;
        assert_eq!(answer.status, 302, "as any link begins a login");
        assert!(!answer.location().contains("prompt="), "{field}: {}", answer.location());
    }
    scene.provider.names_subject("43");
    scene.provider.fails_me(Fault::json(200, &json!({ "sub": "43", "team": "staff" })));
    let answer = scene.visitor.navigate(&other).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.app.last().target, "/staff?x=1");
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("43"));
}

#[tokio::test]
async fn a_provider_says_by_its_metadata_whether_it_lets_people_choose_an_account() {
    let provider = Provider::openid().await;
    provider.describes_itself(&json!({ "prompt_values_supported": ["login", "select_account"] }));
    let scene = scene_at(provider, &[]).await;
    let answer = scene.visitor.open("/oauth2/start?account=other&rd=%2F").await;
    assert!(answer.location().contains("prompt=select_account"), "{}", answer.location());
    let scene = scene_at(Provider::openid().await, &["other_account = \"select_account\""]).await;
    let answer = scene.visitor.open("/oauth2/start?account=other&rd=%2F").await;
    assert!(answer.location().contains("prompt=select_account"), "{}", answer.location());
}

#[tokio::test]
async fn where_no_prompt_is_known_one_signs_out_first() {
    let scene = scene_at(Provider::start().await, &[]).await;
    scene.visitor.login().await;
    let answer = scene.visitor.navigate("/staff").await;
    assert_eq!(answer.status, 403);
    assert_eq!(link(&answer, "other-account").as_deref(), Some("/oauth2/sign_out"));
    let text = answer.text();
    assert!(text.contains("sign out there too"), "{text}");
    let out = scene.visitor.send(ask("GET", "/oauth2/sign_out").navigating().same_origin()).await;
    assert_eq!(out.status, 200, "a page says what is left to do");
    assert!(scene.visitor.session().is_none());
    let open = scene.visitor.open("/oauth2/start?account=other&rd=%2F").await;
    assert!(!open.location().contains("prompt="), "{}", open.location());
}

#[tokio::test]
async fn a_script_gets_a_problem_with_the_operators_words() {
    let scene = scene().await;
    scene.visitor.login().await;
    let answer = scene.visitor.fetch("/staff").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (403, Some("application/problem+json"))
    );
    let problem = answer.json();
    assert_eq!(problem["type"], "urn:askara-gate:not-allowed");
    assert_eq!(problem["detail"], "Only for <staff> & friends");
    assert!(answer.header("www-authenticate").is_none(), "another token would not mend it");
    assert!(!answer.text().contains("me:/team"), "never the rule itself");
}

#[tokio::test]
async fn whom_a_network_keeps_out_is_asked_for_no_account() {
    let scene = scene().await;
    for visitor in [scene.gate.visitor(), scene.visitor.clone()] {
        let answer = visitor.navigate("/inside").await;
        assert_own_page(&answer);
        assert_eq!(answer.status, 403);
        if visitor.session().is_none() {
            assert_eq!(shown(&answer).heading, "This page isn’t open to you here");
            assert!(link(&answer, "other-account").is_none(), "{}", answer.text());
            assert!(answer.set_cookies().is_empty(), "no login begins");
        }
        visitor.login().await;
    }
    assert_eq!(scene.provider.authorizations(), 2);
    assert_eq!(
        scene.gate.visitor().fetch("/inside").await.json()["type"],
        "urn:askara-gate:not-open"
    );
}

#[tokio::test]
async fn claims_are_kept_with_the_session_and_read_again_at_a_refresh() {
    let scene = scene().await;
    scene.provider.token_life(2);
    scene.team(&json!(["guests", "staff"]));
    scene.visitor.login().await;
    assert_eq!(scene.visitor.fetch("/staff").await.status, 200);
    scene.team(&json!("guests"));
    assert_eq!(scene.visitor.fetch("/staff").await.status, 200, "as the login found it");
    wait(2200).await;
    assert_eq!(scene.visitor.fetch("/staff").await.status, 403, "as the refresh found it");
    scene.team(&json!("staff"));
    wait(2200).await;
    assert_eq!(scene.visitor.fetch("/staff").await.status, 200);
    scene.provider.fails_me(Fault::status(500));
    wait(2200).await;
    assert_eq!(scene.visitor.fetch("/staff").await.status, 200, "rule 7: what was known stays");
}

#[tokio::test]
async fn a_claim_that_is_too_large_is_not_there_and_the_log_names_it() {
    let scene = scene().await;
    let mut teams = vec!["staff".to_owned()];
    teams.extend((0..400).map(|number| format!("department-{number}")));
    scene.team(&json!(teams));
    scene.visitor.login().await;
    assert_eq!(scene.visitor.fetch("/staff").await.status, 403);
    let line = scene.gate.logged("too large to be kept").await;
    assert_eq!((&line["level"], &line["claims"]), (&json!("WARN"), &json!("me:/team")), "{line}");
}

#[tokio::test]
async fn what_was_granted_counts_and_where_nothing_is_said_what_was_asked_for() {
    for (scopes, told, status) in [
        ("scopes = [\"openid\", \"things.read\"]", json!({}), 200),
        ("scopes = [\"openid\"]", json!({}), 403),
        ("scopes = [\"openid\", \"things.read\"]", json!({ "scope": "openid" }), 403),
        ("scopes = [\"openid\"]", json!({ "scope": "openid things.read" }), 200),
        ("scopes = [\"openid\", \"things.read\"]", json!({ "scope": 7 }), 403),
    ] {
        let scene = scene_at(Provider::openid().await, &[scopes]).await;
        // The stand-in names no scopes unless it is told to.
        scene.provider.writes_token_answer(&json!({ "scope": null }));
        if told != json!({}) {
            scene.provider.writes_token_answer(&told);
        }
        scene.visitor.login().await;
        let answer = scene.visitor.fetch("/scoped").await;
        assert_eq!(answer.status, status, "{scopes} {told}");
    }
}

#[tokio::test]
async fn a_refresh_that_names_fewer_scopes_takes_them_away() {
    let scene = scene().await;
    scene.provider.token_life(2);
    scene.provider.writes_token_answer(&json!({ "scope": "openid things.read" }));
    scene.visitor.login().await;
    assert_eq!(scene.visitor.fetch("/scoped").await.status, 200);
    scene.provider.writes_token_answer(&json!({ "scope": null }));
    wait(2200).await;
    assert_eq!(scene.visitor.fetch("/scoped").await.status, 200, "silence keeps what was granted");
    scene.provider.writes_token_answer(&json!({ "scope": "openid" }));
    wait(2200).await;
    assert_eq!(scene.visitor.fetch("/scoped").await.status, 403);
}

#[tokio::test]
async fn a_program_brings_its_claims_and_scopes_and_is_told_which_scope_is_missing() {
    let scene = scene_at(Provider::openid().await, &["bearer = { audience = [\"api\"] }"]).await;
    let send = async |target: &str, claims: Value| {
        let token = scene.provider.api_token(&json!({}), &claims);
        let ask = ask("GET", target).header("authorization", &format!("Bearer {token}"));
        scene.gate.send(ask).await
    };
    assert_eq!(send("/staff", json!({ "team": "staff" })).await.status, 200);
    let answer = send("/staff", json!({ "team": "guests" })).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["detail"], "Only for <staff> & friends");
    assert!(answer.header("www-authenticate").is_none(), "no scope would mend it");
    assert_eq!(send("/scoped", json!({})).await.status, 200);
    for scope in [json!("things.write"), json!(null), json!("things.reader")] {
        let answer = send("/scoped", json!({ "scope": scope })).await;
        assert_eq!(answer.status, 403, "{scope}");
        let challenge = answer.header("www-authenticate");
        let expected =
            r#"Bearer realm="askara-gate", error="insufficient_scope", scope="things.read""#;
        assert_eq!(challenge, Some(expected), "RFC 6750 3.1: {scope}");
    }
}
