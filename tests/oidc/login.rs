//! A person signs in at the provider and comes back to where they wanted to go.

use serde_json::json;
use url::Position;

use crate::scene::{Scene, plan};

fn assert_ada(scene: &Scene) {
    let seen = scene.app.last();
    for (name, value) in [
        ("x-forwarded-user", "ada"),
        ("x-forwarded-email", "ada@example.com"),
        ("x-forwarded-groups", "engineers,admins"),
        ("x-forwarded-preferred-username", "ada"),
        ("x-askara-organization", "example-org"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_login_leads_to_the_deep_link_and_userinfo_says_who_came() {
    let scene = plan().start().await;
    let end = scene.goes_to("/deep/link?a=1&b=%2F").await;
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(scene.app.targets(), ["/deep/link?a=1&b=%2F"]);
    assert_ada(&scene);
    let seen = scene.provider.seen().await;
    assert_eq!((seen.count("userinfo"), seen.exchanges()), (1, 1));
    assert_eq!(scene.person.visitor.fetch("/again").await.status, 200);
    let seen = scene.provider.seen().await;
    assert_eq!((seen.count("userinfo"), seen.exchanges()), (1, 1), "asked once per login");
}

#[tokio::test]
async fn the_id_token_alone_can_say_who_came() {
    let plan = plan().with_settings(|asked| asked.with("claims_in_id_token", true));
    let scene = plan.with_line("userinfo_url = \"\"").start().await;
    scene.login().await;
    assert_ada(&scene);
    assert_eq!(scene.provider.seen().await.count("userinfo"), 0);
}

#[tokio::test]
async fn the_usual_claims_are_known_without_being_told() {
    let scene = plan().with_the_default_identity().start().await;
    scene.login().await;
    let seen = scene.app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
    assert_eq!(seen.header("x-forwarded-preferred-username"), Some("ada"));
}

#[tokio::test]
async fn an_id_token_of_each_signature_is_good() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let scene = plan()
            .with_client("id_token_signed_response_alg", algorithm)
            .with_line(&format!("id_token_algorithms = [{algorithm:?}]"))
            .start()
            .await;
        scene.login().await;
        assert_ada(&scene);
    }
}

#[tokio::test]
async fn an_id_token_of_an_unexpected_signature_is_refused() {
    let scene = plan()
        .with_client("id_token_signed_response_alg", "ES256")
        .with_line("id_token_algorithms = [\"RS256\"]")
        .start()
        .await;
    let end = scene.goes_to("/").await;
    assert!(end.answer.status >= 400, "{}", end.answer.text());
    assert!(scene.person.visitor.session().is_none());
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn people_are_told_apart() {
    let scene = plan().start().await;
    scene.login().await;
    let eve = scene.person("eve");
    scene.login_of(&eve).await;
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("eve"));
    scene.login().await;
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("ada"));
}

#[tokio::test]
async fn a_session_fits_into_one_cookie() {
    let groups: Vec<_> = (0..12).map(|n| format!("department-{n}")).collect();
    let plans = [
        ("opaque token", plan()),
        (
            "JWT, id_token kept",
            plan()
                .with_settings(|asked| {
                    asked.with("claims_in_id_token", true).with("groups", json!(groups))
                })
                .with_line("authorize_params = { resource = \"https://api.test\" }")
                .with_line("userinfo_url = \"\"")
                .with_line("id_token_hint = true"),
        ),
    ];
    for (what, plan) in plans {
        let scene = plan.start().await;
        let callback = scene.consents(&scene.person, "/").await;
        let back = scene.person.visitor.open(&callback[Position::BeforePath..]).await;
        let set = back.sets("askara").unwrap_or_else(|| panic!("{what}: {}", back.text()));
        let size = set.name.len() + 1 + set.value.len();
        println!("{what}: a session cookie of {size} bytes");
        assert!(size < 4000, "{what}: {size} bytes");
    }
}
