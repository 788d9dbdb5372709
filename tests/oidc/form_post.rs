//! The provider's answer as a form that the browser posts from the provider's page.

use crate::harness::assert_own_page;
use crate::scene::plan;

#[tokio::test]
async fn an_answer_that_is_posted_signs_in() {
    let scene = plan().over_tls().with_line("response_mode = \"form_post\"").start().await;
    let start = scene.person.visitor.open("/deep?x=1").await;
    let attempt = start.set_cookies().into_iter().find(|set| set.name.contains("askara-st-"));
    let attempt = attempt.expect("a cookie for the attempt");
    assert!(attempt.is("samesite", "None") && attempt.has("secure"), "{attempt:?}");

    let end = scene.person.walks_on(scene.address("/deep?x=1"), start, |_| false).await;
    assert_eq!(end.answer.status, 200, "{}: {}", end.at, end.answer.text());
    assert_eq!(scene.app.targets(), ["/deep?x=1"]);
    assert_eq!(scene.app.last().method, "GET");
    assert_eq!(scene.app.last().header("x-forwarded-user"), Some("ada"));
    let seen = scene.provider.seen().await;
    assert_eq!(seen.at("authorization")[0]["response_mode"], "form_post");
}

#[tokio::test]
async fn a_denial_that_is_posted_is_a_page() {
    let scene = plan().over_tls().with_line("response_mode = \"form_post\"").start().await;
    let reluctant = scene.person.clone().who_refuses();
    let end = reluctant.goes_to(&scene.address("/")).await;
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert_own_page(&end.answer);
    assert!(scene.app.requests().is_empty());
}
