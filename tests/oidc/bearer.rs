//! Programs that bring an access token of their own.

use serde_json::{Value, json};

use crate::harness::{ask, wait};
use crate::openid_provider::Settings;
use crate::party::{Party, Proof, REDIRECT};
use crate::scene::{Scene, plan, with_bearer};

const ROBOT_SECRET: &str = "canary-robot-secret-77ab";

/// A second client, which calls the API behind the gateway.
fn with_robot(asked: Settings) -> Settings {
    asked.with_client(json!({
        "client_id": "robot",
        "client_secret": ROBOT_SECRET,
        "grant_types": ["authorization_code", "client_credentials"],
        "redirect_uris": [REDIRECT],
    }))
}

async fn scene(bearer: &str) -> (Scene, Party) {
    let table = format!("[provider.bearer]\n{bearer}\n");
    let scene = plan().with_settings(with_robot).with_table(&table).start().await;
    let robot = Party::meet(&scene.provider, "robot", Proof::Basic(ROBOT_SECRET.to_owned())).await;
    (scene, robot)
}

async fn status(scene: &Scene, token: &str) -> u16 {
    scene.gate.send(with_bearer("/api", token)).await.status
}

/// A person's token for an API, which the robot was given.
async fn lent(robot: &Party, resource: &str, scope: &str) -> String {
    let wishes = [("resource", resource), ("scope", scope)];
    let answer: Value = robot.signs_in(&robot.person("ada"), &wishes).await;
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_for_this_api_passes() {
    let (scene, robot) = scene("audience = [\"https://api.test\"]").await;
    let token = robot.token_for("https://api.test", "read").await;
    let answer = scene.gate.send(with_bearer("/api?x=1", &token)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.set_cookies().is_empty(), "no session is made of it");
    assert_eq!(scene.app.last().target, "/api?x=1");
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("robot"));

    let token = lent(&robot, "https://api.test", "openid read").await;
    assert_eq!(status(&scene, &token).await, 200);
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("ada"));
    assert_eq!(scene.app.last().header("x-forwarded-email"), Some("ada@example.com"));
}

#[tokio::test]
async fn a_token_that_is_not_for_this_api_is_refused() {
    let (scene, robot) = scene("audience = [\"https://api.test\"]").await;
    let good = robot.token_for("https://api.test", "read").await;
    let signed_in = robot.signs_in(&robot.person("ada"), &[]).await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other_end = if signature.starts_with('A') { "B" } else { "A" };
    let bad = [
        ("another audience", robot.token_for("https://other.test", "read").await),
        ("changed", format!("{head}.{other_end}{}", &signature[1..])),
        ("unsigned", format!("{head}.")),
        ("an id_token, C-88", signed_in["id_token"].as_str().unwrap().to_owned()),
        ("opaque", signed_in["access_token"].as_str().unwrap().to_owned()),
        ("anything, C-89", "anything".to_owned()),
    ];
    for (what, token) in bad {
        let answer = scene.gate.send(with_bearer("/api", &token)).await;
        assert_eq!(answer.status, 401, "{what}");
        // S7
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Bearer"), "{what}: {challenge}");
    }
    assert!(scene.app.requests().is_empty());
    assert_eq!(status(&scene, &good).await, 200);
}

#[tokio::test]
async fn scopes_and_clients_can_be_demanded() {
    let demands = "audience = [\"https://api.test\"]\nscopes = [\"write\"]\nclients = [\"robot\"]";
    let (scene, robot) = scene(demands).await;
    let both = robot.token_for("https://api.test", "read write").await;
    assert_eq!(status(&scene, &both).await, 200);
    let reader = robot.token_for("https://api.test", "read").await;
    assert!(matches!(status(&scene, &reader).await, 401 | 403));
    let (scene, robot) = self::scene(&demands.replace("robot", "somebody-else")).await;
    let token = robot.token_for("https://api.test", "write").await;
    assert!(matches!(status(&scene, &token).await, 401 | 403));
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn without_being_told_so_a_token_opens_nothing() {
    let scene = plan().with_settings(with_robot).start().await;
    let robot = Party::meet(&scene.provider, "robot", Proof::Basic(ROBOT_SECRET.to_owned())).await;
    let token = robot.token_for("https://api.test", "read").await;
    let request = with_bearer("/api", &token).fetching();
    assert_eq!(scene.gate.send(request).await.status, 401, "C-89");
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn the_provider_can_be_asked_about_each_token() {
    let (scene, robot) = scene("introspection = true\nscopes = [\"read\"]\ncache = \"1s\"").await;
    let token = lent(&robot, "https://opaque.test", "openid read").await;
    for _ in 0..3 {
        assert_eq!(status(&scene, &token).await, 200);
    }
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("ada"));
    let calls = scene.provider.seen().await.count("introspection");
    assert!((1..=3).contains(&calls), "{calls}");

    let revoked = lent(&robot, "https://opaque.test", "openid read").await;
    for token in [&token, &revoked] {
        let fields = [("token", token.as_str())];
        assert_eq!(robot.call("revocation_endpoint", &fields).await.status, 200);
    }
    assert_eq!(status(&scene, &revoked).await, 401, "never believed before");
    wait(2100).await;
    assert_eq!(status(&scene, &token).await, 401, "believed for a second at most");
    assert_eq!(status(&scene, "anything").await, 401, "C-89");
}

#[tokio::test]
async fn a_program_that_acts_for_nobody_passes_where_that_is_said() {
    let introspection = "introspection = true\naudience = [\"https://opaque.test\"]";
    let programs = format!("{introspection}\nuser = [\"token:/sub\", \"token:/client_id\"]");
    for (rules, expected) in [(introspection, 401), (&programs, 200)] {
        let (scene, robot) = scene(rules).await;
        let token = robot.token_for("https://opaque.test", "read").await;
        assert_eq!(status(&scene, &token).await, expected, "{rules}");
        if expected == 200 {
            assert_eq!(scene.app.last().header("x-forwarded-user"), Some("robot"));
        }
    }
}

#[tokio::test]
async fn who_is_asked_about_a_token_says_for_whom_it_is() {
    let demands = "introspection = true\naudience = [\"https://opaque.test\"]";
    let (scene, robot) = scene(demands).await;
    let good = lent(&robot, "https://opaque.test", "openid read").await;
    let for_others = lent(&robot, "https://opaque-too.test", "openid read").await;
    assert_eq!(status(&scene, &good).await, 200);
    assert_eq!(status(&scene, &for_others).await, 401);
}

#[tokio::test]
async fn a_session_and_a_token_live_side_by_side() {
    let (scene, robot) = scene("audience = [\"https://api.test\"]").await;
    scene.login().await;
    let token = robot.token_for("https://api.test", "read").await;
    assert_eq!(status(&scene, &token).await, 200);
    assert_eq!(scene.person.visitor.fetch("/").await.status, 200);
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("ada"));
    assert_eq!(scene.gate.send(ask("GET", "/").fetching()).await.status, 401);
}
