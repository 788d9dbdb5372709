//! Where a login leads back to that a proxy in front sends a visitor to: `rd` as it can be written
//! without an encoder, and the fields that say it in its place. And whom it must not send there.

use crate::harness::*;

const PAGE: &str = "/wiki//a?next=https://other.example/x?y=1&z=%26%2B+";

struct Scene {
    provider: Provider,
    app: App,
    gate: Gate,
}

async fn scene_with(lines: &[&str]) -> Scene {
    let (provider, app) = (Provider::openid().await, App::start().await);
    let mut builder = gateway()
        .with_provider(&provider)
        .with_upstream(&app)
        .with_route(ruled("/vault", "{ acr = [\"urn:mfa\"] }", &app))
        .with_table(LOG);
    for line in lines {
        builder = builder.with_top(line);
    }
    let gate = builder.start().await;
    Scene { provider, app, gate }
}

/// Behind a proxy that is listed.
async fn scene() -> Scene {
    scene_with(&["trusted_proxies = [\"127.0.0.1\"]"]).await
}

impl Scene {
    /// Where a login ends that begins with this.
    async fn lands(&self, begin: Ask) -> Vec<String> {
        self.app.forgets();
        let visitor = self.gate.visitor();
        let what = format!("{} {:?}", begin.target, begin.headers);
        let answer = visitor.follow(visitor.send(begin).await).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        self.app.targets()
    }
}

#[tokio::test]
async fn a_deep_link_that_no_one_encoded_comes_back_whole() {
    let scene = scene().await;
    let base = scene.gate.base();
    for own in ["/oauth2/start", "/oauth2/sign_in"] {
        for origin in ["", &base, "http://127.0.0.1", "https://127.0.0.1"] {
            let begin = ask("GET", &format!("{own}?rd={origin}{PAGE}")).navigating();
            assert_eq!(scene.lands(begin).await, [PAGE], "{own} {origin}");
        }
        let encoded: String = form_urlencoded::byte_serialize(PAGE.as_bytes()).collect();
        let begin = ask("GET", &format!("{own}?rd={encoded}&provider=x")).navigating();
        assert_eq!(scene.lands(begin).await, [PAGE], "{own}");
    }
    // What an app calls its own members is none of our business.
    let link = "/page?a=1&rd=/other&account=other&step_up=x&again=1";
    let begin = ask("GET", &format!("/oauth2/start?rd={link}")).navigating();
    assert_eq!(scene.lands(begin).await, [link]);
}

#[tokio::test]
async fn the_fields_of_a_proxy_say_it_in_their_order() {
    let scene = scene().await;
    let start = || ask("GET", "/oauth2/start").navigating();
    let redirect = |ask: Ask| ask.header("x-auth-request-redirect", PAGE);
    let uri = |ask: Ask| ask.header("x-forwarded-uri", "/uri//x?a=1&b");
    let url = format!("{}/url?a=1&b", scene.gate.base());
    for (begin, landed) in [
        (redirect(uri(ask("GET", "/oauth2/start?rd=%2Frd").navigating())), "/rd"),
        (redirect(uri(ask("GET", "/oauth2/start?rd=//evil.example").navigating())), PAGE),
        (redirect(uri(start())), PAGE),
        (uri(start()), "/uri//x?a=1&b"),
        (uri(start().header("x-auth-request-redirect", "https://evil.example/")), "/uri//x?a=1&b"),
        (start().header("x-original-url", &url), "/url?a=1&b"),
        (start().header("x-original-uri", "/original?a&b"), "/original?a&b"),
        (start().header("x-forwarded-uri", "/oauth2/sign_in?rd=/x"), "/"),
        (start().header("x-forwarded-uri", "//evil.example/"), "/"),
        (start().header("x-original-url", "https://evil.example//x"), "/"),
        (start(), "/"),
    ] {
        let what = format!("{} {:?}", begin.target, begin.headers);
        assert_eq!(scene.lands(begin).await, [landed], "{what}");
    }
}

#[tokio::test]
async fn c38_a_peer_that_is_not_listed_says_nothing_of_it() {
    let scene = scene_with(&[]).await;
    for field in ["x-forwarded-uri", "x-original-uri", "x-original-url"] {
        let begin = ask("GET", "/oauth2/start").navigating().header(field, "/told?a=1");
        assert_eq!(scene.lands(begin).await, ["/"], "{field}");
    }
    // What says no more than a link does may come from anyone.
    let begin = ask("GET", "/oauth2/start").navigating();
    let begin = begin.header("x-auth-request-redirect", "/told?a=1&b");
    assert_eq!(scene.lands(begin).await, ["/told?a=1&b"]);
    let begin = ask("GET", "/oauth2/start").navigating().header("x-forwarded-method", "POST");
    assert_eq!(scene.lands(begin).await, ["/"]);
}

