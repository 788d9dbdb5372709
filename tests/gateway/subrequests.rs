//! A proxy in front asks about each request (design.md section 3; C-38, C-41 to C-46, C-121 to
//! C-124): what it is told, and what nobody else may tell.

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::*;

const LISTED: &str = "trusted_proxies = [\"127.0.0.1\"]";
const STAFF: &str = "{ claim = \"groups\", any = [\"staff\"] }";

struct Scene {
    provider: Provider,
    gate: Gate,
    visitor: Visitor,
    _app: App,
}

async fn scene_with(
    provider: Provider,
    adapt: impl FnOnce(GateBuilder, &App) -> GateBuilder,
) -> Scene {
    let app = App::start().await;
    let builder = gateway().with_provider(&provider).with_top(LISTED).with_table(LOG);
    let gate = adapt(builder, &app).start().await;
    let visitor = gate.visitor();
    Scene { provider, gate, visitor, _app: app }
}

async fn scene() -> Scene {
    scene_with(Provider::start().await, |builder, app| {
        builder
            .with_route(public("/public", app))
            .with_route(ruled("/staff", STAFF, app))
            .with_route(ruled("/reading", "{ method = [\"GET\"] }", app))
            .with_upstream(app)
    })
    .await
}

impl Scene {
    async fn signed_in(self) -> Self {
        self.visitor.login().await;
        self
    }

    /// Asks as nginx does about a GET.
    async fn about(&self, target: &str) -> Answer {
        self.visitor.send(about("GET", target)).await
    }
}

fn about(method: &str, target: &str) -> Ask {
    ask("GET", "/oauth2/auth")
        .header("x-forwarded-method", method)
        .header("x-forwarded-uri", target)
}

#[tokio::test]
async fn a_person_passes_and_the_proxy_is_told_who_it_is() {
    let scene = scene().await.signed_in().await;
    let answer = scene.about("/wiki?page=1").await;
    let token = scene.provider.newest_token();
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.header("x-auth-request-user"), Some("42"));
    assert_eq!(answer.header("x-auth-request-email"), Some("ada@example.com"));
    assert_eq!(answer.header("x-auth-request-access-token"), Some(token.as_str()));
    assert_eq!(answer.header("authorization"), Some(format!("Bearer {token}").as_str()));
    assert_eq!(answer.header("x-forwarded-user"), None, "one set of names is enough for nginx");
    assert_eq!((answer.body.len(), answer.header("set-cookie")), (0, None));
}

#[tokio::test]
async fn c121_nobody_is_401_and_whoever_may_not_is_403() {
    let scene = scene().await;
    for ask in [about("GET", "/").navigating(), about("GET", "/").fetching(), about("POST", "/")] {
        let answer = scene.visitor.send(ask).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
        assert_eq!((answer.header("location"), answer.header("set-cookie")), (None, None));
    }
    assert_eq!(scene.about("/public/logo").await.status, 202, "anyone");
    assert_eq!(scene.about("/staff").await.status, 401, "somebody may pass");
    let scene = scene.signed_in().await;
    assert_eq!(scene.about("/").await.status, 202);
    assert_eq!(scene.about("/staff").await.status, 403);
    assert_eq!(scene.about("/oauth2/start").await.status, 403, "C-50: no app gets that");
    assert_eq!(scene.provider.authorizations(), 1, "nobody was sent round");
}

#[tokio::test]
async fn c42_what_may_be_read_in_two_ways_is_open_to_nobody_in_particular() {
    let scene = scene().await;
    for (target, status) in [
        ("/public/../admin", 403),
        ("/public/%2e%2e/admin", 403),
        ("/public/.%2e/admin", 403),
        ("/public\\..\\admin", 403),
        ("/public/%00", 403),
        ("/public/%zz", 403),
        ("/public#/../admin", 403),
        ("//public", 401),
        ("/public//../admin", 403),
        ("/public;x=/../admin", 403),
        ("/public/;.css", 401),
        ("/public%2fadmin", 401),
        ("/public/%2fadmin", 401),
        ("/public/%252e%252e/admin", 401),
        ("/PUBLIC", 401),
        ("/admin?x=/public", 401),
        ("/publicity", 401),
        ("/public/%70ath?next=//x", 202),
    ] {
        assert_eq!(scene.about(target).await.status, status, "{target}");
    }
}

