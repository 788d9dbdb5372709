//! Somebody whom a rule does not let pass, in a real browser: the page, and another account.

use std::sync::mpsc;
use std::thread;

use serde_json::json;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::browser::{Browser, Habits};
use crate::harness::{App, Fault, Gate, Provider, gateway, ruled};
use crate::pages::{NARROW, assert_sound};

const RULE: &str = "{ claim = \"me:/team\", any = [\"payroll\"], message = \"Payroll is open to \
                    the payroll team. Ask Grace (extension 204) to be added.\" }";

pub(crate) struct Scene {
    pub(crate) gate: Gate,
    pub(crate) provider: Provider,
    _app: App,
    // Dropped last: the others live in the thread that ends with it.
    _thread: oneshot::Sender<()>,
}

/// Provider and app run beside the test, which waits for its browser.
pub(crate) fn scene() -> Scene {
    let (up, is_up) = mpsc::channel();
    let (_thread, ended) = oneshot::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (provider, app) = (Provider::openid().await, App::start().await);
            let gate = gateway()
                .with_provider(&provider)
                .with_upstream(&app)
                .with_route(ruled("/payroll", RULE, &app))
                .start()
                .await;
            up.send((gate, provider, app)).unwrap();
            drop(ended.await);
        });
    });
    let (gate, provider, _app) = is_up.recv().unwrap();
    provider.names_person("Ada Lovelace-Worthington");
    Scene { gate, provider, _app, _thread }
}

impl Scene {
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.gate.base())
    }
}

#[test]
fn who_may_not_pass_is_told_why_and_gets_in_with_another_account() {
    let scene = scene();
    let browser = Browser::open();
    browser.go(&scene.at("/payroll/2026?month=11"));
    browser.wait_for("#denied");
    assert_eq!(browser.text("main h1"), "You don’t have access to this page");
    assert_eq!(browser.text("#account"), "Ada Lovelace-Worthington (ada@example.com)");
    browser.wait_for_text("#message", "Ask Grace");
    assert_sound(&browser, "the page");
    // The stand-in has somebody else ready for whoever is asked who they are.
    scene.provider.names_subject("43");
    let me = json!({ "sub": "43", "name": "Grace", "team": "payroll" });
    scene.provider.fails_me(Fault::json(200, &me));
    browser.click("#other-account");
    browser.until("app", || {
        browser.address() == scene.at("/payroll/2026?month=11") && !browser.has("#denied")
    });
    let asked = scene.provider.last_authorization();
    assert!(asked.contains(&(String::from("prompt"), String::from("login"))), "{asked:?}");
}

#[test]
fn the_page_fits_a_phone_in_either_language() {
    let scene = scene();
    for (french, title) in
        [(false, "You don’t have access to this page"), (true, "Accès non autorisé")]
    {
        let browser = Browser::with(&Habits { french, ..Habits::default() });
        browser.narrow_to(NARROW);
        browser.go(&scene.at("/payroll"));
        browser.wait_for("#denied");
        assert_eq!(browser.text("main h1"), title);
        browser.picture(if french { "denied-french-narrow" } else { "denied-narrow" });
        assert_sound(&browser, title);
        browser.click("#home");
        browser.until("home", || browser.address() == scene.at("/"));
    }
}

#[test]
fn whom_a_proxy_in_front_keeps_out_sees_the_same_page_and_gets_in_by_it() {
    let scene = scene();
    for (french, title) in
        [(false, "You don’t have access to this page"), (true, "Accès non autorisé")]
    {
        let browser = Browser::with(&Habits { french, ..Habits::default() });
        browser.narrow_to(NARROW);
        browser.go(&scene.at("/oauth2/denied?rd=/payroll/2026?month=11&x"));
        browser.wait_for("#denied");
        browser.picture(if french { "denied-path-french-nobody" } else { "denied-path-nobody" });
        assert_sound(&browser, "the page for nobody");
        browser.click("#again");
        browser.wait_for("#account");
        assert_eq!(browser.address(), scene.at("/payroll/2026?month=11&x"), "the app's own answer");
        browser.go(&scene.at("/oauth2/denied?rd=/payroll/2026?month=11&x"));
        browser.wait_for("#account");
        assert_eq!(browser.text("main h1"), title);
        assert_eq!(browser.text("#account"), "Ada Lovelace-Worthington (ada@example.com)");
        browser.picture(if french { "denied-path-french" } else { "denied-path" });
        assert_sound(&browser, title);
        browser.go(&scene.at("/oauth2/denied?rd=%2Freports%3Fx%3D1"));
        browser.wait_for("#again");
        browser.picture(if french { "denied-path-french-open" } else { "denied-path-open" });
        browser.click("#again");
        browser.until("app", || browser.address() == scene.at("/reports?x=1"));
    }
}