#[tokio::test]
async fn a_visitor_of_another_host_is_led_back_there_where_that_is_allowed() {
    let lines = ["trusted_proxies = [\"127.0.0.1\"]", "allowed_redirects = [\"wiki.example.org\"]"];
    let scene = scene_with(&lines).await;
    let at = |host: &str| {
        ask("GET", "/oauth2/sign_in")
            .navigating()
            .header("x-forwarded-host", host)
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-uri", "/a//b?c=1&d")
    };
    let answer = scene.gate.send(at("wiki.example.org")).await;
    let there = form_urlencoded::byte_serialize(b"https://wiki.example.org/a//b?c=1&d");
    let there = format!("{}/oauth2/sign_in?rd={}", scene.gate.base(), there.collect::<String>());
    assert_eq!((answer.status, answer.location()), (302, there.as_str()), "C-71: home first");
    assert!(answer.set_cookies().is_empty(), "C-71");
    let visitor = scene.gate.visitor();
    let sent = visitor.open(there.strip_prefix(&scene.gate.base()).unwrap()).await;
    let back = visitor.follow_while(sent, |next| next.host_str() == Some("127.0.0.1")).await;
    assert_eq!(back.location(), "https://wiki.example.org/a//b?c=1&d");
    let answer = scene.gate.send(at("evil.example")).await;
    let here = format!("{}/oauth2/sign_in?rd=%2Fa%2F%2Fb%3Fc%3D1%26d", scene.gate.base());
    assert_eq!(answer.location(), here, "the path at home");
    let named = ask("GET", "/oauth2/sign_in?rd=/a?b&c").navigating().header("host", "evil.example");
    let answer = scene.gate.send(named).await;
    assert_eq!(answer.location(), format!("{}/oauth2/sign_in?rd=/a?b&c", scene.gate.base()));
}

#[tokio::test]
async fn c16_what_is_no_navigation_is_told_where_to_sign_in_and_gets_no_cookie() {
    let scene = scene().await;
    let page = format!("{}/around?it=1", scene.gate.base());
    for own in ["/oauth2/start?rd=%2Fapi%2Fthings", "/oauth2/sign_in?rd=/api/things?a&b"] {
        for ask in [
            ask("GET", own).fetching(),
            ask("GET", own).header("x-requested-with", "XMLHttpRequest"),
            ask("GET", own).header("accept", "application/json"),
            ask("POST", own).fetching(),
        ] {
            let what = format!("{} {own} {:?}", ask.method, ask.headers);
            let answer = scene.gate.send(ask.header("referer", &page)).await;
            assert_eq!(answer.status, 401, "{what}");
            assert!(answer.set_cookies().is_empty(), "C-16: {what}");
            assert!(answer.header("www-authenticate").is_some(), "S7: {what}");
            let login = format!("{}/oauth2/start?rd=%2Faround%3Fit%3D1", scene.gate.base());
            assert_eq!(answer.json()["login"], login, "{what}");
        }
    }
    assert_eq!(scene.provider.authorizations(), 0);
}

#[tokio::test]
async fn what_a_proxy_was_asked_for_counts_and_not_what_it_makes_of_it() {
    let scene = scene().await;
    let page = format!("{}/form?x=1", scene.gate.base());
    // nginx makes a GET of it at an address, and keeps method and body at a named location.
    for (method, field) in [
        ("GET", "x-forwarded-method"),
        ("GET", "x-original-method"),
        ("POST", "x-forwarded-method"),
        ("PUT", "x-original-method"),
    ] {
        let told = if method == "PUT" { "PUT" } else { "POST" };
        let ask = ask(method, "/oauth2/sign_in")
            .navigating()
            .header(field, told)
            .header("x-forwarded-uri", "/form")
            .header("referer", &page);
        let answer = scene.gate.send(ask).await;
        assert_own_page(&answer);
        let shown = shown(&answer);
        assert_eq!((shown.status, shown.heading.as_str()), (401, "Please sign in first"));
        assert_eq!(shown.again.as_deref(), Some("/oauth2/start?rd=%2Fform%3Fx%3D1"), "{method}");
        assert!(answer.set_cookies().is_empty(), "{method}");
    }
    let put = ask("PUT", "/oauth2/sign_in").navigating();
    assert_eq!(scene.gate.send(put).await.status, 405, "nobody says that it was for elsewhere");
    // A form of ours, and of whoever leads here by one.
    let posted = ask("POST", "/oauth2/start")
        .navigating()
        .header("x-forwarded-method", "POST")
        .header("x-forwarded-uri", "/oauth2/start")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("rd=%2Fposted%3Fa%26b");
    assert_eq!(scene.lands(posted).await, ["/posted?a&b"]);
}

#[tokio::test]
async fn whose_session_lacks_something_is_sent_for_that() {
    let scene = scene().await;
    let asked = || {
        let asked = scene.provider.last_authorization();
        asked.into_iter().find(|(name, _)| name == "acr_values").map(|(_, value)| value)
    };
    for own in ["/oauth2/start", "/oauth2/sign_in"] {
        let visitor = scene.gate.visitor();
        visitor.login().await;
        assert_eq!(asked(), None);
        scene.provider.writes_id_token(&serde_json::json!({ "acr": "urn:mfa" }));
        scene.app.forgets();
        let begin = ask("GET", own).navigating().header("x-forwarded-uri", "/vault/door?a&b");
        let sent = visitor.send(begin).await;
        let answer = visitor.follow(sent).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(asked().as_deref(), Some("urn:mfa"), "{own}");
        assert_eq!(scene.app.targets(), ["/vault/door?a&b"]);
        // What it lacked was remembered with the attempt: bringing less ends on a page.
        scene.provider.writes_id_token(&serde_json::json!({ "acr": "urn:password" }));
        let visitor = scene.gate.visitor();
        visitor.login().await;
        let answer = visitor.navigate(&format!("{own}?rd=/vault/door?a&b")).await;
        assert_eq!(shown(&answer).heading, heading::STEP_UP_UNMET, "{}", answer.text());
        scene.provider.writes_id_token(&serde_json::json!({ "acr": null }));
    }
}

#[tokio::test]
async fn whose_session_is_good_signs_in_all_the_same_and_is_never_sent_straight_back() {
    let scene = scene().await;
    let visitor = scene.gate.visitor();
    visitor.login().await;
    let answer = visitor.open("/oauth2/start?rd=%2Fpage").await;
    assert!(answer.location().starts_with(&scene.provider.url()), "{}", answer.location());
}
