//! Login: begins attempts, by driving [`crate::auth::login`].

mod callback;
mod exchange;
mod links;
mod rounds;
mod spent;

use std::sync::Arc;

use http::Response;

pub(super) use exchange::SignedIn;
pub(super) use links::Link;
pub(super) use rounds::{Alarms, Looped, Wants};
pub(super) use spent::SpentAttempts;

use super::Worker;
use super::body::Body;
use super::clock::{SystemEntropy, moment};
use super::respond::Failure;
use super::sealer::add_cookies;
use super::visit::Visit;
use crate::auth::Timestamp;
use crate::auth::asking::Asking;
use crate::auth::authorization::{Carried, Parameters, Wishes};
use crate::auth::client_call::{push_request, read_pushed};
use crate::auth::cookie::OwnCookies;
use crate::auth::login::{ATTEMPT_LIFE, AwaitCallback, MAX_ATTEMPT_BYTES, MAX_ATTEMPTS};
use crate::auth::parked::claimed_at;
use crate::auth::provider::{Provider, ProviderIndex, ResponseMode};
use crate::auth::return_to::ReturnTo;
use crate::auth::route::NoRoute;
use crate::auth::seal::Purpose;
use crate::auth::step_up::StepUp;
use crate::provider::Lane;
use crate::telemetry::LoginOutcome;

/// With what a login begins, beside where it leads to.
#[derive(Default)]
pub(super) struct Start {
    /// What the link asks for, of what the operator lets links ask.
    pub(super) link: Wishes,
    /// Whether the provider is to ask who signs in, whoever it remembers.
    pub(super) other_account: bool,
    /// What a rule wants.
    pub(super) step_up: Option<StepUp>,
    /// After how many logins in a row.
    pub(super) round: u8,
}

impl Worker {
    /// Has a navigation signed in: at once where one redirect does it, else by a page of ours.
    pub(super) async fn sign_in_navigation(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        return_to: &ReturnTo,
    ) -> Result<Response<Body>, Failure> {
        let gateway = &self.gateway;
        match gateway.choices(visit, return_to).as_slice() {
            [one] if !gateway.parties[*one].settings().posts() => {
                let round = self.round(visit, return_to).await?;
                self.begin_login(visit, *one, return_to, Start { round, ..Start::default() }).await
            }
            // However often they signed in, the rules there would not take them.
            [] => Err(Failure::Route(NoRoute::Path)),
            [_] => Ok(gateway.redirect(visit.redirect_status(), &gateway.start_path(return_to))),
            _ => Ok(gateway.redirect(visit.redirect_status(), &gateway.choose_path(return_to))),
        }
    }

    /// Sends a browser to a provider, to come back to `return_to`.
    pub(super) async fn begin_login(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        index: ProviderIndex,
        return_to: &ReturnTo,
        start: Start,
    ) -> Result<Response<Body>, Failure> {
        let gateway = &self.gateway;
        if gateway.sessions.keeps_nothing() {
            // It could not be kept: nobody is sent on one (C-114).
            return Err(Failure::StoreUnavailable);
        }
        let provider = self.provider(index, Lane::Push).await?;
        let asked = &provider.settings.authorization;
        let redirect_uri = format!("{}{}", visit.origin(gateway), asked.redirect_path);
        let (address, method) = gateway.aim(return_to);
        let route = gateway.found(visit.host, &address, &method).map(|(_, found)| found.route);
        let asking = Asking {
            link: start.link,
            route: route.map(|route| &route.login),
            rule: route.map(|route| route.access.step_up()).unwrap_or_default(),
            account: provider.account_prompt().filter(|_| start.other_account),
            step_up: start.step_up,
        };
        let begun = AwaitCallback::begin(
            &provider,
            redirect_uri,
            return_to.as_str(),
            &asking,
            moment(&mut SystemEntropy),
        );
        let parameters = self.pushed(index, &provider, begun.parameters).await?;
        let mut answer = match parameters.carried(&provider) {
            Carried::Address(address) => gateway.redirect(visit.redirect_status(), &address),
            Carried::Form(form) => {
                gateway.post_page(visit.asker().language(), &provider.settings.title, &form)
            }
        };
        let attempt = begun.attempt.after(start.round);
        self.add_attempt(visit, &attempt, asked.response_mode, &mut answer);
        gateway.metrics.login(LoginOutcome::started);
        Ok(answer)
    }

    /// Pushes the request where the provider wants it so; there is no other way then (S16).
    async fn pushed(
        &self,
        index: ProviderIndex,
        provider: &Provider,
        parameters: Parameters,
    ) -> Result<Parameters, Failure> {
        let request = push_request(provider, &parameters, moment(&mut SystemEntropy));
        let Some(request) = request else { return Ok(parameters) };
        let answer =
            self.clients[index].send(request, Lane::Push).await.map_err(Failure::LoginCall)?;
        let name = read_pushed(&answer, &provider.settings.token).map_err(Failure::Pushed)?;
        Ok(Parameters::pushed(provider, &name))
    }

    /// Has the browser keep an attempt, and makes room for it.
    fn add_attempt(
        &self,
        visit: &Visit<'_>,
        attempt: &AwaitCallback,
        mode: ResponseMode,
        answer: &mut Response<Body>,
    ) {
        let sealer = &self.gateway.sessions.sealer;
        let realm = visit.own.realm;
        let cookies = realm.cookies;
        let name = cookies.attempt_name(&attempt.digest());
        let value = sealer.seal_as(realm, Purpose::Attempt, &name, &attempt.to_bytes());
        let evicted = self.evicted(&visit.own, 1, name.len() + value.len());
        // A provider that posts the answer comes from another site: only such a cookie is sent
        // along then (S37).
        let cross_site = mode == ResponseMode::FormPost;
        let set = cookies.set_attempt(&name, &value, ATTEMPT_LIFE, cross_site);
        let lines = evicted.iter().map(|name| cookies.clear_attempt(name)).chain([set]);
        add_cookies(answer.headers_mut(), lines);
    }

    /// The attempts that make room for so many more, of so many bytes: the oldest (C-16).
    pub(super) fn evicted<'a>(
        &self,
        own: &OwnCookies<'a>,
        more: usize,
        bytes: usize,
    ) -> Vec<&'a str> {
        let age = |name: &str, value: &str| {
            let sealer = &self.gateway.sessions.sealer;
            if let Some(plain) = sealer.open_as(own.realm, Purpose::Claim, name, value) {
                return claimed_at(&plain);
            }
            let plain = sealer.open_attempt(own.realm, name, value)?;
            AwaitCallback::from_bytes(&plain).map(|attempt| attempt.created())
        };
        let mut kept: Vec<(Option<Timestamp>, &str, usize)> = own
            .attempts
            .iter()
            .map(|(name, value)| (age(name, value), *name, name.len() + value.len()))
            .collect();
        // Youngest first; what does not open, perhaps for want of another replica's key, has no
        // age and comes last.
        kept.sort_by_key(|(created, ..)| std::cmp::Reverse(*created));
        let (mut room, mut places) = (MAX_ATTEMPT_BYTES.saturating_sub(bytes), MAX_ATTEMPTS - more);
        let mut evicted = Vec::new();
        for (_, name, size) in kept {
            if size <= room && places > 0 {
                room -= size;
                places -= 1;
            } else {
                evicted.push(name);
                room = 0;
            }
        }
        evicted
    }
}
