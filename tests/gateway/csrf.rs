//! Pages of other origins and a session's cookie: what they may have a browser send (S38, C-67).

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::harness::*;

const LISTED: &str = "https://listed.example";

async fn scene_with(lines: &[&str]) -> (App, Gate, Visitor) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let mut route = route("/", &app);
    for line in lines {
        route = route.with(line);
    }
    let gate = gateway().with_provider(&provider).with_route(route).start().await;
    let visitor = gate.visitor();
    visitor.login().await;
    app.forgets();
    (app, gate, visitor)
}

async fn scene() -> (App, Gate, Visitor) {
    scene_with(&["csrf = true", "origins = [\"https://listed.example\"]"]).await
}

#[tokio::test]
async fn c67_what_changes_something_has_to_come_from_a_page_of_ours_or_a_listed_one() {
    let (app, gate, visitor) = scene().await;
    let own = gate.base();
    let cases: [(&[(&str, &str)], bool); 10] = [
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", LISTED)], true),
        (&[("sec-fetch-site", "cross-site"), ("origin", own.as_str())], false),
        (&[("origin", own.as_str())], true),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "null")], false),
        (&[], false),
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        for (lines, passes) in cases {
            app.forgets();
            let mut sent = ask(method, "/change");
            for (name, value) in lines {
                sent = sent.header(name, value);
            }
            let answer = visitor.send(sent).await;
            let wanted = if passes { 200 } else { 403 };
            assert_eq!(answer.status, wanted, "C-67: {method} {lines:?}: {}", answer.text());
            assert_eq!(app.requests().len(), usize::from(passes), "C-67: {method} {lines:?}");
        }
    }
}

#[tokio::test]
async fn what_changes_nothing_passes_from_anywhere() {
    let (_app, _gate, visitor) = scene().await;
    for method in ["GET", "HEAD", "OPTIONS"] {
        let sent = ask(method, "/page").header("sec-fetch-site", "cross-site");
        let answer = visitor.send(sent.header("origin", "https://evil.example")).await;
        assert_eq!(answer.status, 200, "{method}");
    }
}

#[tokio::test]
async fn a_person_gets_a_page_and_a_script_a_problem() {
    let (app, _gate, visitor) = scene().await;
    let foreign = || ask("POST", "/change").header("sec-fetch-site", "cross-site");
    let page = visitor.send(foreign().navigating()).await;
    assert_eq!((page.status, shown(&page).heading.as_str()), (403, "This came from another site"));
    let problem = visitor.send(foreign()).await;
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem.json()["type"], "urn:askara-gate:foreign-page");
    assert!(app.requests().is_empty());
}

#[tokio::test]
async fn who_is_nobody_is_asked_to_sign_in_and_a_route_without_the_mode_takes_everything() {
    let (_app, gate, _visitor) = scene().await;
    assert_eq!(gate.visitor().send(ask("POST", "/change")).await.status, 401);
    let (app, _gate, visitor) = scene_with(&[]).await;
    let sent = ask("POST", "/change").header("sec-fetch-site", "cross-site");
    assert_eq!(visitor.send(sent).await.status, 200, "off by default (S38)");
    assert_eq!(app.requests().len(), 1);
}

#[tokio::test]
async fn c67_a_listed_origin_may_open_a_socket_and_no_other() {
    let (app, gate, visitor) = scene_with(&["origins = [\"https://listed.example\"]"]).await;
    for (origin, opens) in [
        (gate.base().as_str(), true),
        (LISTED, true),
        ("http://listed.example", false),
        ("https://listed.example.evil", false),
        ("null", false),
    ] {
        let mut request = format!("ws://{}/ws", gate.authority()).into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("cookie", visitor.session_line().parse().unwrap());
        headers.insert("origin", origin.parse().unwrap());
        match client_async(request, gate.connect().await).await {
            Ok((mut socket, _)) => {
                assert!(opens, "C-67: {origin}");
                socket.send(Message::text("hello")).await.unwrap();
                assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
            }
            Err(Error::Http(answer)) => {
                assert!(!opens, "C-67: {origin}");
                assert_eq!(answer.status().as_u16(), 403, "C-67: {origin}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(app.requests().len(), 2, "C-67");
}
