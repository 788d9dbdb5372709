//! The paths at which a login begins: `start`, and the page to choose a provider on.

use std::sync::Arc;

use http::{Method, Response, StatusCode};

use super::Worker;
use super::body::Body;
use super::login::{Link, Start};
use super::respond::Failure;
use super::visit::Visit;
use crate::auth::authorization::Wishes;
use crate::auth::provider::ProviderIndex;
use crate::auth::return_to::ReturnTo;
use crate::auth::route::NoRoute;
use crate::auth::same_site;

impl Worker {
    /// Begins a login: at the provider that the link names, or at the only one there is.
    pub(super) async fn start(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        form: &str,
    ) -> Result<Response<Body>, Failure> {
        let (return_to, choices) = self.asked(visit, form)?;
        let named = visit.member("provider", form);
        let named = named.and_then(|name| self.gateway.provider_named(&name));
        let one = named.filter(|index| choices.contains(index)).or(match choices.as_slice() {
            &[one] => Some(one),
            _ => None,
        });
        let Some(index) = one else {
            let page = self.gateway.choose_path(&return_to);
            return Ok(self.gateway.redirect(visit.redirect_status(), &page));
        };
        let allowed = &self.gateway.parties[index].settings().authorization.link_params;
        let step_up = visit.member("step_up", form);
        let step_up = step_up.and_then(|sealed| self.gateway.sessions.sealer.open_step_up(&sealed));
        let start = Start {
            link: Wishes::read(visit.query, allowed),
            other_account: self.wants_other_account(visit, form),
            step_up: step_up.clone(),
        };
        let begun = self.begin_login(visit, index, &return_to, start).await;
        // Whoever tries again still wants to get there, by the same way.
        Ok(begun.unwrap_or_else(|failure| {
            let again = self.gateway.start_again(index, &return_to, step_up.as_ref());
            let provider = self.gateway.parties[index].settings().name.as_str();
            let answer = || self.gateway.respond_again(&failure, &visit.asker(), Some(again));
            tracing::info_span!("login", provider).in_scope(answer)
        }))
    }

    /// Shows whom one can sign in with; where there is no choice, begins the login.
    pub(super) async fn choose(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        form: &str,
    ) -> Result<Response<Body>, Failure> {
        let (return_to, choices) = self.asked(visit, form)?;
        if choices.len() < 2 {
            return self.start(visit, form).await;
        }
        let gateway = &self.gateway;
        let other_account = self.wants_other_account(visit, form);
        let link = |&index: &ProviderIndex| {
            let title = gateway.parties[index].settings().title.clone();
            let link = Link { provider: Some(index), other_account, step_up: None };
            (title, gateway.start_by(&return_to, link))
        };
        let links: Vec<(String, String)> = choices.iter().map(link).collect();
        let language = visit.asker().language();
        let page = gateway.pages.choose(language, &links);
        Ok(gateway.page(StatusCode::OK, language, page))
    }

    /// Whether our own page asks for another account than the one that is signed in. From
    /// anywhere else a link begins a login as any other does, and nobody is made to choose.
    fn wants_other_account(&self, visit: &Visit<'_>, form: &str) -> bool {
        visit.member("account", form).is_some_and(|account| account == "other")
            && same_site::is_own(visit.headers, &visit.origin(&self.gateway))
    }

    fn asked(
        &self,
        visit: &Visit<'_>,
        form: &str,
    ) -> Result<(ReturnTo, Vec<ProviderIndex>), Failure> {
        if ![Method::GET, Method::HEAD, Method::POST].contains(visit.method) {
            return Err(Failure::MethodNotAllowed("GET, HEAD, POST"));
        }
        let address = visit.member("rd", form);
        let return_to = self.gateway.judged(address.as_deref(), &visit.origin(&self.gateway));
        let choices = self.gateway.choices(visit, &return_to);
        if choices.is_empty() {
            return Err(Failure::Route(NoRoute::Path));
        }
        Ok((return_to, choices))
    }
}
