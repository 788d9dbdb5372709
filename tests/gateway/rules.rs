//! Access rules: who passes, who is sent to sign in, who may not. Ada is a member of `editors`,
//! her organization is 7, her address is at example.com.

use crate::harness::*;

struct Scene {
    _provider: Provider,
    app: App,
    gate: Gate,
}

async fn scene() -> Scene {
    let (provider, app) = (Provider::start().await, App::start().await);
    let template = |path, rule| ruled(path, rule, &app).with("match = \"template\"");
    let gate = gateway()
        .with_provider(&provider)
        .with_route(template("/teams/{team}/*", r#"{ claim = "me:/groups", any = ["{team}"] }"#))
        .with_route(template(
            "/cel/{team}/*",
            r#"{ expression = 'request.variables.team in me.groups && me.organization.id == 7' }"#,
        ))
        .with_route(ruled("/home", r#"{ email_domain = ["example.com"] }"#, &app))
        .with_route(ruled("/away", r#"{ email_domain = ["example.org"] }"#, &app))
        .with_route(ruled("/near", r#"{ network = ["127.0.0.0/8"] }"#, &app))
        .with_route(ruled("/far", r#"{ network = ["192.0.2.0/24"] }"#, &app))
        .with_route(ruled("/read", r#"{ method = ["GET"] }"#, &app))
        .with_route(ruled("/not", r#"{ not = { claim = "groups", any = ["editors"] } }"#, &app))
        .with_route(ruled(
            "/either",
            r#"{ any = [{ network = ["192.0.2.0/24"] }, { claim = "organization", any = [7] }] }"#,
            &app,
        ))
        .with_route(ruled("/fast", r#"{ expression = 'request.method == "GET"' }"#, &app))
        .with_upstream(&app)
        .start()
        .await;
    Scene { _provider: provider, app, gate }
}

#[tokio::test]
async fn whoever_the_rule_fits_passes_and_nobody_else_who_is_signed_in() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    visitor.login().await;
    for (target, status) in [
        ("/teams/editors/x", 200),
        ("/teams/Editors/x", 403),
        ("/teams/others/x", 403),
        ("/teams/editors%2F/x", 403),
        ("/teams/staff%2C%20senior/x", 200),
        ("/cel/editors/x", 200),
        ("/cel/others/x", 403),
        ("/home", 200),
        ("/away", 403),
        ("/near", 200),
        ("/far", 403),
        ("/read", 200),
        ("/not", 403),
        ("/either", 200),
        ("/fast", 200),
    ] {
        scene.app.forgets();
        let answer = visitor.fetch(target).await;
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        assert_eq!(scene.app.requests().len(), usize::from(status == 200), "{target}");
        let opened = visitor.open(target).await;
        assert_eq!(opened.status, status, "a navigation to {target}");
    }
    let posted = visitor.send(ask("POST", "/read").fetching().same_origin()).await;
    assert_eq!(posted.status, 403, "the method alone denies");
}

#[tokio::test]
async fn whom_a_login_could_help_is_sent_on_one_and_nobody_else() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    for target in ["/teams/editors/x", "/cel/editors/x", "/home", "/away", "/not", "/either"] {
        let opened = visitor.open(target).await;
        assert!(opened.redirects(), "{target}: {}", opened.status);
        assert_eq!(visitor.fetch(target).await.status, 401, "{target}");
    }
    for target in ["/far"] {
        assert_eq!(visitor.open(target).await.status, 403, "no login could help: {target}");
        assert_eq!(visitor.fetch(target).await.status, 403, "{target}");
    }
    assert_eq!(scene.app.requests().len(), 0);
    for target in ["/near", "/read", "/fast"] {
        assert_eq!(visitor.fetch(target).await.status, 200, "{target}");
    }
    let posted = visitor.send(ask("POST", "/read").fetching().same_origin()).await;
    assert_eq!(posted.status, 403, "C-47: the request line's method");
    let tricked = ask("POST", "/read").fetching().header("x-http-method-override", "GET");
    assert_eq!(visitor.send(tricked).await.status, 403, "C-47");
}

#[tokio::test]
async fn c43_a_doubtful_spelling_needs_somebody_even_where_the_rule_asks_for_nobody() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    for target in ["//near", "/near/a%2fb", "/near;x", "/fast/%25", "/read//x"] {
        assert_eq!(visitor.fetch(target).await.status, 401, "{target}");
    }
    assert!(scene.app.requests().is_empty());
    visitor.login().await;
    scene.app.forgets();
    for target in ["//near", "/near/a%2fb", "/near;x", "/fast/%25", "/read//x"] {
        assert_eq!(visitor.fetch(target).await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn a_rule_that_is_wrong_keeps_the_gateway_from_starting() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("gate.toml");
    let text = "public_url = \"http://127.0.0.1:1\"\n[provider]\nclient_id = \"id\"\n\
        client_secret = \"secret\"\n[[route]]\nupstream = \"http://127.0.0.1:1\"\n\
        access = { expression = 'token.roles == 1 && usr' }\n";
    std::fs::write(&config, text).unwrap();
    let (code, output) = checked(&config).await;
    assert_eq!(code, Some(78), "{output}");
    let wanted = "route[0].access.expression: line 1, column 21: there is no \"usr\"";
    assert!(output.contains(wanted), "{output}");
}

async fn checked(config: &std::path::Path) -> (Option<i32>, String) {
    let command = tokio::process::Command::new(env!("CARGO_BIN_EXE_askara-gate"))
        .args(["check", "--config", config.to_str().unwrap()])
        .output();
    let output = command.await.unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
