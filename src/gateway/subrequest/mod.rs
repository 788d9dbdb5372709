//! Subrequests: a proxy in front carries the traffic, and asks of each request whether it may pass
//! (design.md section 3). One decision; what differs is how it is said ([`manner`]).
//!
//! 1. What is asked about comes from listed peers alone ([`crate::auth::told`]); it is judged as if
//!    it had come to us, by the same routes and rules, and for the same person.
//! 2. A yes is said only where the policy gave a permit. Every other answer has a status that no
//!    proxy takes for a yes.
//! 3. Trouble of ours is never said as 401: that would send everybody to the provider (C-121).
//! 4. What a subrequest carries as its body is not read (C-124).

mod grpc;
mod hints;
mod manner;
mod yes;

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Response, header};

use super::body::Body;
use super::clock::now;
use super::denied::all_of;
use super::own::OwnPath;
use super::respond::Failure;
use super::visit::{Arrival, Visit};
use super::who::Who;
use super::{Gateway, Worker};
use crate::auth::constraints::Constraints;
use crate::auth::facts::Facts;
use crate::auth::headers::METHOD_OVERRIDES;
use crate::auth::path::RequestPath;
use crate::auth::policy::{self, Denied, Permit};
use crate::auth::request::wants_tunnel;
use crate::auth::route::{Found, NoRoute};
use crate::auth::told::{BadTold, Source, Told};
pub(super) use grpc::CHECK;
pub(super) use hints::Hints;
pub(super) use manner::Dialect;
use manner::Manner;
pub(super) use yes::CarriesTraffic;

/// What a proxy asks, understood.
pub(super) struct Question<'a> {
    pub(super) told: Told,
    /// The visitor's, as far as the proxy hands them on.
    pub(super) headers: &'a HeaderMap,
    pub(super) client: Option<IpAddr>,
    pub(super) constraints: Constraints,
}

impl Gateway {
    /// Whether a path is one at which proxies may ask, if only by mistake: whatever is said there,
    /// 200 is a yes.
    pub(super) fn is_asked_at(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ';', '%']))
    }
}

impl Worker {
    /// Answers a proxy that asks in HTTP.
    pub(super) async fn subrequest(
        self: &Arc<Self>,
        dialect: Dialect,
        visit: &Visit<'_>,
        arrival: &Arrival,
    ) -> Result<Response<Body>, Failure> {
        let gateway = &self.gateway;
        let listed = arrival.forwarded.listed;
        if !listed {
            gateway.limits.at_own_path(OwnPath::Subrequest(dialect), arrival.client())?;
        }
        let manner = dialect.manner(visit, listed);
        let repeated = dialect.repeated(visit, &gateway.prefix);
        // What it repeats has the visitor's query, which asks nothing of us.
        let query = if repeated.is_some() { "" } else { visit.query };
        let host = arrival.came_to.as_ref().unwrap_or(visit.host);
        let source = Source {
            listed,
            host,
            is_visited: gateway.knows(host),
            repeated: repeated.as_deref().map(|target| (visit.method, target)),
        };
        Ok(match Told::read(visit.headers, source) {
            Ok(told) => {
                let constraints = Constraints::parse(query);
                let client = gateway.trusted.asked_about(arrival.peer, visit.headers);
                let question = Question { told, headers: visit.headers, client, constraints };
                self.answer_question(manner, question).await
            }
            Err(bad) => {
                gateway.hints.about(bad, arrival.peer);
                manner.no(gateway.respond(&Failure::Told(bad), &visit.asker()))
            }
        })
    }

    /// Decides, and says it in the manner that the proxy understands.
    pub(super) async fn answer_question(
        self: &Arc<Self>,
        manner: Manner,
        question: Question<'_>,
    ) -> Response<Body> {
        let Question { told, headers, client, .. } = &question;
        let method = told.method.clone().unwrap_or(Method::GET);
        let target = told.target.as_deref().unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let visit = Visit {
            method: &method,
            headers,
            path,
            query,
            host: &told.host,
            client: *client,
            own: self.gateway.realm_at(&told.host).sort(lines),
            by_status: true,
        };
        self.decided(manner, &visit, &question).await.unwrap_or_else(|failure| {
            if let Failure::Told(bad) = failure {
                self.gateway.hints.about_path(bad);
            }
            let mut answer = self.gateway.respond(&failure, &manner.asker(&visit));
            self.gateway.state_cors_of_failure(&visit, answer.headers_mut());
            manner.no(answer)
        })
    }

