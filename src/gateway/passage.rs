//! The way of a request on one screen, and what becomes of the answer.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Request, Response, Version, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};

use super::body::Lasting;
use super::clock::now;
use super::limits::Slot;
use super::own::OwnPath;
use super::parked::{Posted, Sending};
use super::respond::Failure;
use super::rewrite::rewrite;
use super::sessions::{RequestTraits, refresh_cookie};
use super::visit::{Arrival, Visit};
use super::who::{Counted, Who};
use super::{Body, Worker, limits, sealer};
use crate::auth::facts::Facts;
use crate::auth::headers::{self, is_grpc};
use crate::auth::path::RequestPath;
use crate::auth::policy::{self, Denied, Permit};
use crate::auth::request::{Intent, intent};
use crate::auth::route::{Found, Route};
use crate::upstream::{AnswerBody, Until, held};

/// A request on its way, as far as it is understood.
#[derive(Clone, Copy)]
struct Way<'a> {
    visit: &'a Visit<'a>,
    arrival: &'a Arrival,
    found: Found<'a>,
    path: &'a RequestPath<'a>,
}

impl Worker {
    pub(super) async fn answer(
        self: &Arc<Self>,
        parts: Parts,
        body: Incoming,
        arrival: Arrival,
    ) -> Response<Body> {
        // The head is read by some and changed for the app: what is read is a cheap copy.
        let seen = parts.headers.clone();
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let lines = seen.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let visit = Visit {
            method: &method,
            headers: &seen,
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            host: &arrival.host,
            client: arrival.client(),
            own: self.gateway.realm_at(&arrival.host).sort(lines),
            by_status: self.gateway.is_asked_at(uri.path()),
        };
        match self.decide(&visit, parts, body, &arrival).await {
            Ok(answer) => answer,
            Err(failure) => {
                let mut answer = self.gateway.respond(&failure, &visit.asker());
                self.gateway.state_cors_of_failure(&visit, answer.headers_mut());
                answer
            }
        }
    }

    /// The whole way on one screen.
    async fn decide(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        mut parts: Parts,
        body: Incoming,
        arrival: &Arrival,
    ) -> Result<Response<Body>, Failure> {
        let path = RequestPath::parse(visit.path).map_err(Failure::Path)?;
        if let Some(own) = OwnPath::of(&path, visit, &self.gateway) {
            if let OwnPath::Subrequest(dialect) = own {
                // Boxed: it would make the state of every request larger.
                return Box::pin(self.subrequest(dialect, visit, arrival)).await;
            }
            if own == OwnPath::Check && parts.version == Version::HTTP_2 && is_grpc(&parts.headers)
            {
                let call = Request::from_parts(parts, body);
                return Ok(Box::pin(self.check(call, arrival.peer)).await);
            }
            self.gateway.limits.at_own_path(own, arrival.client())?;
            let form = read_form(&parts, body).await;
            return Box::pin(self.own_answer(own, visit, arrival, &form)).await;
        }
        headers::strip_nominated(&mut parts.headers);
        headers::strip_claims(&mut parts.headers);
        if let Some(answer) = self.gateway.preflight(visit, &path) {
            return answer;
        }
        let found =
            self.gateway.routes.find(visit.host, &path, visit.method).map_err(Failure::Route)?;
        if found.rests_on_method() {
            headers::strip_method_overrides(&mut parts.headers);
        }
        if found.route.upstream.is_none() {
            return Err(self.gateway.no_app());
        }
        let limits = &found.route.limits;
        self.gateway.limits.by_address(limits, arrival.client())?;
        let posted = self.posted(visit, found.route, body.into()).await?;
        let facts = Facts {
            method: visit.method,
            host: visit.host,
            client: arrival.client(),
            now: now(),
            person: None,
        };
        let public = policy::judge(found, &path, &facts).is_ok();
        let who = self.who(visit, found, public).await?;
        let slot = self.gateway.limits.by_session(limits, &who)?;
        let way = Way { visit, arrival, found, path: &path };
        let mut answer = match policy::judge(found, &path, &facts.of(who.person())) {
            Ok(permit) => self.pass(way, permit, &who, slot, posted, parts).await?,
            // Boxed: what few requests need would make the state of every request larger.
            Err(Denied::NoSession) => {
                match Box::pin(self.park(visit, found.route, posted, arrival)).await {
                    Some(answer) => answer,
                    None => self.without_session(visit).await,
                }
            }
            Err(denied) => Box::pin(self.denied(visit, &who, found, denied)).await,
        };
        self.update_cookies(visit, &who, &mut answer);
        self.gateway.state_cors(found.route, visit, answer.headers_mut());
        Ok(answer)
    }

