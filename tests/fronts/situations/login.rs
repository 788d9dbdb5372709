//! Getting in.

use serde_json::json;
use tokio::task::spawn_blocking;

use crate::browser::Browser;
use crate::certificate::NAME;
use crate::front::Front;
use crate::harness::{CALLBACK, CLIENT_ID, CLIENT_SECRET, Port, Provider, ask};
use crate::openid_provider::{OpenIdProvider, settings};
use crate::stage::Stage;

const DEEP: &str = "/reports//2026/a%20b?next=https://elsewhere.example/x?y=1&a=1&b=%2F%26&c=";

pub(crate) async fn a_navigation_without_a_session_goes_to_the_provider(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.visitor();
    let sent = visitor.open("/reports").await;
    assert!(sent.redirects(), "{} {}", sent.status, sent.text());
    // At once, or by the gateway's own address.
    let home = stage.origin.clone();
    let sent = visitor.follow_while(sent, |next| next.origin() == home.origin()).await;
    let authorize = format!("{}/authorize?", stage.provider.url());
    assert!(sent.location().starts_with(&authorize), "{}", sent.location());
    let attempts = visitor.state_cookies();
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert!(attempts[0].starts_with("__Host-"), "{attempts:?}");
    assert!(stage.app.requests().is_empty());
}

pub(crate) async fn a_fetch_without_a_session_gets_401_and_no_state_cookie(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.visitor();
    let by_hand = ask("GET", "/api").header("x-requested-with", "XMLHttpRequest");
    for asked in [ask("GET", "/api?a=1").fetching(), by_hand, ask("DELETE", "/api").fetching()] {
        let what = format!("{} {}", asked.method, asked.target);
        let headers = asked.headers.clone();
        let mut answer = visitor.send(asked).await;
        if front.manners.redirects_programs {
            assert_eq!(answer.status, 302, "{what}: {}", answer.text());
            assert!(answer.set_cookies().is_empty(), "{what}: {:?}", answer.set_cookies());
            // As a browser goes on with it.
            let next = stage.origin.join(answer.location()).unwrap();
            assert_eq!((next.origin(), next.path()), (stage.origin.origin(), "/oauth2/start"));
            let again = ask("GET", &next[url::Position::BeforePath..]);
            let again = headers.iter().fold(again, |ask, (name, value)| ask.header(name, value));
            answer = visitor.send(again).await;
        }
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        assert!(answer.header("location").is_none(), "{what}");
        assert!(answer.set_cookies().is_empty(), "{what}: {:?}", answer.set_cookies());
        let challenges = answer.headers.get_all("www-authenticate").iter().count();
        assert_eq!(challenges, 1, "{what}: RFC 9110 15.5.2");
        if front.manners.explains_401 {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
            let login = answer.json()["login"].as_str().map(str::to_owned);
            assert!(login.is_some_and(|login| login.contains("/oauth2/start")), "{what}");
        }
    }
    assert!(stage.app.requests().is_empty());
}

pub(crate) async fn a_deep_link_with_two_slashes_and_an_address_in_its_query_comes_back(
    front: &Front,
) {
    let stage = Stage::of(front).await;
    let visitor = stage.visitor();
    let arrived = visitor.navigate(DEEP).await;
    assert_eq!(arrived.status, 200, "{}", arrived.text());
    assert_eq!(stage.app.targets(), [DEEP]);
}

pub(crate) async fn two_tabs_sign_in_at_once(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.visitor();
    let first = visitor.consent("/first?tab=1").await;
    let second = visitor.consent("/second?tab=2").await;
    assert_eq!(visitor.state_cookies().len(), 2);
    for (callback, target) in [(first, "/first?tab=1"), (second, "/second?tab=2")] {
        assert!(callback.starts_with(CALLBACK));
        let arrived = visitor.navigate(&callback).await;
        assert_eq!(arrived.status, 200, "{}", arrived.text());
        assert_eq!(stage.app.last().target, target);
    }
    assert!(visitor.state_cookies().is_empty(), "{:?}", visitor.cookie_names());
}

const STATUS: &str = "
    const done = arguments[0];
    fetch('PATH', OPTIONS).then((answer) => done(answer.status), (error) => done(String(error)));";

fn status(path: &str, options: &str) -> String {
    STATUS.replace("PATH", path).replace("OPTIONS", options)
}

/// Chromium, the front, the gateway, and a certified provider whose pages ask who it is.
pub(crate) async fn a_person_signs_in_with_a_real_browser(front: &Front) {
    let (stage, _provider) = with_certified_provider(front).await;
    let base = stage.base();
    spawn_blocking(move || {
        let browser = Browser::open();
        browser.go(&format!("{base}{DEEP}"));
        browser.fill("input[name=account]", "ada");
        browser.click("button[value=yes]");
        // The next page asks for consent.
        browser.wait_for("ul");
        browser.click("button[value=yes]");
        browser.wait_for_text("body", "app at /reports");
        assert_eq!(browser.address(), format!("{base}{DEEP}"));
        let names = browser.cookie_names();
        assert!(names.contains(&"__Host-askara".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("-st-")), "{names:?}");
        assert_eq!(browser.run_async(&status("/api", "{}")), json!(200));
        let out = status("/oauth2/sign_out", "{ method: 'POST', redirect: 'manual' }");
        browser.run_async(&out);
        assert_eq!(browser.run_async(&status("/api", "{}")), json!(401), "signed out");
        assert!(!browser.cookie_names().contains(&"__Host-askara".to_owned()));
    })
    .await
    .unwrap();
    let seen = stage.app.requests().remove(0);
    assert_eq!(seen.target, DEEP);
    let told = |name: &str| seen.header(&format!("{}{name}", front.manners.identity));
    assert_eq!((told("user"), told("email")), (Some("ada"), Some("ada@example.com")));
}

async fn with_certified_provider(front: &Front) -> (Stage, OpenIdProvider) {
    let port = Port::reserve();
    let base = format!("https://{NAME}:{}", port.number);
    let settings = settings().with_client(json!({
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [format!("{base}{CALLBACK}")],
        "post_logout_redirect_uris": [format!("{base}/oauth2/signed_out")],
    }));
    let provider = OpenIdProvider::start(settings).await;
    let table = format!(
        "kind = \"oidc\"\nissuer = {:?}\nscopes = [\"openid\", \"email\", \"profile\"]",
        provider.issuer()
    );
    let stand_in = Provider::start().await;
    (Stage::on(port, front, stand_in, &table, |recipe| recipe).await, provider)
}
