//! The end of a session by the person's own hand (C-33, C-68).

use crate::harness::*;

struct Scene {
    app: App,
    _provider: Provider,
    gate: Gate,
    visitor: Visitor,
    set: SetCookie,
}

async fn signed_in() -> Scene {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let visitor = gate.visitor();
    let callback = visitor.consent("/").await;
    let set = visitor.open(&callback).await.sets("askara").unwrap();
    Scene { app, _provider: provider, gate, visitor, set }
}

fn sign_out(method: &str) -> Ask {
    ask(method, "/oauth2/sign_out").navigating()
}

#[tokio::test]
async fn signing_out_deletes_with_the_attributes_that_it_was_set_with() {
    let scene = signed_in().await;
    let answer = scene.visitor.send(sign_out("POST").same_origin()).await;
    assert!(answer.status < 400, "{}", answer.text());
    let deleted = answer.sets("askara").expect("a deletion");
    assert!(deleted.deletes());
    assert_eq!(deleted.scope(), scene.set.scope(), "C-33, S43");
    assert!(scene.visitor.session().is_none(), "C-33: a browser takes it");
}

#[tokio::test]
async fn the_old_cookie_is_refused_after_sign_out() {
    let scene = signed_in().await;
    let line = scene.visitor.session_line();
    scene.visitor.send(sign_out("POST").same_origin()).await;
    scene.app.forgets();
    let answer = scene.gate.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert_eq!(answer.status, 401, "C-32: by this process");
    let answer = scene.gate.send(ask("GET", "/oauth2/userinfo").fetching().cookie(&line));
    assert_eq!(answer.await.status, 401);
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn a_same_origin_or_own_get_signs_out() {
    let proofs = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
    ];
    for (name, value) in proofs {
        let scene = signed_in().await;
        let answer = scene.visitor.send(sign_out("GET").header(name, value)).await;
        assert!(answer.clears("askara"), "{value}: {}", answer.status);
    }
    let scene = signed_in().await;
    let origin = scene.gate.base();
    let referred = ask("GET", "/oauth2/sign_out").header("referer", &format!("{origin}/page"));
    assert!(scene.visitor.send(referred).await.clears("askara"));
    let scene = signed_in().await;
    let bare = ask("GET", "/oauth2/sign_out");
    assert!(scene.visitor.send(bare).await.clears("askara"), "nothing foreign about it");
}

#[tokio::test]
async fn a_cross_site_get_gets_a_page_with_a_button() {
    let scene = signed_in().await;
    let foreign = [
        sign_out("GET").header("sec-fetch-site", "cross-site"),
        ask("GET", "/oauth2/sign_out").header("origin", "https://evil.example"),
        ask("GET", "/oauth2/sign_out").header("origin", "null"),
        ask("GET", "/oauth2/sign_out").header("referer", "https://evil.example/page"),
    ];
    for request in foreign {
        let what = format!("{:?}", request.headers);
        let answer = scene.visitor.send(request).await;
        assert_eq!(answer.status, 200, "C-68: {what}");
        assert_own_page(&answer);
        assert!(answer.text().contains("<form"), "C-68: a button");
        assert!(answer.sets("askara").is_none(), "C-68: {what}");
        assert_eq!(scene.visitor.fetch("/").await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn a_cross_site_post_signs_nobody_out() {
    let scene = signed_in().await;
    let forged = sign_out("POST")
        .header("sec-fetch-site", "cross-site")
        .header("origin", "https://evil.example");
    scene.visitor.send(forged).await;
    assert_eq!(scene.visitor.fetch("/").await.status, 200, "C-68");
}

#[tokio::test]
async fn signing_out_leads_to_rd_or_says_that_it_is_done() {
    let scene = signed_in().await;
    let target = "/oauth2/sign_out?rd=%2Fbye%3Fx%3D1";
    let answer = scene.visitor.send(ask("GET", target).navigating().same_origin()).await;
    assert!(answer.redirects(), "{}", answer.text());
    let to = scene.gate.origin().join(answer.location()).unwrap();
    assert_eq!(to.as_str(), format!("{}/bye?x=1", scene.gate.base()));
    let again = scene.visitor.send(sign_out("POST").same_origin()).await;
    let done = scene.visitor.follow(again).await;
    assert!(done.status < 400, "signing out twice is no error");
}

#[tokio::test]
async fn a_post_is_answered_by_see_other_or_a_page() {
    let scene = signed_in().await;
    let target = "/oauth2/sign_out?rd=%2Fbye";
    let answer = scene.visitor.send(ask("POST", target).navigating().same_origin()).await;
    assert_eq!(answer.status, 303, "S1, S21: a POST is not repeated");
}

#[tokio::test]
async fn other_methods_do_not_sign_out() {
    let scene = signed_in().await;
    for method in ["PUT", "DELETE", "HEAD"] {
        let answer = scene.visitor.send(ask(method, "/oauth2/sign_out").same_origin()).await;
        assert!(answer.sets("askara").is_none(), "{method}");
    }
    assert_eq!(scene.visitor.fetch("/").await.status, 200);
}

#[tokio::test]
async fn one_person_signing_out_leaves_the_other_signed_in() {
    let scene = signed_in().await;
    let other = scene.gate.visitor();
    other.login().await;
    scene.visitor.send(sign_out("POST").same_origin()).await;
    assert_eq!(other.fetch("/").await.status, 200);
}
