//! Sign-ins that don't hold (C-14): a browser that would go round in circles is stopped after three,
//! with a page that names the cause; and nobody else is.

mod scene;

use serde_json::json;

use self::scene::{LOOPED, ROUNDS, Scene, scene, scene_with};
use crate::harness::*;

const START: &str = "/oauth2/start?rd=%2Fpage%3Fx%3D1";

#[tokio::test]
async fn c14_a_session_that_a_browser_never_sends_back_ends_on_a_page_with_a_button() {
    let scene = scene().await;
    let answer = scene.circles("/page?x=1", async |scene| scene.loses("askara")).await;
    scene.assert_stopped(&answer, "cookie_lost", "session.store").await;
    assert_eq!(scene.provider.authorizations(), 3);
    assert!(scene.app.requests().is_empty());
    let again = shown(&answer).again.unwrap();
    assert_eq!(again, "/oauth2/start?again=1&rd=%2Fpage%3Fx%3D1");
    // However often it is looked at, the log says it once.
    let once_more = scene.visitor.open("/other").await;
    assert_eq!(shown(&once_more).heading, LOOPED);
    scene.told().await;
    let sent = scene.visitor.open(&again).await;
    assert_eq!(sent.status, 302, "{}", sent.text());
    assert!(sent.clears(ROUNDS), "who begins anew counts anew");
    let answer = scene.visitor.follow(sent).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.app.targets(), ["/page?x=1"]);
    assert_eq!(scene.count().as_deref(), Some("1"));
}

#[tokio::test]
async fn c14_half_a_session_is_as_good_as_none() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    provider.writes_id_token(&json!({ "more": random_hex(3000) }));
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line("id_token_hint = true")
        .with_upstream(&app)
        .with_table(LOG)
        .start()
        .await;
    let visitor = gate.visitor();
    let scene = Scene { provider, app, gate, visitor };
    let half = async |scene: &Scene| {
        // Where sessions are in a store there is one cookie, and no half of it.
        scene.loses(if scene.visitor.session().is_some() { "askara" } else { "askara.1" });
    };
    let answer = scene.circles("/page", half).await;
    scene.assert_stopped(&answer, "cookie_lost", "session.store").await;
}

#[tokio::test]
async fn c14_a_front_that_keeps_the_cookie_to_itself_is_told_from_a_browser_that_lost_it() {
    let scene = scene().await;
    let answer = scene.circles(START, async |_| {}).await;
    scene.assert_stopped(&answer, "cookie_withheld", "Cookie field").await;
    assert_eq!(scene.visitor.fetch("/").await.status, 200, "the session is there all the while");
    let answer = scene.visitor.open("/oauth2/sign_in?rd=%2Fpage").await;
    assert_eq!(shown(&answer).code.as_deref(), Some("cookie_withheld"), "{}", answer.text());
    // The browser is let in by our own routes, whatever it counted.
    assert_eq!(scene.visitor.navigate("/page").await.status, 200);
}

#[tokio::test]
async fn c14_two_gateways_with_different_keys_find_each_other_out() {
    let one = scene().await;
    let two = gateway()
        .with_provider(&one.provider)
        .with_upstream(&one.app)
        .with_table(LOG)
        .start()
        .await;
    // Cookies know no ports: a browser has one jar for both, as behind one balancer.
    for count in 1..=3 {
        let at = if count % 2 == 1 { &one.gate } else { &two };
        let sent = one.visitor.send_to(at.origin(), ask("GET", "/page").navigating()).await;
        assert_eq!(sent.status, 302, "{count}: {}", sent.text());
        let back = one.visitor.follow_while(sent, |next| next.path() != "/page").await;
        assert_eq!(back.status, 303, "{}", back.text());
        assert_eq!(one.count().as_deref(), Some(&*count.to_string()), "each counts on");
    }
    let answer = one.visitor.send_to(two.origin(), ask("GET", "/page").navigating()).await;
    let scene = Scene { gate: two, ..one };
    scene.assert_stopped(&answer, "other_key", "session.keys").await;
}

