//! A provider ends sessions by itself, from server to server (OpenID Connect Back-Channel Logout
//! 1.0; S34).

use serde_json::{Value, json};

use crate::harness::*;

const ON: &str = "backchannel_logout = true";
const PATH: &str = "/oauth2/backchannel-logout";
const FORM: &str = "application/x-www-form-urlencoded";

struct Scene {
    provider: Provider,
    _app: App,
    gate: Gate,
    redis: Redis,
}

async fn scene() -> Scene {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let redis = Redis::start();
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line(ON)
        .with_provider_line("id_token_algorithms = [\"RS256\", \"ES256\"]")
        .with_session(&redis.coordination())
        .with_upstream(&app)
        .with_table(LOG)
        .start()
        .await;
    Scene { provider, _app: app, gate, redis }
}

impl Scene {
    /// Somebody signs in, in this session of the provider.
    async fn signed_in(&self, subject: &str, sid: &str) -> Visitor {
        self.provider.names_subject(subject);
        self.provider.writes_id_token(&json!({ "sid": sid }));
        let visitor = self.gate.visitor();
        visitor.login().await;
        visitor
    }

    fn token(&self, claims: &Value) -> String {
        self.provider.logout_token(&json!({}), claims)
    }

    async fn posts(&self, token: &str) -> Answer {
        self.gate.send(logout(token)).await
    }

    async fn ends(&self, claims: &Value) {
        let answer = self.posts(&self.token(claims)).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.text());
        assert_eq!(answer.text(), "", "{claims}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{claims}");
        assert!(answer.set_cookies().is_empty(), "{claims}");
    }

    async fn refuses(&self, token: &str, why: &str, what: &str) {
        assert_refused(&self.posts(token).await, 400, why, what);
    }
}

fn logout(token: &str) -> Ask {
    ask("POST", PATH).header("content-type", FORM).body(format!("logout_token={token}"))
}

fn assert_refused(answer: &Answer, status: u16, why: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    assert!(answer.set_cookies().is_empty(), "{what}");
    let error = if status == 400 { "invalid_request" } else { "temporarily_unavailable" };
    let told = json!({ "error": error, "error_description": why });
    assert_eq!(answer.json(), told, "{what}");
}

/// Whether these are still signed in, in their order.
async fn are_in(visitors: &[&Visitor]) -> Vec<bool> {
    let mut all = Vec::new();
    for visitor in visitors {
        match visitor.fetch("/").await.status {
            200 => all.push(true),
            401 => all.push(false),
            status => panic!("{status}"),
        }
    }
    all
}

#[tokio::test]
async fn s34_a_token_with_a_sid_ends_that_session_and_no_other() {
    for claims in [json!({ "sid": "one" }), json!({ "sid": "one", "sub": null })] {
        let scene = scene().await;
        let one = scene.signed_in("42", "one").await;
        let two = scene.signed_in("42", "two").await;
        let line = one.session_line();
        scene.ends(&claims).await;
        assert_eq!(are_in(&[&one, &two]).await, [false, true], "{claims}");
        let copy = ask("GET", "/").fetching().cookie(&line);
        assert_eq!(scene.gate.send(copy).await.status, 401, "{claims}: a copy neither");
        let line = scene.gate.logged("signed out by the provider").await;
        let told = (&line["level"], &line["provider"], &line["whose"]);
        assert_eq!(told, (&json!("INFO"), &json!("oidc"), &json!("session")), "{line}");
        assert!(line["sessions"].is_u64(), "{line}");
        one.login().await;
    }
}

#[tokio::test]
async fn s34_a_token_without_sid_ends_all_sessions_of_the_person() {
    let scene = scene().await;
    let (one, two) = (scene.signed_in("42", "one").await, scene.signed_in("42", "two").await);
    let other = scene.signed_in("43", "three").await;
    scene.ends(&json!({ "sub": "42" })).await;
    assert_eq!(are_in(&[&one, &two, &other]).await, [false, false, true]);
    assert_eq!(scene.gate.logged("signed out by the provider").await["whose"], "person");
    scene.ends(&json!({ "sub": "nobody" })).await;
    scene.ends(&json!({ "sid": "nobody" })).await;
    assert_eq!(are_in(&[&other]).await, [true], "who is not signed in is signed out");
}

