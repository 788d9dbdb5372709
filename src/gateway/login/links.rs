//! The links that begin a login.

use crate::auth::host::Origin;
use crate::auth::provider::ProviderIndex;
use crate::auth::return_to::ReturnTo;
use crate::auth::step_up::StepUp;
use crate::gateway::Gateway;
use crate::gateway::respond::Failure;
use crate::gateway::visit::Visit;

/// What a link says beside where it leads to.
#[derive(Clone, Copy, Default)]
pub(in crate::gateway) struct Link<'a> {
    pub(in crate::gateway) provider: Option<ProviderIndex>,
    /// The provider is to ask who signs in.
    pub(in crate::gateway) other_account: bool,
    /// What a rule wants; it travels sealed.
    pub(in crate::gateway) step_up: Option<&'a StepUp>,
    /// A person begins anew, however often they signed in.
    pub(in crate::gateway) afresh: bool,
}

impl Gateway {
    /// The path that begins a login, to come back to an address that was judged before.
    pub(in crate::gateway) fn start_path(&self, return_to: &ReturnTo) -> String {
        self.path_to("start", return_to, Link::default())
    }

    /// The path of the page on which a person chooses a provider.
    pub(in crate::gateway) fn choose_path(&self, return_to: &ReturnTo) -> String {
        self.path_to("sign_in", return_to, Link::default())
    }

    /// The path of the same page for somebody who is signed in.
    pub(in crate::gateway) fn choose_other_path(&self, return_to: &ReturnTo) -> String {
        self.path_to("sign_in", return_to, Link { other_account: true, ..Link::default() })
    }

    /// The path that begins a login as a link says it.
    pub(in crate::gateway) fn start_by(&self, return_to: &ReturnTo, link: Link<'_>) -> String {
        self.path_to("start", return_to, link)
    }

    /// The path that begins a login that failed once more, at the same provider.
    pub(in crate::gateway) fn start_again(
        &self,
        index: ProviderIndex,
        return_to: &ReturnTo,
        step_up: Option<&StepUp>,
    ) -> String {
        let provider = (self.parties.len() > 1).then_some(index);
        self.path_to("start", return_to, Link { provider, step_up, ..Link::default() })
    }

    /// The path at which a person begins anew who went round in circles.
    pub(in crate::gateway) fn afresh_path(&self, return_to: &ReturnTo) -> String {
        self.path_to("start", return_to, Link { afresh: true, ..Link::default() })
    }

    /// The path that ends the session, on the way to another one.
    pub(in crate::gateway) fn sign_out_path(&self, return_to: Option<&ReturnTo>) -> String {
        let Some(return_to) = return_to else { return format!("{}/sign_out", self.prefix) };
        self.path_to("sign_out", return_to, Link::default())
    }

    fn path_to(&self, page: &str, return_to: &ReturnTo, link: Link<'_>) -> String {
        let provider = link.provider.map(|index| self.parties[index].settings().name.as_str());
        let step_up = link.step_up.map(|step_up| self.sessions.sealer.seal_step_up(step_up));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(provider.map(|name| ("provider", name)));
        query.extend_pairs(link.other_account.then_some(("account", "other")));
        query.extend_pairs(step_up.map(|sealed| ("step_up", sealed)));
        query.extend_pairs(link.afresh.then_some(("again", "1")));
        query.append_pair("rd", return_to.as_str());
        format!("{}/{page}?{}", self.prefix, query.finish())
    }

    /// Tells a refused request where to sign in, to come back to `return_to`: at the host that it
    /// was for, where the session's cookie will be.
    pub(in crate::gateway) fn sign_in(&self, visit: &Visit<'_>, return_to: &ReturnTo) -> Failure {
        let start = self.start_path(return_to);
        Failure::SignIn { login: format!("{}{start}", visit.origin(self)), start }
    }

    /// A return address as it was asked for, or the landing page.
    pub(in crate::gateway) fn judged(&self, address: Option<&str>, here: &Origin) -> ReturnTo {
        address.and_then(|address| self.returns.judge(address, here)).unwrap_or_else(ReturnTo::home)
    }
}
