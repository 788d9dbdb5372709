//! A request on a stream of its own, and once more where the app has not looked at it.
//!
//! A stream that was refused, or that came after the last one of a GOAWAY, was not processed: its
//! request is sent again, as long as its body is still there. So is a request without a body that
//! is idempotent, when its connection broke (S60; RFC 9113 8.7).

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, Version, header};
use hyper::body::Incoming;
use tokio::sync::oneshot;

use super::super::carrier::Carrier;
use super::super::pool::Pool;
use super::super::retry::Unsent;
use super::super::{Failure, VisitorBody};
use super::Place;
use super::replay::{Original, Replay};

/// Sends a request; returns the answer with the stream on which its body still is.
pub(in crate::upstream) async fn send(
    pool: &Arc<Pool>,
    connect: Duration,
    mut place: Place,
    request: Request<VisitorBody>,
) -> Result<(Response<Incoming>, Carrier), Unsent> {
    let (mut head, body) = request.into_parts();
    translate(&mut head, pool.scheme()).map_err(Unsent::from)?;
    let original = Original::new(body);
    let mut tries = 1;
    loop {
        let (hold, given_up) = oneshot::channel();
        let request = copy(&head, original.send(given_up));
        let mut error = match place.connection.sender.clone().try_send_request(request).await {
            Ok(answer) => {
                original.settle();
                place.request = Some(hold);
                return Ok((answer, Carrier::Stream(place)));
            }
            Err(error) => error,
        };
        let unsent = error.take_message().is_some();
        let error = error.into_error();
        if let Some(failure) = original.failure() {
            return Err(failure.into());
        }
        let harmless = unsent
            || was_refused(&error)
            || place.reused
                && original.is_absent()
                && head.method.is_idempotent()
                && has_broken(&error);
        if tries == TRIES || !harmless || !original.is_intact() {
            return Err(failure(&error).into());
        }
        tries += 1;
        if unsent || !is_reset(&error) {
            pool.shared.leave(&place.connection);
        }
        drop(place);
        place = match pool.place(connect).await {
            Ok(place) => place,
            Err(failure) => {
                let request = original.untouched().map(|body| translated_back(head, body));
                return Err(Unsent::whole(failure, request, tries));
            }
        };
    }
}

/// Puts the head into HTTP/2's own words (RFC 9113 8.2.2, 8.3.1).
fn translate(head: &mut Parts, scheme: Scheme) -> Result<(), Failure> {
    let host = head.headers.remove(header::HOST);
    let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut uri = std::mem::take(&mut head.uri).into_parts();
    uri.scheme = Some(scheme);
    uri.authority = authority;
    head.uri = Uri::from_parts(uri).map_err(|_| Failure::Nonsense("a host that is none"))?;
    head.version = Version::HTTP_2;
    strip_connection(&mut head.headers);
    Ok(())
}

/// The same in the words of HTTP/1.1, for another server, which may not know HTTP/2.
fn translated_back(mut head: Parts, body: VisitorBody) -> Request<VisitorBody> {
    let uri = std::mem::take(&mut head.uri).into_parts();
    let host = uri.authority.and_then(|host| HeaderValue::try_from(host.as_str()).ok());
    head.headers.extend(host.map(|host| (header::HOST, host)));
    head.uri = uri.path_and_query.map(Uri::from).unwrap_or_default();
    head.version = Version::HTTP_11;
    Request::from_parts(head, body)
}

fn strip_connection(fields: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        fields.remove(name);
    }
}

fn copy(head: &Parts, body: Replay) -> Request<Replay> {
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    *request.version_mut() = head.version;
    request
}

/// Whether the app says that it has not looked at the request.
fn was_refused(error: &hyper::Error) -> bool {
    cause(error).is_some_and(|cause| {
        let refused = cause.is_reset() && cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        cause.is_remote() && (refused || cause.is_go_away())
    })
}

fn has_broken(error: &hyper::Error) -> bool {
    cause(error).is_some_and(h2::Error::is_io)
}

fn is_reset(error: &hyper::Error) -> bool {
    cause(error).is_some_and(h2::Error::is_reset)
}

fn cause(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}

fn failure(error: &hyper::Error) -> Failure {
    match cause(error) {
        Some(cause) if cause.is_reset() => Failure::Reset(cause.to_string()),
        Some(cause) => Failure::Broken(cause.to_string()),
        None => Failure::Broken(error.to_string()),
    }
}

/// Of one request, with the first.
const TRIES: u8 = 3;
