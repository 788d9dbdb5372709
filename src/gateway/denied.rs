//! What becomes of a request that a rule does not let pass: a page that says who one is, a way to
//! another account, a step-up at the provider; and for programs the words of RFC 6750 and 9470.
//!
//! 1. The rule itself is never told: only the operator's words for it are.
//! 2. A step-up that brought less than was wanted ends on a page. Only the person's own next move
//!    leads to the provider again, so that no browser goes round in circles by itself.

use std::fmt;
use std::sync::Arc;

use http::Response;

use super::body::Body;
use super::clock::now;
use super::login::{Link, SignedIn, Start};
use super::pages::Notice;
use super::respond::Failure;
use super::visit::Visit;
use super::who::Who;
use super::{Gateway, Worker};
use crate::auth::facts::{Facts, Person};
use crate::auth::host::Host;
use crate::auth::identity::Identity;
use crate::auth::policy::{self, Denied};
use crate::auth::provider::{OtherAccount, ProviderIndex};
use crate::auth::request::{Intent, intent};
use crate::auth::return_to::ReturnTo;
use crate::auth::route::Found;
use crate::auth::step_up::StepUp;

/// Why somebody may not pass, as far as they are told.
#[derive(Debug, Default)]
pub struct Denial {
    /// Whether it is for where or when the request came, whoever it is from.
    pub(super) nobody: bool,
    /// What else is wrong than that somebody may not; it is answered by the same status.
    pub(super) notice: Option<Notice>,
    /// What the operator says of it.
    pub(super) message: Option<String>,
    /// Who is signed in.
    pub(super) account: Option<Account>,
    /// Where to try again, or to do what a rule wants.
    pub(super) again: Option<String>,
    /// Where to sign in, as a whole address.
    pub(super) login: Option<String>,
    /// The scopes that the program's token lacks (RFC 6750 3.1).
    pub(super) scope: Option<String>,
}

/// Who is signed in, and how they get to be somebody else.
pub(super) struct Account {
    pub(super) name: String,
    /// A link of ours.
    pub(super) other: String,
    /// The provider that can't be asked for another account: one has to sign out there.
    pub(super) sign_out_at: Option<String>,
}

impl fmt::Debug for Account {
    /// No log names people by the way.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").finish_non_exhaustive()
    }
}

impl Worker {
    /// Answers a request that did not pass.
    pub(super) async fn denied(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        who: &Who,
        found: Found<'_>,
        denied: Denied<'_>,
    ) -> Response<Body> {
        let gateway = &self.gateway;
        let failure = match denied {
            Denied::NoSession => return self.without_session(visit).await,
            Denied::NotAllowed { message } => gateway.not_allowed(visit, who, found, message),
            Denied::StepUp(wanted) => {
                let wanted = all_of(found, wanted.into());
                if who.by_cookie() {
                    return self.step_up(visit, who, wanted).await;
                }
                Failure::StepUp { wanted, links: None }
            }
        };
        gateway.respond(&failure, &who.asker(visit))
    }

    /// Sends a navigation to the provider that vouched for the session, to prove more; tells
    /// everything else where that is done.
    async fn step_up(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        who: &Who,
        wanted: StepUp,
    ) -> Response<Body> {
        let gateway = &self.gateway;
        let respond = |failure: Failure| gateway.respond(&failure, &visit.asker());
        if !gateway.knows(visit.host) {
            return gateway.elsewhere(visit, None).unwrap_or_else(respond);
        }
        let origin = visit.origin(gateway);
        let navigates = intent(visit.method, visit.headers) == Intent::Navigation;
        let return_to = gateway.way_back(visit);
        let link = Link { provider: who.provider(), step_up: Some(&wanted), ..Link::default() };
        let start = gateway.start_by(&return_to, link);
        let Some(index) = who.provider().filter(|_| navigates) else {
            let login = format!("{origin}{start}");
            return respond(Failure::StepUp { wanted, links: Some((start, login)) });
        };
        if gateway.parties[index].settings().posts() {
            return gateway.redirect(visit.redirect_status(), &start);
        }
        let begun = match self.round(visit, &return_to).await {
            Ok(round) => {
                let begin = Start { step_up: Some(wanted), round, ..Start::default() };
                self.begin_login(visit, index, &return_to, begin).await
            }
            Err(failure) => Err(failure),
        };
        begun.unwrap_or_else(|failure| gateway.respond_again(&failure, &visit.asker(), Some(start)))
    }
}

impl Gateway {
    /// Where a login that comes of a request leads back to: a navigation to where it went, a
    /// script's request to the page around it.
    pub(super) fn way_back(&self, visit: &Visit<'_>) -> ReturnTo {
        let origin = visit.origin(self);
        match intent(visit.method, visit.headers) {
            Intent::Navigation => self.judged(Some(&visit.target()), &origin),
            Intent::Other => self.judged(visit.referer(), &origin),
        }
    }

