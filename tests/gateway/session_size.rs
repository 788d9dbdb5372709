//! Sessions that are large: in two cookies, or in none, and what the operator is told of them.

use serde_json::json;

use crate::harness::*;

/// A gateway that keeps id_tokens, with so many bytes more in each.
async fn gate_keeping(more: usize) -> (Provider, App, Gate) {
    let (provider, app) = (Provider::openid().await, App::start().await);
    provider.writes_id_token(&json!({ "more": random_hex(more) }));
    let builder = gateway().with_provider(&provider).with_upstream(&app).with_table(LOG);
    let gate = builder.with_provider_line("id_token_hint = true").start().await;
    (provider, app, gate)
}

const SAID_ONCE: &str = "this is said once";

#[tokio::test]
async fn a_large_session_takes_two_cookies_and_the_log_says_so_once() {
    let (_provider, app, gate) = gate_keeping(3000).await;
    for _ in 0..2 {
        let visitor = gate.visitor();
        assert_eq!(visitor.navigate("/").await.status, 200);
        assert_eq!(visitor.cookie_names(), ["askara.0", "askara.1", "askara-rounds"]);
        assert_eq!(visitor.get("/again").await.status, 200);
        assert_eq!(app.last().header("cookie"), None, "S47");

        let line = gate.logged(SAID_ONCE).await;
        let parts = ["askara.0", "askara.1"].map(|name| {
            let value = visitor.cookie(name).unwrap();
            format!("{name}={value}")
        });
        assert_eq!(line["bytes"], parts.join("; ").len(), "of the browser's Cookie field");
        assert_eq!((&line["level"], &line["cookies"]), (&json!("WARN"), &json!(2)));
        assert!(line["message"].as_str().unwrap().contains("session.store"), "the way out");
    }
    assert_eq!(gate.output().matches(SAID_ONCE).count(), 1);
}

#[tokio::test]
async fn a_session_of_the_usual_size_is_not_spoken_of() {
    let (_provider, _app, gate) = gate_keeping(0).await;
    gate.visitor().login().await;
    assert!(!gate.output().contains(SAID_ONCE));
}

#[tokio::test]
async fn a_session_that_two_cookies_do_not_hold_is_a_page_and_no_session() {
    let (_provider, _app, gate) = gate_keeping(6000).await;
    let visitor = gate.visitor();
    let answer = visitor.navigate("/").await;
    assert_eq!(answer.status, 500);
    assert!(visitor.cookie_names().iter().all(|name| !name.starts_with("askara.")));
    let line = gate.logged("does not fit in two cookies").await;
    assert_eq!(line["level"], "ERROR");
    assert!(line["message"].as_str().unwrap().contains("store"), "the way out");
}
