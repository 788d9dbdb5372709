//! Pages of another origin: what a browser lets them read, and what the gateway lets them send.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::backstage::Backstage;
use crate::browser::Browser;
use crate::pages::{NARROW, assert_sound};
use crate::still_page;

/// What a script of the page in front gets for a request.
fn fetched(browser: &Browser, address: &str, options: &str) -> Value {
    browser.run_async(&format!(
        "const done = arguments[0];
         fetch({address:?}, {options}).then(
           async (answer) => done({{
             status: answer.status,
             text: (await answer.text()).slice(0, 400),
             kind: answer.headers.get('etag'),
           }}),
           (error) => done(error.name));"
    ))
}

#[test]
fn a_script_of_a_listed_origin_reads_answers_and_where_to_sign_in() {
    let (other, stranger) = (still_page::serve(), still_page::serve());
    let cors = format!(
        "cors = {{ origins = [{other:?}], methods = [\"GET\", \"PUT\"], headers = [\"x-own\"], \
         expose = [\"etag\"], credentials = true }}"
    );
    let gate = Backstage::with(vec![cors], Vec::new());
    let browser = Browser::open();
    let put = "{ method: 'PUT', headers: { 'x-own': '1' }, credentials: 'include', body: 'x' }";

    browser.go(&other);
    let refused = fetched(&browser, &gate.at("/api"), put);
    assert_eq!(refused["status"], 401, "{refused}");
    let problem: Value = serde_json::from_str(refused["text"].as_str().unwrap()).unwrap();
    assert!(problem["login"].as_str().unwrap().starts_with(&gate.address), "{problem}");
    browser.go(&gate.at("/page"));
    browser.go(&other);
    let read = fetched(&browser, &gate.at("/api"), put);
    // Another port is the same site: the session's cookie comes along.
    assert_eq!(read["status"], 200, "{read}");
    assert_eq!(read["kind"], "\"app\"", "an exposed field");
    let unlisted = fetched(&browser, &gate.at("/api"), "{ headers: { 'x-other': '1' } }");
    assert_eq!(unlisted, json!("TypeError"), "a field that is not listed");
    let unlisted = fetched(&browser, &gate.at("/api"), "{ method: 'DELETE' }");
    assert_eq!(unlisted, json!("TypeError"), "a method that is not listed");

    browser.go(&stranger);
    for options in [put, "{ credentials: 'include' }", "{}"] {
        assert_eq!(fetched(&browser, &gate.at("/api"), options), json!("TypeError"), "{options}");
    }
}

#[test]
fn a_form_of_another_origin_is_stopped_where_the_route_asks_for_it() {
    let gate = Backstage::with(vec!["csrf = true".to_owned()], Vec::new());
    let other = still_page::serve();
    let browser = Browser::open();
    browser.go(&gate.at("/page"));
    browser.go(&other);
    // Another port is the same site: only the proof of the origin stops it.
    browser.run(&format!(
        "document.body.innerHTML = '<form method=post action=\"{}\"><button id=send>';",
        gate.at("/change")
    ));
    browser.click("#send");
    browser.wait_for("#notice");
    assert_eq!(browser.text("main h1"), "This came from another site");
    for (name, width) in [("foreign-narrow", NARROW), ("foreign-wide", 1200)] {
        browser.narrow_to(width);
        browser.picture(name);
        assert_sound(&browser, "the page that refuses");
    }
}

#[test]
fn whoever_is_somebody_else_now_is_asked_before_anything_is_sent() {
    let gate = Backstage::with(
        vec!["keep_posts = true".to_owned()],
        vec!["idle_timeout = \"2s\"".to_owned()],
    );
    gate.signs_in("ada");
    let browser = Browser::open();
    browser.go(&gate.at("/echo"));
    browser.run(
        "document.body.innerHTML = \
         '<form method=post accept-charset=utf-8><input name=text value=\"it\\'s ü\"><button id=send>';",
    );
    thread::sleep(Duration::from_millis(2_100));
    gate.signs_in("grace");
    browser.click("#send");
    browser.wait_for("#resume");
    assert_eq!(browser.text("main h1"), "Send what was entered?");
    for (name, width) in [("ask-narrow", NARROW), ("ask-wide", 1200)] {
        browser.narrow_to(width);
        browser.picture(name);
        assert_sound(&browser, "the page that asks");
    }
    browser.click("#send");
    browser.until("the app's echo", || browser.text("body").starts_with("text="));
    assert_eq!(browser.text("body"), "text=it%27s+%C3%BC");
    assert_eq!(browser.address(), gate.at("/echo"));
}
