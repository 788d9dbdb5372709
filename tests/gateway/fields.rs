//! Fields of the operator's own: what the app is told by templates and claims, what a visitor
//! can't say any more, and what answers carry (C-34 to C-40).

use serde_json::Value;

use crate::harness::*;

const SECRET: &str = "canary-of-the-legacy-app-0f2b";

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

/// An app behind routes with these keys: one for people, one for everybody, one with a team.
async fn scene(keys: &str) -> Scene {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app).with(keys))
        .with_route(route("/teams/{team}/*", &app).with("match = \"template\"").with(TEAM))
        .with_route(route("/plain", &app))
        .with_route(route("/", &app).with(keys))
        .with_table(LOG)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    Scene { provider, app, gate, visitor }
}

const TEAM: &str =
    r#"request_headers = { "X-Team" = "{path.team}", "X-Who" = "{path.team}/{user}" }"#;

const REQUEST: &str = r#"request_headers = {
    "X-Remote-User" = { claim = "email" },
    "X-Login" = { claim = "me:/nothing" },
    "X-Scopes" = { claim = "token:/scopes", separator = ";" },
    "X-Groups" = { claim = "groups", format = "json" },
    "X-Name" = { claim = "me:/name", format = "rfc8187" },
    "X-Mail" = { claim = "email", format = "base64" },
    "X-Short" = { claim = "email", max_bytes = 4 },
    "X-Text" = "{user} of {me:/organization/id} {{",
    "X-Token" = "Token {access_token}",
    "X-Env" = "production",
    "REMOTE_ORG" = "{organization}",
    "X-Forwarded-Email" = { claim = "name" },
}"#;

#[tokio::test]
async fn the_app_is_told_what_the_route_says() {
    let scene = scene(REQUEST).await;
    for round in 0..3 {
        assert_eq!(scene.visitor.fetch("/").await.status, 200);
        let seen = scene.app.last();
        let token = format!("Token {}", scene.provider.newest_token());
        for (name, value) in [
            ("x-remote-user", Some("ada@example.com")),
            ("x-login", None),
            ("x-scopes", Some("profile;organization")),
            ("x-groups", Some(r#"["editors","staff, senior"]"#)),
            ("x-name", Some("UTF-8''Ada%20Lovelace")),
            ("x-mail", Some("YWRhQGV4YW1wbGUuY29t")),
            ("x-short", None),
            ("x-text", Some("42 of 7 {")),
            ("x-token", Some(token.as_str())),
            ("x-env", Some("production")),
            ("remote_org", Some("7")),
            ("x-forwarded-user", Some("42")),
            ("x-forwarded-email", Some("Ada Lovelace")),
        ] {
            assert_eq!(seen.header(name), value, "{round}: {name}");
        }
    }
    let names = scene.app.last().names();
    scene.visitor.fetch("/plain").await;
    let plain = scene.app.last().names();
    assert!(plain.iter().all(|name| names.contains(name)), "{plain:?}");
    assert!(!plain.contains("x-env"), "what one route says, another does not");
    let lines = |what: &str| scene.gate.output().matches(what).count();
    scene.gate.logged("a field would be too long").await;
    assert_eq!(lines("a field would be too long"), 1, "it is said once");
}

#[tokio::test]
async fn c34_c35_c36_nobody_says_a_stated_field_but_the_gateway() {
    let scene = scene(REQUEST).await;
    let spoofing = |method: &str, target: &str| {
        let names = [
            "X-Remote-User",
            "x_remote_user",
            "X.Remote.User",
            "X-Remote.User",
            "X-Login",
            "x.login",
            "X-Short",
            "X-Scopes",
            "X-Env",
            "X-Token",
            "REMOTE_ORG",
            "Remote-Org",
            "remote.org",
            "X-Forwarded-Email",
        ];
        names.iter().fold(ask(method, target).fetching().same_origin(), |request, name| {
            request.header(name, "canary").header(name, "canary, admin")
        })
    };
    let without_canaries = || {
        for (name, value) in &scene.app.last().headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("canary"), "{name}: {value}");
        }
        scene.app.last()
    };
    for method in ["GET", "OPTIONS", "HEAD", "POST"] {
        for target in ["/", "/open"] {
            assert_eq!(scene.visitor.send(spoofing(method, target)).await.status, 200);
            let seen = without_canaries();
            assert_eq!(seen.header("x-remote-user"), Some("ada@example.com"), "C-36");
            assert_eq!(seen.header("x-login"), None, "C-35: there is no such claim");
            assert_eq!(seen.header("x-short"), None, "C-35: it is too long to be told");
        }
        assert_eq!(scene.gate.send(spoofing(method, "/open")).await.status, 200);
        let seen = without_canaries();
        assert_eq!(seen.header("x-remote-user"), None, "C-35: nobody is there");
        assert_eq!(seen.header("x-forwarded-email"), None);
        assert_eq!(seen.header("x-env"), Some("production"), "it is nobody's");
    }
    let elsewhere = ask("GET", "/plain").fetching().header("x-remote-user", "the visitor's");
    scene.visitor.send(elsewhere).await;
    let seen = scene.app.last();
    assert_eq!(seen.header("x-remote-user"), Some("the visitor's"), "no route of ours says it");
}

