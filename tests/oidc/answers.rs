//! Answers of the provider that must not sign anybody in.

use url::Position;

use crate::harness::{Answer, assert_own_page};
use crate::person::Person;
use crate::scene::{Scene, plan};

/// Has somebody sign in, and opens the callback address with `iss` as it came, changed or left out.
async fn comes_back(scene: &Scene, iss: impl Fn(String) -> Option<String>) -> (Person, Answer) {
    let person = scene.person("ada");
    let callback = scene.consents(&person, "/page").await;
    let mut changed = callback.clone();
    changed.set_query(None);
    let pairs = callback.query_pairs().into_owned().filter_map(|(name, value)| {
        let value = if name == "iss" { iss(value)? } else { value };
        Some((name, value))
    });
    changed.query_pairs_mut().extend_pairs(pairs);
    let answer = person.visitor.open(&changed[Position::BeforePath..]).await;
    (person, answer)
}

async fn assert_nobody(scene: &Scene, person: &Person, answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {}", answer.status);
    assert_own_page(answer);
    assert!(person.visitor.session().is_none(), "{what}");
    assert_eq!(scene.provider.seen().await.exchanges(), 0, "{what}: no token call");
    assert!(scene.app.requests().is_empty(), "{what}");
}

#[tokio::test]
async fn c17_an_answer_says_which_provider_it_is_of() {
    let scene = plan().start().await;
    let (person, missing) = comes_back(&scene, |_| None).await;
    assert_nobody(&scene, &person, &missing, "missing though advertised").await;
    for wrong in ["https://evil.example", "", "http://127.0.0.1"] {
        let (person, refused) = comes_back(&scene, |_| Some(wrong.to_owned())).await;
        assert_nobody(&scene, &person, &refused, wrong).await;
    }
    let (person, slash) = comes_back(&scene, |right| Some(format!("{right}/"))).await;
    assert_nobody(&scene, &person, &slash, "RFC 9207 2.4: simple comparison").await;
    let (person, right) = comes_back(&scene, Some).await;
    assert!(right.redirects(), "{}", right.text());
    assert!(person.visitor.session().is_some());
}

#[tokio::test]
async fn a_person_who_says_no_sees_a_page() {
    let scene = plan().start().await;
    let end = scene.person.clone().who_refuses().goes_to(&scene.address("/")).await;
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert_eq!(end.at.path(), "/oauth2/callback");
    assert_nobody(&scene, &scene.person, &end.answer, "denied").await;
    scene.login().await;
}

#[tokio::test]
async fn a_login_that_is_not_strong_enough_is_refused() {
    for (is, good) in [("urn:test:strong", true), ("urn:test:weak", false)] {
        let scene = plan()
            .with_settings(|asked| asked.with("acr", is))
            .with_line("acr_values = [\"urn:test:strong\"]")
            .with_line("required_acr = [\"urn:test:strong\"]")
            .start()
            .await;
        let end = scene.goes_to("/").await;
        assert_eq!(end.answer.status == 200, good, "{is}: {}", end.answer.text());
        assert_eq!(scene.person.visitor.session().is_some(), good, "{is}");
        assert_eq!(scene.app.requests().is_empty(), !good, "{is}");
    }
}
