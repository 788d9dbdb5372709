//! Sessions that last: what must not end one, and what must not bring one back.

use std::time::{Duration, Instant};

use crate::harness::*;

#[tokio::test]
async fn whoever_is_active_is_not_idle_while_the_provider_is_away() {
    let (provider, app) = (Provider::with_token_life(60).await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_session("refresh_at = 0.01\nidle_timeout = \"3s\"")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    provider.fails_token_calls(Fault::status(503));
    for second in 0..8 {
        wait(900).await;
        assert_eq!(visitor.fetch("/").await.status, 200, "rule 5: after {second}");
    }
    assert!(provider.token_calls() > 1, "the token was due all the while");
}

#[tokio::test]
async fn an_answer_that_comes_after_the_sign_out_brings_no_cookie() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_session("idle_timeout = \"5s\"")
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    let line = visitor.session_line();
    wait(700).await;
    let touched = gate.send(ask("GET", "/").fetching().cookie(&line)).await;
    assert!(touched.sets("askara").is_some(), "rule 9: it is time to write down that it was seen");
    let late = gate.send(ask("GET", "/slow?ms=900").fetching().cookie(&line));
    let out = async {
        wait(300).await;
        gate.send(ask("GET", "/oauth2/sign_out").same_origin().cookie(&line)).await
    };
    let (late, out) = tokio::join!(late, out);
    assert!(out.clears("askara"));
    assert_eq!(late.status, 200);
    assert!(late.sets("askara").is_none(), "it came after the sign-out");
}

#[tokio::test]
async fn what_is_open_to_everyone_waits_for_nobodys_provider() {
    let (provider, app) = (Provider::with_token_life(2).await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.login().await;
    wait(2100).await;
    provider.fails_token_calls(Fault::Hang);
    let begun = Instant::now();
    let answer = visitor.fetch("/open").await;
    assert_eq!(answer.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(app.last().header("x-forwarded-user"), None);
    assert!(!answer.clears("askara"), "the session is kept");
}

#[tokio::test]
async fn starting_again_after_a_denial_leads_to_where_one_wanted_to_go() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    provider.denies("access_denied");
    let visitor = gate.visitor();
    let answer = visitor.navigate("/deep?a=1&b=2").await;
    assert_eq!(answer.status, 403);
    let text = answer.text().replace("&#x2f;", "/").replace("&amp;", "&");
    assert!(text.contains("/oauth2/start?rd=%2Fdeep%3Fa%3D1%26b%3D2"), "{text}");
}

#[tokio::test]
async fn an_absolute_target_reaches_the_app_with_one_host() {
    let app = App::start().await;
    let gate = gateway().with_route(public("/", &app)).start().await;
    let request = format!(
        "GET {0}/x HTTP/1.1\r\nHost: {1}\r\nConnection: close\r\n\r\n",
        gate.base(),
        gate.authority()
    );
    assert_eq!(gate.raw(request).await.status(), Some(200));
    assert_eq!(app.last().headers.get_all("host").iter().count(), 1, "C-62");
}

#[tokio::test]
async fn another_spelling_of_the_callback_reaches_nobody() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("redirect_path = \"/callback\"")
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    visitor.consent_at("/", "/callback").await;
    let line = "askara=x";
    for target in ["//callback?code=c&state=s", "/%63allback?code=c", "/oauth2%2fcallback?code=c"] {
        let answer = gate.send(ask("GET", target).fetching().cookie(line)).await;
        assert_eq!(answer.status, 404, "C-50: {target}");
    }
    assert!(app.requests().is_empty());
}