#[tokio::test]
async fn s34_the_call_needs_no_cookie_and_no_origin_and_any_name_of_ours() {
    let scene = scene().await;
    let one = scene.signed_in("42", "one").await;
    let foreign = logout(&scene.token(&json!({})))
        .header("host", "gate.internal:8080")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(scene.gate.send(foreign).await.status, 200);
    assert_eq!(are_in(&[&one]).await, [false]);
    let (one, two) = (scene.signed_in("42", "one").await, scene.signed_in("43", "two").await);
    let answer = two.send(logout(&scene.token(&json!({ "sub": "42" })))).await;
    assert_eq!(answer.status, 200);
    assert!(answer.set_cookies().is_empty(), "whose cookie comes along makes no difference");
    assert_eq!(are_in(&[&one, &two]).await, [false, true]);
}

#[tokio::test]
async fn s34_a_token_that_is_not_for_us_or_not_sound_ends_nothing() {
    let scene = scene().await;
    let visitor = scene.signed_in("42", "one").await;
    let now = unix_now();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for (claims, why) in [
        (json!({ "iss": null }), "iss is not the one asked for"),
        (json!({ "iss": "https://evil.example" }), "iss is not the one asked for"),
        (json!({ "iss": format!("{}/", scene.provider.url()) }), "iss is not the one asked for"),
        (json!({ "aud": null }), "aud is not the one asked for"),
        (json!({ "aud": "another-client" }), "aud is not the one asked for"),
        (json!({ "aud": 7 }), "aud is of a wrong type"),
        (json!({ "iat": null }), "no iat"),
        (json!({ "iat": now - 400 }), "the token was issued too long ago"),
        (json!({ "iat": now + 120 }), "iat lies in the future"),
        (json!({ "iat": now.to_string() }), "iat is of a wrong type"),
        (json!({ "exp": now - 61 }), "expired"),
        (json!({ "exp": "never" }), "exp is of a wrong type"),
        (json!({ "jti": null }), "no jti"),
        (json!({ "jti": "" }), "jti is not the one asked for"),
        (json!({ "jti": 7 }), "jti is of a wrong type"),
        (json!({ "events": null }), "no events"),
        (json!({ "events": {} }), "events is not the one asked for"),
        (json!({ "events": [event] }), "events is of a wrong type"),
        (json!({ "events": { event: true } }), "events is of a wrong type"),
        (json!({ "sub": null }), "no sub"),
        (json!({ "sub": "" }), "sub is not the one asked for"),
        (json!({ "sub": 42 }), "sub is of a wrong type"),
        (json!({ "sid": "" }), "sid is not the one asked for"),
        (json!({ "sid": ["one"] }), "sid is of a wrong type"),
        (json!({ "nonce": "n" }), "the token has a nonce"),
        (json!({ "nonce": "" }), "the token has a nonce"),
        (json!({ "typ": "Bearer" }), "the token is no logout token"),
        (json!({ "token_use": "id" }), "the token is no logout token"),
    ] {
        scene.refuses(&scene.token(&claims), why, &claims.to_string()).await;
    }
    for typ in ["at+jwt", "secevent+jwt", "ID"] {
        let token = scene.provider.logout_token(&json!({ "typ": typ }), &json!({}));
        scene.refuses(&token, "the token is no logout token", &format!("C-88: {typ}")).await;
    }
    assert_eq!(are_in(&[&visitor]).await, [true]);
    assert_eq!(scene.provider.calls("/jwks"), 1);
    let forgiven = scene.provider.logout_token(&json!({ "typ": "JWT" }), &json!({ "exp": null }));
    assert_eq!(scene.posts(&forgiven).await.status, 200);
    assert_eq!(are_in(&[&visitor]).await, [false]);
}

