//! Identity and authorization: stated by the gateway, whatever the visitor claims (C-34 to C-40).

use super::*;

#[tokio::test]
async fn the_app_learns_who_is_there() {
    let scene = scene().await;
    scene.visitor.fetch("/").await;
    let seen = scene.app.last();
    let token = format!("Bearer {}", scene.provider.newest_token());
    assert_eq!(seen.header("authorization"), Some(token.as_str()));
    assert_eq!(seen.header("x-forwarded-user"), Some("42"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
    assert_eq!(seen.header("x-askara-organization"), Some("7"));
    assert_eq!(seen.header("x-forwarded-access-token"), None, "only on request");
}

#[tokio::test]
async fn the_identity_pointers_choose_what_the_app_learns() {
    let identity = "[identity]\nuser = [\"me:/email\", \"me:/id\"]\n\
        email = [\"me:/nothing\"]\nname = [\"me:/name\"]\n\
        preferred_username = [\"token:/nothing\", \"me:/name\"]\n\
        groups = [\"me:/groups\"]\norganization = [\"token:/organization/slug\"]";
    let scene = scene_with(|builder, _| builder.with_table(identity)).await;
    scene.visitor.fetch("/").await;
    let seen = scene.app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada@example.com"));
    assert_eq!(seen.header("x-forwarded-email"), None, "no claim, no header");
    assert_eq!(seen.header("x-forwarded-preferred-username"), Some("Ada Lovelace"));
    let groups = "editors,staff%2C senior";
    assert_eq!(seen.header("x-forwarded-groups"), Some(groups), "a comma inside is %2C");
    assert_eq!(seen.header("x-askara-organization").unwrap().len(), 180);
}

#[tokio::test]
async fn a_claim_cannot_break_out_of_its_header() {
    let (provider, app) = (Provider::start().await, App::start().await);
    provider.names_person("Ada\r\nX-Admin: canary\u{0}é");
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_table("[identity]\nuser = [\"me:/name\"]")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let seen = app.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("Ada%0D%0AX-Admin: canary%00%C3%A9"), "C-40");
    assert_eq!(seen.header("x-admin"), None, "C-40");
}

#[tokio::test]
async fn a_spoofed_identity_is_removed_in_every_spelling() {
    let scene = scene().await;
    let answer = scene.visitor.send(spoofing("/")).await;
    assert_eq!(answer.status, 200);
    let seen = scene.app.last();
    assert_no_canary(&seen);
    assert_eq!(seen.header("x-forwarded-user"), Some("42"), "C-34, C-36: exactly one, ours");
}

#[tokio::test]
async fn a_spoofed_identity_is_removed_for_strangers_too() {
    let scene = scene().await;
    for method in ["GET", "OPTIONS", "HEAD", "POST"] {
        let mut request = spoofing("/open");
        request.method = method.to_owned();
        let answer = scene.gate.send(request.header("authorization", "Bearer canary")).await;
        assert_eq!(answer.status, 200, "{method}");
        assert_no_canary(&scene.app.last());
        assert_eq!(scene.app.last().header("x-forwarded-user"), None, "C-35");
        assert_eq!(scene.app.last().header("authorization"), None, "C-35");
    }
}

#[tokio::test]
async fn a_hundred_spoofed_lines_are_none() {
    let scene = scene().await;
    let request = (0..60).fold(ask("GET", "/").fetching(), |request, n| {
        request.header("x-forwarded-user", &format!("canary-{n}, admin"))
    });
    assert_eq!(scene.visitor.send(request).await.status, 200);
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("42"), "C-36");
}

#[tokio::test]
async fn the_visitors_authorization_is_dropped_unless_the_route_passes_it() {
    let scene = scene_with(|builder, app| {
        let passes = public("/pass", app).with("authorization = \"pass\"");
        let off = route("/off", app).with("authorization = \"off\"");
        builder.with_route(passes).with_route(off)
    })
    .await;
    let own = |target: &str| ask("GET", target).fetching().header("authorization", "Basic canary");
    scene.visitor.send(own("/")).await;
    let token = format!("Bearer {}", scene.provider.newest_token());
    assert_eq!(scene.app.last().header("authorization"), Some(token.as_str()), "S6");
    scene.visitor.send(own("/pass")).await;
    assert_eq!(scene.app.last().header("authorization"), Some("Basic canary"));
    scene.visitor.send(own("/off")).await;
    assert_eq!(scene.app.last().header("authorization"), None);
}

#[tokio::test]
async fn a_route_may_ask_for_the_access_token_header() {
    let scene = scene_with(|builder, app| {
        builder.with_route(route("/token", app).with("access_token_header = true"))
    })
    .await;
    scene.visitor.fetch("/token").await;
    let token = scene.provider.newest_token();
    assert_eq!(scene.app.last().header("x-forwarded-access-token"), Some(token.as_str()));
}
