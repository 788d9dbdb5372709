//! The nginx configuration that people have who come from oauth2-proxy, as its documentation
//! shows it: it goes on working, whatever it leaves to be desired (`deploy/nginx` does better).

use std::process::Command;

use crate::front::{Front, Manners, Place};
use crate::harness::{PAST_EXPIRY, Provider, ask, wait};
use crate::stage::Stage;

const FRONT: Front = Front {
    gate: "nginx/gate.toml",
    command,
    manners: Manners { closed: &[500], ..Manners::BEST },
};

/// Escapes nothing in `rd`, tells no method, and hands the app another spelling of the path than
/// the gateway is told: the one that nginx has made of it.
const LOCATIONS: &str = "
location /oauth2/ {
    proxy_pass http://GATE;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Auth-Request-Redirect $request_uri;
}
location = /oauth2/auth {
    proxy_pass http://GATE;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-Uri $request_uri;
    proxy_set_header Content-Length '';
    proxy_pass_request_body off;
}
location / {
    auth_request /oauth2/auth;
    error_page 401 = @oauth2_signin;
    auth_request_set $user $upstream_http_x_auth_request_user;
    auth_request_set $email $upstream_http_x_auth_request_email;
    proxy_set_header X-User $user;
    proxy_set_header X-Email $email;
    auth_request_set $token $upstream_http_x_auth_request_access_token;
    proxy_set_header X-Access-Token $token;
    auth_request_set $auth_cookie $upstream_http_set_cookie;
    add_header Set-Cookie $auth_cookie;
    proxy_pass http://APP/;
}
location @oauth2_signin {
    return 302 /oauth2/sign_in?rd=$scheme://$host$request_uri;
}";

fn command(place: &mut Place) -> Command {
    let locations = LOCATIONS
        .replace("GATE", &place.gate())
        .replace("APP", &place.app())
        // Without a port where the port is 443.
        .replace("$host", &format!("$host:{}", place.port));
    let config = format!(
        "pid {pid};
events {{ worker_connections 1024; }}
http {{
access_log {log};
server {{
listen 127.0.0.1:{port} ssl;
server_name app.example.com;
ssl_certificate {certificate};
ssl_certificate_key {key};
{locations}
}} }}",
        pid = place.file("nginx.pid"),
        log = place.file("access.log"),
        port = place.port,
        certificate = place.file("tls.crt"),
        key = place.file("tls.key"),
    );
    std::fs::write(place.file("nginx.conf"), config).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-e").arg(place.file("error.log")).arg("-c").arg(place.file("nginx.conf"));
    nginx.args(["-g", "daemon off; master_process off;"]);
    nginx
}

#[tokio::test]
async fn a_deep_link_comes_back_whole_though_nothing_escapes_it() {
    let stage = Stage::of(&FRONT).await;
    for target in
        ["/a?b=1&c=2&d=https://elsewhere.example//x", "/a%20b?c=%26&rd=/other", "/?a=%23b#c"]
    {
        let visitor = stage.visitor();
        let arrived = visitor.navigate(target).await;
        assert_eq!(arrived.status, 200, "{target}: {}", arrived.text());
        let expected = target.split('#').next().unwrap();
        assert_eq!(stage.app.last().target, expected);
    }
}

#[tokio::test]
async fn the_app_is_told_what_oauth2_proxy_would_tell_it() {
    let stage = Stage::of(&FRONT).await;
    let visitor = stage.signed_in().await;
    assert_eq!(visitor.fetch("/").await.status, 200);
    let seen = stage.app.last();
    assert_eq!(seen.header("x-user"), Some("42"));
    assert_eq!(seen.header("x-email"), Some("ada@example.com"));
    assert_eq!(seen.header("x-access-token"), Some(stage.provider.newest_token().as_str()));
}

#[tokio::test]
async fn a_renewed_session_reaches_the_browser() {
    let provider = Provider::with_token_life(2).await;
    // nginx takes 4 KB for the head of an answer unless it is told otherwise (proxy_buffer_size),
    // and this one holds the token twice beside the cookie.
    provider.gives_opaque_tokens();
    let stage = Stage::with(&FRONT, provider).await;
    let visitor = stage.signed_in().await;
    let before = visitor.session();
    wait(PAST_EXPIRY).await;
    stage.provider.token_life(3600);
    assert_eq!(visitor.fetch("/").await.status, 200);
    assert_ne!(visitor.session(), before);
    assert_eq!(visitor.fetch("/").await.status, 200);
    assert_eq!(stage.provider.refreshes(), 1);
}

#[tokio::test]
async fn who_may_not_gets_403_and_is_not_sent_round() {
    let stage = Stage::of(&FRONT).await;
    let visitor = stage.signed_in().await;
    let answer = visitor.open("/admin").await;
    assert_eq!(answer.status, 403);
    assert!(answer.header("location").is_none());
    assert!(stage.app.requests().is_empty());
}

#[tokio::test]
async fn what_nginx_makes_of_a_path_is_never_more_than_the_gateway_allowed() {
    let stage = Stage::of(&FRONT).await;
    let visitor = stage.signed_in().await;
    let cookie = format!("Cookie: __Host-askara={}\r\n", visitor.session().unwrap());
    for target in [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public%2f..%2fadmin",
        "/public/..%2fadmin",
        "/%2fadmin",
        "/%61dmin",
        "//admin",
        "/./admin",
        "/x/..//admin",
    ] {
        for lines in ["", &cookie] {
            let status = stage.raw(target, lines).await;
            assert_ne!(status, Some(200), "{target} came as {:?}", stage.app.targets());
        }
    }
    assert_eq!(stage.app.targets(), Vec::<String>::new(), "C-41");
}

#[tokio::test]
async fn a_visitor_who_asks_the_gateway_is_told_no_token() {
    let stage = Stage::of(&FRONT).await;
    let visitor = stage.signed_in().await;
    let answer = visitor.send(ask("GET", "/oauth2/auth").fetching()).await;
    assert!(answer.header("authorization").is_none(), "{:?}", answer.headers);
    assert!(answer.header("x-auth-request-access-token").is_none(), "{:?}", answer.headers);
}

#[tokio::test]
async fn c122_nobody_gets_in_while_the_gateway_is_dead() {
    crate::situations::c122_nobody_gets_in_while_the_gateway_is_dead(&FRONT).await;
}
