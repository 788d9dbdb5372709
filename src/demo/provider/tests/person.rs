use http::StatusCode;

use super::{NOW, Scene};

#[test]
fn the_first_login_asks_for_everything_and_the_second_for_nothing() {
    let mut scene = Scene::new();
    let page = scene.authorize("");
    assert!(page.has("email") && page.has("password") && page.has("sign-in"));
    let page = scene.sign_in(&page);
    assert!(page.has("allow") && page.has("deny"), "{}", page.body);
    let back = scene.consent(&page, "allow");
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert_eq!(back.parameter("state").as_deref(), Some("s"));
    assert!(back.parameter("code").is_some());

    assert!(scene.authorize("").parameter("code").is_some());
}

#[test]
fn prompt_asks_again_or_forbids_to_ask() {
    let mut scene = Scene::new();
    let refused = scene.authorize("&prompt=none");
    assert_eq!(refused.parameter("error").as_deref(), Some("login_required"));
    scene.code("");

    assert!(scene.authorize("&prompt=none").parameter("code").is_some());
    assert!(scene.authorize("&prompt=consent").has("allow"));
    let page = scene.authorize("&prompt=login");
    assert!(page.has("sign-in"));
    let skipped = scene.consent(&page, "allow");
    assert_eq!(skipped.status, StatusCode::BAD_REQUEST, "the sign-in was skipped");
    assert!(scene.sign_in(&page).parameter("code").is_some());
}

#[test]
fn a_person_who_denies_goes_back_with_the_error() {
    let mut scene = Scene::new();
    let page = scene.authorize("");
    let page = scene.sign_in(&page);
    let back = scene.consent(&page, "deny");
    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(back.parameter("state").as_deref(), Some("s"));
    assert!(scene.authorize("").has("allow"), "a denial is not remembered");
}

#[test]
fn a_wrong_password_shows_the_page_again() {
    let mut scene = Scene::new();
    let page = scene.authorize("");
    let again = scene.post("/sign-in", &page, "email=%3Cb%3E&password=x");
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(again.has("sign-in") && again.body.contains("&lt;b&gt;"), "{}", again.body);
    assert!(scene.sign_in(&again).has("allow"));
}

#[test]
fn a_form_belongs_to_one_browser_and_two_tabs_may_share_it() {
    let mut scene = Scene::new();
    let page = scene.authorize("");
    let other_tab = scene.authorize("");
    let before = scene.cookie.clone();
    assert!(scene.sign_in(&page).has("allow"));
    assert_ne!(scene.cookie, before, "a sign-in changes the browser's id");
    assert!(scene.sign_in(&other_tab).has("allow"));

    scene.cookie = before;
    assert_eq!(scene.sign_in(&page).status, StatusCode::BAD_REQUEST);
    scene.cookie = None;
    assert_eq!(scene.consent(&page, "allow").status, StatusCode::BAD_REQUEST);
}

#[test]
fn an_unregistered_address_is_never_redirected_to() {
    let mut scene = Scene::new();
    scene.code("");
    for query in [
        "client_id=client&redirect_uri=http://evil.test/&response_type=code",
        "client_id=other&redirect_uri=http://app.test/oauth2/callback&response_type=code",
        "response_type=code",
    ] {
        let seen = scene.send("GET", &format!("/authorize?{query}"), "", "", NOW);
        assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(seen.location, "", "{query}");
    }
}
