//! Signing out: here, and at the provider where it can be told.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Response, StatusCode};

use super::body::Body;
use super::clock::{SystemEntropy, moment, now};
use super::respond::Failure;
use super::sealer::add_cookies;
use super::sessions::{Presented, end_session, end_unseen, presented};
use super::visit::Visit;
use super::{Gateway, Worker};
use crate::auth::logout::{end_session_url, revocations};
use crate::auth::provider::Provider;
use crate::auth::provider::ProviderIndex;
use crate::auth::return_to::ReturnTo;
use crate::auth::same_site;
use crate::auth::session::Session;
use crate::provider::Lane;

/// A session that is over.
struct Ended {
    provider: ProviderIndex,
    session: Session,
    /// Whether this very request ended it.
    first: bool,
}

impl Worker {
    /// Ends the session, and has the provider end its own where it has an address for that.
    pub(super) async fn sign_out(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        form: &str,
    ) -> Result<Response<Body>, Failure> {
        if ![Method::GET, Method::POST].contains(visit.method) {
            return Err(Failure::MethodNotAllowed("GET, POST"));
        }
        let gateway = &self.gateway;
        let origin = visit.origin(gateway);
        let address = visit.member("rd", form);
        let return_to =
            address.as_deref().and_then(|address| gateway.returns.judge(address, &origin));
        if !same_site::is_own(visit.headers, &origin) {
            // Anyone can make a browser come here (C-68): only the person's own click counts.
            let action = format!("{}/sign_out", gateway.prefix);
            let rd = return_to.as_ref().map(ReturnTo::as_str);
            let page = gateway.pages.confirm_sign_out(visit.asker().language(), &action, rd);
            return Ok(gateway.form_page(visit.asker().language(), page));
        }
        // The session is over before anything else is tried (S33).
        let onward = match self.forget(visit).await {
            Some(ended) => self.at_provider(visit, &ended, return_to.as_ref()).await,
            None => None,
        };
        let mut answer = match onward {
            Some(address) => gateway.redirect(StatusCode::SEE_OTHER, &address),
            None => gateway.after_sign_out(visit, return_to.as_ref(), true),
        };
        self.clear_cookies(visit, &mut answer);
        let rounds = visit.own.realm.cookies.clear_rounds(&visit.own);
        add_cookies(answer.headers_mut(), rounds);
        Ok(answer)
    }

    /// Takes the browser back from the provider's own sign-out.
    pub(super) fn signed_out(&self, visit: &Visit<'_>) -> Result<Response<Body>, Failure> {
        if *visit.method != Method::GET {
            return Err(Failure::MethodNotAllowed("GET"));
        }
        let gateway = &self.gateway;
        let opened =
            visit.member("state", "").and_then(|state| gateway.sessions.sealer.open_return(&state));
        let origin = visit.origin(gateway);
        // What was listed when it was sealed may not be any more.
        let return_to = opened.and_then(|address| gateway.returns.judge(&address, &origin));
        Ok(gateway.after_sign_out(visit, return_to.as_ref(), false))
    }

    /// Ends the visitor's session: its cookie is refused from now on, by this process and by all
    /// that share a store with it.
    async fn forget(self: &Arc<Self>, visit: &Visit<'_>) -> Option<Ended> {
        let presented = presented(self, &visit.own, now()).await;
        let open = match presented {
            Ok(Presented::Session(open)) => open,
            Ok(Presented::Nothing { .. }) => return None,
            Err(_) => {
                if end_unseen(self, &visit.own) {
                    tracing::info!("signed out; the store will be told when it is back");
                }
                return None;
            }
        };
        let session = &open.session;
        let first = !self.gateway.sessions.registry.is_over(session);
        let newest = end_session(self, &open).await;
        if first {
            tracing::info!(session = ?session.id, user = session.identity.user, "signed out");
        }
        let session = newest.filter(|newest| newest.generation >= session.generation);
        let session = session.unwrap_or_else(|| open.session.clone());
        Some(Ended { provider: open.provider, session, first })
    }

    /// Tells the provider: its tokens are taken back, and the answer is the address at which it
    /// ends its own session. A provider that says nothing in time is left alone.
    async fn at_provider(
        self: &Arc<Self>,
        visit: &Visit<'_>,
        ended: &Ended,
        return_to: Option<&ReturnTo>,
    ) -> Option<String> {
        let gateway = &self.gateway;
        let learning = self.provider(ended.provider, Lane::Revocation);
        let provider = tokio::time::timeout(PATIENCE, learning).await.ok()?.ok()?;
        // A copy of a cookie that was signed out with makes no calls and knows no hint; a second
        // click of the same person still gets to the provider's own sign-out.
        let session = ended.first.then_some(&ended.session);
        if let Some(session) = session {
            self.revoke_tokens(ended.provider, &provider, session);
        }
        let after = format!("{}{}/signed_out", visit.origin(gateway), gateway.prefix);
        let state = gateway.sessions.sealer.seal_return(return_to.map_or("", ReturnTo::as_str));
        end_session_url(&provider, session, &after, &state)
    }

    /// Has the provider take back a session's tokens, beside everything else (S10).
    pub(super) fn revoke_tokens(
        self: &Arc<Self>,
        index: ProviderIndex,
        provider: &Provider,
        session: &Session,
    ) {
        let calls = revocations(provider, session, moment(&mut SystemEntropy));
        if calls.is_empty() {
            return;
        }
        let (worker, id) = (Arc::clone(self), session.id);
        self.tasks.spawn(async move {
            for call in calls {
                let answer = tokio::time::timeout(
                    PATIENCE,
                    worker.clients[index].send(call, Lane::Revocation),
                );
                match answer.await {
                    Ok(Ok(answer)) if answer.status().is_success() => {}
                    Ok(Ok(answer)) => {
                        let status = answer.status().as_u16();
                        tracing::warn!(session = ?id, status, "a token was not taken back");
                    }
                    Ok(Err(why)) => {
                        tracing::warn!(session = ?id, %why, "a token was not taken back");
                    }
                    Err(_) => tracing::warn!(session = ?id, "a token was not taken back in time"),
                }
            }
        });
    }
}

impl Gateway {
    fn after_sign_out(
        &self,
        visit: &Visit<'_>,
        return_to: Option<&ReturnTo>,
        remains: bool,
    ) -> Response<Body> {
        if let Some(return_to) = return_to {
            return self.redirect(StatusCode::SEE_OTHER, return_to.as_str());
        }
        let language = visit.asker().language();
        let page = self.pages.signed_out(language, &self.start_path(&ReturnTo::home()), remains);
        self.page(StatusCode::OK, language, page)
    }
}

/// How long a provider may take to be told; nobody's sign-out waits longer (S10).
const PATIENCE: Duration = Duration::from_secs(2);
