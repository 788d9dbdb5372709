//! How the pages look: narrow screens, their own policy, the person's language.

use crate::browser::{Browser, Habits};
use crate::demo::{Demo, give_password};

/// A phone's width in CSS pixels.
pub(crate) const NARROW: u32 = 360;

/// A callback that no attempt waits for: an error page of the gateway's.
const STRAY: &str = "/oauth2/callback?code=stray&state=stray";

#[test]
fn every_page_fits_a_phone_and_keeps_its_policy() {
    let demo = Demo::start();
    let browser = Browser::open();
    browser.narrow_to(NARROW);

    browser.go(&demo.at(STRAY));
    browser.wait_for("main h1");
    assert_sound(&browser, "the error page");
    browser.go(&demo.at("/"));
    browser.wait_for("#email");
    assert_sound(&browser, "the provider's sign-in");
    give_password(&browser);
    assert_sound(&browser, "the consent");
    browser.click("#deny");
    browser.wait_for("#again");
    assert_sound(&browser, "the denial");
    browser.click("#again");
    browser.click("#allow");
    browser.wait_for("#who");
    assert_sound(&browser, "the app");
    browser.click("#sign-out");
    browser.wait_for("#signed-out");
    assert_sound(&browser, "the signed-out page");
}

#[test]
fn a_french_browser_gets_french_pages() {
    let demo = Demo::start();
    let browser = Browser::with(&Habits { french: true, ..Habits::default() });
    browser.go(&demo.at("/"));
    give_password(&browser);
    browser.click("#deny");
    browser.wait_for("#again");
    assert_eq!(browser.text("main h1"), "La connexion n’a pas eu lieu");
    assert_eq!(browser.run("return document.documentElement.lang"), "fr");
    browser.click("#again");
    browser.click("#allow");
    browser.click("#sign-out");
    browser.wait_for("#signed-out");
    assert_eq!(browser.text("main h1"), "Déconnexion effectuée");
}

pub(crate) fn assert_sound(browser: &Browser, page: &str) {
    assert_eq!(overflow(browser), 0, "{page} is wider than the screen");
    assert_eq!(complaints(browser), Vec::<String>::new(), "{page} breaks its policy");
}

/// By how many pixels the page is wider than the screen.
pub(crate) fn overflow(browser: &Browser) -> i64 {
    let script = "return document.documentElement.scrollWidth - window.innerWidth";
    browser.run(script).as_i64().unwrap().max(0)
}

/// What the console said about the page's policy since the last call.
pub(crate) fn complaints(browser: &Browser) -> Vec<String> {
    let mut lines = browser.console();
    lines.retain(|line| line.contains("Content Security Policy") || line.contains("Refused to"));
    lines
}