#[tokio::test]
async fn c14_gateways_that_share_their_keys_are_no_circle() {
    let (provider, app, key) = (Provider::start().await, App::start().await, random_key());
    let builder = || gateway().with_provider(&provider).with_upstream(&app).with_keys(&[&key]);
    let one = builder().start().await;
    // At the same address, one after the other: nothing of it is in memory.
    let visitor = one.visitor();
    let callback = visitor.consent("/page").await;
    let two = builder().on(one.stop()).start().await;
    let answer = visitor.open(&callback).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(answer.sets(ROUNDS).unwrap().value.starts_with("1-"));
    let three = builder().on(two.stop()).start().await;
    for round in 2..=4 {
        visitor.put_cookie("askara=; Max-Age=0");
        let answer = visitor.open("/page").await;
        if round == 4 {
            assert_eq!(shown(&answer).heading, LOOPED, "{}", answer.text());
            return;
        }
        let back = visitor.follow_while(answer, |next| next.path() != "/page").await;
        assert!(back.sets(ROUNDS).unwrap().value.starts_with(&format!("{round}-")));
    }
    drop(three);
}

#[tokio::test]
async fn c14_a_session_that_is_over_at_once_speaks_of_clocks() {
    let scene = scene_with(&["idle_timeout = \"1s\""]).await;
    let answer = scene.circles("/page", async |_| wait(1200).await).await;
    // A store forgets by itself what is over.
    let cause = shown(&answer).code.unwrap();
    let advice = if cause == "clock" { "session.idle_timeout" } else { "the same store" };
    assert!(["clock", "ended_at_once"].contains(&cause.as_str()), "{}", answer.text());
    scene.assert_stopped(&answer, &cause, advice).await;
}

#[tokio::test]
async fn c14_a_session_that_somebody_ends_each_time_is_told_apart_too() {
    let scene = scene().await;
    let ends = async |scene: &Scene| {
        let out = ask("POST", "/oauth2/sign_out").navigating().same_origin();
        scene.gate.send(out.cookie(&scene.visitor.session_line())).await;
    };
    let answer = scene.circles("/page", ends).await;
    scene.assert_stopped(&answer, "ended_at_once", "the same store").await;
}

#[tokio::test]
async fn c14_where_nobody_sees_the_cookies_that_begins_a_login_the_callback_does() {
    let scene = scene().await;
    // As a proxy that asks without the visitor's cookies, and hands on what it is answered.
    let begins = async || {
        let sent = scene.visitor.send(ask("GET", "/page").navigating().cookie("")).await;
        assert_eq!(sent.status, 302, "{}", sent.text());
        let back = scene.visitor.follow_while(sent, |next| next.path() != CALLBACK).await;
        let back = scene.gate.origin().join(back.location()).unwrap();
        scene.visitor.open(&back[url::Position::BeforePath..]).await
    };
    for count in 1..=3 {
        let answer = begins().await;
        assert_eq!(answer.status, 303, "{count}: {}", answer.text());
        assert_eq!(scene.count().as_deref(), Some(&*count.to_string()));
    }
    let answer = begins().await;
    scene.assert_stopped(&answer, "cookie_withheld", "Cookie field").await;
    assert!(answer.sets("askara").is_some(), "the login is not lost");
    assert_eq!(scene.visitor.fetch("/").await.status, 200);
    let again = shown(&answer).again.unwrap();
    assert_eq!(scene.visitor.navigate(&again).await.status, 200);
    assert_eq!(scene.count().as_deref(), Some("1"));
}

#[tokio::test]
async fn c15_tabs_that_sign_in_at_once_are_one_round() {
    let scene = scene().await;
    for wave in 1..=2 {
        let mut callbacks = Vec::new();
        for tab in 0..5 {
            callbacks.push(scene.visitor.consent(&format!("/tab?n={tab}")).await);
        }
        let opened = callbacks.iter().map(|callback| scene.visitor.open(callback));
        for answer in futures_util::future::join_all(opened).await {
            assert_eq!(answer.status, 303, "{}", answer.text());
        }
        assert_eq!(scene.count().as_deref(), Some(&*wave.to_string()), "ten tabs, two rounds");
        scene.loses("askara");
    }
    assert_eq!(scene.visitor.navigate("/page").await.status, 200);
}