#[tokio::test]
async fn c38_a_visitor_can_t_tell_what_it_is_about() {
    let scene = scene().await;
    for fields in [
        &[("x-original-url", "https://app.example.com/public")][..],
        &[("x-original-uri", "/public")],
        &[("x-forwarded-uri", "/public")],
        &[("x-original-method", "POST")],
        &[("x-forwarded-method", "GET")],
        &[("x-forwarded-host", "a.example"), ("x-original-url", "https://b.example/admin")],
        &[("x-forwarded-host", "a.example"), ("x-forwarded-host", "b.example")],
        // The host that the proxy hands on is one of ours: another one is the visitor's word.
        &[("x-forwarded-host", "open.example")],
    ] {
        let mut ask = about("GET", "/admin");
        for (name, value) in fields {
            ask = ask.header(name, value);
        }
        assert_eq!(scene.visitor.send(ask).await.status, 403, "{fields:?}");
    }
    let line = scene.gate.logged("tells two things").await;
    assert_eq!(line["level"], "WARN");
    assert_eq!(scene.gate.output().matches("tells two things").count(), 1);
}

#[tokio::test]
async fn c38_who_is_not_listed_tells_nothing() {
    let app = App::start().await;
    let provider = Provider::start().await;
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/public", &app))
        .with_upstream(&app)
        .with_table(LOG)
        .start()
        .await;
    let visitor = gate.visitor();
    for name in ["x-forwarded-uri", "x-original-uri", "x-envoy-original-path"] {
        let ask = ask("GET", "/oauth2/auth").header(name, "/public");
        assert_eq!(visitor.send(ask).await.status, 403, "{name}");
    }
    assert_eq!(visitor.get("/oauth2/ext_authz/public").await.status, 403);
    assert_eq!(visitor.get("/oauth2/auth").await.status, 401, "anyone may ask about themselves");
    visitor.login().await;
    let answer = visitor.get("/oauth2/auth").await;
    assert_eq!(answer.status, 202);
    assert!(answer.header("authorization").is_some(), "a program may");
    let page = ask("GET", "/oauth2/auth").fetching().same_origin();
    let answer = visitor.send(page).await;
    assert_eq!((answer.status, answer.header("x-auth-request-user")), (202, Some("42")));
    for name in ["authorization", "x-auth-request-access-token"] {
        assert_eq!(answer.header(name), None, "no page's script reads a token: {name}");
    }
    let line = gate.logged("not in trusted_proxies").await;
    assert_eq!((&line["field"], &line["peer"]), (&json!("x-forwarded-uri"), &json!("127.0.0.1")));
}

#[tokio::test]
async fn where_nobody_tells_the_path_every_rule_must_hold() {
    let plain = scene_with(Provider::start().await, |builder, app| {
        builder.with_route(public("/public", app)).with_upstream(app)
    });
    let plain = plain.await;
    assert_eq!(plain.visitor.get("/oauth2/auth").await.status, 401, "never public");
    let plain = plain.signed_in().await;
    assert_eq!(plain.visitor.get("/oauth2/auth").await.status, 202);
    let ruled = scene_with(Provider::start().await, |builder, app| {
        builder.with_route(ruled("/staff", STAFF, app)).with_upstream(app)
    });
    let ruled = ruled.await.signed_in().await;
    assert_eq!(ruled.visitor.get("/oauth2/auth").await.status, 403);
    ruled.gate.logged("does not tell which path").await;
}

#[tokio::test]
async fn c43_an_encoded_slash_passes_no_rule_by() {
    let scene = scene().await.signed_in().await;
    for target in [
        "/public%2f..%2fstaff",
        "/public/..%2fstaff",
        "/%2fstaff",
        "/x%5c..%5cstaff/a",
        "/staff%2Fx",
    ] {
        assert_eq!(scene.about(target).await.status, 403, "{target}");
    }
    for target in ["/a%2Fb", "/public%2Fx", "/x/staff%2Fx"] {
        assert_eq!(scene.about(target).await.status, 202, "{target}");
    }
}

#[tokio::test]
async fn a_rule_about_the_method_goes_by_the_visitor_s_own() {
    let scene = scene().await;
    for (method, status) in [("GET", 202), ("POST", 403), ("get", 403)] {
        let answer = scene.visitor.send(about(method, "/reading")).await;
        assert_eq!(answer.status, status, "{method}");
    }
    let untold = ask("GET", "/oauth2/auth").header("x-forwarded-uri", "/reading");
    assert_eq!(scene.visitor.send(untold).await.status, 403);
    scene.gate.logged("rests on the method").await;
}