#[tokio::test]
async fn c82_to_c84_only_the_providers_own_key_ends_a_session() {
    let scene = scene().await;
    let visitor = scene.signed_in("42", "one").await;
    let (sound, own) = (scene.token(&json!({})), Signer::p256("rsa"));
    let claims = claims_of(&sound);
    let (signed, signature) = sound.rsplit_once('.').unwrap();
    let other = merged(claims.clone(), &json!({ "sub": "43" }));
    let rs256 = json!({ "alg": "RS256", "kid": "rsa", "typ": "logout+jwt" });
    let form = "the token is no JWT";
    for (token, why) in [
        (String::new(), form),
        ("a.b.c".to_owned(), form),
        (signed.to_owned(), form),
        (format!("{signed}."), form),
        (format!("{}.{signature}", unsigned(&rs256, &other)), "the token's signature does not fit"),
        (
            format!("{}.{signature}", unsigned(&json!({ "alg": "none" }), &claims)),
            "the token's algorithm is not allowed",
        ),
        (
            hmac_token(Signer::rsa().public_pem().as_bytes(), &json!({ "alg": "HS256" }), &claims),
            "the token's algorithm is not allowed",
        ),
        (own.token(&json!({}), &claims), "the token's algorithm is not allowed"),
        (own.token(&json!({ "alg": "RS256" }), &claims), "the token's signature does not fit"),
        (
            own.token(&json!({ "alg": "RS256", "jwk": own.jwk() }), &claims),
            "the token's signature does not fit",
        ),
        (
            scene.provider.logout_token(&json!({ "crit": ["exp"] }), &json!({})),
            "the token demands what is not spoken here",
        ),
    ] {
        scene.refuses(&token, why, &format!("{token:.60}")).await;
    }
    assert_eq!(are_in(&[&visitor]).await, [true]);
    assert_eq!(scene.posts(&sound).await.status, 200, "none of them used it up");
    assert_eq!(are_in(&[&visitor]).await, [false]);
}

#[tokio::test]
async fn c88_no_other_token_of_the_provider_ends_a_session() {
    let scene = scene().await;
    let visitor = scene.signed_in("42", "one").await;
    let of_sessions = scene.provider.secrets();
    let id_tokens = of_sessions.iter().filter(|token| token.split('.').count() == 3);
    let api = scene.provider.api_token(&json!({}), &json!({ "aud": "gate-under-test" }));
    let mut tried = 0;
    for token in id_tokens.chain([&api]) {
        assert_eq!(scene.posts(token).await.status, 400, "C-88: {token:.60}");
        tried += 1;
    }
    assert!(tried >= 3, "an access token, an id_token, and an API's");
    assert_eq!(are_in(&[&visitor]).await, [true]);
}

#[tokio::test]
async fn s34_the_body_is_a_form_with_one_token() {
    let scene = scene().await;
    let visitor = scene.signed_in("42", "one").await;
    let token = scene.token(&json!({}));
    let one = format!("logout_token={token}");
    let big = format!("{one}&filler={}", "x".repeat(8 * 1024));
    let why = "the body is no form with one logout_token";
    for (kind, body) in [
        (FORM, String::new()),
        (FORM, format!("token={token}")),
        (FORM, format!("{one}&{one}")),
        (FORM, format!("{one}&logout%5Ftoken=x")),
        (FORM, big),
        ("application/json", json!({ "logout_token": token }).to_string()),
        ("text/plain", one.clone()),
        ("multipart/form-data; boundary=x", one.clone()),
    ] {
        let what = format!("{kind} {body:.40}");
        let post = ask("POST", PATH).header("content-type", kind).body(body);
        assert_refused(&scene.gate.send(post).await, 400, why, &what);
    }
    let in_the_address = ask("POST", &format!("{PATH}?{one}")).header("content-type", FORM);
    assert_refused(&scene.gate.send(in_the_address).await, 400, why, "S24");
    assert_eq!(are_in(&[&visitor]).await, [true]);
    let posted = ask("POST", PATH)
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(format!("more=1&{one}"));
    assert_eq!(scene.gate.send(posted).await.status, 200);
    assert_eq!(are_in(&[&visitor]).await, [false]);
}

