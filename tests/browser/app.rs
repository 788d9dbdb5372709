//! Using the app: scripts, forms and WebSockets behind the gateway, past the token's end.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::browser::Browser;
use crate::demo::{Demo, EMAIL};

#[test]
fn a_fetch_after_the_tokens_end_passes_with_a_new_token_and_no_reload() {
    let demo = Demo::with_token_life("4s");
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.run("window.neverReloaded = true");
    let before = token_suffix(&browser);
    thread::sleep(Duration::from_millis(5_500));
    let after = token_suffix(&browser);
    assert_ne!(before, after);
    assert_eq!(browser.run("return window.neverReloaded"), true);
    assert_eq!(browser.address(), demo.at("/"));
}

#[test]
fn a_web_socket_echoes() {
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.click("#ws-open");
    browser.wait_for_text("#ws-log", "connected");
    browser.fill("#ws-text", "ça va ?");
    browser.click("#ws-send");
    browser.wait_for_text("#ws-log", "← ça va ?");
    browser.click("#ws-open");
    browser.wait_for_text("#ws-log", "closed");
}

#[test]
fn a_form_reaches_the_app() {
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.fill("#form-text", "a & b = ü");
    browser.click("#form-send");
    browser.wait_for_text("#form-echo", "a & b = ü");
    assert_eq!(browser.text("#who"), EMAIL);
}

/// Presses the fetch button and returns the end of the token that the app got.
fn token_suffix(browser: &Browser) -> String {
    browser.run("document.getElementById('fetch-result').textContent = ''");
    browser.click("#fetch");
    browser.wait_for_text("#fetch-result", "}");
    let result = browser.text("#fetch-result");
    let json = result.strip_prefix("200 ").expect(&result);
    let said: Value = serde_json::from_str(json).unwrap();
    said["token_suffix"].as_str().unwrap().to_owned()
}
