//! Login: begins attempts, by driving [`crate::auth::login`].

mod callback;
mod exchange;
mod spent;

use std::sync::Arc;

use http::Response;

pub(super) use spent::SpentAttempts;

use super::body::Body;
use super::clock::{SystemEntropy, moment};
use super::respond::Failure;
use super::sealer::add_cookies;
use super::visit::Visit;
use super::{Gateway, Worker};
use crate::auth::Timestamp;
use crate::auth::authorization::{Carried, Parameters, Wishes};
use crate::auth::client_call::{push_request, read_pushed};
use crate::auth::cookie::OwnCookies;
use crate::auth::host::Origin;
use crate::auth::login::{ATTEMPT_LIFE, AwaitCallback, MAX_ATTEMPT_BYTES, MAX_ATTEMPTS};
use crate::auth::parked::claimed_at;
use crate::auth::provider::{Provider, ProviderIndex, ResponseMode};
use crate::auth::return_to::ReturnTo;
use crate::auth::route::NoRoute;
use crate::auth::seal::Purpose;
use crate::provider::Lane;
use crate::telemetry::LoginOutcome;

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
                self.begin_login(visit, *one, return_to, Wishes::default()).await
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
        wishes: Wishes,
    ) -> Result<Response<Body>, Failure> {
        let gateway = &self.gateway;
        if gateway.sessions.keeps_nothing() {
            // It could not be kept: nobody is sent on one (C-114).
            return Err(Failure::StoreUnavailable);
        }
        let provider = self.provider(index, Lane::Push).await?;
        let asked = &provider.settings.authorization;
        let redirect_uri = format!("{}{}", visit.origin(gateway), asked.redirect_path);
        let begun = AwaitCallback::begin(
            &provider,
            redirect_uri,
            return_to.as_str(),
            &wishes,
            moment(&mut SystemEntropy),
        );
        let parameters = self.pushed(index, &provider, begun.parameters).await?;
        let mut answer = match parameters.carried(&provider) {
            Carried::Address(address) => gateway.redirect(visit.redirect_status(), &address),
            Carried::Form(form) => {
                gateway.post_page(visit.asker().language(), &provider.settings.title, &form)
            }
        };
        self.add_attempt(visit, &begun.attempt, asked.response_mode, &mut answer);
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

impl Gateway {
    /// The path that begins a login, to come back to an address that was judged before.
    pub(super) fn start_path(&self, return_to: &ReturnTo) -> String {
        self.path_to("start", return_to, None)
    }

    /// The path of the page on which a person chooses a provider.
    pub(super) fn choose_path(&self, return_to: &ReturnTo) -> String {
        self.path_to("sign_in", return_to, None)
    }

    /// The path that begins a login at one provider.
    pub(super) fn start_at(&self, index: ProviderIndex, return_to: &ReturnTo) -> String {
        self.path_to("start", return_to, Some(&self.parties[index].settings().name))
    }

    /// The path that begins a login that failed once more, at the same provider.
    pub(super) fn start_again(&self, index: ProviderIndex, return_to: &ReturnTo) -> String {
        match self.parties.len() {
            1 => self.start_path(return_to),
            _ => self.start_at(index, return_to),
        }
    }

    fn path_to(&self, page: &str, return_to: &ReturnTo, provider: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(provider.map(|name| ("provider", name)));
        query.append_pair("rd", return_to.as_str());
        format!("{}/{page}?{}", self.prefix, query.finish())
    }

    /// Tells a refused request where to sign in, to come back to `return_to`: at the host that it
    /// was for, where the session's cookie will be.
    pub(super) fn sign_in(&self, visit: &Visit<'_>, return_to: &ReturnTo) -> Failure {
        let start = self.start_path(return_to);
        Failure::SignIn { login: format!("{}{start}", visit.origin(self)), start }
    }

    /// A return address as it was asked for, or the landing page.
    pub(super) fn judged(&self, address: Option<&str>, here: &Origin) -> ReturnTo {
        address.and_then(|address| self.returns.judge(address, here)).unwrap_or_else(ReturnTo::home)
    }
}
