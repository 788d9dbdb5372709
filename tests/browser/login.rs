//! Getting in: the whole way, deep links, denial, many tabs, no script, and out again.

use crate::browser::{Browser, Habits};
use crate::demo::{Demo, EMAIL, PASSWORD, give_password};

const DEEP: &str = "/reports/2026?quarter=3&view=full";

#[test]
fn a_login_ends_at_an_app_that_knows_who_is_there() {
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    assert_eq!(browser.address(), demo.at("/"));
    assert_eq!(browser.text("#who"), EMAIL);
    let headers = browser.text("#headers").to_lowercase();
    for named in ["authorization bearer ", "x-forwarded-user", "x-forwarded-email", EMAIL] {
        assert!(headers.contains(named), "no {named} in {headers}");
    }
    assert!(!headers.contains("askara="), "the gateway's cookie reached the app: {headers}");
    assert_eq!(browser.cookie_names(), ["askara", "askara-rounds"], "the attempt's cookie is gone");
}

#[test]
fn a_deep_link_comes_back_with_its_query() {
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, DEEP);
    assert_eq!(browser.address(), demo.at(DEEP));
    assert_eq!(browser.text("#path"), DEEP);
}

#[test]
fn who_says_no_is_told_so_and_can_start_again() {
    let demo = Demo::start();
    let browser = Browser::open();
    browser.go(&demo.at(DEEP));
    give_password(&browser);
    browser.click("#deny");
    browser.wait_for("#again");
    assert!(browser.address().starts_with(&demo.address), "{}", browser.address());
    assert_eq!(browser.text("main h1"), "You weren’t signed in");
    assert!(!browser.cookie_names().contains(&"askara".to_owned()));

    browser.click("#again");
    browser.click("#allow");
    browser.wait_for_text("#who", EMAIL);
}

#[test]
fn five_tabs_at_once_all_sign_in() {
    let demo = Demo::start();
    let browser = Browser::open();
    let mut tabs = vec![browser.tab()];
    while tabs.len() < 5 {
        tabs.push(browser.new_tab());
    }
    let path = |n: usize| format!("/reports/{n}?tab={n}");
    for (n, tab) in tabs.iter().enumerate() {
        browser.switch_to(tab);
        browser.go(&demo.at(&path(n)));
        browser.wait_for("#email");
    }
    // Five attempts are open before the first one ends. Consent is asked until it was given once.
    for tab in &tabs {
        browser.switch_to(tab);
        browser.fill("#email", EMAIL);
        browser.fill("#password", PASSWORD);
        browser.click("#sign-in");
        browser.wait_for("#allow, #who");
        if browser.has("#allow") {
            browser.click("#allow");
        }
        browser.wait_for("#who");
    }
    for (n, tab) in tabs.iter().enumerate() {
        browser.switch_to(tab);
        assert_eq!(browser.text("#path"), path(n));
        assert_eq!(browser.text("#who"), EMAIL);
    }
}

#[test]
fn a_browser_without_script_signs_in() {
    let demo = Demo::start();
    let browser = Browser::with(&Habits { no_script: true, ..Habits::default() });
    demo.sign_in(&browser, DEEP);
    assert_eq!(browser.text("#path"), DEEP);
}

#[test]
fn after_signing_out_the_app_wants_a_login_again() {
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    let first = browser.tab();
    let second = browser.new_tab();
    browser.go(&demo.at("/"));
    browser.wait_for("#who");

    browser.switch_to(&first);
    browser.click("#sign-out");
    browser.wait_for("#signed-out");
    assert_eq!(browser.text("main h1"), "You’re signed out");
    let left = browser.cookie_names();
    assert!(left.is_empty(), "{left:?}");

    browser.switch_to(&second);
    browser.click("#fetch");
    browser.wait_for_text("#fetch-result", "401");

    // The provider still knows the person and asks nothing, but the way leads through it.
    browser.switch_to(&first);
    browser.click("#again");
    browser.wait_for("#who");
    assert_eq!(browser.cookie_names(), ["askara", "askara-rounds"]);
}
