//! The seal of the cookie (C-23 to C-27): nothing but our own bytes, under their own name, opens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::*;

/// Every bit would be 13,000 requests; a step that shares no factor with 8 meets every bit place.
const BIT_STEP: usize = 37;

struct Scene {
    app: App,
    _provider: Provider,
    gate: Gate,
    visitor: Visitor,
    session: String,
}

async fn signed_in() -> Scene {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    let session = visitor.session().unwrap();
    Scene { app, _provider: provider, gate, visitor, session }
}

fn carrying(session: &str) -> Ask {
    ask("GET", "/").fetching().cookie(&format!("askara={session}"))
}

#[tokio::test]
async fn a_flipped_bit_makes_a_stranger() {
    let scene = signed_in().await;
    let mut line = scene.gate.line().await;
    let sealed = URL_SAFE_NO_PAD.decode(&scene.session).unwrap();
    let mut bodies = Vec::new();
    for bit in (0..sealed.len() * 8).step_by(BIT_STEP) {
        let mut broken = sealed.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        let answer = line.send(carrying(&URL_SAFE_NO_PAD.encode(&broken))).await;
        assert_eq!(answer.status, 401, "C-23: bit {bit}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "C-23: every failure looks the same");
    assert!(scene.app.requests().is_empty());
    assert_eq!(line.send(carrying(&scene.session)).await.status, 200);
}

#[tokio::test]
async fn a_cut_or_lengthened_cookie_makes_a_stranger() {
    let scene = signed_in().await;
    let mut line = scene.gate.line().await;
    let session = &scene.session;
    for length in (0..session.len()).step_by(53).chain([session.len() - 1]) {
        let answer = line.send(carrying(&session[..length])).await;
        assert_eq!(answer.status, 401, "C-24: {length} bytes");
    }
    let changed = [
        format!("{session}A"),
        format!("{session}AAAA"),
        format!("{session}="),
        format!("{session}%3D"),
        format!("\"{session}\"x"),
        session.to_lowercase(),
        format!("A{session}"),
    ];
    for value in changed {
        assert_eq!(line.send(carrying(&value)).await.status, 401, "C-24: {value}");
    }
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn the_last_character_has_only_one_spelling() {
    let scene = signed_in().await;
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = scene.session.split_at(scene.session.len() - 1);
    let mut line = scene.gate.line().await;
    for &other in alphabet.iter().filter(|&&other| other != last.as_bytes()[0]) {
        let value = format!("{rest}{}", char::from(other));
        assert_eq!(line.send(carrying(&value)).await.status, 401, "C-24");
    }
}

#[tokio::test]
async fn a_cookie_opens_under_its_own_name_only() {
    let scene = signed_in().await;
    let stranger = scene.gate.visitor();
    let callback = stranger.consent("/").await;
    let state_name = stranger.state_cookies().pop().unwrap();
    let state = stranger.cookie(&state_name).unwrap();
    assert_eq!(scene.gate.send(carrying(&state)).await.status, 401, "C-26");
    let crossed = format!("{state_name}={}", scene.session);
    let answer = ask("GET", &callback).navigating().cookie(&crossed);
    assert_eq!(scene.gate.send(answer).await.status, 403, "C-26");
    for name in ["__Host-askara", "askara.0", "askara.1", "Askara"] {
        let line = format!("{name}={}", scene.session);
        let answer = scene.gate.send(ask("GET", "/").fetching().cookie(&line)).await;
        assert_eq!(answer.status, 401, "C-25, C-26: {name}");
    }
}

#[tokio::test]
async fn a_broken_cookie_of_ours_is_cleared() {
    let scene = signed_in().await;
    let mut sealed = URL_SAFE_NO_PAD.decode(&scene.session).unwrap();
    *sealed.last_mut().unwrap() ^= 1;
    let answer = scene.gate.send(carrying(&URL_SAFE_NO_PAD.encode(&sealed))).await;
    assert_eq!(answer.status, 401);
    assert!(answer.clears("askara"), "rule 8: ours and broken");
}

#[tokio::test]
async fn a_cookie_of_an_unknown_key_is_anonymous_but_kept() {
    let scene = signed_in().await;
    let stranger = gateway().with_upstream(&scene.app).start().await;
    for request in [carrying(&scene.session), carrying(&scene.session).navigating()] {
        let answer = stranger.send(request).await;
        assert!(matches!(answer.status, 302 | 401), "C-27: {}", answer.status);
        assert!(answer.sets("askara").is_none(), "C-27, rule 8");
    }
    assert!(scene.app.requests().is_empty());
}

#[tokio::test]
async fn a_newer_format_is_anonymous_but_kept() {
    let scene = signed_in().await;
    let mut sealed = URL_SAFE_NO_PAD.decode(&scene.session).unwrap();
    sealed[0] = 0x70;
    let answer = scene.gate.send(carrying(&URL_SAFE_NO_PAD.encode(&sealed))).await;
    assert_eq!(answer.status, 401);
    assert!(answer.sets("askara").is_none(), "C-27, rule 8");
}

#[tokio::test]
async fn every_key_of_the_ring_opens_and_a_removed_one_does_not() {
    let (old, new) = (random_key(), random_key());
    let (provider, app) = (Provider::start().await, App::start().await);
    let with =
        |keys: &[&str]| gateway().with_keys(keys).with_provider(&provider).with_upstream(&app);
    let before = with(&[&old]).start().await;
    let visitor = before.visitor();
    visitor.login().await;
    let rotated = with(&[&new, &old]).on(before.stop()).start().await;
    assert_eq!(visitor.fetch("/").await.status, 200, "C-117");
    let young = rotated.visitor();
    young.login().await;
    let _removed = with(&[&new]).on(rotated.stop()).start().await;
    assert_eq!(young.fetch("/").await.status, 200, "C-117: the first key seals");
    assert_eq!(visitor.fetch("/").await.status, 401, "C-117");
}

#[tokio::test]
async fn another_gateway_with_the_same_key_is_another_scope() {
    let key = random_key();
    let (provider, app) = (Provider::start().await, App::start().await);
    let with = |host: &str| {
        gateway()
            .with_keys(&[&key])
            .with_provider(&provider)
            .with_route(route("/", &app).with(&format!("host = {host:?}")))
    };
    let (one, two) = (with("one.example").start().await, with("two.example").start().await);
    let visitor = one.visitor();
    let callback = visitor.consent("/oauth2/start").await;
    visitor.open(&callback).await;
    let line = visitor.session_line();
    let me =
        |host: &str| ask("GET", "/oauth2/userinfo").fetching().cookie(&line).header("host", host);
    let here = one.authority();
    assert_eq!(one.send(me(&here)).await.status, 200);
    let there = two.authority();
    assert_eq!(two.send(me(&there)).await.status, 401, "C-26");
}

#[tokio::test]
async fn a_new_login_keeps_nothing_of_a_planted_session() {
    let scene = signed_in().await;
    let victim = scene.gate.visitor();
    victim.put_cookie(&format!("askara={}", scene.session));
    let callback = victim.consent("/oauth2/start").await;
    victim.open(&callback).await;
    assert_ne!(victim.session().unwrap(), scene.session, "C-31");
    victim.send(ask("POST", "/oauth2/sign_out").same_origin()).await;
    let answer = scene.visitor.fetch("/").await;
    assert_eq!(answer.status, 200, "C-31: the two sessions are not one");
}
