//! Apps that speak HTTP/2: what arrives there, what comes back, and who gives up what.

use std::error::Error as _;
use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::harness::*;

const SOON: Duration = Duration::from_secs(5);

async fn before(app: &H2App) -> Gate {
    gateway().with_top("workers = 1").with_route(public("/", app)).start().await
}

fn post(gate: &Gate, body: Body) -> Request<Body> {
    Request::post(format!("{}/svc/Call", gate.base())).body(body).unwrap()
}

fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// The reason of the reset that an error stands for.
fn reason(error: &hyper::Error) -> Option<Reason> {
    error.source()?.downcast_ref::<h2::Error>()?.reason()
}

#[tokio::test]
async fn a_request_says_nothing_of_the_visitors_hop_and_all_of_its_own() {
    let (heard, mut hears) = mpsc::channel(8);
    let app = H2App::start(move |mut call: Call| {
        let heard = heard.clone();
        async move {
            heard.send(call.request.into_parts().0).await.unwrap();
            let _ = call.respond.send_response(Response::new(()), true);
        }
    })
    .await;
    let gate = before(&app).await;
    let request = ask("GET", "/a%20b?q=1")
        .header("connection", "keep-alive, te, x-hop")
        .header("te", "trailers")
        .header("x-hop", "1")
        .header("cookie", "a=1; b=2");
    assert_eq!(gate.send(request).await.status, 200);
    let seen = hears.recv().await.unwrap();
    assert_eq!(seen.uri.path_and_query().unwrap(), "/a%20b?q=1");
    assert_eq!(seen.uri.authority().unwrap().as_str(), gate.authority(), "Host");
    assert_eq!(seen.headers["te"], "trailers");
    assert_eq!(seen.headers["cookie"], "a=1; b=2");
    for absent in ["host", "connection", "keep-alive", "x-hop", "transfer-encoding", "upgrade"] {
        assert!(!seen.headers.contains_key(absent), "C-37: {absent}");
    }
    let crumbs = Request::get(format!("{}/", gate.base()))
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("grpc-timeout", "7S")
        .body(empty())
        .unwrap();
    assert_eq!(http2(&gate).await.send_request(crumbs).await.unwrap().status(), 200);
    let seen = hears.recv().await.unwrap();
    assert_eq!(seen.headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    assert_eq!(seen.headers["grpc-timeout"], "7S");
    assert_eq!(app.connections(), 1, "both share it");
}

#[tokio::test]
async fn both_sides_speak_at_once_and_end_with_trailers_that_nobody_announced() {
    let (heard, mut hears) = mpsc::channel(8);
    let app = H2App::start(move |mut call: Call| {
        let heard = heard.clone();
        async move {
            let mut answer = call.respond.send_response(Response::new(()), false).unwrap();
            let body = call.request.body_mut();
            while let Some(data) = body.data().await {
                answer.send_data(data.unwrap(), false).unwrap();
            }
            heard.send(body.trailers().await.unwrap()).await.unwrap();
            let said = [("grpc-status", "0"), ("x-forwarded-user", "root"), ("x-own", "1")];
            answer.send_trailers(map(&said)).unwrap();
        }
    })
    .await;
    let gate = before(&app).await;
    let (frames, body) = from_channel();
    let mut sender = http2(&gate).await;
    let answer = timeout(SOON, sender.send_request(post(&gate, body))).await;
    let mut answer = answer.expect("the answer begins before the request ends").unwrap();
    for piece in ["one", "two"] {
        frames.send(Frame::data(Bytes::from(piece))).await.unwrap();
        let echo = timeout(SOON, answer.body_mut().frame()).await.unwrap().unwrap().unwrap();
        assert_eq!(echo.into_data().unwrap(), piece);
    }
    let said = [("x-own", "2"), ("x-forwarded-user", "root"), ("content-length", "7")];
    frames.send(Frame::trailers(map(&said))).await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), Some(map(&[("x-own", "2")])), "C-39");
    let end = timeout(SOON, answer.body_mut().frame()).await.unwrap().unwrap().unwrap();
    let trailers = end.into_trailers().unwrap();
    assert_eq!(trailers, map(&[("grpc-status", "0"), ("x-own", "1")]), "C-39");
}

