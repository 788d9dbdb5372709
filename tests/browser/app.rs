//! Using the app: scripts, forms and WebSockets behind the gateway, past the token's end.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

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
fn streams_end_at_once_when_somebody_signs_out_in_another_tab() {
    let demo = Demo::start();
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    let first = browser.tab();
    browser.click("#ws-open");
    browser.wait_for_text("#ws-log", "connected");
    browser.run(
        "window.ends = {};
        const note = (name) => () => { window.ends[name] ??= Date.now(); };
        socket.addEventListener('close', note('socket'));
        const events = new EventSource('/events');
        events.addEventListener('message', () => { window.heard = true; });
        events.addEventListener('error', note('events'));",
    );
    browser.until("event", || browser.run("return window.heard ?? false") == true);
    assert_eq!(browser.run("return window.ends"), json!({}));

    browser.new_tab();
    browser.go(&demo.at("/"));
    let begun = browser.run("return Date.now()").as_i64().unwrap();
    browser.click("#sign-out");
    browser.wait_for("#signed-out");

    browser.switch_to(&first);
    // C-80: the app's page learns why, and may say so.
    browser.wait_for_text("#ws-log", "closed (1008)");
    for name in ["socket", "events"] {
        let script = format!("return window.ends.{name} ?? 0");
        browser.until(name, || browser.run(&script) != 0);
        let took = browser.run(&script).as_i64().unwrap() - begun;
        println!("C-80: {name} ended {took} ms after the sign-out began");
        // It takes some hundredths of a second; a busy machine has more.
        assert!((0..5000).contains(&took), "C-80: {name} ended after {took} ms");
    }
    // A browser asks again for events; nobody is let in.
    browser.run("window.heard = false");
    browser.click("#fetch");
    browser.wait_for_text("#fetch-result", "401");
    assert_eq!(browser.run("return window.heard"), false);
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
