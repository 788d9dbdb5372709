//! Every kind of provider in a real browser: each demo signs in, the form of a provider that is
//! posted to goes with and without script, and a person chooses among several.

use std::fs;

use tempfile::TempDir;

use crate::browser::{Browser, Habits};
use crate::demo::{Demo, EMAIL, give_password, started};
use crate::harness::Process;
use crate::pages::{NARROW, assert_sound};

const DEEP: &str = "/reports/2026?quarter=3&view=full";

#[test]
fn a_login_at_each_kind_leads_to_the_deep_link() {
    for kind in ["askara", "api-v1", "simplified", "pockets", "oidc"] {
        let demo = Demo::of_kind(kind);
        let browser = Browser::open();
        demo.sign_in(&browser, DEEP);
        assert_eq!(browser.address(), demo.at(DEEP), "{kind}");
        assert_eq!(browser.text("#who"), EMAIL, "{kind}");
        assert_eq!(browser.cookie_names(), ["askara", "askara-rounds"], "{kind}");
    }
}

#[test]
fn a_posting_page_goes_on_by_itself_and_traps_nobody() {
    let demo = Demo::of_kind("pockets");
    let browser = Browser::open();
    browser.go(&demo.at("/oauth2/signed_out"));
    browser.wait_for("#signed-out");
    browser.go(&demo.at(DEEP));
    browser.wait_for("#email");
    assert_sound(&browser, "the way to the provider");
    // Back from the provider lies what was there before, and not the page that sends on again.
    browser.run("history.back()");
    browser.wait_for("#signed-out");
    browser.go(&demo.at(DEEP));
    give_password(&browser);
    browser.click("#allow");
    browser.wait_for_text("#path", DEEP);
    assert_sound(&browser, "the way back");
}

#[test]
fn without_script_the_posting_page_has_a_button() {
    let demo = Demo::of_kind("pockets");
    let browser = Browser::with(&Habits { no_script: true, ..Habits::default() });
    browser.narrow_to(NARROW);
    browser.go(&demo.at(DEEP));
    browser.wait_for("#continue");
    assert_eq!(browser.text("main h1"), "On to sign-in");
    assert_sound(&browser, "the posting page");
    browser.click("#continue");
    give_password(&browser);
    browser.click("#allow");
    browser.wait_for_text("#path", DEEP);
}

#[test]
fn a_provider_that_asks_nothing_sends_the_form_straight_back() {
    let demo = Demo::of_kind("pockets");
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.click("#sign-out");
    browser.wait_for("#signed-out");
    // Chromium holds `form-action` to the redirect that answers the form: it leads to us.
    browser.click("#again");
    browser.wait_for("#who");
    assert_sound(&browser, "the way there and back");
}

#[test]
fn an_openid_provider_is_signed_out_of_too() {
    let demo = Demo::of_kind("oidc");
    let browser = Browser::open();
    demo.sign_in(&browser, "/");
    browser.click("#sign-out");
    browser.wait_for("#signed-out");
    assert!(browser.address().starts_with(&demo.at("/oauth2/signed_out")), "{}", browser.address());
    assert!(!browser.text("main").contains("may still remember you"));
    browser.click("#again");
    browser.wait_for("#email");
}

#[test]
fn a_person_chooses_among_several() {
    let home = TempDir::new().unwrap();
    let config = home.path().join("gate.toml");
    fs::write(&config, SEVERAL).unwrap();
    let arguments = ["run", "--config", config.to_str().unwrap()];
    let (address, _gateway) = started(Process::start(home.path(), &arguments));
    for (french, title) in
        [(false, "Choose how to sign in"), (true, "Choisissez comment vous connecter")]
    {
        let browser = Browser::with(&Habits { french, ..Habits::default() });
        browser.narrow_to(NARROW);
        browser.go(&format!("{address}/deep?x=1"));
        browser.wait_for("#choose");
        assert_eq!(browser.text("main h1"), title);
        assert_eq!(browser.text("ul"), "Askara\nStaff");
        assert_sound(&browser, "the choice");
        // Where the second leads nobody answers: the page that says so leads there again.
        browser.click("li:nth-child(2) a");
        browser.wait_for("#again");
        let again = browser.run("return document.getElementById('again').getAttribute('href')");
        assert_eq!(again, "/oauth2/start?provider=staff&rd=%2Fdeep%3Fx%3D1");
        assert_sound(&browser, "the page of a provider that is away");
    }
}

/// Two providers; port 0 is any that is free, port 1 nobody listens on.
const SEVERAL: &str = r#"
public_url = "http://127.0.0.1"
listen = ["http://127.0.0.1:0"]
[providers.askara]
kind = "askara"
client_id = "gate"
client_secret = "secret"
[providers.staff]
title = "Staff"
kind = "oidc"
issuer = "http://127.0.0.1:1"
client_id = "gate"
client_secret = "secret"
[[route]]
path = "/"
upstream = "http://127.0.0.1:1"
"#;