#[tokio::test]
async fn the_query_asks_more_of_people() {
    let scene = scene().await;
    let asks = |query: &str| {
        ask("GET", &format!("/oauth2/auth?{query}")).header("x-forwarded-uri", "/public")
    };
    let open = scene.visitor.send(asks("allowed_emails=ada@example.com")).await;
    assert_eq!(open.status, 401, "it is asked of somebody");
    let scene = scene.signed_in().await;
    for (query, status) in [
        ("allowed_emails=ada@example.com", 202),
        ("allowed_emails=eve@example.com,ada@example.com", 202),
        ("allowed_emails=eve@example.com", 403),
        ("allowed_email_domains=example.com", 202),
        ("allowed_email_domains=example.org", 403),
        ("allowed_groups=", 202),
        ("allowed_groups=nobody", 403),
        ("allowed_emails=ada@example.com&allowed_groups=nobody", 403),
    ] {
        assert_eq!(scene.visitor.send(asks(query)).await.status, status, "{query}");
    }
}

#[tokio::test]
async fn c124_what_a_subrequest_carries_is_not_waited_for() {
    let scene = scene().await;
    for head in [
        "POST /oauth2/auth HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n",
        "GET /oauth2/auth HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET /oauth2/auth HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
        "POST /oauth2/auth HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let answer = scene.gate.raw(head).await;
        assert_eq!(answer.status(), Some(401), "{head}");
    }
}

#[tokio::test]
async fn c100_fifty_parallel_questions_spend_one_refresh_token() {
    let scene =
        scene_with(Provider::with_token_life(2).await, |builder, app| builder.with_upstream(app));
    let scene = scene.await.signed_in().await;
    wait(PAST_EXPIRY).await;
    scene.provider.token_life(3600);
    scene.provider.latency(300);
    let line = scene.visitor.session_line();
    let asks = || scene.gate.send(about("GET", "/").cookie(&line));
    let answers = join_all((0..50).map(|_| asks())).await;
    let token = scene.provider.newest_token();
    for answer in &answers {
        assert_eq!(answer.status, 202);
        assert_eq!(answer.header("x-auth-request-access-token"), Some(token.as_str()));
        assert!(answer.set_cookies().len() <= 1, "nginx hands over one");
    }
    assert_eq!(scene.provider.refreshes(), 1);
    assert_eq!(asks().await.status, 202, "the old cookie, where the front dropped the new one");
    assert_eq!(scene.provider.refreshes(), 1);
}

#[tokio::test]
async fn c121_trouble_of_ours_is_503_and_never_a_login() {
    let scene =
        scene_with(Provider::with_token_life(2).await, |builder, app| builder.with_upstream(app));
    let scene = scene.await.signed_in().await;
    wait(PAST_EXPIRY).await;
    scene.provider.fails_token_calls(Fault::json(503, &json!({})));
    for ask in [about("GET", "/"), about("GET", "/").navigating()] {
        let answer = scene.visitor.send(ask).await;
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after").is_some());
        assert_eq!(answer.header("set-cookie"), None, "the session is kept");
    }
}

#[tokio::test]
async fn c123_halves_of_a_session_are_not_handed_over() {
    let provider = Provider::openid().await;
    provider.writes_id_token(&json!({ "more": random_hex(3000) }));
    provider.token_life(2);
    let scene = scene_with(provider, |builder, app| {
        builder.with_provider_line("id_token_hint = true").with_upstream(app)
    });
    let scene = scene.await;
    assert_eq!(scene.visitor.navigate("/").await.status, 200);
    let stored = scene.visitor.session().is_some();
    wait(PAST_EXPIRY).await;
    scene.provider.token_life(3600);
    let answer = scene.about("/").await;
    assert_eq!((answer.status, answer.set_cookies().len()), (202, 0));
    assert_eq!(scene.about("/").await.status, 202, "the successor is known here");
    if !stored {
        let line = scene.gate.logged("of which nginx hands over only the first").await;
        assert!(line["message"].as_str().unwrap().contains("session.store"), "the way out");
    }
}

#[tokio::test]
async fn a_rate_of_the_route_holds_for_questions_about_it() {
    let scene = scene_with(Provider::start().await, |builder, app| {
        builder.with_table("[limits]\nrate_per_session = \"1/h\"").with_upstream(app)
    });
    let scene = scene.await.signed_in().await;
    let statuses = [scene.about("/").await.status, scene.about("/").await.status];
    assert_eq!(statuses.last(), Some(&503), "C-121: nginx knows no 429: {statuses:?}");
}

#[tokio::test]
async fn a_route_that_the_front_carries_has_no_app_here() {
    let provider = Provider::start().await;
    let gate = gateway()
        .with_provider(&provider)
        .with_top(LISTED)
        .with_table("[[route]]\npath = \"/\"\nupstream = \"none\"\naccess = \"public\"")
        .with_table(LOG)
        .start()
        .await;
    assert_eq!(gate.send(about("GET", "/a")).await.status, 202);
    assert_eq!(gate.send(ask("GET", "/a")).await.status, 404);
    gate.logged("the proxy in front should carry it").await;
}
