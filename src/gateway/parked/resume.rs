//! Sends what was kept, once its sender has signed in: a page of ours has the browser post to the
//! very address that the form was for, and there the form itself takes the place of what it posts.
//! So the app sees a request like any other, and the browser ends up where it wanted to be.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::Posted;
use crate::auth::parked::{Claim, ParkedId, ParkedPost, ResumeForm};
use crate::auth::request::{Intent, intent};
use crate::auth::same_site;
use crate::auth::seal::Purpose;
use crate::gateway::Worker;
use crate::gateway::body::Body;
use crate::gateway::clock::{SystemEntropy, now};
use crate::gateway::pages::Resume;
use crate::gateway::respond::Failure;
use crate::gateway::sealer::add_cookies;
use crate::gateway::sessions::{Recalled, RequestTraits, recall, refresh_cookie};
use crate::gateway::visit::Visit;
use crate::gateway::who::Who;
use crate::upstream::{self, AnswerBody, Source};

/// What is sent to the app.
pub(in crate::gateway) struct Sending {
    pub(in crate::gateway) body: Source,
    pub(in crate::gateway) resumed: Option<Resumed>,
}

/// A form that was kept, on its way to the app.
pub(in crate::gateway) struct Resumed {
    claim: Claim,
    post: ParkedPost,
}

impl Worker {
    /// The page that has the browser send what was kept; where somebody else is signed in than
    /// before, it asks.
    pub(in crate::gateway) async fn resume_page(
        self: &Arc<Self>,
        visit: &Visit<'_>,
    ) -> Result<Response<Body>, Failure> {
        let gateway = &self.gateway;
        if ![Method::GET, Method::HEAD].contains(visit.method) {
            return Err(Failure::MethodNotAllowed("GET, HEAD"));
        }
        let id = visit.member("p", "").and_then(|id| ParkedId::parse(&id));
        let id = id.ok_or(Failure::NoOwnPath)?;
        let origin = visit.origin(gateway);
        let Recalled::Somebody(current) = recall(self, &visit.own, gateway.patience()).await?
        else {
            let return_to = gateway.returns.resume(id, &visit.member("at", "").unwrap_or_default());
            if intent(visit.method, visit.headers) != Intent::Navigation {
                return Err(gateway.sign_in(visit, &return_to));
            }
            return self.sign_in_navigation(visit, &return_to).await;
        };
        let claim = self.claim(visit, id).ok_or(Failure::NothingKept)?;
        let post = self.look(&claim).await.ok_or(Failure::NothingKept)?;
        let session = &current.newest.session;
        let (provider, identity) = (&session.provider, &session.identity);
        let is_other =
            |former: &(String, String)| former.0 != *provider || former.1 != identity.user;
        let (field, value) = claim.resume_form(provider, &identity.user);
        let referer = post.referer.as_deref().and_then(|text| std::str::from_utf8(text).ok());
        let back = gateway.judged(referer, &origin);
        // Whole: a path that begins with `//` would name another host (C-5).
        let action = format!("{origin}{}", post.target);
        let page = Resume {
            person: identity
                .email
                .as_deref()
                .or(identity.name.as_deref())
                .unwrap_or(&identity.user),
            action: &action,
            field,
            value: &value,
            // Where nobody knows whose it is, whoever signed in says so.
            asks: post.former.as_ref().is_none_or(is_other),
            back: back.as_str(),
        };
        let mut answer = gateway.resume_page(visit.asker().language(), &page);
        let traits = RequestTraits::of(visit.headers);
        refresh_cookie(self, &current, &visit.own, &traits, answer.headers_mut());
        Ok(answer)
    }