#[tokio::test]
async fn c37_connection_does_not_name_a_stated_field_away() {
    let scene = scene(REQUEST).await;
    let request = ask("GET", "/")
        .fetching()
        .header("connection", "X-Remote-User, X-Env")
        .header("connection", "x-token, remote_org");
    assert_eq!(scene.visitor.send(request).await.status, 200);
    let seen = scene.app.last();
    assert_eq!(seen.header("x-remote-user"), Some("ada@example.com"));
    assert_eq!(seen.header("x-env"), Some("production"));
    assert!(seen.header("x-token").is_some() && seen.header("remote_org").is_some());
}

#[tokio::test]
async fn c39_a_stated_field_does_not_come_behind_a_body() {
    let scene = scene(REQUEST).await;
    let request = format!(
        "POST /open HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\
         Trailer: x-checksum, X-Remote-User, x.env\r\n\r\n5\r\nhello\r\n0\r\n\
         x-checksum: right\r\nx-remote-user: canary\r\nx.env: canary\r\n\r\n",
        scene.gate.authority()
    );
    assert_eq!(scene.gate.raw(request).await.status(), Some(200));
    let trailers = scene.app.last().trailers;
    assert_eq!(trailers.len(), 1, "{trailers:?}");
    assert_eq!(trailers["x-checksum"], "right");
}

#[tokio::test]
async fn c40_a_claim_neither_splits_a_field_nor_plays_another() {
    let (provider, app) = (Provider::start().await, App::start().await);
    provider.names_person("Ada\r\nX-Admin: canary\u{0}\u{e9};role=admin");
    let keys = r#"request_headers = {
        "X-Plain" = { claim = "me:/name" },
        "X-Json" = { claim = "me:/name", format = "json" },
        "X-Text" = "name={me:/name};role=none",
    }"#;
    let gate =
        gateway().with_provider(&provider).with_route(route("/", &app).with(keys)).start().await;
    gate.visitor().login().await;
    let seen = app.last();
    assert_eq!(seen.header("x-admin"), None);
    let plain = "Ada%0D%0AX-Admin: canary%00%C3%A9;role=admin";
    assert_eq!(seen.header("x-plain"), Some(plain));
    let json: Value = serde_json::from_str(seen.header("x-json").unwrap()).unwrap();
    assert_eq!(json, "Ada\r\nX-Admin: canary\u{0}\u{e9};role=admin");
    let text = "name=Ada%0D%0AX-Admin: canary%00%C3%A9%3Brole%3Dadmin;role=none";
    assert_eq!(seen.header("x-text"), Some(text));
}

#[tokio::test]
async fn a_variable_of_the_path_is_told_unless_nobody_can_say_what_it_is() {
    let scene = scene("").await;
    for (target, team) in [
        ("/teams/red/wiki", Some("red")),
        ("/teams/blue", Some("blue")),
        ("/teams/%72ed/x", Some("red")),
        ("/teams/caf%C3%A9/x", Some("caf%C3%A9")),
        ("/teams/a%2Fb/x", None),
        ("/teams/a%253Bb/x", None),
    ] {
        let answer = scene.visitor.fetch(target).await;
        assert_eq!(answer.status, 200, "{target}");
        let seen = scene.app.last();
        assert_eq!(seen.header("x-team"), team, "{target}");
        let who = team.map(|team| format!("{team}/42"));
        assert_eq!(seen.header("x-who"), who.as_deref(), "{target}");
        let own = ask("GET", target).fetching().header("x-team", "canary");
        scene.visitor.send(own).await;
        assert_eq!(scene.app.last().header("x-team"), team, "C-35: {target}");
    }
}

