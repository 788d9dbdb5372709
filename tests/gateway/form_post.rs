//! Providers that bring the answer back in a form of theirs (`response_mode=form_post`): posted by
//! a page of another site, so that only a cookie that may travel so is of use (S37).

use crate::harness::*;

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
    visitor: Visitor,
}

async fn scene() -> Scene {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("response_mode = \"form_post\"")
        .with_upstream(&app)
        .over_tls()
        .start()
        .await;
    let visitor = gate.visitor();
    Scene { provider, app, gate, visitor }
}

impl Scene {
    /// As far as the provider's page, and what its form says.
    async fn consents(&self) -> String {
        let sent = self.visitor.open("/deep?x=1").await;
        let page = self.visitor.follow_while(sent, |next| next.path() != CALLBACK).await;
        let form = Form::that_posts_itself(&page).expect("the provider's form");
        assert_eq!(form.action, format!("{}{CALLBACK}", self.gate.base()));
        assert!(form.field("code").is_some() || form.field("error").is_some());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish()
    }

    fn posting(&self, body: &str) -> Ask {
        ask("POST", CALLBACK)
            .navigating()
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "cross-site")
            .header("origin", &self.provider.url())
            .body(body.to_owned())
    }
}

#[tokio::test]
async fn the_attempt_travels_in_a_cookie_that_another_sites_form_brings_along() {
    let scene = scene().await;
    let start = scene.visitor.open("/deep?x=1").await;
    assert!(start.location().contains("response_mode=form_post"));
    let [cookie] = start.set_cookies().try_into().unwrap();
    assert!(cookie.name.starts_with("__Host-askara-st-"), "S42: {}", cookie.name);
    assert!(cookie.is("samesite", "None"), "S37");
    assert!(cookie.has("secure") && cookie.has("httponly") && cookie.is("path", "/"), "S42");
    let page = scene.visitor.follow_while(start, |next| next.path() != CALLBACK).await;
    let form = Form::that_posts_itself(&page).unwrap();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    let answer = scene.visitor.send(scene.posting(&body)).await;
    assert_eq!(answer.status, 303, "S21: {}", answer.text());
    let session = answer.sets("__Host-askara").expect("a session");
    // Unseen, an old session of two parts may lie there: two that open are none.
    for part in ["__Host-askara.0", "__Host-askara.1"] {
        assert!(answer.clears(part), "{part} goes");
    }
    assert!(session.is("samesite", "Lax"), "S37: the session stays at home");
    let deleted = answer.sets(&cookie.name).expect("the attempt's end");
    assert!(deleted.deletes());
    assert_eq!(deleted.scope().len(), cookie.scope().len(), "S43: {deleted:?}");
}

#[tokio::test]
async fn a_login_works_from_end_to_end_and_again() {
    let scene = scene().await;
    scene.visitor.login_at("/deep?x=1").await;
    assert_eq!(scene.app.targets(), ["/deep?x=1"]);
    // The session of before does not come along with the provider's form.
    scene.visitor.login_at("/oauth2/start?rd=%2Fagain").await;
    assert_eq!(scene.app.last().target, "/again");
    assert_eq!(scene.provider.exchanges(), 2);
}

#[tokio::test]
async fn a_get_is_no_callback_here_and_spends_nothing() {
    let scene = scene().await;
    let body = scene.consents().await;
    for method in ["GET", "HEAD", "PUT"] {
        let answer = scene.visitor.send(ask(method, &format!("{CALLBACK}?{body}"))).await;
        assert_eq!(answer.status, 405, "C-22: {method}");
        assert!(answer.header("allow").is_some_and(|allowed| allowed.contains("POST")));
    }
    assert_eq!(scene.provider.token_calls(), 0);
    assert_eq!(scene.visitor.send(scene.posting(&body)).await.status, 303);
}

#[tokio::test]
async fn the_query_of_a_posted_callback_says_nothing() {
    let scene = scene().await;
    let body = scene.consents().await;
    let empty = ask("POST", &format!("{CALLBACK}?{body}")).navigating();
    assert_eq!(scene.visitor.send(empty).await.status, 400, "S24");
    let json = ask("POST", CALLBACK).header("content-type", "application/json").body(body.clone());
    assert_eq!(scene.visitor.send(json).await.status, 400);
    let long = format!("{body}&filler={}", "x".repeat(9000));
    assert_eq!(scene.visitor.send(scene.posting(&long)).await.status, 400);
    let twice = format!("{body}&code=other");
    assert_eq!(scene.visitor.send(scene.posting(&twice)).await.status, 400, "C-20");
    assert_eq!(scene.provider.token_calls(), 0, "C-20");
    assert_eq!(scene.visitor.send(scene.posting(&body)).await.status, 303);
}

#[tokio::test]
async fn c11_without_the_attempts_cookie_nothing_is_called() {
    let scene = scene().await;
    let body = scene.consents().await;
    let answer = scene.gate.visitor().send(scene.posting(&body)).await;
    assert_own_page(&answer);
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (403, heading::LOGIN_FOREIGN));
    assert_eq!(scene.provider.token_calls(), 0, "C-11");
}

#[tokio::test]
async fn c21_a_denial_comes_by_form_too() {
    let scene = scene().await;
    scene.provider.denies("access_denied");
    let body = scene.consents().await;
    let answer = scene.visitor.send(scene.posting(&body)).await;
    assert_own_page(&answer);
    assert_eq!((answer.status, shown(&answer).heading.as_str()), (403, heading::LOGIN_DENIED));
    assert!(scene.visitor.state_cookies().is_empty(), "the attempt is over");
}
