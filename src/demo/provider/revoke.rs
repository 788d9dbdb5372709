//! Revocation: the client gives a token back (RFC 7009).

use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;

use super::StandIn;
use super::call::Call;
use super::kind::TokenBody;
use super::refusal::Refusal;
use crate::demo::pages;

impl StandIn {
    /// Answers 200 to a token that it never gave out, too: the client has what it wanted (section
    /// 2.2). The hint of the token's type is not needed.
    pub(super) fn revoke(
        &self,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Response<Full<Bytes>> {
        match self.taken_back(request, now) {
            Ok(()) => pages::plain(StatusCode::OK, ""),
            Err(refusal) => refusal.answer(self.manner),
        }
    }

    fn taken_back(&self, request: &Request<Bytes>, now: SystemTime) -> Result<(), Refusal> {
        let call = Call::read(request, TokenBody::Form)?;
        call.judge_client(&self.options)?;
        self.state().grants.revoke(call.needed("token")?, now);
        Ok(())
    }
}

pub(super) const REVOKE: &str = "/revoke";
