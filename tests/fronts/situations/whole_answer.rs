//! What only a front can do that hands over the gateway's whole answer, and what it may get wrong
//! when it does.

use serde_json::json;
use tokio::task::spawn_blocking;

use crate::browser::Browser;
use crate::front::Front;
use crate::harness::{PAST_EXPIRY, Provider, ask, random_key, wait};
use crate::recipe::Recipe;
use crate::stage::Stage;

const PARTS: [&str; 2] = ["__Host-askara.0", "__Host-askara.1"];

/// An id_token that is kept for the sign-out makes the session too large for one cookie.
pub(crate) async fn c123_a_session_of_two_cookies_is_renewed_in_both(front: &Front) {
    let provider = Provider::openid().await;
    let much: String = (0..64).map(|_| random_key()).collect();
    provider.writes_id_token(&json!({ "more": much }));
    provider.token_life(2);
    let table = format!("kind = \"oidc\"\nissuer = {:?}\nid_token_hint = true", provider.url());
    let claim = |recipe: Recipe| recipe.with("me:/groups", "id:/groups");
    let stage = Stage::with_table(front, provider, &table, claim).await;
    let visitor = stage.visitor();
    assert_eq!(visitor.navigate("/").await.status, 200);
    let names = visitor.cookie_names();
    assert!(PARTS.iter().all(|&name| names.iter().any(|known| known == name)), "{names:?}");
    let before = PARTS.map(|name| visitor.cookie(name));

    wait(PAST_EXPIRY).await;
    stage.provider.token_life(3600);
    let renewed = visitor.fetch("/set-cookie").await;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    assert!(renewed.sets("app").is_some(), "beside the app's own: {:?}", renewed.set_cookies());
    for (name, before) in PARTS.into_iter().zip(before) {
        assert_ne!(visitor.cookie(name), before, "{name}");
        let set = renewed.sets(name).unwrap();
        assert!(set.has("secure") && set.has("httponly"), "{set:?}");
        assert!(set.is("path", "/") && set.is("samesite", "Lax"), "{set:?}");
        assert!(set.max_age().is_some_and(|age| age > 0), "{set:?}");
    }
    assert_eq!(visitor.fetch("/again").await.status, 200);
    assert_eq!(stage.provider.refreshes(), 1, "the new cookies need no refresh");
}

/// A proxy takes away what `Connection` names before it hands a request on: not what was stated.
pub(crate) async fn c37_a_visitor_cannot_name_the_identity_away(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let cookie = format!("Cookie: __Host-askara={}\r\n", visitor.session().unwrap());
    let names = "X-Forwarded-User, X-Auth-Request-User, X-Askara-Organization, Authorization";
    for around in ["", "Upgrade: example\r\nConnection: upgrade\r\n"] {
        let lines = format!("{cookie}{around}Connection: {names}\r\n");
        assert_eq!(stage.raw("/told", &lines).await, Some(200), "{around}");
        let seen = stage.app.last();
        let user = format!("{}user", front.manners.identity);
        for name in [&user, "x-askara-organization", "authorization"] {
            assert!(seen.header(name).is_some(), "{name} is gone: {around}");
        }
        // Nor does the app's own server learn of it.
        let named = seen.header("connection").unwrap_or_default().to_lowercase();
        assert!(!named.contains("user") && !named.contains("authorization"), "{named}");
    }
    // What the decision rests on can't be named away either.
    let names = "Cookie, X-Forwarded-Uri, X-Forwarded-Method, X-Forwarded-Host, X-Forwarded-For";
    stage.app.forgets();
    let lines = format!("{cookie}Connection: {names}\r\n");
    for target in ["/admin", "/admin/people"] {
        let status = stage.raw(target, &lines).await;
        assert!(status.is_some_and(|status| (300..500).contains(&status)), "{target}: {status:?}");
    }
    assert!(stage.app.requests().is_empty(), "{:?}", stage.app.targets());
}