    /// The whole decision on one screen.
    async fn decided(
        self: &Arc<Self>,
        manner: Manner,
        visit: &Visit<'_>,
        question: &Question<'_>,
    ) -> Result<Response<Body>, Failure> {
        let gateway = &self.gateway;
        if wants_tunnel(visit.headers) {
            return Err(Failure::Told(BadTold::Tunnel));
        }
        let path = RequestPath::parse(visit.path).map_err(Failure::Path)?;
        let found = self.meant(manner, visit, &path, &question.told)?;
        let limits = &found.route.limits;
        gateway.limits.by_address(limits, visit.client)?;
        let facts = Facts {
            method: visit.method,
            host: visit.host,
            client: visit.client,
            now: now(),
            person: None,
        };
        let judge = |facts: &Facts<'_>| -> Result<Permit, Denied<'_>> {
            question.constraints.judge(facts.person.as_ref())?;
            match question.told.target {
                Some(_) => policy::judge(found, &path, facts),
                None => policy::judge_anywhere(&gateway.routes.of_host(visit.host), facts),
            }
        };
        let public = judge(&facts).is_ok();
        let who = self.who(visit, found, public).await?;
        // How long the request will last is for the proxy to know: only its rate is counted.
        gateway.limits.rate_by_session(limits, &who)?;
        let facts = facts.of(who.person());
        let mut answer = match judge(&facts) {
            Ok(permit) => {
                self.foreign_page(visit, found, &who)?;
                gateway.yes(permit, manner, &who, (found, &path), visit)
            }
            Err(Denied::NotAllowed { .. }) if !self.may_do_without_path(visit, question) => {
                return Err(Failure::Told(BadTold::NoPath));
            }
            Err(denied) => {
                // Perhaps by a rule of another path.
                let by_rule = matches!(denied, Denied::NotAllowed { .. })
                    && question.constraints.judge(facts.person.as_ref()).is_ok();
                if by_rule && question.told.target.is_none() {
                    gateway.hints.nobody_told_the_path();
                }
                if by_rule && question.client.is_none() {
                    gateway.hints.nobody_told_the_address();
                }
                let answer = self.refusal(manner, visit, &who, found, denied).await;
                let mut answer = manner.no(answer);
                gateway.state_cors(found.route, visit, answer.headers_mut());
                answer
            }
        };
        self.update_cookies(visit, &who, &mut answer);
        if manner.takes_one_cookie() {
            gateway.keep_one_cookie(answer.headers_mut());
        }
        Ok(answer)
    }

    /// Whether it does not matter that nobody told the path, or somebody did.
    fn may_do_without_path(&self, visit: &Visit<'_>, question: &Question<'_>) -> bool {
        let routes = &self.gateway.routes;
        question.told.target.is_some() || policy::are_alike(&routes.of_host(visit.host))
    }

    /// The route that is meant; where no path was told, the widest one of the host.
    fn meant<'a>(
        &'a self,
        manner: Manner,
        visit: &Visit<'_>,
        path: &RequestPath<'_>,
        told: &Told,
    ) -> Result<Found<'a>, Failure> {
        let gateway = &self.gateway;
        let own = OwnPath::of(path, visit, gateway);
        if own.is_some_and(|own| !matches!(own, OwnPath::Ping | OwnPath::Ready)) {
            return Err(Failure::Told(BadTold::OwnPath));
        }
        let found = match told.target {
            Some(_) => gateway.routes.find(visit.host, path, visit.method),
            None => {
                let widest = gateway.routes.of_host(visit.host).pop();
                let found = widest.map(|route| Found { route, also: Default::default() });
                return found.ok_or(Failure::Route(NoRoute::Path));
            }
        };
        let found = match found {
            Err(NoRoute::Method(_)) if told.method.is_none() => {
                return Err(Failure::Told(BadTold::NoMethod));
            }
            found => found.map_err(Failure::Route)?,
        };
        let rests_on_method = found.rests_on_method();
        if rests_on_method && told.method.is_none() {
            return Err(Failure::Told(BadTold::NoMethod));
        }
        // Where we carry the traffic they are taken off; here the app gets them.
        if rests_on_method
            && !manner.removes_fields()
            && METHOD_OVERRIDES.iter().any(|name| visit.headers.contains_key(name))
        {
            return Err(Failure::Told(BadTold::MethodOverride));
        }
        Ok(found)
    }

    /// What is said to a request that may not pass.
    async fn refusal(
        self: &Arc<Self>,
        manner: Manner,
        visit: &Visit<'_>,
        who: &Who,
        found: Found<'_>,
        denied: Denied<'_>,
    ) -> Response<Body> {
        let gateway = &self.gateway;
        if manner.may_redirect() {
            return Box::pin(self.denied(visit, who, found, denied)).await;
        }
        let failure = match denied {
            Denied::NoSession if gateway.sessions.keeps_nothing() => Failure::StoreUnavailable,
            Denied::NoSession => gateway.sign_in(visit, &gateway.way_back(visit)),
            Denied::NotAllowed { message } => gateway.not_allowed(visit, who, found, message),
            Denied::StepUp(wanted) => {
                Failure::StepUp { wanted: all_of(found, wanted.into()), links: None }
            }
        };
        gateway.respond(&failure, &manner.asker(visit))
    }
}
