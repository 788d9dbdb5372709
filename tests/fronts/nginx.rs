//! nginx with auth_request.

use std::process::Command;

use serde_json::json;

use crate::front::{Front, Manners, Place};
use crate::harness::{PAST_EXPIRY, Provider, ask, random_key, wait};
use crate::recipe::Recipe;
use crate::stage::Stage;

pub(crate) const FRONT: Front = Front { gate: "nginx/gate.toml", command, manners: Manners::BEST };

each_situation!(FRONT);

each_situation! { FRONT, []:
    c37_a_visitor_cannot_name_the_identity_away
    c47_another_method_or_address_is_taken_away
    the_query_of_a_page_is_not_that_of_the_question
    s47_only_the_gateways_cookies_are_cut
    a_browsers_socket_echoes
}

fn command(place: &mut Place) -> Command {
    Recipe::of("nginx/askara-cookies.conf").write(place.file("askara-cookies.conf"));
    let config = Recipe::of("nginx/nginx.conf")
        .with("127.0.0.1:3000", &place.app())
        .with("127.0.0.1:4180", &place.gate())
        .with("listen 443 ", &format!("listen 127.0.0.1:{} ", place.port))
        // Without a port where the port is 443.
        .with(" $host;", &format!(" $host:{};", place.port))
        .with("/etc/ssl/certs/app.example.com.crt", &place.file("tls.crt"))
        .with("/etc/ssl/private/app.example.com.key", &place.file("tls.key"))
        .with("/var/log/nginx", place.home.to_str().unwrap())
        .with("/run/nginx.pid", &place.file("nginx.pid"))
        .write(place.file("nginx.conf"));
    // One process, which ends by its id.
    let mut nginx = Command::new("nginx");
    nginx.arg("-e").arg(place.file("error.log")).arg("-c").arg(config);
    nginx.args(["-g", "daemon off; master_process off;"]);
    nginx
}

#[tokio::test]
async fn s47_the_app_gets_every_cookie_but_the_gateways() {
    let stage = Stage::of(&FRONT).await;
    let all = "a=1; __Host-askara=x; b=2; __Host-askara.0=x; c=3; __Host-askara.1=x; \
               askara-st-AAAAAAAA=x; d=4; __Host-askara-rounds=1; __Host-askara-st-AAAAAAAB=x; e; \
               __Secure-askara-st-AAAAAAAC=x; f=; __Host-askara-st-AAAAAAAD=x";
    for (sent, left) in [
        ("a=1; b=2", Some("a=1; b=2")),
        ("a=1; __Host-askara=x; b=2", Some("a=1; b=2")),
        ("__Host-askara=x; b=2", Some("b=2")),
        ("a=1; __Host-askara=x", Some("a=1")),
        ("__Host-askara=x", None),
        ("a=1;askara=x;b=2;", Some("a=1;b=2")),
        ("askara ; a=1", Some("a=1")),
        (
            "askarab=1; askara-rounds2=2; xaskara=2; a=askara=3; __Host-x=4",
            Some("askarab=1; askara-rounds2=2; xaskara=2; a=askara=3; __Host-x=4"),
        ),
        (all, Some("a=1; b=2; c=3; d=4; e; f=")),
        (&format!("{all}; g=5; askara-st-AAAAAAAE=x"), None),
    ] {
        let answer = stage.visitor().send(ask("GET", "/public").fetching().cookie(sent)).await;
        assert_eq!(answer.status, 200, "{sent}");
        assert_eq!(stage.app.last().header("cookie"), left, "{sent}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_served_reaches_nobody() {
    let stage = Stage::of(&FRONT).await;
    for target in ["https://elsewhere.example.com/public", "https://127.0.0.1/public"] {
        assert_eq!(stage.raw(target, "").await, Some(421), "C-63: {target}");
    }
    assert!(stage.app.requests().is_empty());
}

/// The page to choose from comes in the place of what was asked for.
#[tokio::test]
async fn of_several_providers_people_choose_and_come_back() {
    let (stage, _other) = Stage::with_choice(&FRONT).await;
    let visitor = stage.visitor();
    let page = visitor.open("/deep?a=1&b=2").await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.status, 200);
    let start = "/oauth2/start?provider=other&rd=%2Fdeep%3Fa%3D1%26b%3D2";
    let escaped = start.replace('/', "&#x2f;").replace('&', "&amp;").replace("&amp;#", "&#");
    assert!(page.text().contains(&escaped), "{}", page.text());
    assert_eq!(visitor.navigate(start).await.status, 200);
    assert_eq!(stage.app.targets(), ["/deep?a=1&b=2"]);
}

#[tokio::test]
async fn c122_the_gateways_own_paths_say_503_while_it_is_dead() {
    let mut stage = Stage::of(&FRONT).await;
    stage.stop_gate();
    for target in ["/", "/oauth2/start", "/oauth2/sign_in?rd=%2F"] {
        let answer = stage.visitor().open(target).await;
        assert_eq!(answer.status, 503, "{target}");
        assert_eq!(answer.header("retry-after"), Some("5"), "{target}");
    }
}

/// nginx hands over the first `Set-Cookie` of an answer: half a session would be none.
#[tokio::test]
async fn c123_a_session_of_two_cookies_goes_on_and_the_log_says_what_it_lacks() {
    let provider = Provider::openid().await;
    let much: String = (0..64).map(|_| random_key()).collect();
    provider.writes_id_token(&json!({ "more": much }));
    provider.token_life(2);
    let table = format!("kind = \"oidc\"\nissuer = {:?}\nid_token_hint = true", provider.url());
    let stage = Stage::with_table(&FRONT, provider, &table, |recipe| recipe).await;
    let visitor = stage.visitor();
    assert_eq!(visitor.navigate("/").await.status, 200);
    let parts = ["__Host-askara.0", "__Host-askara.1"];
    let before = parts.map(|name| visitor.cookie(name).expect("a session of two cookies"));
    wait(PAST_EXPIRY).await;
    stage.provider.token_life(3600);
    for _ in 0..3 {
        let answer = visitor.fetch("/").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.set_cookies().is_empty(), "{:?}", answer.set_cookies());
    }
    assert_eq!(stage.provider.refreshes(), 1, "the process knows the newer one");
    assert_eq!(parts.map(|name| visitor.cookie(name).unwrap()), before);
    assert!(stage.said().contains("session.store"), "{}", stage.said());
}
