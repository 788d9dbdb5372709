//! An https:// listener: both protocols by ALPN, and the names that only https may carry.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::*;

async fn scene() -> (Provider, App, Gate) {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway()
        .with_provider(&provider)
        .with_route(public("/open", &app))
        .with_upstream(&app)
        .over_tls()
        .start()
        .await;
    (provider, app, gate)
}

async fn handshake(gate: &Gate, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(gate.tls_offering(protocols))
        .connect(name, gate.connect().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn alpn_chooses_the_protocol() {
    let (_provider, _app, gate) = scene().await;
    let both = handshake(&gate, &[b"http/1.1", b"h2"]).await;
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let old = handshake(&gate, &[b"http/1.1"]).await;
    assert_eq!(old.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let none = handshake(&gate, &[]).await;
    assert_eq!(none.get_ref().1.alpn_protocol(), None);
}

#[tokio::test]
async fn many_http2_streams_share_a_connection() {
    let (_provider, app, gate) = scene().await;
    let stream = TokioIo::new(handshake(&gate, &[b"h2"]).await);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let requests = (0..40).map(|n| {
        let mut sender = sender.clone();
        let address = format!("{}/open/{n}", gate.base());
        async move {
            let request = Request::get(address).body(Empty::<Bytes>::new()).unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), 200);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, format!("app at /open/{n}"));
        }
    });
    futures_util::future::join_all(requests).await;
    assert_eq!(app.requests().len(), 40);
    assert_eq!(app.last().header("x-forwarded-proto"), Some("https"));
}

#[tokio::test]
async fn cookies_are_bound_to_this_host_and_to_https() {
    let (_provider, _app, gate) = scene().await;
    let visitor = gate.visitor();
    let start = visitor.open("/page").await;
    let [state] = start.set_cookies().try_into().unwrap();
    assert!(state.name.starts_with("__Host-askara-st-"), "S42: {}", state.name);
    assert!(state.has("secure") && state.has("httponly") && !state.has("domain"));
    let callback = visitor.consent("/page").await;
    let set = visitor.open(&callback).await.sets("__Host-askara").expect("S42");
    assert!(set.has("secure") && set.has("httponly") && set.is("path", "/"));
    assert!(set.is("samesite", "Lax") && !set.has("domain"));
    assert_eq!(visitor.fetch("/").await.status, 200);
    let out = ask("POST", "/oauth2/sign_out").navigating().same_origin();
    let deleted = visitor.send(out).await.sets("__Host-askara").expect("C-33");
    assert_eq!(deleted.scope(), set.scope(), "C-33, S43");
    assert!(visitor.session().is_none(), "C-33: a browser takes it");
}

#[tokio::test]
async fn a_login_works_from_end_to_end() {
    let (provider, app, gate) = scene().await;
    gate.visitor().login_at("/deep?x=1").await;
    assert_eq!(app.targets(), ["/deep?x=1"]);
    let sent = provider.last_authorization();
    let registered = format!("{}{CALLBACK}", gate.base());
    assert!(registered.starts_with("https://"));
    assert!(sent.contains(&("redirect_uri".to_owned(), registered)));
}

#[tokio::test]
async fn plain_words_and_silence_disturb_nobody() {
    let (_provider, _app, gate) = scene().await;
    let _silent = gate.connect().await;
    let mut plain = gate.connect().await;
    let _ = plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = read_all(&mut plain).await;
    assert!(answer.closed);
    assert_ne!(answer.status(), Some(200));
    assert_eq!(gate.visitor().fetch("/open").await.status, 200);
}
