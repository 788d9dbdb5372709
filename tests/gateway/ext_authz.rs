//! The dialect of Envoy, Traefik and Caddy, who hand on what the gateway answers (design.md
//! section 3): redirects and pages, and never a 200 that is no yes.

use crate::harness::*;

const STAFF: &str = "{ claim = \"groups\", any = [\"staff\"] }";

struct Scene {
    gate: Gate,
    visitor: Visitor,
    provider: Provider,
    _app: App,
}

async fn scene() -> Scene {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_top("trusted_proxies = [\"127.0.0.1\"]")
        .with_route(public("/public", &app))
        .with_route(ruled("/staff", STAFF, &app))
        .with_upstream(&app)
        .with_table(LOG)
        .start()
        .await;
    let visitor = gate.visitor();
    Scene { gate, visitor, provider, _app: app }
}

/// As Traefik and Caddy ask.
fn told(method: &str, target: &str) -> Ask {
    ask("GET", "/oauth2/ext_authz")
        .header("x-forwarded-method", method)
        .header("x-forwarded-uri", target)
}

/// As Envoy asks.
fn repeated(method: &str, target: &str) -> Ask {
    ask(method, &format!("/oauth2/ext_authz{target}"))
}

#[tokio::test]
async fn a_navigation_without_a_session_is_sent_to_the_provider_and_comes_back() {
    for dialect in [told, repeated] {
        let scene = scene().await;
        let deep = "/wiki//a?next=https://other.example/b?c=1&d=2";
        let answer = scene.visitor.send(dialect("GET", deep).navigating()).await;
        assert_eq!(answer.status, 302);
        assert!(answer.location().starts_with(&scene.provider.url()), "{}", answer.location());
        assert_eq!(scene.visitor.state_cookies().len(), 1, "the attempt");
        let back = scene
            .visitor
            .follow_while(answer, |location| !location.as_str().contains("/wiki"))
            .await;
        assert_eq!(back.location(), deep);
        let answer = scene.visitor.send(dialect("GET", deep).navigating()).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn anything_else_is_told_where_to_sign_in() {
    let scene = scene().await;
    for ask in [
        told("GET", "/").fetching(),
        told("POST", "/"),
        repeated("POST", "/").header("accept", "text/html"),
        told("GET", "/").header("sec-websocket-version", "13"),
    ] {
        let answer = scene.visitor.send(ask).await;
        assert_eq!(answer.status, 401);
        assert!(answer.json()["login"].as_str().unwrap().contains("/oauth2/start?rd="));
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn c60_a_grpc_call_is_refused_by_its_status() {
    let scene = scene().await;
    for dialect in [told, repeated] {
        for target in ["/", "/staff", "/public/../x"] {
            let call = dialect("POST", target)
                .header("content-type", "application/grpc")
                .header("te", "trailers");
            let answer = scene.visitor.send(call).await;
            assert!(answer.status >= 400, "{target}: gRPC says all under 200: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn a_yes_states_who_it_is_and_names_what_must_go() {
    let scene = scene().await;
    let nobody = scene.visitor.send(repeated("GET", "/public")).await;
    assert_eq!((nobody.status, nobody.header("x-forwarded-user")), (200, None));
    let goes = |answer: &Answer, name: &str| {
        let list = answer.header("x-envoy-auth-headers-to-remove").unwrap();
        list.split(',').any(|one| one == name)
    };
    for name in [
        "authorization",
        "x-forwarded-user",
        "x-forwarded-email",
        "x-forwarded-groups",
        "x-forwarded-access-token",
        "x-auth-request-user",
        "x-auth-request-access-token",
        "x-askara-organization",
        "x-askara-provider",
        "x-askara-assertion",
    ] {
        assert!(goes(&nobody, name), "{name}");
    }
    scene.visitor.login().await;
    let answer = scene.visitor.send(repeated("GET", "/a?b")).await;
    let token = format!("Bearer {}", scene.provider.newest_token());
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("authorization"), Some(token.as_str()));
    assert!(goes(&answer, "cookie"), "ours alone, which no app gets");
    for name in ["x-forwarded-user", "x-auth-request-user"] {
        assert_eq!(answer.header(name), Some("42"));
        assert!(!goes(&answer, name), "{name} is stated");
    }
    assert!(goes(&answer, "x-forwarded-access-token"), "the route does not say so");
}

#[tokio::test]
async fn where_the_gateway_carries_the_traffic_no_page_reads_a_token() {
    let scene = scene().await;
    scene.visitor.login().await;
    scene.visitor.put_cookie("app=hidden");
    for path in ["/oauth2/auth", "/oauth2/ext_authz"] {
        let page = ask("GET", path).header("x-forwarded-uri", "/").fetching().same_origin();
        let answer = scene.visitor.send(page).await;
        assert_eq!(answer.header("x-auth-request-user"), Some("42"), "{path}");
        for name in ["authorization", "x-auth-request-access-token", "cookie"] {
            assert_eq!(answer.header(name), None, "{path}: {name}");
        }
    }
    scene.gate.logged("tokens are withheld").await;
}

#[tokio::test]
async fn whoever_may_not_sees_our_page_and_no_app_s_path_is_ours() {
    let scene = scene().await;
    scene.visitor.login().await;
    let answer = scene.visitor.send(told("GET", "/staff").navigating()).await;
    assert_own_page(&answer);
    assert_eq!(answer.status, 403);
    for target in ["/oauth2/callback?code=1&state=2", "/oauth2/start", "/oauth2/ext_authz/public"] {
        let answer = scene.visitor.send(repeated("GET", target)).await;
        assert_eq!(answer.status, 403, "C-50: {target}");
    }
    scene.gate.logged("asks about a path of the gateway's own").await;
    assert_eq!(scene.visitor.send(repeated("GET", "/ping")).await.status, 200, "the app's own");
}

#[tokio::test]
async fn c41_what_envoy_repeats_is_judged_as_it_came() {
    let scene = scene().await;
    for (target, status) in [
        ("/public/a", 200),
        ("/public/../staff", 400),
        ("/public/%2e%2e/staff", 400),
        ("//public", 302),
        ("/public%2Fa", 302),
        ("/staff?x=/public", 302),
    ] {
        let answer = scene.visitor.send(repeated("GET", target).navigating()).await;
        assert_eq!(answer.status, status, "{target}");
    }
}
