//! A form that comes without a session is kept until its sender has signed in ([`crate::auth::parked`]):
//! here, sealed under a key that only the browser has, or so in the store.

mod keeping;
mod resume;
mod shelf;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};

pub(super) use keeping::Parking;
pub(super) use resume::Sending;

use super::Worker;
use super::body::Body;
use super::clock::{SystemEntropy, now};
use super::respond::Failure;
use super::sealer::add_cookies;
use super::sessions::former;
use super::visit::{Arrival, Visit};
use crate::auth::login::ATTEMPT_LIFE;
use crate::auth::parked::{Claim, ParkedPost, ResumeForm, may_be_kept};
use crate::auth::route::Route;
use crate::auth::seal::Purpose;
use crate::upstream::{self, Source};

/// What came in the body of a request.
pub(super) enum Posted {
    /// What is for the app.
    ForApp(Source),
    /// Our own page's word that a form that is kept is to be sent.
    Resume(ResumeForm),
}

impl Worker {
    /// Looks whether our own page posted this. Nothing is read of any body but one that is as long
    /// as that page's, to the byte, on a route that keeps forms.
    pub(super) async fn posted(
        &self,
        visit: &Visit<'_>,
        route: &Route,
        body: Source,
    ) -> Result<Posted, Failure> {
        let length = body.size_hint().exact();
        if route.browser.keep_posts.is_none()
            || !ResumeForm::may_be(visit.method, visit.headers, length)
        {
            return Ok(Posted::ForApp(body));
        }
        let patience = self.gateway.parking.patience;
        let read = Box::pin(self.read(body, ResumeForm::LENGTH, patience)).await;
        let bytes = read.ok_or(Failure::Upstream(upstream::Failure::Visitor))?;
        Ok(match ResumeForm::parse(&bytes) {
            Some(form) => Posted::Resume(form),
            None => Posted::ForApp(Source::from(bytes)),
        })
    }

    /// Keeps a form without a session, and sends its browser to sign in; none where it is not to
    /// be kept, or can't be: it is refused as everything else then.
    pub(super) async fn park(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        route: &Route,
        posted: Posted,
        arrival: &Arrival,
    ) -> Option<Response<Body>> {
        let gateway = &self.gateway;
        // What the route would not take is not worth keeping.
        let takes = route.limits.limited().and_then(|limited| limited.body_bytes);
        let takes = takes.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let most = route.browser.keep_posts?.min(takes);
        let origin = visit.origin(gateway);
        let welcome = may_be_kept(visit.method, visit.headers, &origin)
            && gateway.knows(visit.host)
            && !gateway.sessions.keeps_nothing();
        if !welcome {
            return None;
        }
        let (id, cookie) = match posted {
            // The session ended once more, before what was kept could be sent.
            Posted::Resume(form) => (form.id, None),
            Posted::ForApp(body) => {
                let claim = self.keep(visit, body, most, arrival).await?;
                (claim.id, Some(self.claim_cookie(visit, &claim)))
            }
        };
        let return_to = gateway.returns.resume(id, visit.path);
        let begun = self.sign_in_navigation(visit, &return_to).await;
        let mut answer = begun.unwrap_or_else(|failure| {
            // What is kept is not lost: whoever tries again still gets there.
            let again = Some(gateway.start_path(&return_to));
            gateway.respond_again(&failure, &visit.asker(), again)
        });
        if let Some(cookie) = cookie {
            self.add_claim(visit, cookie, answer.headers_mut());
        }
        Some(answer)
    }

    /// Has the browser keep a claim, beside the attempt that may have begun with it (C-16).
    fn add_claim(&self, visit: &Visit<'_>, cookie: String, answer: &mut HeaderMap) {
        let cookies = visit.own.realm.cookies;
        let lines: Vec<&HeaderValue> = answer.get_all(header::SET_COOKIE).iter().collect();
        let bytes = lines.iter().map(|line| line.len()).sum::<usize>() + cookie.len();
        let evicted = self.evicted(&visit.own, 2, bytes);
        let clears = evicted.into_iter().map(|name| cookies.clear_attempt(name));
        let new = |clear: &String| !lines.iter().any(|line| line.as_bytes() == clear.as_bytes());
        let clears: Vec<String> = clears.filter(new).collect();
        add_cookies(answer, clears.into_iter().chain([cookie]));
    }

    async fn keep(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        body: Source,
        most: usize,
        arrival: &Arrival,
    ) -> Option<Claim> {
        // What says that it is larger is not read at all.
        let told = body.size_hint();
        let bytes = told.exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(most);
        let target = visit.target();
        let content_type = once(visit.headers, header::CONTENT_TYPE)?;
        let referer = once(visit.headers, header::REFERER)?.filter(|text| text.len() <= MAX_FIELD);
        let is_long = content_type.as_ref().is_some_and(|text| text.len() > MAX_FIELD);
        if bytes > most || target.len() > MAX_TARGET || is_long {
            return None;
        }
        let room = self.room(arrival.client(), bytes + target.len() + 2 * MAX_FIELD)?;
        let body = self.read(body, bytes, self.gateway.parking.patience).await?;
        let former = former(self, &visit.own).await;
        let post = ParkedPost { target, content_type, referer, former, body: body.to_vec() };
        let mut claim = Claim::draw(visit.host, now(), &mut SystemEntropy);
        let sealed = claim.seal(&post, &mut SystemEntropy);
        claim.pieces = self.put(&claim, room, sealed.into()).await;
        tracing::debug!(bytes = body.len(), "a form is kept until its sender has signed in");
        Some(claim)
    }

    async fn read(&self, body: Source, most: usize, patience: Duration) -> Option<bytes::Bytes> {
        let read = tokio::time::timeout(patience, Limited::new(body, most).collect()).await;
        Some(read.ok()?.ok()?.to_bytes())
    }

    fn claim_cookie(&self, visit: &Visit<'_>, claim: &Claim) -> String {
        let realm = visit.own.realm;
        let name = realm.cookies.claim_name(&claim.id.to_text());
        let sealer = &self.gateway.sessions.sealer;
        let value = sealer.seal_as(realm, Purpose::Claim, &name, &claim.to_bytes());
        realm.cookies.set_claim(&name, &value, ATTEMPT_LIFE)
    }
}

/// A field that may be there once; none where it is there twice.
#[expect(clippy::option_option, reason = "refused, absent and there are three things")]
fn once(headers: &HeaderMap, name: HeaderName) -> Option<Option<Vec<u8>>> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let line = lines.next().map(<[u8]>::to_vec);
    lines.next().is_none().then_some(line)
}

/// A longer address, or type of body, is nobody's form.
const MAX_TARGET: usize = 4096;
const MAX_FIELD: usize = 1024;