    /// What goes to the app: what the visitor sends, or what was kept in its place. An answer of
    /// our own says why nothing does.
    pub(in crate::gateway) async fn sending(
        &self,
        visit: &Visit<'_>,
        who: &Who,
        posted: Posted,
        parts: &mut Parts,
    ) -> Result<Sending, Response<Body>> {
        let form = match posted {
            Posted::ForApp(body) => return Ok(Sending { body, resumed: None }),
            Posted::Resume(form) => form,
        };
        let respond = |failure: &Failure| self.gateway.respond(failure, &visit.asker());
        let resumed = match Box::pin(self.resumed(visit, who, &form)).await {
            Ok(Some(resumed)) => resumed,
            // Somebody else signed in since the page was shown: they are asked.
            Ok(None) => {
                let page = self.gateway.returns.resume(form.id, visit.path);
                return Err(self.gateway.redirect(StatusCode::SEE_OTHER, page.as_str()));
            }
            Err(failure) => return Err(respond(&failure)),
        };
        resumed.state(&mut parts.headers);
        let body = Source::from(Bytes::from(resumed.post.body.clone()));
        Ok(Sending { body, resumed: Some(resumed) })
    }

    /// What was kept stays so where the app could not be reached: nothing of it was sent.
    pub(in crate::gateway) fn after_sending(
        self: &Arc<Self>,
        resumed: Option<&Resumed>,
        answer: Result<Response<AnswerBody>, upstream::Failure>,
    ) -> Result<Response<AnswerBody>, Failure> {
        if let (
            Err(upstream::Failure::Connect(_) | upstream::Failure::Busy),
            Some(Resumed { claim, post }),
        ) = (&answer, resumed)
        {
            self.put_back(claim, claim.seal(post, &mut SystemEntropy));
        }
        answer.map_err(Failure::Upstream)
    }

    /// Has the browser forget its claim to what was sent.
    pub(in crate::gateway) fn forget_claim(
        &self,
        visit: &Visit<'_>,
        resumed: Option<&Resumed>,
        to: &mut HeaderMap,
    ) {
        let cookies = visit.own.realm.cookies;
        let name = resumed.map(|resumed| cookies.claim_name(&resumed.claim.id.to_text()));
        add_cookies(to, name.map(|name| cookies.set_claim(&name, "", Duration::ZERO)));
    }

    /// Takes what was kept, for whom the page was shown to; none where that is somebody else.
    async fn resumed(
        &self,
        visit: &Visit<'_>,
        who: &Who,
        form: &ResumeForm,
    ) -> Result<Option<Resumed>, Failure> {
        if !same_site::is_proven(visit.headers, &visit.origin(&self.gateway)) {
            return Err(Failure::ForeignOrigin);
        }
        let Who::Somebody(current) = who else { return Err(Failure::NothingKept) };
        let claim = self.claim(visit, form.id).ok_or(Failure::NothingKept)?;
        let session = &current.newest.session;
        if !claim.made(form, &session.provider, &session.identity.user) {
            return Ok(None);
        }
        let post = self.take(&claim).await.ok_or(Failure::NothingKept)?;
        let (path, query) = post.target.split_once('?').unwrap_or((&post.target, ""));
        if (path, query) != (visit.path, visit.query) {
            return Err(Failure::NothingKept);
        }
        Ok(Some(Resumed { claim, post }))
    }

    /// The claim that the browser has to what was kept.
    fn claim(&self, visit: &Visit<'_>, id: ParkedId) -> Option<Claim> {
        let (sealer, realm) = (&self.gateway.sessions.sealer, visit.own.realm);
        let name = realm.cookies.claim_name(&id.to_text());
        let values = visit.own.attempts.iter().filter(|(own, _)| *own == name);
        let claims = values.filter_map(|(_, value)| {
            let plain = sealer.open_as(realm, Purpose::Claim, &name, value)?;
            Claim::from_bytes(&plain, visit.host, now())
        });
        claims.into_iter().find(|claim| claim.id == id)
    }
}

impl Resumed {
    /// Says of the body what was said of it when it came, and from which page.
    fn state(&self, headers: &mut HeaderMap) {
        let post = &self.post;
        for (name, value) in
            [(header::CONTENT_TYPE, &post.content_type), (header::REFERER, &post.referer)]
        {
            put(headers, name, value.as_deref());
        }
        headers.remove(header::TRANSFER_ENCODING);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(post.body.len()));
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<&[u8]>) {
    headers.remove(&name);
    let value = value.and_then(|value| HeaderValue::from_bytes(value).ok());
    headers.extend(value.map(|value| (name, value)));
}
