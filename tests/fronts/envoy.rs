//! What the two manners of Envoy share: one program, and recipes with the same addresses.

use std::net::IpAddr;
use std::process::Command;

use http::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::front::{Front, Place};
use crate::harness::{ask, empty};
use crate::recipe::Recipe;
use crate::stage::Stage;

/// A recipe of `deploy/envoy` for this place.
pub(crate) fn recipe(name: &str, place: &Place) -> Recipe {
    Recipe::of(&format!("envoy/{name}"))
        .with("address: 0.0.0.0, port_value: 443 ", &address(place.port))
        .with("address: 127.0.0.1, port_value: 3000 ", &address(place.app))
        .with("address: 127.0.0.1, port_value: 4180 ", &address(place.gate))
        .with("/etc/ssl/certs/app.example.com.crt", &place.file("tls.crt"))
        .with("/etc/ssl/private/app.example.com.key", &place.file("tls.key"))
}

pub(crate) fn command(recipe: Recipe, place: &Place) -> Command {
    let config = recipe.write(place.file("envoy.yaml"));
    // Built by tests/run.
    let mut envoy = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/bin/envoy"));
    envoy.arg("--config-path").arg(config);
    // Several at once on one machine: none looks for a former self, and one thread is enough.
    envoy.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]);
    envoy
}

fn address(port: u16) -> String {
    format!("address: 127.0.0.1, port_value: {port} ")
}

/// A test of each for the manner in which this front asks.
macro_rules! each_of_envoy {
    ($front:ident: $($test:ident)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                crate::envoy::$test(&$front).await;
            }
        )*
    };
    ($front:ident) => {
        each_of_envoy! { $front:
            c37_a_visitor_names_nothing_of_the_gateways_away
            c34_a_dot_in_a_name_hides_nothing
            c16_a_refusal_keeps_all_its_cookies
            a_session_in_several_cookie_lines_is_found
        }
    };
}

pub(crate) async fn c34_a_dot_in_a_name_hides_nothing(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    for name in [
        "X.Forwarded.User",
        "X-Forwarded.Email",
        "x.auth-request.user",
        "X.Askara.Organization",
        "x-forwarded.for",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Envoy-Original-Path",
        "X.Real.IP",
        "Forwarded",
        "CF.Connecting-IP",
    ] {
        let forged = ask("GET", "/told").fetching().header(name, "forged");
        assert_eq!(visitor.send(forged).await.status, 200, "{name}");
        let seen = stage.app.last();
        for (told, value) in &seen.headers {
            assert!(value != "forged", "{name} came as {told}");
        }
        // Envoy's word: the visitor's address, or its own for one of the same machine.
        let way = seen.header("x-forwarded-for").unwrap();
        assert!(way.parse::<IpAddr>().is_ok(), "{name}: {way}");
    }
}

/// What `Connection` names goes before anything is stated; an upgrade to what nobody serves is
/// refused by Envoy itself.
pub(crate) async fn c37_a_visitor_names_nothing_of_the_gateways_away(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let cookie = format!("Cookie: __Host-askara={}\r\n", visitor.session().unwrap());
    let names = "X-Forwarded-User, X-Askara-Organization, Authorization, Cookie";
    let lines = format!("{cookie}Connection: {names}\r\n");
    let status = stage.raw("/told", &lines).await;
    for seen in stage.app.requests() {
        for name in ["x-forwarded-user", "x-askara-organization", "authorization"] {
            assert!(seen.header(name).is_some(), "{name} is gone");
        }
    }
    assert!(matches!(status, Some(200 | 302 | 400)), "{status:?}");
    stage.app.forgets();
    let upgrade = format!("{cookie}Upgrade: example\r\nConnection: upgrade, {names}\r\n");
    assert_eq!(stage.raw("/told", &upgrade).await, Some(403));
    assert!(stage.app.requests().is_empty());
}

/// The sixth login of a browser makes room for itself.
pub(crate) async fn c16_a_refusal_keeps_all_its_cookies(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.visitor();
    for n in 1..=5 {
        let sent = visitor.open(&format!("/{n}")).await;
        assert_eq!((sent.status, sent.set_cookies().len()), (302, 1));
    }
    let sent = visitor.open("/6").await;
    assert_eq!((sent.status, sent.set_cookies().len()), (302, 2), "{:?}", sent.headers);
    assert_eq!(visitor.state_cookies().len(), 5);
}

/// HTTP/2 splits the field as it likes (RFC 9113 8.2.3); in HTTP/1.1 some clients do, though they
/// should not.
pub(crate) async fn a_session_in_several_cookie_lines_is_found(front: &Front) {
    let stage = Stage::of(front).await;
    let visitor = stage.signed_in().await;
    let session = format!("__Host-askara={}", visitor.session().unwrap());
    let lines = format!("Cookie: a=1\r\nCookie: {session}\r\nCookie: b=2\r\n");
    assert_eq!(stage.raw("/one", &lines).await, Some(200));
    let socket = TokioIo::new(stage.connect().await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), socket).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("{}/two", stage.base()))
        .header("cookie", "a=1")
        .header("cookie", session)
        .header("cookie", "b=2")
        .body(empty())
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    connection.abort();
    for seen in stage.app.requests() {
        let cookies = seen.headers.get_all("cookie").iter();
        let cookies: Vec<_> = cookies.map(|line| line.to_str().unwrap()).collect();
        assert_eq!(cookies, ["a=1; b=2"], "{}", seen.target);
    }
}
