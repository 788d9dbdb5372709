//! Scripts of other origins: what they may ask, and read (C-51).

use crate::harness::*;

const OTHER: &str = "https://other.example";
const RULES: &str = "cors = { origins = [\"https://other.example\"], methods = [\"GET\", \"PUT\"], \
    headers = [\"content-type\", \"x-own\"], expose = [\"x-total\"], credentials = true, \
    max_age = \"5m\" }";

async fn scene_with(routes: &[(&str, &[&str])]) -> (Provider, App, Gate, Visitor) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let mut builder = gateway().with_provider(&provider);
    for (path, lines) in routes {
        builder = builder
            .with_route(lines.iter().fold(route(path, &app), |route, line| route.with(line)));
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    (provider, app, gate, visitor)
}

async fn scene() -> (Provider, App, Gate, Visitor) {
    scene_with(&[("/", &[RULES]), ("/closed", &[])]).await
}

fn preflight(target: &str, origin: &str, method: &str) -> Ask {
    ask("OPTIONS", target)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "content-type")
        .header("sec-fetch-mode", "cors")
        .header("sec-fetch-site", "cross-site")
}

/// The fields of the protocol that an answer has.
fn said(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(ToString::to_string);
    let mut names: Vec<String> = names.filter(|name| name.starts_with("access-control-")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn c51_a_preflight_is_answered_without_a_session_and_never_forwarded() {
    let (_provider, app, gate, _visitor) = scene().await;
    let answer = gate.send(preflight("/api?x", OTHER, "PUT")).await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    for (name, value) in [
        ("access-control-allow-origin", OTHER),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-headers", "content-type, x-own"),
        ("access-control-max-age", "300"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    assert!(answer.header("vary").unwrap().starts_with("Origin"));
    assert_eq!(answer.header("access-control-allow-private-network"), None);
    assert!(answer.set_cookies().is_empty());
    assert!(app.requests().is_empty(), "C-51");
}

#[tokio::test]
async fn c51_an_origin_that_is_not_listed_is_told_nothing() {
    let (_provider, app, gate, _visitor) = scene().await;
    for origin in ["https://evil.example", "null", "http://other.example", "https://other.example."]
    {
        let answer = gate.send(preflight("/api", origin, "PUT")).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(said(&answer), Vec::<String>::new(), "{origin}");
    }
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn c51_an_options_request_is_judged_like_any_other_where_there_are_no_rules() {
    let (_provider, app, gate, visitor) = scene().await;
    let answer = gate.send(preflight("/closed", OTHER, "PUT")).await;
    assert_eq!(answer.status, 401, "C-51");
    assert_eq!(said(&answer), Vec::<String>::new());
    // Without a method that is asked for it is no preflight either.
    let plain = ask("OPTIONS", "/api").header("origin", OTHER);
    assert_eq!(gate.send(plain).await.status, 401, "C-51");
    assert!(app.requests().is_empty(), "C-51");
    visitor.login().await;
    app.forgets();
    assert_eq!(visitor.send(preflight("/closed", OTHER, "PUT")).await.status, 200);
    assert_eq!(app.last().method, "OPTIONS", "whoever is signed in reaches the app");
}

#[tokio::test]
async fn the_preflight_of_a_method_is_answered_by_the_route_of_that_method() {
    let (_provider, app, gate, _visitor) =
        scene_with(&[("/api", &["methods = [\"PUT\"]", RULES]), ("/", &[])]).await;
    assert_eq!(gate.send(preflight("/api", OTHER, "PUT")).await.status, 204);
    assert_ne!(gate.send(preflight("/api", OTHER, "DELETE")).await.status, 204);
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn an_answer_says_who_may_read_it_whatever_the_app_says() {
    let (_provider, _app, _gate, visitor) = scene().await;
    visitor.login().await;
    let answer = visitor.send(ask("GET", "/api").fetching().header("origin", OTHER)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(OTHER));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("access-control-expose-headers"), Some("x-total"));
    assert_eq!(answer.header("vary"), Some("Origin"));
    for origin in [None, Some("https://evil.example")] {
        let mut asked = ask("GET", "/api").fetching();
        if let Some(origin) = origin {
            asked = asked.header("origin", origin);
        }
        let answer = visitor.send(asked).await;
        assert_eq!(said(&answer), Vec::<String>::new(), "{origin:?}");
        assert_eq!(answer.header("vary"), Some("Origin"), "a cache must not mix them up");
    }
    let answer = visitor.send(ask("GET", "/closed").fetching().header("origin", OTHER)).await;
    assert_eq!((said(&answer), answer.header("vary")), (Vec::new(), None));
}

#[tokio::test]
async fn a_script_of_a_listed_origin_reads_where_to_sign_in() {
    let (mut provider, _app, gate, visitor) = scene().await;
    let fetch =
        |target: &str| ask("GET", target).header("sec-fetch-mode", "cors").header("origin", OTHER);
    let answer = gate.send(fetch("/api")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), Some(OTHER));
    assert!(answer.json()["login"].as_str().unwrap().contains("/oauth2/start"));
    // What fails in between is readable as well.
    visitor.login().await;
    assert_eq!(visitor.send(fetch("/api/%00")).await.status, 400);
    provider.goes_away().await;
    provider.comes_back();
    let evil = ask("GET", "/api")
        .header("sec-fetch-mode", "cors")
        .header("origin", "https://evil.example");
    let answer = gate.send(evil).await;
    assert_eq!((answer.status, said(&answer)), (401, Vec::new()));
    // Our own paths are for our own origin.
    let answer = gate.send(fetch("/oauth2/userinfo")).await;
    assert_eq!((answer.status, said(&answer)), (401, Vec::new()));
}

#[tokio::test]
async fn an_app_that_can_not_be_reached_is_readable_too() {
    let provider = Provider::start().await;
    let port = Port::reserve();
    let down = format!("http://127.0.0.1:{}", port.number);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/", &down.as_str()).with(RULES))
        .start()
        .await;
    let answer =
        gate.send(ask("GET", "/").header("sec-fetch-mode", "cors").header("origin", OTHER)).await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("access-control-allow-origin"), Some(OTHER));
    assert_eq!(answer.header("access-control-expose-headers"), Some("x-total"));
}

#[tokio::test]
async fn everybody_may_read_what_has_no_credentials() {
    let (_provider, _app, gate, _visitor) =
        scene_with(&[("/", &["cors = { origins = [\"*\"] }"])]).await;
    let answer = gate.send(preflight("/", "https://whoever.example", "POST")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, HEAD, POST"));
}

#[tokio::test]
async fn a_listed_origin_with_credentials_may_send_what_changes_something() {
    let (_provider, app, _gate, visitor) = scene_with(&[("/", &[RULES, "csrf = true"])]).await;
    visitor.login().await;
    app.forgets();
    let put = |origin: &str| {
        ask("PUT", "/api").header("origin", origin).header("sec-fetch-site", "cross-site")
    };
    assert_eq!(visitor.send(put(OTHER)).await.status, 200);
    assert_eq!(visitor.send(put("https://evil.example")).await.status, 403);
    assert_eq!(app.requests().len(), 1);
}
