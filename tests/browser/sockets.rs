//! WebSockets as a browser opens them where it speaks HTTP/2: as a stream of the connection that
//! the page came on (RFC 8441).

use serde_json::json;
use tokio::task::spawn_blocking;

use crate::browser::Browser;
use crate::harness::*;

const OPEN: &str = "
    const done = arguments[0];
    window.socket = new WebSocket(`wss://${location.host}/ws`);
    socket.addEventListener('open', () => socket.send('ça va ?'));
    socket.addEventListener('message', (event) => done(event.data), { once: true });
    socket.addEventListener('close', (event) => done(`closed ${event.code}`));";

const SIGN_OUT: &str = "
    const done = arguments[0];
    socket.addEventListener('close', (event) => done(event.code));
    fetch('/oauth2/sign_out', { method: 'POST', redirect: 'manual' });";

#[tokio::test]
async fn a_socket_over_http2_echoes_and_ends_with_its_session() {
    let (provider, app) = (Provider::start().await, App::start().await);
    let gate = gateway().with_provider(&provider).with_upstream(&app).over_tls().start().await;
    let page = gate.base();
    spawn_blocking(move || {
        let browser = Browser::open();
        browser.go(&page);
        browser.wait_for_text("body", "app at /");
        assert_eq!(browser.run_async(OPEN), json!("ça va ?"));
        assert_eq!(browser.run_async(SIGN_OUT), json!(1008), "C-80");
    })
    .await
    .unwrap();
    let sockets = app.requests().into_iter().filter(|seen| seen.target == "/ws");
    let via: Vec<_> = sockets.map(|seen| seen.header("via").unwrap()[..4].to_owned()).collect();
    assert_eq!(via, ["2.0 "], "Chromium asked by an extended CONNECT");
}