    /// What is said to whoever may not pass, who wants to get to where the request leads.
    pub(super) fn not_allowed(
        &self,
        visit: &Visit<'_>,
        who: &Who,
        found: Found<'_>,
        message: Option<&str>,
    ) -> Failure {
        let denial = self.denial_at(&self.way_back(visit), visit, who, found, message);
        Failure::NotAllowed(Box::new(denial))
    }

    /// The same, as a page or problem says it, for somebody who wants to get to `return_to`.
    pub(super) fn denial_at(
        &self,
        return_to: &ReturnTo,
        visit: &Visit<'_>,
        who: &Who,
        found: Found<'_>,
        message: Option<&str>,
    ) -> Denial {
        let account = match who {
            Who::Somebody(current) => {
                let identity = &current.newest.session.identity;
                Some(self.account(visit, current.newest.provider, identity, return_to))
            }
            Who::Client(_) | Who::Nobody { .. } | Who::Stranger(_) => None,
        };
        let scope = match who {
            Who::Client(client) => lacking(found, &client.known.person()),
            Who::Somebody(_) | Who::Nobody { .. } | Who::Stranger(_) => None,
        };
        tracing::info!(
            route = found.route.name,
            user = who.identity().map(|identity| identity.user.as_str()),
            "a rule let somebody not pass"
        );
        Denial {
            nobody: who.identity().is_none(),
            message: message.map(str::to_owned),
            account,
            scope,
            ..Denial::default()
        }
    }

    /// Who is signed in, and the way to another account that is of use at their provider.
    pub(super) fn account(
        &self,
        visit: &Visit<'_>,
        index: ProviderIndex,
        identity: &Identity,
        return_to: &ReturnTo,
    ) -> Account {
        let settings = self.parties[index].settings();
        let asks = settings.authorization.other_account != OtherAccount::SignOut;
        let name = shown(identity);
        if self.choices(visit, return_to).len() > 1 {
            return Account { name, other: self.choose_other_path(return_to), sign_out_at: None };
        }
        if asks {
            let link = Link { provider: Some(index), other_account: true, ..Link::default() };
            return Account { name, other: self.start_by(return_to, link), sign_out_at: None };
        }
        // Where the provider's own session stays, coming back at once would bring the same
        // account again: then the page after signing out says what is left to do.
        let ends = settings.said.end_session.as_deref().is_some_and(|address| !address.is_empty());
        let other = self.sign_out_path(ends.then_some(return_to));
        Account { name, other, sign_out_at: Some(settings.title.clone()) }
    }

    /// What a login that a rule asked for still lacks, by what was wanted then, and by the rule of
    /// where it leads to.
    pub(super) fn falls_short(
        &self,
        signed_in: &SignedIn,
        index: ProviderIndex,
        visit: &Visit<'_>,
        (host, goal): (&Host, &ReturnTo),
    ) -> Option<StepUp> {
        let wanted = signed_in.goal.step_up.as_ref()?;
        let person = signed_in.known.person();
        if !wanted.is_met_by(&person, now()) {
            return Some(wanted.clone());
        }
        // Asked for one thing, a provider may forget another: a rule of two would send the
        // browser round for ever.
        let (address, method) = self.aim(goal);
        let (path, found) = self.found(host, &address, &method)?;
        let facts = Facts {
            method: &method,
            host,
            client: visit.client,
            now: now(),
            person: Some(person).filter(|_| found.takes(index)),
        };
        match policy::judge(found, &path, &facts) {
            Err(Denied::StepUp(wanted)) => Some(all_of(found, wanted.into())),
            _ => None,
        }
    }

    /// The page for a login that brought less than a rule wanted.
    pub(super) fn stepped_in_vain(
        &self,
        visit: &Visit<'_>,
        index: ProviderIndex,
        signed_in: &SignedIn,
        wanted: StepUp,
    ) -> Response<Body> {
        let return_to = self.judged(Some(&signed_in.goal.return_to), &visit.origin(self));
        let account = self.account(visit, index, &signed_in.known.identity, &return_to);
        let again = Some(self.start_again(index, &return_to, Some(&wanted)));
        let denial = Denial { account: Some(account), again, ..Denial::default() };
        self.respond(&Failure::StepUpUnmet(Box::new(denial)), &visit.asker())
    }
}

/// What is missing, and what the rules want besides: a login that is asked for one thing alone may
/// bring less of another than the session has.
pub(super) fn all_of(found: Found<'_>, missing: StepUp) -> StepUp {
    found.rules().fold(missing, |wanted, route| wanted.and(route.access.step_up()))
}

/// A person as they know themselves: by name and address, where both are known.
fn shown(identity: &Identity) -> String {
    match (&identity.name, &identity.email) {
        (Some(name), Some(email)) => format!("{name} ({email})"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => identity.user.clone(),
    }
}

/// The scopes that the rules name, where the token lacks some of them: that is what another token
/// can mend.
fn lacking(found: Found<'_>, person: &Person<'_>) -> Option<String> {
    let mut named: Vec<&str> = found.rules().flat_map(|route| route.access.scopes()).collect();
    named.dedup();
    let has = |scope: &&str| person.scopes.iter().any(|granted| granted == scope);
    (!named.iter().all(has)).then(|| named.join(" "))
}
