//! The page for visitors whom a proxy in front does not let pass, and who would see nothing of what
//! its subrequest was answered with.
//!
//! 1. It is a 403 whatever it finds: the proxy said no, and by a reason of its own it may say so
//!    where our rules do not.
//! 2. It leads to a login only by a link: of those who may not, many are signed in already.

use std::sync::Arc;

use http::Response;

use super::body::Body;
use super::clock::now;
use super::denied::{Denial, all_of};
use super::login::Link;
use super::pages::Notice;
use super::respond::Failure;
use super::visit::Visit;
use super::who::Who;
use super::{Gateway, Worker};
use crate::auth::begin::BeginRequest;
use crate::auth::facts::Facts;
use crate::auth::path::RequestPath;
use crate::auth::policy::{self, Denied};
use crate::auth::return_to::ReturnTo;
use crate::auth::route::Found;

impl Worker {
    /// Answers a visitor who may not go where the proxy in front says that they wanted to.
    pub(super) async fn denied_page(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        request: &BeginRequest<'_>,
    ) -> Response<Body> {
        let gateway = &self.gateway;
        let goal = request.goal(&gateway.returns, &visit.origin(gateway));
        let (host, address, aimed) = gateway.destination(visit, &goal);
        let method = request.told_method().unwrap_or(aimed);
        let Some((path, found)) = gateway.found(&host, &address, &method) else {
            let denial = Denial { nobody: true, ..Denial::default() };
            return gateway.respond(&Failure::NotAllowed(Box::new(denial)), &visit.asker());
        };
        // As if it were open to all: whatever keeps us from knowing who it is, the answer is no.
        let who = self.who(visit, found, true).await.unwrap_or(Who::Nobody { clear: false });
        let facts = Facts {
            method: &method,
            host: &host,
            client: visit.client,
            now: now(),
            person: who.person(),
        };
        let denial = gateway.denial_by_proxy(visit, &who, (&path, found), &facts, &goal);
        let failure = Failure::NotAllowed(Box::new(denial));
        let mut answer = gateway.respond(&failure, &who.asker(visit));
        self.update_cookies(visit, &who, &mut answer);
        answer
    }
}

impl Gateway {
    /// What the rules of the goal say, and what a person can do about it.
    fn denial_by_proxy(
        &self,
        visit: &Visit<'_>,
        who: &Who,
        (path, found): (&RequestPath<'_>, Found<'_>),
        facts: &Facts<'_>,
        goal: &ReturnTo,
    ) -> Denial {
        let judged = policy::judge(found, path, facts);
        let message = match &judged {
            Err(Denied::NotAllowed { message }) => *message,
            _ => None,
        };
        let denial = self.denial_at(goal, visit, who, found, message);
        let login = |start: &String| Some(format!("{}{start}", visit.origin(self)));
        match judged {
            Err(Denied::NotAllowed { .. }) => denial,
            Err(Denied::NoSession) => {
                let start = self.start_path(goal);
                let (notice, login) = (Some(Notice::SignInNeeded), login(&start));
                Denial { notice, login, again: Some(start), nobody: false, ..denial }
            }
            Err(Denied::StepUp(wanted)) => {
                let wanted = all_of(found, wanted.into());
                let link =
                    Link { provider: who.provider(), step_up: Some(&wanted), ..Link::default() };
                let start = self.start_by(goal, link);
                let (notice, login) = (Some(Notice::StepUpNeeded), login(&start));
                Denial { notice, login, again: Some(start), ..denial }
            }
            // By now it would pass, or the proxy has a reason of its own.
            Ok(_) => Denial { again: Some(goal.as_str().to_owned()), ..denial },
        }
    }
}
