//! The session: its cookie, what the app sees of it, how long it lasts.

use crate::harness::*;

async fn app_behind_login() -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    (provider, app, gate)
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_for_scripts_and_other_sites() {
    let (_provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/").await;
    let cookie = visitor.open(&callback).await.sets("askara").unwrap();
    assert!(cookie.has("httponly"));
    assert!(cookie.is("samesite", "Lax"), "S37");
    assert!(cookie.is("path", "/"));
    assert!(!cookie.has("domain"));
    assert!(!cookie.has("secure"), "an http:// public_url has no Secure");
    assert!(cookie.max_age().is_none_or(|age| age > 0 && age <= 7 * 24 * 3600), "S41");
}

#[tokio::test]
async fn an_askara_session_is_one_cookie_under_2200_bytes() {
    let (provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    visitor.login().await;
    assert_eq!(visitor.cookie_names(), ["askara", "askara-rounds"]);
    let token = provider.newest_token().len();
    assert!((1100..1300).contains(&token), "an Askara-sized token: {token}");
    let bytes = "askara".len() + visitor.session().unwrap().len();
    println!("session cookie: {bytes} bytes for an access token of {token}");
    assert!(bytes < 2200, "{bytes} bytes");
}

#[tokio::test]
async fn the_cookie_tells_nothing_of_what_is_inside() {
    let (provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let session = visitor.session().unwrap();
    let token = provider.newest_token();
    for part in token.split('.') {
        assert!(!session.contains(&part[..24]));
    }
    assert!(session.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
}

#[tokio::test]
async fn our_cookies_never_reach_the_app_and_its_own_do() {
    let (_provider, app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let line = format!("a=1; {}; askara-st-12345678=x; b=\"2\"", visitor.session_line());
    let answer = visitor.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.last().header("cookie"), Some("a=1; b=\"2\""), "S47");
    visitor.fetch("/").await;
    assert_eq!(app.last().header("cookie"), None, "none left, none sent");
}

#[tokio::test]
async fn our_cookies_never_reach_a_public_app_either() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    visitor.fetch("/open").await;
    assert_eq!(app.last().header("cookie"), None, "S47");
}

#[tokio::test]
async fn the_app_cannot_set_or_delete_our_cookies() {
    let (_provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let session = visitor.session();
    let answer = visitor.fetch("/set-cookie").await;
    let names: Vec<_> = answer.set_cookies().into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["app"], "C-29");
    assert_eq!(visitor.session(), session);
    assert_eq!(visitor.fetch("/").await.status, 200);
}

#[tokio::test]
async fn an_invalid_twin_does_not_mask_the_valid_cookie() {
    let (_provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let real = visitor.session_line();
    for line in [
        format!("askara=tossed; {real}"),
        format!("{real}; askara=tossed"),
        format!("askara=; {real}; askara={}", "A".repeat(400)),
    ] {
        let answer = gate.send(ask("GET", "/").fetching().cookie(&line)).await;
        assert_eq!(answer.status, 200, "C-30, S45");
    }
}

#[tokio::test]
async fn a_heap_of_cookies_is_bounded_work() {
    let (_provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    visitor.login().await;
    let heap: Vec<_> = (0..100).map(|n| format!("askara.{n}=AAAA; askara=B{n}")).collect();
    let line = heap.join("; ");
    let answer = gate.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert!(matches!(answer.status, 400 | 401 | 431), "C-28: {}", answer.status);
    assert_eq!(visitor.fetch("/").await.status, 200);
}

#[tokio::test]
async fn userinfo_tells_who_is_signed_in_and_no_token() {
    let (provider, _app, gate) = app_behind_login().await;
    let visitor = gate.visitor();
    assert_eq!(visitor.fetch("/oauth2/userinfo").await.status, 401);
    visitor.login().await;
    let answer = visitor.fetch("/oauth2/userinfo").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("application/json"));
    let info = answer.json();
    assert!(info.is_object());
    let text = info.to_string();
    assert!(text.contains("\"42\"") && text.contains("ada@example.com"), "{text}");
    assert!(!text.contains(&provider.newest_token()), "no token");
    assert!(!text.contains("def502"), "no token");
}

#[tokio::test]
async fn a_session_outlives_a_restart() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let key = random_key();
    let gate = |port: Option<_>| {
        let builder = gateway().with_keys(&[&key]).with_provider(&provider).with_upstream(&app);
        match port {
            Some(port) => builder.on(port),
            None => builder,
        }
    };
    let first = gate(None).start().await;
    let visitor = first.visitor();
    visitor.login().await;
    let _second = gate(Some(first.stop())).start().await;
    assert_eq!(visitor.fetch("/").await.status, 200);
    assert_eq!(provider.token_calls(), 1);
}

#[tokio::test]
async fn an_idle_session_ends_and_the_limit_is_inside_the_seal() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_session("idle_timeout = \"2s\"")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let line = visitor.session_line();
    for _ in 0..4 {
        wait(800).await;
        assert_eq!(visitor.fetch("/").await.status, 200, "kept alive by use");
    }
    wait(3200).await;
    let answer = gate.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert_eq!(answer.status, 401, "C-32");
    assert_eq!(visitor.fetch("/").await.status, 401);
    assert_eq!(visitor.open("/").await.status, 302);
}

#[tokio::test]
async fn the_absolute_end_comes_however_busy_the_session_is() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_session("max_age = \"2s\"")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let line = visitor.session_line();
    assert_eq!(visitor.fetch("/").await.status, 200);
    wait(1500).await;
    visitor.fetch("/").await;
    wait(1700).await;
    let answer = gate.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert_eq!(answer.status, 401, "C-32: whatever the browser makes of Max-Age");
}