#[tokio::test]
async fn s34_only_a_post_is_taken() {
    let scene = scene().await;
    let visitor = scene.signed_in("42", "one").await;
    let form = format!("logout_token={}", scene.token(&json!({})));
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let target = format!("{PATH}?{form}");
        let request = ask(method, &target).header("content-type", FORM).body(form.clone());
        let answer = scene.gate.send(request).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method}");
    }
    assert_eq!(are_in(&[&visitor]).await, [true]);
}

#[tokio::test]
async fn s34_a_token_counts_once() {
    let scene = scene().await;
    let visitor = scene.signed_in("42", "one").await;
    let token = scene.token(&json!({}));
    assert_eq!(scene.posts(&token).await.status, 200);
    assert_eq!(are_in(&[&visitor]).await, [false]);
    let again = scene.signed_in("42", "one").await;
    for _ in 0..3 {
        scene.refuses(&token, "the token was used before", "a copy").await;
    }
    let jti = claims_of(&token)["jti"].clone();
    scene.refuses(&scene.token(&json!({ "jti": jti })), "the token was used before", "jti").await;
    assert_eq!(are_in(&[&again]).await, [true], "nobody else signs a person out again");
    scene.ends(&json!({})).await;
    assert_eq!(are_in(&[&again]).await, [false]);
}

#[tokio::test]
async fn c86_while_the_keys_are_not_known_the_provider_is_to_come_again() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let redis = Redis::start();
    provider.fails_at("/jwks", Fault::status(500));
    let gate = gateway()
        .with_provider(&provider)
        .with_provider_line(ON)
        .with_session(&redis.coordination())
        .with_upstream(&app)
        .start()
        .await;
    let token = provider.logout_token(&json!({}), &json!({}));
    for _ in 0..10 {
        let answer = gate.send(logout(&token)).await;
        assert_refused(&answer, 503, "the provider's keys are not known", "C-86");
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    assert_eq!(provider.calls("/jwks"), 1, "C-87: a provider in trouble is not hammered");
    provider.behaves_again();
    wait(5200).await;
    assert_eq!(gate.send(logout(&token)).await.status, 200, "it was not used up");
}

#[tokio::test]
async fn c86_a_new_key_of_the_provider_is_learnt() {
    let scene = scene().await;
    let visitor = scene.signed_in("42", "one").await;
    // Between two questions for keys (C-87), and a little.
    wait(30_300).await;
    scene.provider.takes_key(&Signer::p256("next"));
    scene.ends(&json!({})).await;
    assert_eq!(are_in(&[&visitor]).await, [false], "C-86");
    assert_eq!(scene.provider.calls("/jwks"), 2, "C-86: once");
}

#[tokio::test]
async fn c87_invented_keys_cost_the_provider_one_question() {
    let scene = scene().await;
    let visitor = scene.signed_in("42", "one").await;
    let asked = scene.provider.calls("/jwks");
    let claims = claims_of(&scene.token(&json!({})));
    let mut line = scene.gate.line().await;
    for _ in 0..500 {
        let header = json!({ "alg": "RS256", "kid": random_hex(32), "typ": "logout+jwt" });
        let token = format!("{}.AAAA", unsigned(&header, &claims));
        let answer = line.send(logout(&token)).await;
        assert_refused(&answer, 400, "the token's key is not known", "C-87");
    }
    let more = scene.provider.calls("/jwks") - asked;
    assert!(more <= 1, "C-87: {more} questions");
    scene.ends(&json!({})).await;
    assert_eq!(are_in(&[&visitor]).await, [false], "C-87: nobody is locked out");
}

#[tokio::test]
async fn where_no_provider_may_end_sessions_there_is_no_such_path() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let redis = Redis::start();
    let gate = gateway()
        .with_provider(&provider)
        .with_session(&redis.coordination())
        .with_upstream(&app)
        .start()
        .await;
    let token = provider.logout_token(&json!({}), &json!({}));
    assert_eq!(gate.send(logout(&token)).await.status, 404);
    assert_eq!(gate.send(ask("GET", PATH)).await.status, 404);
    assert!(app.requests().is_empty(), "C-50: it is never the app's");
    assert_eq!(provider.calls("/jwks"), 0);
}

