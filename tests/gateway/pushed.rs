//! Authorization requests that are pushed first (RFC 9126; S16): the browser carries a name, and
//! nothing goes on without one.

use serde_json::{Value, json};

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn scene(play: Play, metadata: Value, line: &str) -> Scene {
    let (provider, app) = (Provider::playing(play).await, App::start().await);
    let par = format!("{}/par", provider.url());
    let own = json!({ "pushed_authorization_request_endpoint": par });
    provider.describes_itself(&merged(own, &metadata));
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line(line)
        .with_upstream(&app)
        .with_table("[limits]\nprovider = \"1s\"")
        .with_table(LOG)
        .start()
        .await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

fn demanded() -> Value {
    json!({ "require_pushed_authorization_requests": true })
}

const AUTO: &str = "pushed_authorization = \"auto\"";
const ALWAYS: &str = "pushed_authorization = \"always\"";
const OFF: &str = "pushed_authorization = \"off\"";

fn names(pairs: &[(String, String)]) -> Vec<&str> {
    pairs.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn s16_the_browser_carries_a_name_and_the_provider_has_the_rest() {
    for play in [OIDC, Play { proof: Proof::Key, ..OIDC }] {
        let scene = scene(play, demanded(), AUTO).await;
        scene.visitor.login_at("/deep?x=1").await;
        assert_eq!(scene.app.targets(), ["/deep?x=1"]);
        let carried = scene.provider.last_authorization();
        assert_eq!(names(&carried), ["client_id", "request_uri"], "S16");
        let [pushed] = scene.provider.posted("/par").try_into().unwrap();
        let said = pushed.body.as_object().unwrap();
        for name in ["response_type", "client_id", "redirect_uri", "scope", "state", "nonce"] {
            assert!(said.contains_key(name), "{name}: {said:?}");
        }
        assert_eq!(said["code_challenge_method"], "S256", "S8");
        assert!(!said.contains_key("request_uri"), "RFC 9126 2.1");
        let basic = pushed.authorization.starts_with("Basic ");
        assert_eq!(basic, play.proof == Proof::Basic, "the client proves itself");
        assert_eq!(said.contains_key("client_assertion"), play.proof == Proof::Key);
        assert!(pushed.content_type.starts_with("application/x-www-form-urlencoded"));
    }
}

#[tokio::test]
async fn s16_each_attempt_has_a_name_of_its_own() {
    let scene = scene(OIDC, json!({}), ALWAYS).await;
    let name_of = async |visitor: &Visitor| {
        let sent = visitor.open("/").await;
        sent.location().split_once("request_uri=").unwrap().1.to_owned()
    };
    let (one, two) = (name_of(&scene.visitor).await, name_of(&scene.visitor).await);
    assert_ne!(one, two);
    assert_eq!(scene.provider.calls("/par"), 2);
    scene.gate.visitor().login().await;
    assert_eq!(scene.provider.calls("/par"), 3);
}

#[tokio::test]
async fn it_is_pushed_when_it_must_be_and_when_the_operator_says_so() {
    for (metadata, line, pushes) in [
        (json!({}), AUTO, false),
        (json!({}), ALWAYS, true),
        (demanded(), AUTO, true),
        (demanded(), OFF, false),
    ] {
        let what = format!("{metadata} {line}");
        let scene = scene(OIDC, metadata, line).await;
        scene.visitor.login().await;
        assert_eq!(scene.provider.calls("/par"), usize::from(pushes), "{what}");
        let carried = scene.provider.last_authorization();
        assert_eq!(names(&carried).contains(&"state"), !pushes, "{what}");
    }
}

#[tokio::test]
async fn s16_a_provider_that_takes_no_name_gets_nothing_else() {
    let scene = scene(OIDC, demanded(), AUTO).await;
    let refusals = [
        (Fault::oauth(400, "invalid_request"), 502, heading::LOGIN_FAILED),
        (Fault::oauth(401, "invalid_client"), 502, heading::LOGIN_FAILED),
        (Fault::status(404), 502, heading::PROVIDER_UNAVAILABLE),
        (Fault::status(500), 502, heading::PROVIDER_UNAVAILABLE),
        (Fault::html(), 502, heading::PROVIDER_UNAVAILABLE),
        (Fault::redirect("https://evil.example/"), 502, heading::PROVIDER_UNAVAILABLE),
        (Fault::Reset, 502, heading::PROVIDER_UNAVAILABLE),
        (Fault::Hang, 504, heading::PROVIDER_UNAVAILABLE),
        (Fault::json(201, &json!({})), 502, heading::PROVIDER_UNAVAILABLE),
        (Fault::json(201, &json!({ "request_uri": 7 })), 502, heading::PROVIDER_UNAVAILABLE),
        (Fault::json(201, &json!({ "request_uri": "" })), 502, heading::PROVIDER_UNAVAILABLE),
        (Fault::json(201, &json!({ "request_uri": "a\r\nb" })), 502, heading::PROVIDER_UNAVAILABLE),
        (
            Fault::json(201, &json!({ "request_uri": "x".repeat(2000) })),
            502,
            heading::PROVIDER_UNAVAILABLE,
        ),
    ];
    for (fault, status, title) in refusals {
        let what = format!("{fault:?}").chars().take(90).collect::<String>();
        scene.provider.fails_at("/par", fault);
        let answer = scene.visitor.open("/deep").await;
        assert_own_page(&answer);
        let page = shown(&answer);
        assert_eq!((page.status, page.heading.as_str()), (status, title), "S16: {what}");
        assert_eq!(page.again.as_deref(), Some("/oauth2/start?rd=%2Fdeep"), "{what}");
        assert!(answer.set_cookies().is_empty(), "no attempt began: {what}");
        assert!(!answer.text().contains("canary"), "C-112: {what}");
        assert_eq!(scene.gate.logged(&page.reference).await["level"], "ERROR", "{what}");
    }
    assert_eq!(scene.provider.authorizations(), 0, "S16");
    scene.provider.behaves_again();
    scene.visitor.login_at("/oauth2/start?rd=%2Fdeep").await;
}

#[tokio::test]
async fn s16_a_provider_that_demands_it_and_has_no_address_is_not_asked_at_all() {
    let no_address = json!({
        "pushed_authorization_request_endpoint": null,
        "require_pushed_authorization_requests": true,
    });
    let scene = scene(OIDC, no_address, AUTO).await;
    let answer = scene.visitor.open("/").await;
    assert_eq!(
        (answer.status, shown(&answer).heading.as_str()),
        (503, heading::PROVIDER_UNAVAILABLE)
    );
    assert_eq!(scene.provider.authorizations(), 0, "S16");
}

#[tokio::test]
async fn c78_who_has_a_code_is_not_behind_those_who_have_nothing() {
    let scene = scene(OIDC, demanded(), AUTO).await;
    let callback = scene.visitor.consent("/deep").await;
    scene.provider.fails_at("/par", Fault::Hang);
    let crowd = futures_util::future::join_all(
        (0..400).map(|_| async { scene.gate.visitor().open("/").await.status }),
    );
    let person = async {
        eventually("the crowd is there", || scene.provider.calls("/par") > 64).await;
        scene.visitor.open(&callback).await.status
    };
    let (crowd, person) = tokio::join!(crowd, person);
    assert_eq!(person, 303, "C-78");
    assert!(crowd.iter().all(|status| [502, 504].contains(status)), "{crowd:?}");
}
