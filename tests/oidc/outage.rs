//! A provider that comes later than the gateway, and one that changes its keys.

use crate::harness::{App, Port, ask, assert_own_page, wait};
use crate::openid_provider::OpenIdProvider;
use crate::scene::{Scene, plan};

#[tokio::test]
async fn a_gateway_starts_before_its_provider_and_works_once_that_is_there() {
    let plan = plan();
    let (here, there) = (Port::reserve(), Port::reserve());
    let settings = plan.settings_for(&here);
    let app = App::start().await;
    let gate = plan.gate(here, &there, &app).await;

    let page = gate.send(ask("GET", "/").navigating()).await;
    assert!(matches!(page.status, 502 | 503), "{}: {}", page.status, page.text());
    assert_own_page(&page);
    assert_eq!(gate.send(ask("GET", "/").fetching()).await.status, 401, "a script learns no more");

    let provider = OpenIdProvider::start_on(there, settings).await;
    let scene = Scene::new(app, gate, provider, plan);
    for _ in 0..100 {
        if scene.person.visitor.open("/").await.redirects() {
            break;
        }
        wait(100).await;
    }
    scene.login().await;
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("ada"));
}

#[tokio::test]
async fn a_session_goes_on_without_its_provider() {
    let scene = plan().start().await;
    scene.login().await;
    let Scene { app, gate, person, provider, .. } = scene;
    drop(provider);
    app.forgets();
    assert_eq!(person.visitor.fetch("/still").await.status, 200);
    assert_eq!(app.targets(), ["/still"]);
    let stranger = gate.visitor().open("/").await;
    assert!(stranger.redirects() || stranger.status >= 500, "{}", stranger.status);
}

#[tokio::test]
async fn new_keys_of_the_provider_stop_nobody() {
    let scene = plan().start().await;
    scene.login().await;
    assert_eq!(scene.provider.seen().await.count("jwks"), 1);
    scene.provider.replaces_keys().await;
    scene.login_of(&scene.person("eve")).await;
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("eve"), "C-86");
    assert_eq!(scene.provider.seen().await.count("jwks"), 2, "C-86: one more look");
    scene.login_of(&scene.person("bob")).await;
    assert_eq!(scene.provider.seen().await.count("jwks"), 2);
    assert_eq!(scene.person.visitor.fetch("/").await.status, 200, "who was here stays");
}