#[tokio::test]
async fn a_visitor_who_gives_up_is_given_up_at_the_app() {
    let (heard, mut hears) = mpsc::channel(8);
    let app = H2App::start(move |mut call: Call| {
        let heard = heard.clone();
        async move {
            if call.request.uri().path() == "/silent" {
                heard.send(None).await.unwrap();
                let reset = poll_fn(|context| call.respond.poll_reset(context)).await;
                return heard.send(reset.ok()).await.unwrap();
            }
            let mut answer = call.respond.send_response(Response::new(()), false).unwrap();
            let reset = poll_fn(|context| answer.poll_reset(context)).await;
            heard.send(reset.ok()).await.unwrap();
        }
    })
    .await;
    let gate = before(&app).await;
    let mut sender = http2(&gate).await;
    let answer = sender.send_request(post(&gate, empty())).await.unwrap();
    drop(answer);
    let heard = timeout(SOON, hears.recv()).await.expect("C-74: after the head");
    assert_eq!(heard, Some(Some(Reason::CANCEL)));

    let (frames, body) = from_channel();
    let answer = sender.send_request(post(&gate, body)).await.unwrap();
    drop((answer, frames));
    let heard = timeout(SOON, hears.recv()).await.expect("C-74: in the midst of a request");
    assert_eq!(heard, Some(Some(Reason::CANCEL)));

    let silent = Request::get(format!("{}/silent", gate.base())).body(empty()).unwrap();
    let waiting = tokio::spawn(sender.send_request(silent));
    assert_eq!(hears.recv().await, Some(None), "it has come");
    waiting.abort();
    let heard = timeout(SOON, hears.recv()).await.expect("C-74: before the head");
    assert_eq!(heard, Some(Some(Reason::CANCEL)));
    assert_eq!(app.connections(), 1);
}

#[tokio::test]
async fn an_answer_that_the_app_breaks_off_looks_broken() {
    let app = H2App::start(|mut call: Call| async move {
        let mut answer = call.respond.send_response(Response::new(()), false).unwrap();
        answer.send_data(Bytes::from("half"), false).unwrap();
        // The reset must not overtake the data.
        wait(100).await;
        answer.send_reset(Reason::ENHANCE_YOUR_CALM);
    })
    .await;
    let gate = before(&app).await;
    let mut answer = http2(&gate).await.send_request(post(&gate, empty())).await.unwrap();
    let half = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(half, "half");
    let broken = timeout(SOON, answer.body_mut().frame()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(reason(&broken), Some(Reason::ENHANCE_YOUR_CALM), "S59: {broken:?}");
    let raw = gate.raw("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let said = raw.text();
    assert!(said.contains("half") && !said.ends_with("0\r\n\r\n"), "S59: {said}");
}

#[tokio::test]
async fn an_app_that_answers_early_is_sent_no_more() {
    let (heard, mut hears) = mpsc::channel(8);
    let app = H2App::start(move |mut call: Call| {
        let heard = heard.clone();
        async move {
            call.respond.send_response(Response::new(()), true).unwrap();
            while let Some(Ok(_)) = call.request.body_mut().data().await {}
            heard.send(()).await.unwrap();
        }
    })
    .await;
    let gate = before(&app).await;
    let (frames, body) = from_channel();
    let mut sender = http2(&gate).await;
    let answer = sender.send_request(post(&gate, body)).await.unwrap();
    assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
    timeout(SOON, hears.recv()).await.expect("the end of the request").unwrap();
    drop(frames);
}

#[tokio::test]
async fn an_app_that_allows_few_streams_gets_another_connection() {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(2);
    let (release, held) = tokio::sync::watch::channel(false);
    let app = H2App::built(builder, move |mut call: Call| {
        let mut held = held.clone();
        async move {
            let _ = held.wait_for(|released| *released).await;
            let _ = call.respond.send_response(Response::new(()), true);
        }
    })
    .await;
    let gate = before(&app).await;
    release.send(true).unwrap();
    assert_eq!(gate.send(ask("GET", "/")).await.status, 200);
    release.send(false).unwrap();
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(tokio::spawn(http2(&gate).await.send_request(post(&gate, empty()))));
    }
    eventually("three connections", || app.connections() == 3).await;
    release.send(true).unwrap();
    for answer in waiting {
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(app.connections(), 3);
}

#[tokio::test]
async fn an_app_that_speaks_no_http2_is_no_usable_app() {
    let app = App::start().await;
    let wrong = app.url().replace("http://", "h2c://");
    let gate = gateway().with_route(public("/", &wrong.as_str())).start().await;
    assert_eq!(gate.send(ask("GET", "/")).await.status, 502);
    assert!(app.requests().is_empty());
}
