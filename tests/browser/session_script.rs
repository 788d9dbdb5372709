//! What `/oauth2/session.js` tells an app's page, under the app's own strict policy.

use crate::browser::Browser;
use crate::demo::Demo;
use crate::pages::{NARROW, assert_sound, complaints};

/// Errors in the console, but for what a browser writes of a 401.
fn errors(browser: &Browser) -> Vec<String> {
    let mut lines = browser.console();
    lines.retain(|line| line.contains("SEVERE") && !line.contains("401"));
    lines
}

#[test]
fn a_page_is_told_that_its_session_ends_and_that_it_has() {
    let demo = Demo::with_session_life("6s");
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.wait_for_text("#session-log", "ends in");
    let asked = browser.run(
        "return performance.getEntriesByType('resource')\
         .filter((entry) => entry.name.includes('userinfo')).length",
    );
    assert_eq!(asked, 1, "it asks once, and then at the end");
    browser.wait_for_text("#session-log", "has ended");
    assert!(!browser.text("#session-log").contains("signed out"));
    assert_eq!(errors(&browser), Vec::<String>::new());
}

#[test]
fn a_page_is_told_that_it_was_signed_out_in_another_tab() {
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.until("the script's first look", || {
        let asked = "return performance.getEntriesByType('resource')\
            .some((entry) => entry.name.includes('userinfo') && entry.responseEnd > 0)";
        browser.run(asked) == true
    });
    let first = browser.tab();
    browser.new_tab();
    browser.go(&demo.at("/"));
    browser.click("#sign-out");
    browser.wait_for("#signed-out");
    browser.switch_to(&first);
    browser.wait_for_text("#session-log", "was signed out");
    assert_eq!(errors(&browser), Vec::<String>::new());
}

#[test]
fn a_login_in_a_window_lets_the_page_go_on_where_it_was() {
    let demo = Demo::with_session_life("4s");
    let browser = Browser::open();
    demo.sign_in(&browser, "/?draft=1");
    browser.fill("#form-text", "half a sentence");
    browser.wait_for_text("#session-log", "has ended");
    // The provider still knows the person: its window asks nothing, and closes.
    browser.click("#session-login");
    browser.wait_for_text("#session-log", "login is done");
    browser.until("a window that closed itself", || browser.tabs().len() == 1);
    assert!(browser.text("#session-log").contains("is "), "signed-in came first");
    let text = browser.run("return document.querySelector('#form-text').value");
    assert_eq!(text, "half a sentence", "nothing was reloaded");
    browser.click("#fetch");
    browser.wait_for_text("#fetch-result", "200");
    assert_eq!(errors(&browser), Vec::<String>::new());
}

#[test]
fn the_page_that_closes_its_window_fits_where_it_can_not() {
    let demo = Demo::start();
    let browser = Browser::open();
    // No script opened this tab: it stays.
    for (name, width) in [("done-narrow", NARROW), ("done-wide", 1200)] {
        browser.narrow_to(width);
        browser.go(&demo.at("/oauth2/done"));
        browser.wait_for("#done");
        browser.picture(name);
        assert_eq!(crate::pages::overflow(&browser), 0);
        assert_eq!(complaints(&browser), Vec::<String>::new());
    }
}

#[test]
fn the_script_breaks_no_policy_and_the_page_fits() {
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    assert_eq!(browser.run("return typeof askara.login"), "function");
    for (name, width) in [("app-narrow", NARROW), ("app-wide", 1200)] {
        browser.narrow_to(width);
        browser.picture(name);
        assert_sound(&browser, "the app");
    }
    assert_eq!(errors(&browser), Vec::<String>::new());
}
