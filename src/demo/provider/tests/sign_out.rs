//! The logout that a client of OpenID Connect begins.

use http::StatusCode;

use super::{FORM, NOW, SIGNED_OUT, Scene};
use crate::demo::provider::Kind;

/// Signs a new browser in and returns the id token that says so.
fn signed_in(scene: &mut Scene) -> String {
    scene.cookie = None;
    let code = scene.code("");
    let (_, answer) = scene.spend(&code, &[], NOW);
    answer["id_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_logout_ends_the_login_and_leads_to_a_registered_address_only() {
    let back = format!("post_logout_redirect_uri={SIGNED_OUT}");
    let with_state = format!("{SIGNED_OUT}?state=a+%26b");
    let evil = "post_logout_redirect_uri=http://evil.test/";
    let forged = signed_in(&mut Scene::playing(Kind::Oidc));
    let mut scene = Scene::playing(Kind::Oidc);
    for (query, status, location) in [
        (format!("id_token_hint=HINT&{back}&state=a%20%26b"), 303, &*with_state),
        (format!("id_token_hint=HINT&{back}"), 303, SIGNED_OUT),
        (format!("client_id=client&{back}"), 303, SIGNED_OUT),
        (format!("client_id=client&id_token_hint=HINT&{back}"), 303, SIGNED_OUT),
        ("client_id=client&state=s".to_owned(), 200, ""),
        (format!("client_id=other&id_token_hint=HINT&{back}"), 400, ""),
        (format!("client_id=client&id_token_hint={forged}&{back}"), 400, ""),
        (format!("id_token_hint=guess&{back}"), 400, ""),
        (format!("client_id=other&{back}"), 400, ""),
        (format!("client_id=client&{evil}"), 400, ""),
        (format!("client_id=client&{back}&{back}"), 400, ""),
        (back, 400, ""),
    ] {
        for method in ["GET", "POST"] {
            let hint = signed_in(&mut scene);
            let query = query.replace("HINT", &hint);
            let before = scene.cookie.clone();
            let seen = match method {
                "GET" => scene.send("GET", &format!("/end_session?{query}"), "", "", NOW),
                _ => scene.send("POST", "/end_session", FORM, &query, NOW),
            };
            assert_eq!(seen.status.as_u16(), status, "{method} {query}: {}", seen.body);
            assert_eq!(seen.location, location, "{method} {query}");
            assert_eq!(seen.has("signed-out"), status == 200, "{method} {query}");
            let paths = ["/authorize", "/end_session"];
            let gone = paths
                .map(|path| format!("standin=; Path={path}; HttpOnly; SameSite=Lax; Max-Age=0"));
            let expected = if status == 400 { &[][..] } else { &gone };
            assert_eq!(seen.cookies, expected, "{method} {query}");

            scene.cookie = before;
            let asked = scene.authorize("").has("sign-in");
            assert_eq!(asked, status != 400, "{method} {query}: the cookie alone is not enough");
        }
    }
}

#[test]
fn a_logout_ends_what_was_under_way_in_the_browser() {
    let mut scene = Scene::playing(Kind::Oidc);
    signed_in(&mut scene);
    let page = scene.authorize("&prompt=consent");
    assert!(page.has("allow"));
    let before = scene.cookie.clone();
    scene.send("GET", "/end_session?client_id=client", "", "", NOW);
    scene.cookie = before;
    assert_eq!(scene.consent(&page, "allow").status, StatusCode::BAD_REQUEST);
}

#[test]
fn the_cookie_goes_to_the_paths_of_the_kind_and_nowhere_else() {
    for (kind, paths) in [
        (Kind::Askara, &["/authorize"][..]),
        (Kind::ApiV1, &["/oauth/authorize"]),
        (Kind::Simplified, &["/oauth/authorize"]),
        (Kind::Pockets, &["/api/oauth2/authorize"]),
        (Kind::Oidc, &["/authorize", "/end_session"]),
    ] {
        let seen = Scene::playing(kind).authorize("");
        let named: Vec<&str> = seen
            .cookies
            .iter()
            .filter_map(|cookie| cookie.split("; ").find_map(|part| part.strip_prefix("Path=")))
            .collect();
        assert_eq!(named, paths, "{kind}");
    }
}
