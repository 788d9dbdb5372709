//! A form that is sent with a session that has ended: nothing of it is lost.

use std::fs;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::browser::{Browser, Habits};
use crate::demo::{Demo, give_password};
use crate::pages::{NARROW, assert_sound};

const TEXT: &str = "Grüße aus Köln & “mehr” = 100 % + ça";

/// Signs out in another tab and leaves the first in front.
fn sign_out_elsewhere(demo: &Demo, browser: &Browser) {
    let first = browser.tab();
    browser.new_tab();
    browser.go(&demo.at("/oauth2/sign_out"));
    browser.wait_for("#signed-out");
    browser.switch_to(&first);
}

#[test]
fn a_form_posted_with_an_expired_session_arrives_once_and_whole() {
    let demo = Demo::with_session_life("4s");
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.fill("#form-text", TEXT);
    thread::sleep(Duration::from_millis(4_500));
    browser.click("#form-send");
    // The provider still knows the person: nothing is asked on the way.
    browser.wait_for_text("#form-echo", TEXT);
    assert_eq!(browser.text("#form-number"), "1");
    assert_eq!(browser.address(), demo.at("/form"), "where the form wanted to go");
    assert_eq!(browser.cookie_names(), ["askara", "askara-rounds"], "the claim is gone");
    assert_sound(&browser, "the app's answer");

    // A reload asks to send again what the page of ours sent: it is not.
    browser.go(&demo.at("/"));
    browser.fill("#form-text", "the next one");
    browser.click("#form-send");
    browser.wait_for_text("#form-echo", "the next one");
    assert_eq!(browser.text("#form-number"), "2");
}

#[test]
fn a_file_arrives_whole_though_its_sender_had_to_sign_in() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("Übergröße.txt");
    let lines: String = (0..800).map(|n| format!("{n} ßüß “{TEXT}”\r\n")).collect();
    fs::write(&file, &lines).unwrap();
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.choose_file("#file", &file);
    sign_out_elsewhere(&demo, &browser);
    browser.click("#file-send");
    // Whoever signed out is nobody: it is asked whose it is.
    browser.wait_for("#send");
    browser.click("#send");
    browser.wait_for("#form-number");
    let echo = browser.run("return document.querySelector('#form-echo').textContent");
    let echo = echo.as_str().unwrap();
    assert!(echo.contains("filename=\"Übergröße.txt\""), "{}", &echo[..200]);
    // A page has no carriage returns.
    assert!(echo.contains(&lines.replace("\r\n", "\n")), "{} bytes", echo.len());
    assert_eq!(browser.text("#form-number"), "1");
}

#[test]
fn a_browser_without_script_sends_it_by_a_button() {
    let demo = Demo::start();
    let browser = Browser::with(&Habits { no_script: true, ..Habits::default() });
    demo.sign_in(&browser, "/");
    browser.fill("#form-text", TEXT);
    sign_out_elsewhere(&demo, &browser);
    browser.click("#form-send");
    browser.wait_for("#resume");
    assert_eq!(browser.text("main h1"), "Send what was entered?");
    for (name, width) in [("resume-narrow", NARROW), ("resume-wide", 1200)] {
        browser.narrow_to(width);
        browser.picture(name);
        assert_sound(&browser, "the page that sends");
    }
    browser.click("#send");
    browser.wait_for_text("#form-echo", TEXT);
    assert_eq!(browser.text("#form-number"), "1");
}

#[test]
fn who_has_never_been_here_loses_nothing_either_and_can_go_back() {
    let demo = Demo::start();
    let browser = Browser::with(&Habits { french: true, no_script: true });
    demo.sign_in(&browser, "/");
    browser.fill("#form-text", TEXT);
    // Not even the session's cookie is left, as after its last day.
    browser.forget_cookies();
    browser.click("#form-send");
    browser.wait_for("#email, #resume");
    if browser.has("#email") {
        give_password(&browser);
        browser.click("#allow");
    }
    browser.wait_for("#resume");
    assert_eq!(browser.text("main h1"), "Envoyer ce qui a été saisi\u{202f}?");
    for (name, width) in [("resume-french-narrow", NARROW), ("resume-french-wide", 1200)] {
        browser.narrow_to(width);
        browser.picture(name);
        assert_sound(&browser, "the page that sends, in French");
    }
    let page = browser.address();
    browser.click("#back");
    browser.wait_for("#who");
    assert_eq!(browser.address(), demo.at("/"), "the page with the form");
    assert!(!browser.has("#form-number"));

    browser.go(&page);
    browser.click("#send");
    browser.wait_for_text("#form-echo", TEXT);
    browser.go(&page);
    browser.wait_for("#notice");
    assert_eq!(browser.text("main h1"), "Il n’y a plus rien à envoyer");
    for (name, width) in [("nothing-kept-narrow", NARROW), ("nothing-kept-wide", 1200)] {
        browser.narrow_to(width);
        browser.picture(name);
        assert_sound(&browser, "the page that has nothing to send");
    }
}