#[tokio::test]
async fn whoever_signs_out_and_in_again_and_again_does_so_of_their_own_will() {
    let scene = scene().await;
    for _ in 0..5 {
        assert_eq!(scene.visitor.navigate("/page").await.status, 200);
        assert_eq!(scene.count().as_deref(), Some("1"));
        let out = ask("POST", "/oauth2/sign_out").navigating().same_origin();
        let answer = scene.visitor.send(out).await;
        let cleared = answer.sets(ROUNDS).expect("the count goes with the session");
        assert!(cleared.deletes());
        assert!(scene.visitor.cookie_names().is_empty(), "{:?}", scene.visitor.cookie_names());
    }
}

#[tokio::test]
async fn the_count_is_ours_alone_and_lives_as_long_as_a_circle_takes() {
    let scene = scene().await;
    let callback = scene.visitor.consent("/page").await;
    let answer = scene.visitor.open(&callback).await;
    let (rounds, session) = (answer.sets(ROUNDS).unwrap(), answer.sets("askara").unwrap());
    assert_eq!(rounds.max_age(), Some(60));
    assert_eq!(rounds.scope(), session.scope(), "it goes wherever the session goes");
    assert_eq!(rounds.value.len(), "1-00112233-1795000000000".len(), "{}", rounds.value);
    scene.visitor.put_cookie("theirs=1");
    assert_eq!(scene.visitor.fetch("/").await.status, 200);
    assert_eq!(scene.app.last().header("cookie"), Some("theirs=1"), "S47");
}

/// A count as a gateway writes it.
fn planted(count: u8) -> String {
    format!("{ROUNDS}={count}-00112233-{}", unix_now() * 1000)
}

#[tokio::test]
async fn a_count_that_nobody_of_us_wrote_keeps_nobody_out() {
    let scene = scene().await;
    for planted in [
        "3",
        "3-00112233",
        "03-00112233-1",
        "100-00112233-1",
        "9-00112233-1",
        "3-0011223g-1",
        "%33-x",
    ] {
        let line = format!("{ROUNDS}={planted}");
        let answer = scene.gate.send(ask("GET", "/page").navigating().cookie(&line)).await;
        assert_eq!(answer.status, 302, "{planted}: {}", answer.text());
    }
    let asked = ask("GET", "/page").navigating().cookie(&planted(9));
    let answer = scene.gate.send(asked).await;
    assert_eq!(shown(&answer).again.as_deref(), Some("/oauth2/start?again=1&rd=%2Fpage"));
}

#[tokio::test]
async fn a_script_is_told_where_to_sign_in_however_often_somebody_did() {
    let scene = scene().await;
    scene.visitor.put_cookie(&planted(3));
    for target in ["/page", START] {
        let answer = scene.visitor.fetch(target).await;
        assert_eq!((answer.status, &answer.json()["status"]), (401, &json!(401)), "{target}");
        assert_eq!(answer.json()["type"], "urn:askara-gate:sign-in-needed");
    }
    let french = ask("GET", "/page").navigating().header("accept-language", "fr");
    let answer = scene.visitor.send(french).await;
    assert_eq!(shown(&answer).heading, "La connexion réussit mais ne tient pas");
    assert!(answer.text().contains("n’a pas renvoyé le cookie"), "{}", answer.text());
}

