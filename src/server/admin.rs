//! The admin listener: health, readiness and metrics, for machines and not for visitors.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::listener::{Accepted, Acceptor};
use crate::gateway::{Body, Gateway};

/// Serves until it is dropped.
pub(super) async fn serve(acceptor: Acceptor, gateway: Arc<Gateway>) {
    loop {
        match acceptor.accept().await {
            Ok(Accepted::Tcp(stream, _)) => spawn(stream, &gateway),
            Ok(Accepted::Unix(stream)) => spawn(stream, &gateway),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn spawn<I>(stream: I, gateway: &Arc<Gateway>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let gateway = Arc::clone(gateway);
    tokio::spawn(async move {
        let service = service_fn(|request| {
            std::future::ready(Ok::<_, Infallible>(answer(&request, &gateway)))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .serve_connection(TokioIo::new(stream), service);
        let _ = connection.await;
    });
}

fn answer(request: &Request<Incoming>, gateway: &Gateway) -> Response<Body> {
    let plain = |status, text: &'static str| {
        let mut answer = Response::new(Body::from(Bytes::from_static(text.as_bytes())));
        *answer.status_mut() = status;
        answer
    };
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
    }
    match request.uri().path() {
        "/healthz" => plain(StatusCode::OK, "OK"),
        "/readyz" => gateway.readiness(),
        "/metrics" => {
            let mut answer = Response::new(Body::from(Bytes::from(gateway.told_metrics())));
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            answer
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
            answer
        }
        _ => plain(StatusCode::NOT_FOUND, "/healthz, /readyz and /metrics are here"),
    }
}

const PAUSE: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_secs(75);
