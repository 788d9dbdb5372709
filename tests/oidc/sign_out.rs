//! Signing out ends the session here, at the provider, and the tokens.

use serde_json::json;

use crate::harness::{ask, assert_own_page};
use crate::scene::plan;
use crate::seen::Seen;

#[tokio::test]
async fn signing_out_leads_through_the_provider_and_back() {
    for keeps_the_id_token in [false, true] {
        let line = format!("id_token_hint = {keeps_the_id_token}");
        let scene = plan().with_line(&line).start().await;
        scene.login().await;

        let end = scene.signs_out().await;
        assert_eq!(end.at.path(), "/oauth2/signed_out", "{line}");
        assert_eq!(end.at.origin(), scene.gate.origin().origin(), "{line}");
        assert_eq!(end.answer.status, 200, "{line}");
        assert_own_page(&end.answer);
        assert!(scene.person.visitor.session().is_none(), "{line}");

        let seen = scene.provider.seen().await;
        let asked = seen.last("end_session")["params"].as_array().unwrap();
        assert_eq!(asked.contains(&json!("id_token_hint")), keeps_the_id_token, "{asked:?}");
        assert!(asked.contains(&json!("post_logout_redirect_uri")), "{asked:?}");
        assert!(asked.contains(&json!("state")), "{asked:?}");
        assert_eq!(seen.count("end_session_confirm"), 1, "{line}");

        scene.login().await;
        assert_eq!(scene.provider.seen().await.count("login"), 2, "{line}: asked again");
    }
}

#[tokio::test]
async fn a_session_ends_here_even_if_the_person_stays_signed_in_there() {
    let scene = plan().start().await;
    scene.login().await;
    let line = scene.person.visitor.session_line();
    let reluctant = scene.person.clone().who_refuses();
    let out = ask("POST", "/oauth2/sign_out").navigating().same_origin();
    let answer = reluctant.visitor.send(out).await;
    assert!(answer.clears("askara"), "before the provider is asked");
    reluctant.walks_on(scene.address("/oauth2/sign_out"), answer, |_| false).await;
    let replayed = ask("GET", "/").fetching().cookie(&line);
    assert_eq!(scene.gate.send(replayed).await.status, 401, "C-32");
}

#[tokio::test]
async fn signing_out_revokes_the_refresh_token() {
    let scene = plan().with_line("end_session_url = \"\"").start().await;
    scene.login().await;
    scene.signs_out().await;
    let revoked = |seen: &Seen| seen.count("revocation") > 0;
    let seen = scene.provider.sees("a revocation", revoked).await;
    let call = seen.at("revocation")[0];
    assert_eq!((&call["status"], &call["auth"]), (&json!(200), &json!("client_secret_basic")));
    assert_eq!(call["token_type_hint"], "refresh_token", "RFC 7009 2.1");
    assert_eq!(seen.count("end_session"), 0, "switched off");
}

#[tokio::test]
async fn a_return_without_a_sign_out_is_only_a_page() {
    let scene = plan().start().await;
    scene.login().await;
    let page = scene.person.visitor.open("/oauth2/signed_out?state=made-up").await;
    assert!(page.sets("askara").is_none(), "nobody is signed out by a link");
    assert_eq!(scene.person.visitor.fetch("/").await.status, 200);
}
