//! One more try, where a request can't have had an effect.
//!
//! An app may close an idle connection at the moment at which a request is written to it. Such a
//! request is sent again on a new connection when nothing of it was written, or when it has no
//! body, is idempotent and failed before any byte of an answer (S60; RFC 9110 9.2.2). One that no
//! connection could be had for is handed back, for another server of the app.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;

use super::body::TooLarge;
use super::carrier::Carrier;
use super::pool::{Lease, Pool};
use super::{Failure, VisitorBody, http2};

/// Why there is no answer.
pub(super) struct Unsent {
    pub(super) failure: Failure,
    /// The request, whole, where it can't have had an effect: another server may have it.
    pub(super) request: Option<Box<Request<VisitorBody>>>,
    /// How often it was tried.
    pub(super) tries: u8,
}

/// How a request is sent.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// How long a connection may take to stand.
    pub(super) connect: Duration,
    /// Only a new connection will do.
    pub(super) fresh: bool,
    /// It asks for an upgrade, which HTTP/1.1 alone knows.
    pub(super) upgrade: bool,
}

/// Sends a request; returns the answer with what its body still comes on.
pub(super) async fn send(
    pool: &Arc<Pool>,
    manner: Manner,
    request: Request<VisitorBody>,
) -> Result<(Response<Incoming>, Carrier), Unsent> {
    let Manner { connect, fresh, upgrade } = manner;
    let carrier = match upgrade {
        true if fresh => pool.fresh(connect).await.map(Carrier::Connection),
        true => pool.lease(connect).await.map(Carrier::Connection),
        false => pool.carrier(connect, fresh).await,
    };
    match carrier {
        Ok(Carrier::Connection(lease)) => {
            let (answer, lease) = send_on(pool, connect, lease, request).await?;
            Ok((answer, Carrier::Connection(lease)))
        }
        Ok(Carrier::Stream(place)) => http2::send(pool, connect, place, request).await,
        Err(failure) => Err(Unsent::whole(failure, Some(request), 1)),
    }
}

async fn send_on(
    pool: &Arc<Pool>,
    connect: Duration,
    mut lease: Lease,
    request: Request<VisitorBody>,
) -> Result<(Response<Incoming>, Lease), Unsent> {
    let spare = if lease.reused { spare(&request) } else { None };
    let progress = request.body().progress();
    let Some(wire) = lease.wire() else {
        return Err(gone().into());
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
    if !lease.reused {
        return Err(Unsent::whole(failure(&error.into_error()), unwritten, 1));
    }
    let Some(request) = unwritten.or(spare) else {
        return Err(failure(&error.into_error()).into());
    };
    let mut lease = match pool.fresh(connect).await {
        Ok(lease) => lease,
        Err(failure) => return Err(Unsent::whole(failure, Some(request), 2)),
    };
    lease.carries(progress);
    let Some(wire) = lease.wire() else {
        return Err(gone().into());
    };
    match wire.sender.send_request(request).await {
        Ok(answer) => Ok((answer, lease)),
        Err(error) => Err(failure(&error).into()),
    }
}

impl Unsent {
    pub(super) fn whole(
        failure: Failure,
        request: Option<Request<VisitorBody>>,
        tries: u8,
    ) -> Self {
        Self { failure, request: request.map(Box::new), tries }
    }
}

impl From<Failure> for Unsent {
    fn from(failure: Failure) -> Self {
        Self { failure, request: None, tries: 1 }
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
    if error.source().is_some_and(|why| why.is::<TooLarge>()) {
        return Failure::TooLarge;
    }
    if error.is_user() {
        return Failure::Visitor;
    }
    if error.is_parse() {
        return Failure::Nonsense("an answer that is no HTTP");
    }
    Failure::Broken(error.to_string())
}