#[tokio::test]
async fn the_path_moves_with_the_prefix() {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let redis = Redis::start();
    let gate = gateway()
        .with_top("prefix = \"/gate\"")
        .with_provider(&provider)
        .with_provider_line(ON)
        .with_session(&redis.coordination())
        .with_upstream(&app)
        .start()
        .await;
    let body = format!("logout_token={}", provider.logout_token(&json!({}), &json!({})));
    for (path, status) in [("/gate/backchannel-logout/", 404), ("/gate/backchannel-logout", 200)] {
        let post = ask("POST", path).header("content-type", FORM).body(body.clone());
        assert_eq!(gate.send(post).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn s34_of_several_providers_those_judge_that_the_token_is_of() {
    let (provider, other) = (Provider::openid().await, Provider::openid().await);
    let (app, redis) = (App::start().await, Redis::start());
    let gate = gateway()
        .with_named("first", &provider, &["client_id = \"first\"", ON])
        .with_named("second", &provider, &[ON])
        .with_named("third", &provider, &[ON])
        .with_named("fourth", &provider, &[])
        .with_named("fifth", &other, &[])
        .with_session(&redis.coordination())
        .with_route(route("/second", &app).with("provider = \"second\""))
        .with_route(route("/third", &app).with("provider = \"third\""))
        .with_route(route("/fourth", &app).with("provider = \"fourth\""))
        .start()
        .await;
    let mut visitors = Vec::new();
    for target in ["/second", "/third", "/fourth"] {
        let visitor = gate.visitor();
        visitor.login_at(target).await;
        visitors.push((visitor, target));
    }
    let are_in = async || {
        let asked = visitors.iter().map(|(visitor, target)| visitor.fetch(target));
        let answers = futures_util::future::join_all(asked).await;
        answers.iter().map(|answer| answer.status == 200).collect::<Vec<_>>()
    };
    let of_first = provider.logout_token(&json!({}), &json!({ "aud": "first" }));
    assert_eq!(gate.send(logout(&of_first)).await.status, 200, "the one that it is for");
    assert_eq!(are_in().await, [true, true, true]);
    let of_nobody = provider.logout_token(&json!({}), &json!({ "aud": "nobody" }));
    let answer = gate.send(logout(&of_nobody)).await;
    assert_refused(&answer, 400, "aud is not the one asked for", "nobody's");
    let of_fifth = other.logout_token(&json!({}), &json!({}));
    let answer = gate.send(logout(&of_fifth)).await;
    assert_refused(&answer, 400, "iss is not the one asked for", "it may not end sessions");
    assert_eq!(other.calls("/jwks"), 0, "nobody asks whom nobody listens to");
    let token = provider.logout_token(&json!({}), &json!({}));
    assert_eq!(gate.send(logout(&token)).await.status, 200);
    assert_eq!(are_in().await, [false, false, true], "both that are this client, and no other");
    assert_refused(&gate.send(logout(&token)).await, 400, "the token was used before", "a copy");
}

#[tokio::test]
async fn c114_while_the_store_is_away_the_provider_is_to_come_again_with_the_same_token() {
    let mut scene = scene().await;
    let visitor = scene.signed_in("ada", "first").await;
    let token = scene.token(&json!({ "sid": "first" }));
    scene.redis.stop();
    let answer = scene.posts(&token).await;
    assert_refused(&answer, 503, "the sessions can't be ended now", "C-114");
    assert_eq!(answer.header("retry-after"), Some("10"));
    scene.redis.start_again();
    let mut answer = scene.posts(&token).await;
    while answer.status == 503 {
        // The store is tried again a moment after it failed.
        wait(50).await;
        answer = scene.posts(&token).await;
    }
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(are_in(&[&visitor]).await, [false]);
    assert_refused(&scene.posts(&token).await, 400, "the token was used before", "S34");
}
