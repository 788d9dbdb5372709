//! A rule that wants more of somebody who is signed in, and one that lets another account pass.

use crate::harness::{assert_own_page, heading, link, shown};
use crate::scene::plan;

#[tokio::test]
async fn a_rule_has_the_provider_ask_again_until_it_confirms_what_is_wanted() {
    let rule = "{ all = [{ acr = [\"urn:mfa\"] }, { max_age = \"1h\" }] }";
    let scene = plan()
        .with_settings(|asked| asked.with("acr", "urn:password"))
        .with_rule("/vault", rule, "login = { prompt = \"login\" }")
        .start()
        .await;
    scene.login().await;
    assert_eq!(scene.provider.seen().await.count("login"), 1);
    let end = scene.goes_to("/vault/door?x=1").await;
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert_eq!(shown(&end.answer).heading, heading::STEP_UP_UNMET);
    assert_eq!(end.at.origin(), scene.gate.origin().origin(), "it ends here, on a page");
    assert_own_page(&end.answer);
    let seen = scene.provider.seen().await;
    assert_eq!((seen.count("login"), seen.exchanges()), (2, 2), "there and back once");

    scene.provider.confirms("urn:mfa").await;
    let again = scene.address(&shown(&end.answer).again.unwrap());
    let end = scene.person.goes_to(&again).await;
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(scene.app.last().target, "/vault/door?x=1");
    let seen = scene.provider.seen().await;
    let asked = seen.at("authorization");
    let asked = asked.iter().rev().find_map(|one| one["query"].as_array()).unwrap();
    for name in ["acr_values", "max_age", "prompt"] {
        assert!(asked.iter().any(|one| one == name), "no {name} in {asked:?}");
    }
    assert_eq!(scene.person.visitor.fetch("/vault").await.status, 200);
}

#[tokio::test]
async fn another_account_is_asked_for_and_lets_the_person_in() {
    let rule = "{ claim = \"me:/preferred_username\", any = [\"bob\"] }";
    let scene = plan().with_rule("/bob", rule, "").start().await;
    scene.login().await;
    let end = scene.goes_to("/bob/page").await;
    assert_eq!(end.answer.status, 403);
    assert!(end.answer.text().contains("Ada Example (ada@example.com)"), "{}", end.answer.text());
    let other = link(&end.answer, "other-account").unwrap();
    let end = scene.browser_of("bob").goes_to(&scene.address(&other)).await;
    assert_eq!(end.answer.status, 200, "{}: {}", end.at, end.answer.text());
    assert_eq!(scene.app.last().target, "/bob/page");
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("bob"));
    assert_eq!(scene.provider.seen().await.count("login"), 2);
}