#[tokio::test]
async fn whom_another_provider_is_asked_for_is_in_no_circle() {
    let (one, two) = (Provider::start().await, Provider::start().await);
    let app = App::start().await;
    let gate = gateway()
        .with_named("one", &one, &[])
        .with_named("two", &two, &[])
        .with_route(route("/one", &app).with("provider = \"one\""))
        .with_route(route("/two", &app).with("provider = \"two\""))
        .with_upstream(&app)
        .start()
        .await;
    let visitor = gate.visitor();
    for round in 0..6 {
        let target = ["/one", "/two"][round % 2];
        let answer = visitor.navigate(target).await;
        assert_eq!(answer.status, 200, "{round}: {}", answer.text());
    }
    // Where a person is to choose, the page says it in the place of the choice.
    visitor.forget_cookies();
    let answer = visitor.navigate("/any").await;
    assert_eq!(shown(&answer).heading, "Choose how to sign in", "{}", answer.text());
    visitor.put_cookie(&planted(3));
    let answer = visitor.navigate("/any").await;
    assert_eq!(shown(&answer).heading, LOOPED, "{}", answer.text());
    let answer = visitor.open(&shown(&answer).again.unwrap()).await;
    assert!(answer.clears(ROUNDS), "{}", answer.location());
    let answer = visitor.follow(answer).await;
    assert_eq!(shown(&answer).heading, "Choose how to sign in", "{}", answer.text());
}

#[tokio::test]
async fn a_step_up_that_holds_is_no_circle_and_one_that_is_lost_is() {
    let scene = scene().await;
    for round in 0..6 {
        let (target, acr) = [("/vault", "urn:a"), ("/safe", "urn:b")][round % 2];
        scene.provider.writes_id_token(&json!({ "acr": acr }));
        let answer = scene.visitor.navigate(target).await;
        assert_eq!(answer.status, 200, "{round}: {}", answer.text());
    }
    // An older session comes back each time in the place of the new one.
    scene.provider.writes_id_token(&json!({ "acr": "urn:a" }));
    scene.loses(ROUNDS);
    let old = scene.visitor.session_line();
    let answer = scene.circles("/vault", async |scene| scene.visitor.put_cookie(&old)).await;
    scene.assert_stopped(&answer, "cookie_lost", "header").await;
}

#[tokio::test]
async fn another_account_begins_anew() {
    let scene = scene().await;
    let other = "/oauth2/start?account=other&rd=%2Fpage";
    for _ in 0..5 {
        let sent = scene.visitor.send(ask("GET", other).navigating().same_origin()).await;
        assert_eq!(sent.status, 302, "{}", sent.text());
        assert_eq!(scene.visitor.follow(sent).await.status, 200);
        assert_eq!(scene.count().as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn c14_a_proxy_that_asks_without_cookies_is_found_out_in_each_of_its_ways() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let gate = gateway()
        .with_top("trusted_proxies = [\"127.0.0.1\"]")
        .with_provider(&provider)
        .with_upstream(&app)
        .with_table(LOG)
        .start()
        .await;
    let visitor = gate.visitor();
    let scene = Scene { provider, app, gate, visitor };
    // As nginx: what it asks brings no cookie, and whom it sends to the login does.
    for count in 1..=4 {
        let asked = ask("GET", "/oauth2/auth").navigating().header("x-forwarded-uri", "/page?x=1");
        assert_eq!(scene.gate.send(asked).await.status, 401);
        let begin = ask("GET", "/oauth2/sign_in").navigating();
        let sent = scene.visitor.send(begin.header("x-forwarded-uri", "/page?x=1")).await;
        if count == 4 {
            scene.assert_stopped(&sent, "cookie_withheld", "Cookie field").await;
            break;
        }
        let back = scene.visitor.follow_while(sent, |next| next.path() != "/page").await;
        assert_eq!(back.status, 303, "{}", back.text());
    }
    // As Envoy: what it asks is answered with the login itself.
    scene.visitor.forget_cookies();
    for count in 1..=4 {
        let asked = ask("GET", "/oauth2/ext_authz/page?x=1").navigating().cookie("");
        let sent = scene.visitor.send(asked).await;
        assert_eq!(sent.status, 302, "{}", sent.text());
        let back = scene.visitor.follow_while(sent, |next| next.path() != "/page").await;
        if count == 4 {
            assert_eq!(shown(&back).code.as_deref(), Some("cookie_withheld"), "{}", back.text());
            return;
        }
        assert_eq!((back.status, back.location()), (303, "/page?x=1"), "{}", back.text());
    }
}