    /// Sends to the app what may pass, and the answer back.
    async fn pass(
        self: &Arc<Self>,
        Way { visit, arrival, found, path }: Way<'_>,
        permit: Permit,
        who: &Who,
        slot: Option<Arc<Slot<Counted>>>,
        posted: Posted,
        mut parts: Parts,
    ) -> Result<Response<Body>, Failure> {
        let (gateway, route) = (&self.gateway, found.route);
        let app = route.upstream.map(|app| &self.upstreams[app]).ok_or(Failure::NoApp)?;
        gateway.carry(arrival);
        self.foreign_page(visit, found, who)?;
        gateway.state_to_app(&mut parts, route, who, arrival, visit);
        // Before anything is taken that was kept: what fails here loses nothing.
        rewrite(&mut parts, &route.way)?;
        let Sending { body, resumed } = match self.sending(visit, who, posted, &mut parts).await {
            Ok(sending) => sending,
            Err(answer) => return Ok(answer),
        };
        let mut bounds = limits::bounded(&route.limits, &body)?;
        bounds.managed =
            (!route.fields.request.is_empty()).then(|| Arc::clone(&route.fields.managed));
        gateway.state_fields(&mut parts.headers, route, path, who, now);
        let until = || {
            let leash = who.leash(&gateway.sessions);
            let leash = leash.map(|leash| Box::pin(leash.over()) as Until);
            held(slot.clone(), leash)
        };
        let answer = app.forward(Request::from_parts(parts, body), permit, bounds, until).await;
        let answer = self.after_sending(resumed.as_ref(), answer)?;
        let mut answer = self.for_visitor(answer, route, who);
        self.forget_claim(visit, resumed.as_ref(), answer.headers_mut());
        Ok(answer.map(|body| body.holding(slot)))
    }

    /// Sends a navigation to the provider; tells everything else where to sign in.
    pub(super) async fn without_session(self: &Arc<Self>, visit: &Visit<'_>) -> Response<Body> {
        let gateway = &self.gateway;
        let respond = |failure: Failure| gateway.respond(&failure, &visit.asker());
        if !gateway.knows(visit.host) {
            return gateway.elsewhere(visit, None).unwrap_or_else(respond);
        }
        if gateway.sessions.keeps_nothing() {
            // A login could not be kept: nobody is sent on one (C-114).
            return respond(Failure::StoreUnavailable);
        }
        let return_to = gateway.way_back(visit);
        if intent(visit.method, visit.headers) == Intent::Navigation {
            let begun = self.sign_in_navigation(visit, &return_to).await;
            return begun.unwrap_or_else(|failure| {
                if matches!(failure, Failure::Route(_)) {
                    return respond(failure);
                }
                gateway.respond_again(
                    &failure,
                    &visit.asker(),
                    Some(gateway.start_path(&return_to)),
                )
            });
        }
        respond(gateway.sign_in(visit, &return_to))
    }

    /// Brings the browser's cookies up to date: newer ones, or none where they are no good.
    pub(super) fn update_cookies(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        who: &Who,
        answer: &mut Response<Body>,
    ) {
        match who {
            Who::Somebody(current) | Who::Stranger(current) => {
                let traits = RequestTraits::of(visit.headers);
                refresh_cookie(self, current, &visit.own, &traits, answer.headers_mut());
            }
            Who::Nobody { clear: true } => self.clear_cookies(visit, answer),
            Who::Nobody { clear: false } | Who::Client(_) => {}
        }
    }

    pub(super) fn clear_cookies(&self, visit: &Visit<'_>, answer: &mut Response<Body>) {
        let lines = visit.own.realm.cookies.clear_session(&visit.own);
        sealer::add_cookies(answer.headers_mut(), lines);
    }

    /// What of an app's answer does not concern the visitor goes; what is one person's is marked.
    fn for_visitor(
        &self,
        answer: Response<AnswerBody>,
        route: &Route,
        who: &Who,
    ) -> Response<Body> {
        let lasts = Lasting::of(answer.headers()).filter(|_| !answer.body().is_end_stream());
        let leashed = lasts.and_then(|lasts| Some((lasts, who.leash(&self.gateway.sessions)?)));
        let mut answer = match leashed {
            Some((lasts, leash)) => answer.map(|body| Body::leashed(body, leash, lasts)),
            None => answer.map(Body::App),
        };
        let headers = answer.headers_mut();
        if headers::strip_foreign_set_cookies(headers) {
            tracing::warn!(route = route.name, "an app tried to set a cookie of ours");
        }
        route.fields.adjust_answer(headers);
        if who.identity().is_some() && !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        answer
    }
}

/// The form that was posted to one of our own paths; whatever is none counts as empty.
async fn read_form(parts: &Parts, body: Incoming) -> String {
    let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded")) {
        return String::new();
    }
    let read = tokio::time::timeout(FORM_TIME, Limited::new(body, FORM_BYTES).collect()).await;
    let bytes = read.ok().and_then(Result::ok).map(|read| read.to_bytes()).unwrap_or_default();
    String::from_utf8(bytes.to_vec()).unwrap_or_default()
}

const FORM_BYTES: usize = 8 * 1024;
const FORM_TIME: Duration = Duration::from_secs(10);
