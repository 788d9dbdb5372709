//! That the tests' own eyes and hands work: a driver that saw nothing would find nothing wrong.

use serde_json::json;

use crate::browser::{Browser, Habits};
use crate::pages::{complaints, overflow};
use crate::still_page;

#[test]
fn a_browser_clicks_types_reads_and_runs_scripts() {
    let address = still_page::serve();
    let browser = Browser::open();
    browser.go(&address);
    assert_eq!(browser.address(), format!("{address}/"));
    assert_eq!(browser.text("h1"), "Still page");
    assert!(!browser.has("#absent") && !browser.has("#no-script"));
    browser.fill("#field", "new");
    browser.click("#button");
    assert_eq!(browser.text("#out"), "new");
    assert_eq!(browser.run("return 6 * 7"), json!(42));
    let later = "const done = arguments[0]; setTimeout(() => done('later'), 50)";
    assert_eq!(browser.run_async(later), json!("later"));
    assert_eq!(browser.cookie_names(), ["language-en"]);

    let first = browser.tab();
    let second = browser.new_tab();
    assert_ne!(first, second);
    assert!(!browser.has("h1"));
    browser.switch_to(&first);
    assert!(browser.has("h1"));
}

#[test]
fn a_page_that_is_too_wide_or_breaks_its_policy_is_seen() {
    let address = still_page::serve();
    let browser = Browser::open();
    browser.narrow_to(360);
    browser.go(&address);
    assert!(overflow(&browser) > 0);
    assert!(browser.console().iter().any(|line| line.contains("said")));
    let styled = "const style = document.createElement('style');
        style.textContent = 'p {}';
        document.head.append(style)";
    browser.run(styled);
    assert_eq!(complaints(&browser).len(), 1);
    browser.run("document.getElementById('wide').remove()");
    assert_eq!(overflow(&browser), 0);
}

#[test]
fn a_browser_without_script_and_in_french_is_one() {
    let address = still_page::serve();
    let browser = Browser::with(&Habits { french: true, no_script: true });
    browser.go(&address);
    assert_eq!(browser.text("#no-script"), "No script");
    browser.fill("#field", "new");
    browser.click("#button");
    assert_eq!(browser.text("#out"), "");
    assert_eq!(browser.cookie_names(), ["language-fr"]);
}
