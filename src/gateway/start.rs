//! The paths at which a login begins: `start`, and the page to choose a provider on.

use std::sync::Arc;

use http::{Method, Response, StatusCode};

use super::body::Body;
use super::login::{Link, Start, Wants};
use super::respond::Failure;
use super::sealer::add_cookies;
use super::visit::{Arrival, Visit};
use super::{Gateway, Worker};
use crate::auth::authorization::Wishes;
use crate::auth::begin::{BeginRequest, StartQuery};
use crate::auth::provider::ProviderIndex;
use crate::auth::request::Intent;
use crate::auth::return_to::ReturnTo;
use crate::auth::route::NoRoute;
use crate::auth::same_site;
use crate::auth::step_up::StepUp;

/// What a login is to be that a request asks for.
struct Asked {
    return_to: ReturnTo,
    choices: Vec<ProviderIndex>,
    /// The one of them that it names.
    named: Option<ProviderIndex>,
    other_account: bool,
    /// A person begins anew, however often they signed in.
    afresh: bool,
    step_up: Option<StepUp>,
    /// Who vouched for the session that the step-up is for.
    stepping: Option<ProviderIndex>,
}

impl Asked {
    /// The provider to go to, where there is no choice left.
    fn one(&self) -> Option<ProviderIndex> {
        let only = match self.choices.as_slice() {
            &[one] => Some(one),
            _ => None,
        };
        self.stepping.or(self.named).or(only)
    }
}

impl Worker {
    /// Begins a login: at the provider that the link names, or at the only one there is.
    pub(super) async fn start(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        request: &BeginRequest<'_>,
    ) -> Result<Response<Body>, Failure> {
        let asked = self.asked(visit, request).await?;
        self.start_as(visit, request, asked).await
    }

    /// Shows whom one can sign in with; where there is no choice, begins the login.
    pub(super) async fn choose(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        request: &BeginRequest<'_>,
    ) -> Result<Response<Body>, Failure> {
        let asked = self.asked(visit, request).await?;
        if asked.choices.len() < 2 || asked.stepping.is_some() {
            return self.start_as(visit, request, asked).await;
        }
        let Asked { return_to, other_account, .. } = &asked;
        self.round_of(visit, &asked).await?;
        let gateway = &self.gateway;
        let link = |&index: &ProviderIndex| {
            let title = gateway.parties[index].settings().title.clone();
            let link =
                Link { provider: Some(index), other_account: *other_account, ..Link::default() };
            (title, gateway.start_by(return_to, link))
        };
        let links: Vec<(String, String)> = asked.choices.iter().map(link).collect();
        let language = visit.asker().language();
        let page = gateway.pages.choose(language, &links);
        let mut answer = gateway.page(StatusCode::OK, language, page);
        gateway.count_anew(visit, &asked, &mut answer);
        Ok(answer)
    }

    async fn start_as(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        request: &BeginRequest<'_>,
        asked: Asked,
    ) -> Result<Response<Body>, Failure> {
        let gateway = &self.gateway;
        let mut answer = match asked.one() {
            Some(index) => self.start_at(index, visit, request, &asked).await?,
            None => {
                let page = gateway.choose_path(&asked.return_to);
                gateway.redirect(visit.redirect_status(), &page)
            }
        };
        gateway.count_anew(visit, &asked, &mut answer);
        Ok(answer)
    }

    async fn start_at(
        self: &Arc<Self>,
        index: ProviderIndex,
        visit: &Visit<'_>,
        request: &BeginRequest<'_>,
        asked: &Asked,
    ) -> Result<Response<Body>, Failure> {
        let settings = self.gateway.parties[index].settings();
        let allowed = &settings.authorization.link_params;
        let start = Start {
            link: Wishes::read(request.query.members, allowed),
            other_account: asked.other_account,
            step_up: asked.step_up.clone(),
            round: self.round_of(visit, asked).await?,
        };
        let begun = self.begin_login(visit, index, &asked.return_to, start).await;
        // Whoever tries again still wants to get there, by the same way.
        Ok(begun.unwrap_or_else(|failure| {
            let step_up = asked.step_up.as_ref();
            let again = self.gateway.start_again(index, &asked.return_to, step_up);
            let provider = settings.name.as_str();
            let answer = || self.gateway.respond_again(&failure, &visit.asker(), Some(again));
            tracing::info_span!("login", provider).in_scope(answer)
        }))
    }

