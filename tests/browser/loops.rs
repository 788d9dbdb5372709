//! Somebody whom a front sends round in circles, in a real browser: the page that stops them.

use crate::browser::{Browser, Habits};
use crate::denied::scene;
use crate::pages::{NARROW, assert_sound};

/// What a front sends to that never sees the session.
const START: &str = "/oauth2/start?rd=/reports?month=11&x=1";

#[test]
fn c14_whoever_goes_round_in_circles_is_stopped_and_told_why() {
    let scene = scene();
    for (french, title) in [
        (false, "Signing in works, but it doesn’t last"),
        (true, "La connexion réussit mais ne tient pas"),
    ] {
        let browser = Browser::with(&Habits { french, ..Habits::default() });
        if french {
            browser.narrow_to(NARROW);
        }
        for _ in 0..3 {
            browser.go(&scene.at(START));
            browser.until("app", || browser.address() == scene.at("/reports?month=11&x=1"));
        }
        let before = scene.provider.authorizations();
        browser.go(&scene.at(START));
        browser.wait_for("#looped");
        assert_eq!(browser.text("main h1"), title);
        let cause = if french { "ne la transmet pas" } else { "doesn’t pass your session on" };
        browser.wait_for_text("#cause", cause);
        browser.wait_for_text("dl", "cookie_withheld");
        browser.picture(if french { "looped-french-narrow" } else { "looped" });
        browser.run("scrollTo(0, 9999)");
        browser.picture(if french { "looped-french-narrow-below" } else { "looped-below" });
        assert_sound(&browser, title);
        assert_eq!(scene.provider.authorizations(), before, "it goes no further by itself");
        browser.click("#again");
        browser.until("app", || browser.address() == scene.at("/reports?month=11&x=1"));
        assert_eq!(browser.cookie_names(), ["askara", "askara-rounds"]);
    }
}
