//! One more try, where a request can't have had an effect.
//!
//! An app may close an idle connection at the moment at which a request is written to it. Such a
//! request is sent again on a new connection when nothing of it was written, or when it has no
//! body, is idempotent and failed before any byte of an answer (S60; RFC 9110 9.2.2).

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use super::pool::{Lease, Pool};
use super::{Failure, VisitorBody};

/// Sends a request; returns the answer with the connection on which its body still is.
pub(super) async fn send(
    pool: &Arc<Pool>,
    request: Request<VisitorBody>,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let mut lease = pool.lease().await?;
    let spare = if lease.reused { spare(&request) } else { None };
    let progress = request.body().progress();
    let Some(wire) = lease.wire() else {
        return Err(gone());
    };
    wire.heard.set(false);
    let mut error = match wire.sender.try_send_request(request).await {
        Ok(answer) => {
            lease.carries(progress);
            return Ok((answer, lease));
        }
        Err(error) => error,
    };
    let unwritten = error.take_message();
    let spare = spare.filter(|_| !lease.heard());
    let again = if lease.reused { unwritten.or(spare) } else { None };
    let Some(request) = again else {
        return Err(failure(&error.into_error()));
    };
    let mut lease = pool.fresh().await?;
    lease.carries(progress);
    let Some(wire) = lease.wire() else {
        return Err(gone());
    };
    match wire.sender.send_request(request).await {
        Ok(answer) => Ok((answer, lease)),
        Err(error) => Err(failure(&error)),
    }
}

fn gone() -> Failure {
    Failure::Broken(String::from("the connection is gone"))
}

/// A copy of a request that may be sent twice.
fn spare(request: &Request<VisitorBody>) -> Option<Request<VisitorBody>> {
    if !request.method().is_idempotent() || !request.body().is_absent() {
        return None;
    }
    let mut spare = Request::new(VisitorBody::absent());
    *spare.method_mut() = request.method().clone();
    *spare.uri_mut() = request.uri().clone();
    *spare.headers_mut() = request.headers().clone();
    Some(spare)
}

fn failure(error: &hyper::Error) -> Failure {
    if error.is_user() {
        return Failure::Visitor;
    }
    if error.is_parse() {
        return Failure::Nonsense("an answer that is no HTTP");
    }
    Failure::Broken(error.to_string())
}
