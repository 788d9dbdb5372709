//! What a token endpoint may answer, to the letter (C-92 to C-96); see `login_trouble.rs` for the
//! page that a person gets, and `rows` for every kind of provider.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::*;

struct Scene {
    provider: Provider,
    gate: Gate,
    visitor: Visitor,
}

async fn scene(lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::start().await, App::start().await);
    let mut builder = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_table("[limits]\nprovider = \"1s\"")
        .with_table(LOG);
    for line in lines {
        builder = builder.with_provider_line(line);
    }
    let gate = builder.start().await;
    let visitor = gate.visitor();
    // The app may go: nobody gets so far but those who may.
    Scene { provider, gate, visitor }
}

impl Scene {
    async fn comes_back(&self, fault: Fault) -> Answer {
        let callback = self.visitor.consent("/").await;
        self.provider.fails_next_token_call(fault);
        let answer = self.visitor.open(&callback).await;
        assert!(self.visitor.session().is_none() || answer.status == 303);
        answer
    }

    /// In how many seconds the access token of the session ends, as the gateway counts.
    async fn life(&self) -> u64 {
        self.visitor.forget_cookies();
        let callback = self.visitor.consent("/").await;
        self.visitor.open(&callback).await;
        let info = self.visitor.fetch("/oauth2/userinfo").await.json();
        info["accessTokenExpires"].as_u64().expect("a session") - unix_now()
    }
}

/// A sound answer of nobody's.
const SOUND: &str = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"a.b.c"}"#;