#[tokio::test]
async fn a_secret_goes_to_the_app_and_into_no_log() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("legacy");
    std::fs::write(&file, format!("Basic {SECRET}\n")).unwrap();
    let keys =
        format!("request_headers = {{ Authorization = {{ secret = {{ file = {file:?} }} }} }}");
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app).with(&keys).with("authorization = \"off\""))
        .with_route(route("/", &app).with(&keys).with("authorization = \"off\""))
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let own = |target: &str| ask("GET", target).fetching().header("authorization", "Bearer canary");
    for answer in [visitor.send(own("/")).await, gate.send(own("/open")).await] {
        assert_eq!(answer.status, 200);
        let wanted = format!("Basic {SECRET}");
        assert_eq!(app.last().header("authorization"), Some(wanted.as_str()), "C-36");
    }
    assert!(!gate.output().contains(SECRET), "C-105");
}

#[tokio::test]
async fn a_renewed_session_tells_what_is_new() {
    let provider = Provider::with_token_life(3).await;
    let app = App::start().await;
    let keys = r#"request_headers = { "X-Token-Id" = { claim = "token:/jti" } }"#;
    let gate =
        gateway().with_provider(&provider).with_route(route("/", &app).with(keys)).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let told = async || {
        assert_eq!(visitor.fetch("/").await.status, 200);
        let seen = app.last();
        let token = seen.header("authorization").unwrap().to_owned();
        (seen.header("x-token-id").unwrap().to_owned(), claims_of(&token)["jti"].clone())
    };
    let (first, of_token) = told().await;
    assert_eq!(of_token, first.as_str());
    for _ in 0..100 {
        wait(100).await;
        let (now, of_token) = told().await;
        assert_eq!(of_token, now.as_str(), "the field is of the token beside it");
        if now != first {
            return;
        }
    }
    panic!("the session was never renewed");
}

#[tokio::test]
async fn an_api_client_is_told_of_by_its_token() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let keys =
        r#"request_headers = { "X-Sub" = "{token:/sub}", "X-Tier" = { claim = "token:/tier" } }"#;
    let gate = gateway()
        .with_provider(&provider)
        .with_route(route("/", &app).with(keys))
        .with_table("[provider.bearer]\naudience = [\"api\"]")
        .start()
        .await;
    let claims = serde_json::json!({ "tier": ["gold", "x,y"] });
    let token = provider.api_token(&serde_json::json!({}), &claims);
    let sub = provider.api_claims(&claims)["sub"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let request = ask("GET", "/api").fetching();
        let request = request.header("authorization", &format!("Bearer {token}"));
        assert_eq!(gate.send(request).await.status, 200);
        assert_eq!(app.last().header("x-sub"), Some(sub.as_str()));
        assert_eq!(app.last().header("x-tier"), Some("gold,x%2Cy"));
    }
}

#[tokio::test]
async fn answers_of_the_app_are_adjusted_and_ours_are_not() {
    let keys = r#"response_headers = { "X-App" = "", "X-Frame-Options" = "SAMEORIGIN", "ETag" = "\"ours\"" }"#;
    let scene = scene(keys).await;
    for answer in [scene.visitor.fetch("/").await, scene.gate.send(ask("GET", "/open")).await] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-app"), None);
        assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"));
        assert_eq!(answer.header("etag"), Some("\"ours\""));
    }
    assert_eq!(scene.visitor.fetch("/").await.header("cache-control"), Some("private"));
    let other = scene.visitor.fetch("/plain").await;
    assert_eq!((other.header("x-app"), other.header("etag")), (Some("yes"), Some("\"app\"")));
    let ours = scene.gate.send(ask("GET", "/").fetching()).await;
    assert_eq!((ours.status, ours.header("x-frame-options")), (401, Some("DENY")));
    assert_eq!(ours.header("etag"), None);
}
