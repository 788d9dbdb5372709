//! Several attempts to sign in at once, in one browser (C-15, C-16).

use crate::harness::*;

async fn app_behind_login() -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    (provider, app, gate)
}

#[tokio::test]
async fn c15_five_tabs_finish_in_any_order_each_at_its_own_page() {
    let (_provider, app, gate) = app_behind_login().await;
    let browser = gate.visitor();
    let mut callbacks = Vec::new();
    for tab in 0..5 {
        callbacks.push(browser.consent(&format!("/tab?n={tab}")).await);
    }
    assert_eq!(browser.state_cookies().len(), 5, "C-15");
    for tab in [3, 0, 4, 2, 1] {
        let answer = browser.follow(browser.open(&callbacks[tab]).await).await;
        assert_eq!(answer.status, 200, "tab {tab}: {}", answer.text());
        assert_eq!(app.last().target, format!("/tab?n={tab}"));
    }
    assert!(browser.state_cookies().is_empty());
}

#[tokio::test]
async fn c15_five_tabs_finish_at_the_same_moment() {
    let (provider, _app, gate) = app_behind_login().await;
    let browser = gate.visitor();
    let mut callbacks = Vec::new();
    for tab in 0..5 {
        callbacks.push(browser.consent(&format!("/tab?n={tab}")).await);
    }
    provider.latency(200);
    let opened = callbacks.iter().map(|callback| browser.open(callback));
    for answer in futures_util::future::join_all(opened).await {
        assert!(answer.redirects(), "{}", answer.text());
        assert!(answer.location().contains("/tab?n="), "{}", answer.location());
    }
    assert_eq!(browser.fetch("/").await.status, 200);
}

#[tokio::test]
async fn c16_state_cookies_never_pile_up() {
    let (_provider, _app, gate) = app_behind_login().await;
    let browser = gate.visitor();
    let long = "x".repeat(900);
    for tab in 0..9 {
        browser.open(&format!("/{long}?tab={tab}")).await;
        let names = browser.state_cookies();
        assert!(names.len() <= 5, "C-16: {names:?}");
        let bytes: usize =
            names.iter().map(|name| name.len() + browser.cookie(name).unwrap().len()).sum();
        assert!(bytes <= 4096, "C-16: {bytes} bytes of state cookies");
    }
}

#[tokio::test]
async fn c16_the_newest_attempt_survives_the_eviction_of_the_oldest() {
    let (_provider, app, gate) = app_behind_login().await;
    let browser = gate.visitor();
    for tab in 0..7 {
        browser.open(&format!("/early?tab={tab}")).await;
    }
    let callback = browser.consent("/latest").await;
    let answer = browser.follow(browser.open(&callback).await).await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.targets(), ["/latest"]);
}

#[tokio::test]
async fn c16_two_hundred_fetches_without_a_session_leave_no_cookie() {
    let (_provider, _app, gate) = app_behind_login().await;
    let mut line = gate.line().await;
    for _ in 0..200 {
        let answer = line.send(ask("GET", "/api").fetching()).await;
        assert_eq!(answer.status, 401);
        assert!(answer.set_cookies().is_empty(), "C-16");
    }
}

#[tokio::test]
async fn a_very_long_address_still_starts_a_login() {
    let (_provider, _app, gate) = app_behind_login().await;
    let browser = gate.visitor();
    let answer = browser.navigate(&format!("/{}", "y".repeat(3000))).await;
    assert_eq!(answer.status, 200, "C-10: {}", answer.text());
    assert!(browser.session().is_some());
}