#[tokio::test]
async fn c92_an_answer_has_one_meaning_or_none() {
    let scene = scene(&[]).await;
    let deep = format!(r#"{{"a":{}1{},{}"#, "[".repeat(500), "]".repeat(500), &SOUND[1..]);
    let bodies = [
        (format!("\u{feff}{SOUND}"), "the answer is no JSON"),
        (format!("{SOUND}{SOUND}"), "the answer is no JSON"),
        (format!("{SOUND} x"), "the answer is no JSON"),
        (SOUND[..SOUND.len() - 1].to_owned(), "the answer is no JSON"),
        (deep, "the answer is no JSON"),
        (String::new(), "the answer is no JSON"),
        (SOUND.replace('"', "'"), "the answer is no JSON"),
        (format!("[{SOUND}]"), "the answer is no JSON object"),
        ("null".to_owned(), "the answer is no JSON object"),
        ("\"a.b.c\"".to_owned(), "the answer is no JSON object"),
        (SOUND.replace('{', r#"{"access_token":"x","#), "the answer says a member twice"),
        (SOUND.replace('{', r#"{"x":{"y":1,"y":2},"#), "the answer says a member twice"),
    ];
    for (body, why) in bodies {
        let answer = scene.comes_back(Fault::body(200, "application/json", body.clone())).await;
        let page = shown(&answer);
        let told = (page.status, page.heading.as_str());
        assert_eq!(told, (502, heading::PROVIDER_UNAVAILABLE), "C-92: {body:.60}");
        let line = scene.gate.logged(&page.reference).await;
        assert_eq!(line["error"], format!("Token(Unreadable({why:?}))"), "C-92: {body:.60}");
    }
}

#[tokio::test]
async fn c92_another_content_type_counts_only_where_the_operator_says_so() {
    let kinds = ["text/html", "text/plain; charset=utf-8", "application/jsonp", ""];
    for (lines, takes) in [(&[][..], false), (&["any_content_type = true"][..], true)] {
        let scene = scene(lines).await;
        for kind in kinds {
            scene.visitor.forget_cookies();
            let callback = scene.visitor.consent("/").await;
            scene.provider.writes_content_type(kind);
            let answer = scene.visitor.open(&callback).await;
            let status = if takes { 303 } else { 502 };
            assert_eq!(answer.status, status, "C-92: {kind} {takes}");
        }
        for kind in ["application/json;charset=UTF-8", "Application/JSON", "application/x+json"] {
            scene.visitor.forget_cookies();
            let callback = scene.visitor.consent("/").await;
            scene.provider.writes_content_type(kind);
            assert_eq!(scene.visitor.open(&callback).await.status, 303, "C-92: {kind}");
        }
    }
}

#[tokio::test]
async fn c93_an_answer_without_end_ends_all_the_same() {
    let scene = scene(&[]).await;
    let before = scene.gate.peak_memory();
    let slow = Fault::Drip(Duration::from_millis(300));
    for (fault, status) in [(Fault::huge(), 502), (Fault::Flood, 502), (slow, 504)] {
        let begun = Instant::now();
        let answer = scene.comes_back(fault.clone()).await;
        assert_eq!(answer.status, status, "C-93: {fault:.20?}");
        assert_eq!(shown(&answer).heading, heading::PROVIDER_UNAVAILABLE, "C-93: {fault:.20?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "C-93: {fault:.20?}");
    }
    let grown = scene.gate.peak_memory() - before;
    assert!(grown < 32 * 1024, "C-93: {grown} KiB");
}

#[tokio::test]
async fn c93_a_head_without_end_ends_all_the_same() {
    let filler = format!("x-filler: {}\r\n", "y".repeat(1000));
    let endless = format!("HTTP/1.1 200 OK\r\n{}", filler.repeat(3000));
    let endless = RawUpstream::answering(endless).await;
    let scene = scene(&[&format!("token_url = \"{}/token\"", endless.url())]).await;
    let callback = scene.visitor.consent("/").await;
    let answer = scene.visitor.open(&callback).await;
    assert!(matches!(answer.status, 502 | 504), "C-93: {}", answer.status);
    assert_eq!(shown(&answer).heading, heading::PROVIDER_UNAVAILABLE, "C-93");
}

#[tokio::test]
async fn c93_no_redirect_is_followed_wherever_it_comes_from() {
    let scene = scene(&[]).await;
    let thief = RawUpstream::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for status in [301, 302, 303, 307, 308] {
        let fault = Fault::redirect_by(status, &format!("{}/token", thief.url()));
        let answer = scene.comes_back(fault.clone()).await;
        let page = shown(&answer);
        assert_eq!((page.status, page.heading.as_str()), (502, heading::PROVIDER_UNAVAILABLE));
        let line = scene.gate.logged(&page.reference).await;
        assert_eq!(line["error"], format!("Token(Status({status}))"));
        scene.provider.fails_me(fault);
        let answer = scene.visitor.navigate("/").await;
        assert_eq!(answer.status, 502, "C-93: {status}");
        scene.provider.behaves_again();
    }
    assert_eq!(thief.connections(), 0, "C-93: neither the secret nor the token leaves");
    assert!(scene.visitor.session().is_none());
}

#[tokio::test]
async fn c94_an_error_is_a_failure_whatever_stands_beside_it() {
    let scene = scene(&[]).await;
    for (error, status, code) in [
        (json!("invalid_grant"), 403, "invalid_grant"),
        (json!("<script>canary</script>"), 502, "unknown_error"),
        (json!(""), 502, "unknown_error"),
        (json!({ "code": 7 }), 502, "unknown_error"),
        (Value::Null, 502, "unknown_error"),
    ] {
        let mut body: Value = serde_json::from_str(SOUND).unwrap();
        body["error_uri"] = json!("canary");
        body["error"] = error.clone();
        let answer = scene.comes_back(Fault::json(200, &body)).await;
        let page = shown(&answer);
        assert_eq!((page.status, page.code.as_deref()), (status, Some(code)), "C-94: {error}");
        assert!(!answer.text().contains("canary"), "C-70");
    }
    assert!(!scene.gate.output().contains("canary"), "C-104");
}

#[tokio::test]
async fn c95_the_life_of_a_token_is_what_was_meant() {
    let scene = scene(&[]).await;
    scene.provider.token_life(1800);
    const YEAR: u64 = 365 * 24 * 3600;
    for (told, life) in [
        (json!(3600), 3600),
        (json!("3600"), 3600),
        (json!(3600.0), 3600),
        (json!(" 3600 "), 3600),
        (json!(0), 5),
        (json!(-1), 5),
        (json!("-1"), 5),
        (json!(1e12), YEAR),
        (json!(u64::MAX), YEAR),
        (json!("1e300"), YEAR),
        // Nothing that can be read: the token tells.
        (Value::Null, 1800),
        (json!(12.5), 1800),
        (json!("soon"), 1800),
        (json!("NaN"), 1800),
        (json!(true), 1800),
        (json!([3600]), 1800),
    ] {
        scene.provider.writes_expires_in(&told);
        let counted = scene.life().await;
        assert!((life - 3..=life).contains(&counted), "C-95: {told} is {counted}");
    }
}

#[tokio::test]
async fn c95_of_a_token_that_tells_nothing_the_operator_tells_the_life() {
    for (lines, life) in [(&[][..], 300), (&["token_life = \"90s\""][..], 90)] {
        let scene = scene(lines).await;
        scene.provider.gives_opaque_tokens();
        scene.provider.leaves_out_expires_in();
        let counted = scene.life().await;
        assert!((life - 3..=life).contains(&counted), "C-95: {counted}");
    }
}

#[tokio::test]
async fn c96_what_is_no_bearer_token_is_no_token() {
    let strict = scene(&[]).await;
    let wrong = [
        json!({ "token_type": "DPoP" }),
        json!({ "token_type": "mac" }),
        json!({ "token_type": "Bearer " }),
        json!({ "token_type": ["Bearer"] }),
        json!({ "token_type": 1 }),
        json!({ "access_token": "" }),
        json!({ "access_token": 7 }),
        json!({ "access_token": "a b" }),
        json!({ "access_token": "a\r\nx-evil: 1" }),
        json!({ "access_token": "é" }),
    ];
    for changes in &wrong {
        strict.provider.writes_token_answer(changes);
        let answer = strict.visitor.navigate("/").await;
        assert_eq!(answer.status, 502, "C-96: {changes}");
        assert!(strict.visitor.session().is_none(), "C-96: {changes}");
    }
    let lenient = scene(&["token_type_optional = true"]).await;
    for changes in wrong.iter().take(3) {
        lenient.provider.writes_token_answer(changes);
        assert_eq!(lenient.visitor.navigate("/").await.status, 502, "C-96: {changes}");
    }
    for (scene, status) in [(&strict, 502), (&lenient, 303)] {
        scene.provider.writes_token_answer(&json!({ "token_type": null }));
        let callback = scene.visitor.consent("/").await;
        assert_eq!(scene.visitor.open(&callback).await.status, status, "C-96: missing");
    }
}
