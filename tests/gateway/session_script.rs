//! What an app's page may know of the session: the script, and what it asks.

use crate::harness::*;

struct Scene {
    app: App,
    _provider: Provider,
}

async fn scene_with(session: &str) -> (Scene, Gate, Visitor) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate =
        gateway().with_provider(&provider).with_upstream(&app).with_session(session).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    (Scene { app, _provider: provider }, gate, visitor)
}

#[tokio::test]
async fn the_script_is_served_to_everyone_and_asked_for_again_at_no_cost() {
    let (scene, gate, _visitor) = scene_with("").await;
    scene.app.forgets();
    let answer = gate.send(ask("GET", "/oauth2/session.js")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.len() <= 2048, "{} bytes", answer.body.len());
    assert_eq!(answer.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
    assert!(answer.header("cache-control").unwrap().contains("max-age"));
    let tag = answer.header("etag").unwrap();
    let again = gate.send(ask("GET", "/oauth2/session.js").header("if-none-match", tag)).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag)));
    let other = gate.send(ask("GET", "/oauth2/session.js").header("if-none-match", "\"x\"")).await;
    assert_eq!(other.status, 200);
    assert_eq!(gate.send(ask("POST", "/oauth2/session.js")).await.status, 405);
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn who_only_looks_on_is_told_what_is_left_and_extends_nothing() {
    let (_scene, _gate, visitor) = scene_with("idle_timeout = \"4s\"").await;
    let mut last = u64::MAX;
    for _ in 0..30 {
        let answer = visitor.fetch("/oauth2/userinfo?watch").await;
        assert!(answer.set_cookies().is_empty());
        if answer.status == 401 {
            assert!(answer.json()["login"].is_string());
            assert!(last <= 4);
            return;
        }
        let left = answer.json()["expiresIn"].as_u64().unwrap();
        assert!(left <= last, "{left} seconds are left, before that {last}");
        last = left;
        wait(250).await;
    }
    panic!("a session whose owner is away goes on for ever");
}

#[tokio::test]
async fn who_asks_without_looking_on_only_stays() {
    let (_scene, _gate, visitor) = scene_with("idle_timeout = \"3s\"").await;
    for _ in 0..5 {
        wait(1_000).await;
        assert_eq!(visitor.fetch("/oauth2/userinfo").await.status, 200);
    }
    let left = visitor.fetch("/oauth2/userinfo?watch").await.json()["expiresIn"].as_u64().unwrap();
    assert!(left <= 3, "{left}");
}

#[tokio::test]
async fn what_is_left_ends_with_whatever_ends_first() {
    for (session, most) in [
        ("idle_timeout = \"1h\"", 3600),
        ("max_age = \"10m\"", 600),
        ("idle_timeout = \"20m\"\nmax_age = \"10m\"", 600),
    ] {
        let (_scene, _gate, visitor) = scene_with(session).await;
        for target in ["/oauth2/userinfo", "/oauth2/userinfo?watch"] {
            let left = visitor.fetch(target).await.json()["expiresIn"].as_u64().unwrap();
            assert!((most - 30..=most).contains(&left), "{session}: {left}");
        }
    }
}

#[tokio::test]
async fn a_session_that_was_signed_out_is_over_for_who_looks_on_with_its_cookie() {
    let (_scene, gate, visitor) = scene_with("").await;
    let line = visitor.session_line();
    visitor.send(ask("POST", "/oauth2/sign_out").navigating().same_origin()).await;
    let watch = ask("GET", "/oauth2/userinfo?watch").fetching().cookie(&line);
    assert_eq!(gate.send(watch).await.status, 401);
}

#[tokio::test]
async fn a_login_in_a_window_of_its_own_ends_at_a_page_that_closes_it() {
    let (_scene, gate, _visitor) = scene_with("").await;
    let visitor = gate.visitor();
    let page = visitor.navigate("/oauth2/start?rd=%2Foauth2%2Fdone").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<h1>You can close this window</h1>"), "{}", page.text());
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert!(visitor.session().is_some());
    // It is the only page beside the one that resumes that a login may end at (C-10).
    let away = visitor.navigate("/oauth2/start?rd=%2Foauth2%2Fsign_out").await;
    assert!(away.text().starts_with("app at /"), "C-10: {}", away.text());
    assert!(visitor.session().is_some());
}