/// What a visitor states of their request neither gets to the app nor costs them the page.
pub(crate) async fn c47_another_method_or_address_is_taken_away(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    for (name, value) in [
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-HTTP-Method", "DELETE"),
        ("X-Method-Override", "DELETE"),
        ("X-Forwarded-Method", "DELETE"),
        ("X-Original-Method", "DELETE"),
        ("X-Original-URI", "/elsewhere"),
        ("X-Original-URL", "https://elsewhere.example/elsewhere"),
        ("X-Forwarded-Uri", "/elsewhere"),
        ("X-Forwarded-Host", "elsewhere.example"),
        ("X-Forwarded-For", "192.0.2.7"),
        ("Forwarded", "for=192.0.2.7;host=elsewhere.example"),
    ] {
        let answer = visitor.send(ask("GET", "/told").fetching().header(name, value)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let said = stage.app.last().header(name).map(str::to_owned);
        assert!(said.is_none_or(|said| !said.contains(value)), "{name}");
    }
}

/// The query of the question is the operator's (`?allowed_groups=`), that of the page the visitor's.
pub(crate) async fn the_query_of_a_page_is_not_that_of_the_question(front: &Front) {
    const TARGET: &str = "/page?allowed_groups=nobody&allowed_emails=&x=%2f#";
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let target = TARGET.trim_end_matches('#');
    assert_eq!(visitor.fetch(target).await.status, 200);
    assert_eq!(stage.app.last().target, target);
}

/// Every spelling that a browser or a program may write, ours first, last, alone and in between.
pub(crate) async fn s47_only_the_gateways_cookies_are_cut(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let ours = format!("__Host-askara={}", visitor.session().unwrap());
    for (sent, left) in [
        ("{}", None),
        ("{}; a=1", Some("a=1")),
        ("a=1; {}", Some("a=1")),
        ("a=1; {}; b=2", Some("a=1; b=2")),
        ("a=1;{};b=2", Some("a=1; b=2")),
        (
            "{}; __Host-askara-st-AAAAAAAA=x; askara.1=y; __Secure-askara=z; __Host-askara-rounds=1; c=3",
            Some("c=3"),
        ),
        ("askarax=4; {}; xaskara=5; askara-state=6", Some("askarax=4; xaskara=5; askara-state=6")),
        ("v={http.request.host}; {}; w=%[src]", Some("v={http.request.host}; w=%[src]")),
        ("d=\"q,r\"; {}; e=__Host-askara=f", Some("d=\"q,r\"; e=__Host-askara=f")),
    ] {
        let asked = ask("GET", "/told").fetching().cookie(&sent.replace("{}", &ours));
        let answer = visitor.send(asked).await;
        assert_eq!(answer.status, 200, "{sent}");
        let told = stage.app.last().header("cookie").map(|told| told.replace("; ", ";"));
        assert_eq!(told, left.map(|left| left.replace("; ", ";")), "{sent}");
    }
}

/// Where there are several providers, a login begins at a page of the gateway's, which is the
/// front's to the browser: not at an address that only the front knows.
pub(crate) async fn the_choice_of_a_provider_is_the_fronts(front: &Front) {
    let (stage, _other) = Stage::with_choice(front).await;
    let visitor = stage.visitor();
    let sent = visitor.open("/deep?a=1&b=2").await;
    assert_eq!(sent.status, 302, "{}", sent.text());
    let choice = stage.origin.join(sent.location()).unwrap();
    assert_eq!((choice.origin(), choice.path()), (stage.origin.origin(), "/oauth2/sign_in"));
    let page = visitor.follow(sent).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(stage.app.requests().is_empty());
}

const OPEN: &str = "
    const done = arguments[0];
    window.socket = new WebSocket(`wss://${location.host}/ws`);
    socket.addEventListener('open', () => socket.send('ça va ?'));
    socket.addEventListener('message', (event) => done(event.data), { once: true });
    socket.addEventListener('close', (event) => done(`closed ${event.code}`));";

/// Where a front speaks HTTP/2 with browsers, Chromium may open it as a stream (RFC 8441).
pub(crate) async fn a_browsers_socket_echoes(front: &Front) {
    let stage = Stage::of(front).await;
    let page = stage.base();
    spawn_blocking(move || {
        let browser = Browser::open();
        browser.go(&page);
        browser.wait_for_text("body", "app at /");
        assert_eq!(browser.run_async(OPEN), json!("ça va ?"));
    })
    .await
    .unwrap();
    let seen = stage.app.requests().into_iter().find(|seen| seen.target == "/ws").unwrap();
    let user = format!("{}user", front.manners.identity);
    assert_eq!(seen.header(&user), Some("42"));
}