    /// What a request asks for, of a person who can be sent to a provider; whatever else comes is
    /// told where to sign in. A proxy in front sends here whom its subrequest was refused for.
    async fn asked(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        request: &BeginRequest<'_>,
    ) -> Result<Asked, Failure> {
        let gateway = &self.gateway;
        let known = [Method::GET, Method::HEAD, Method::POST].contains(visit.method);
        if !known && !request.is_told_elsewhere(&gateway.returns) {
            return Err(Failure::MethodNotAllowed("GET, HEAD, POST"));
        }
        let origin = visit.origin(gateway);
        if request.intent(&gateway.returns) != Intent::Navigation {
            return Err(gateway.sign_in(visit, &gateway.judged(visit.referer(), &origin)));
        }
        let return_to = request.goal(&gateway.returns, &origin);
        let choices = gateway.choices(visit, &return_to);
        if choices.is_empty() {
            return Err(Failure::Route(NoRoute::Path));
        }
        let named = request.member("provider").and_then(|name| gateway.provider_named(&name));
        let sealed = request.member("step_up");
        let mut asked = Asked {
            named: named.filter(|index| choices.contains(index)),
            other_account: gateway.wants_other_account(visit, request),
            afresh: request.member("again").is_some(),
            step_up: sealed.and_then(|sealed| gateway.sessions.sealer.open_step_up(&sealed)),
            stepping: None,
            return_to,
            choices,
        };
        if asked.step_up.is_none() && !asked.other_account {
            self.add_step_up(visit, &mut asked).await;
        }
        Ok(asked)
    }

    /// A proxy in front can't tell who has to sign in from who has to prove more: it sends both
    /// here. Whose session lacks something signs in for that.
    async fn add_step_up(self: &Arc<Self>, visit: &Visit<'_>, asked: &mut Asked) {
        let Some(current) = self.current_session(visit).await else { return };
        let provider = current.newest.provider;
        if asked.named.is_some_and(|named| named != provider) {
            return;
        }
        if let Wants::StepUp(wanted) = self.gateway.wants(visit, &asked.return_to, &current) {
            (asked.step_up, asked.stepping) = (Some(wanted), Some(provider));
        }
    }

    /// In which round a login begins. Where a person asks for it by a link of ours it is the first.
    async fn round_of(self: &Arc<Self>, visit: &Visit<'_>, asked: &Asked) -> Result<u8, Failure> {
        if asked.afresh || asked.other_account {
            return Ok(0);
        }
        if asked.step_up.is_some() && asked.stepping.is_none() {
            return Ok(visit.rounds().map_or(0, |rounds| rounds.count()));
        }
        self.round(visit, &asked.return_to).await
    }
}

impl Gateway {
    /// Reads a request to one of the paths at which a login begins.
    pub(super) fn begin_request<'a>(
        &self,
        visit: &Visit<'a>,
        arrival: &Arrival,
        form: &'a str,
    ) -> BeginRequest<'a> {
        BeginRequest {
            method: visit.method,
            headers: visit.headers,
            query: StartQuery::parse(visit.query),
            form,
            host: visit.host,
            https: arrival.forwarded.https,
            listed: arrival.forwarded.listed,
        }
    }

    /// Answers a login at a host that is not ours: it begins where we are known, and leads back.
    pub(super) fn start_elsewhere(
        &self,
        visit: &Visit<'_>,
        request: &BeginRequest<'_>,
    ) -> Result<Response<Body>, Failure> {
        if request.intent(&self.returns) != Intent::Navigation {
            return Err(Failure::Misdirected);
        }
        // The fields that tell it do not come along.
        let rd = (!request.query.has_rd()).then(|| request.goal(&self.returns, &self.public));
        let rd = rd.filter(|goal| *goal != ReturnTo::home());
        let mut query = visit.query.to_owned();
        if let Some(goal) = rd {
            let mut members = form_urlencoded::Serializer::for_suffix(query, visit.query.len());
            query = members.append_pair("rd", goal.as_str()).finish();
        }
        let mark = if query.is_empty() { "" } else { "?" };
        let address = format!("{}{}{mark}{query}", self.public, visit.path);
        Ok(self.redirect(visit.redirect_status(), &address))
    }

    /// Whether our own page asks for another account than the one that is signed in. From
    /// anywhere else a link begins a login as any other does, and nobody is made to choose.
    fn wants_other_account(&self, visit: &Visit<'_>, request: &BeginRequest<'_>) -> bool {
        request.member("account").is_some_and(|account| account == "other")
            && same_site::is_own(visit.headers, &visit.origin(self))
    }

    /// Whoever begins anew begins to count anew.
    fn count_anew(&self, visit: &Visit<'_>, asked: &Asked, answer: &mut Response<Body>) {
        let line = visit.own.realm.cookies.clear_rounds(&visit.own);
        add_cookies(answer.headers_mut(), line.filter(|_| asked.afresh || asked.other_account));
    }
}
