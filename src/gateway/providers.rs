//! The providers that people sign in at: what is known of each, shared by all workers, and which
//! of them a visitor may choose.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderValue, Method};

use super::clock::now;
use super::respond::Failure;
use super::visit::Visit;
use super::{Gateway, Worker};
use crate::auth::host::Host;
use crate::auth::jwks::KeySet;
use crate::auth::path::RequestPath;
use crate::auth::provider::{Provider, ProviderIndex, Settings};
use crate::auth::refresh::Breaker;
use crate::auth::return_to::ReturnTo;
use crate::auth::route::Found;
use crate::provider::Lane;
use crate::provider::directory::{Directory, NotLearnt, Want};

/// One provider, as all workers share it.
pub(super) struct Party {
    directory: Directory,
    breaker: Mutex<Breaker>,
    /// Its name, as an app is told it.
    pub(super) stated: HeaderValue,
}

impl Party {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        let stated = HeaderValue::from_str(&settings.name);
        Self {
            directory: Directory::new(settings),
            breaker: Mutex::new(Breaker::default()),
            stated: stated.unwrap_or(HeaderValue::from_static("unknown")),
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        self.directory.settings()
    }

    pub(super) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway {
    /// Which provider has this name.
    pub(super) fn provider_named(&self, name: &str) -> Option<ProviderIndex> {
        self.parties.iter().position(|party| party.settings().name == name)
    }

    /// Whose callback path this is.
    pub(super) fn callback_of(&self, path: &str) -> Option<ProviderIndex> {
        let is_it = |party: &Party| party.settings().authorization.redirect_path == path;
        self.parties.iter().position(is_it)
    }

    /// Who may sign somebody in who wants to get to `return_to`: the provider that the route
    /// there names, else any. Nobody, where the path finds two routes of different providers.
    pub(super) fn choices(&self, visit: &Visit<'_>, return_to: &ReturnTo) -> Vec<ProviderIndex> {
        let (address, method) = self.aim(return_to);
        let found = self.found(visit.host, &address, &method);
        let takes =
            |index: &ProviderIndex| found.as_ref().is_none_or(|(_, found)| found.takes(*index));
        (0..self.parties.len()).filter(takes).collect()
    }

    /// Where somebody gets in the end who goes there, and by which method: one of our own pages
    /// may only be a stop on the way.
    pub(super) fn aim<'a>(&self, return_to: &'a ReturnTo) -> (Cow<'a, str>, Method) {
        match self.returns.resumes(return_to) {
            Some(address) => (Cow::Owned(address), Method::POST),
            None => (Cow::Borrowed(return_to.as_str()), Method::GET),
        }
    }

    /// The route of an address on a host.
    pub(super) fn found<'a>(
        &self,
        host: &Host,
        address: &'a str,
        method: &Method,
    ) -> Option<(RequestPath<'a>, Found<'_>)> {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let path = path.starts_with('/').then(|| RequestPath::parse(path).ok()).flatten()?;
        let found = self.routes.find(host, &path, method).ok()?;
        Some((path, found))
    }
}

impl Worker {
    /// A provider with its addresses, discovered where need be.
    pub(super) async fn provider(
        self: &Arc<Self>,
        index: ProviderIndex,
        lane: Lane,
    ) -> Result<Arc<Provider>, NotLearnt> {
        let directory = &self.gateway.parties[index].directory;
        if let Some(known) = directory.known() {
            self.renew_what_is_old(index);
            return Ok(known);
        }
        // In a task of its own: a visitor who goes away takes nothing from those who wait.
        let worker = Arc::clone(self);
        let learning = self.tasks.spawn(async move { worker.learn(index, lane).await });
        learning.await.unwrap_or(Err(NotLearnt::Incomplete))
    }

    /// The keys that a provider signs with.
    async fn keys(
        self: &Arc<Self>,
        index: ProviderIndex,
        lane: Lane,
        want: Want,
    ) -> Result<Arc<KeySet>, NotLearnt> {
        self.renew_what_is_old(index);
        let worker = Arc::clone(self);
        let asking = self.tasks.spawn(async move {
            let directory = &worker.gateway.parties[index].directory;
            directory.keys(&worker.clients[index], lane, now(), want).await
        });
        asking.await.unwrap_or(Err(NotLearnt::Incomplete))
    }

    /// What a judgement by a provider's keys comes to: by `newer` ones where it fails for want of
    /// a key that the provider may have published since (C-86).
    pub(super) async fn judged_by_keys<T, E>(
        self: &Arc<Self>,
        index: ProviderIndex,
        lane: Lane,
        newer: Want,
        judge: impl Fn(&KeySet) -> Result<T, E>,
        wants_newer: impl Fn(&E) -> bool,
    ) -> Result<Result<T, E>, NotLearnt> {
        let judged = judge(&*self.keys(index, lane, Want::Any).await?);
        if !judged.as_ref().is_err_and(wants_newer) {
            return Ok(judged);
        }
        Ok(judge(&*self.keys(index, lane, newer).await?))
    }

    /// Asks again, beside everything else, for what was learnt long ago.
    fn renew_what_is_old(self: &Arc<Self>, index: ProviderIndex) {
        if self.gateway.parties[index].directory.is_old(now()) {
            let worker = Arc::clone(self);
            self.tasks.spawn(async move {
                let directory = &worker.gateway.parties[index].directory;
                directory.refresh(&worker.clients[index], Lane::Renewal, now()).await;
            });
        }
    }

    async fn learn(&self, index: ProviderIndex, lane: Lane) -> Result<Arc<Provider>, NotLearnt> {
        let directory = &self.gateway.parties[index].directory;
        directory.provider(&self.clients[index], lane, now()).await
    }
}

impl From<NotLearnt> for Failure {
    fn from(why: NotLearnt) -> Self {
        Self::NotLearnt(why)
    }
}
