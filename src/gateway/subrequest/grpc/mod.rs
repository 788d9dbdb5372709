//! Envoy's and Istio's `ext_authz` over gRPC: the same answer as over HTTP, in
//! `envoy.service.auth.v3`.
//!
//! 1. Only listed peers are answered: the answer tells tokens, and the question tells a path.
//! 2. A question that is not understood, or takes too long, ends with a status of gRPC's, which
//!    Envoy takes for trouble: it lets nobody through, unless `failure_mode_allow` says so.

mod messages;
mod original;
mod verdict;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tonic::Status;
use tonic::server::Grpc;
use tonic_prost::ProstCodec;
use tower_service::Service;

use super::{Manner, Question};
use crate::auth::constraints::Constraints;
use crate::auth::told::BadTold;
use crate::auth::trust::Peer;
use crate::gateway::Worker;
use crate::gateway::body::Body;
use crate::gateway::own::OwnPath;
use crate::gateway::respond::{Asker, Failure};
use messages::{CheckRequest, CheckResponse};
use original::{Original, Unclear};

/// `envoy.service.auth.v3.Authorization/Check`.
pub(in crate::gateway) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The method, for one call of it.
struct Check {
    worker: Arc<Worker>,
    peer: Peer,
}

type Checked = Result<tonic::Response<CheckResponse>, Status>;

impl Worker {
    /// Answers a call of [`CHECK`].
    pub(in crate::gateway) async fn check(
        self: &Arc<Self>,
        call: Request<Incoming>,
        peer: Peer,
    ) -> Response<Body> {
        if !self.gateway.trusted.trusts(peer) {
            self.gateway.hints.about(BadTold::Unlisted(CHECK), peer);
            if self.gateway.limits.at_own_path(OwnPath::Check, peer.address()).is_err() {
                return in_ours(Status::resource_exhausted("too many questions").into_http());
            }
            let refusal = Status::permission_denied("this peer is not in trusted_proxies");
            return in_ours(refusal.into_http());
        }
        let limit =
            time_limit(call.headers()).unwrap_or(Duration::MAX).min(self.gateway.patience());
        let mut method = Grpc::new(ProstCodec::default()).max_decoding_message_size(MOST_BYTES);
        let answer = method.unary(Check { worker: Arc::clone(self), peer }, call);
        let answer = tokio::time::timeout(limit, answer).await;
        let answer = answer.unwrap_or_else(|_| Status::deadline_exceeded("").into_http());
        // What is decided is said under the code 0, whatever it is.
        if answer.headers().contains_key("grpc-status") {
            self.gateway.hints.call_failed(answer.headers());
        }
        in_ours(answer)
    }

    async fn checked(self: Arc<Self>, asked: CheckRequest, peer: Peer) -> Checked {
        let gateway = &self.gateway;
        let answer = match Original::read(asked) {
            Ok(Original { told, headers, source }) => {
                // A proxy may stand between Envoy and the visitor.
                let client =
                    source.map(Peer::at).and_then(|peer| match gateway.trusted.trusts(peer) {
                        true => gateway.trusted.asked_about(peer, &headers),
                        false => peer.address(),
                    });
                let constraints = Constraints::parse("");
                let question = Question { told, headers: &headers, client, constraints };
                let answer = self.answer_question(Manner::REDIRECTS, question).await;
                if answer.status() == StatusCode::OK {
                    let yes = verdict::yes(answer.headers(), &headers);
                    return Ok(tonic::Response::new(yes));
                }
                answer
            }
            Err(Unclear::Told(bad)) => {
                gateway.hints.about(bad, peer);
                let asker = Asker::of(&Method::GET, &HeaderMap::new()).for_program();
                gateway.respond(&Failure::Told(bad), &asker)
            }
            Err(Unclear::Message) => return Err(Status::invalid_argument("no request of HTTP")),
        };
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| Status::internal(""))?;
        let no = verdict::no(parts.status, &parts.headers, &body.to_bytes());
        Ok(tonic::Response::new(no))
    }
}

impl Service<tonic::Request<CheckRequest>> for Check {
    type Response = tonic::Response<CheckResponse>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Checked> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<CheckRequest>) -> Self::Future {
        Box::pin(Arc::clone(&self.worker).checked(request.into_inner(), self.peer))
    }
}

fn in_ours(answer: Response<tonic::body::Body>) -> Response<Body> {
    answer.map(|body| Body::Call(Box::new(body)))
}

/// How long the caller waits (gRPC over HTTP/2, `Timeout`): at most eight digits and a unit.
fn time_limit(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let short =
        (1..=8).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = short.then(|| digits.parse().ok())??;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// More than the largest head that Envoy takes (96 KiB at most in HTTP/1.1), and what stands around
/// it. Bodies don't belong into the question.
const MOST_BYTES: usize = 128 * 1024;
