//! The person's way through the provider: sign in, consent, go back to the client.
//!
//! 1. A browser is known by a cookie, which a sign-in replaces, so that nobody can plant one.
//! 2. Every form carries the id of a transaction that belongs to the browser; no other browser
//!    can continue it.
//! 3. A person who is signed in is not asked again, nor for a consent already given, unless
//!    `prompt` says so.

use std::sync::MutexGuard;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use minijinja::{Value, context};
use subtle::ConstantTimeEq as _;

use super::authorize::{AuthorizeRequest, Refusal};
use super::browser::{self, Form};
use super::grants::{CodeGrant, Permission};
use super::visits::{Browser, Transaction};
use super::{StandIn, State, Unwell, origin};

impl StandIn {
    pub(super) fn authorize(
        &self,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Result<Response<Full<Bytes>>, Unwell> {
        let parameters = browser::parameters(request);
        let wanted = match AuthorizeRequest::read(parameters, &self.options, origin(request)) {
            Ok(wanted) => wanted,
            Err(Refusal::Redirected(location)) => return Ok(browser::redirect(&location)),
            Err(Refusal::Shown(reason)) => return Ok(self.refused(reason)),
        };

        let mut state = self.state();
        let (id, browser) = match state.visits.browser(browser::id(request), now) {
            Some((id, browser)) => (Some(id), browser),
            None => (None, Browser::default()),
        };
        let must_sign_in = browser.must_sign_in(&wanted, now);
        let must_consent = browser.must_consent(&wanted);
        if wanted.prompt.none && (must_sign_in || must_consent) {
            let error = if must_sign_in { "login_required" } else { "consent_required" };
            return Ok(browser::redirect(&wanted.back.with_error(error)));
        }
        if !must_sign_in && !must_consent {
            return state.back_with_code(&wanted, browser.signed_in, now);
        }

        self.ask(state, id, wanted, must_sign_in, now)
    }

    /// Begins a transaction and shows its first page.
    fn ask(
        &self,
        mut state: MutexGuard<'_, State>,
        known: Option<String>,
        wanted: AuthorizeRequest,
        must_sign_in: bool,
        now: SystemTime,
    ) -> Result<Response<Full<Bytes>>, Unwell> {
        let is_new = known.is_none();
        let browser = match known {
            Some(id) => id,
            None => state.visits.welcome(now)?,
        };
        let begun = Transaction {
            request: wanted.clone(),
            browser: browser.clone(),
            signed_in: !must_sign_in,
        };
        let transaction = state.visits.begin(begun, now)?;
        drop(state);

        let answer = if must_sign_in {
            let account = &self.options.account;
            self.sign_in_page(&transaction, &account.email, &account.password, false)
        } else {
            self.consent_page(&transaction, &wanted)
        };
        Ok(if is_new { browser::with_cookie(answer, &browser, self.manner) } else { answer })
    }

    pub(super) fn sign_in(
        &self,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Result<Response<Full<Bytes>>, Unwell> {
        let form = Form::read(request.body());
        let browser = browser::id(request).unwrap_or_default();
        let mut state = self.state();
        let Some(transaction) = state.visits.transaction(form.value("transaction"), browser, now)
        else {
            return Ok(self.refused(OUT_OF_DATE));
        };
        let account = &self.options.account;
        let (email, password) = (form.value("email"), form.value("password"));
        let right = email.trim().as_bytes().ct_eq(account.email.as_bytes())
            & password.as_bytes().ct_eq(account.password.as_bytes());
        if !bool::from(right) {
            return Ok(self.sign_in_page(form.value("transaction"), email, "", true));
        }

        transaction.signed_in = true;
        let wanted = transaction.request.clone();
        let id = state.visits.sign_in(browser, now)?;
        let must_consent = state
            .visits
            .browser(Some(&id), now)
            .is_none_or(|(_, browser)| browser.must_consent(&wanted));
        let answer = if must_consent {
            self.consent_page(form.value("transaction"), &wanted)
        } else {
            state.visits.end(form.value("transaction"), now);
            state.back_with_code(&wanted, Some(now), now)?
        };
        Ok(browser::with_cookie(answer, &id, self.manner))
    }

    pub(super) fn consent(
        &self,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Result<Response<Full<Bytes>>, Unwell> {
        let form = Form::read(request.body());
        let browser = browser::id(request).unwrap_or_default();
        let mut state = self.state();
        let wanted = state
            .visits
            .transaction(form.value("transaction"), browser, now)
            .filter(|transaction| transaction.signed_in)
            .map(|transaction| transaction.request.clone());
        let Some(wanted) = wanted else {
            return Ok(self.refused(OUT_OF_DATE));
        };
        state.visits.end(form.value("transaction"), now);
        if form.value("decision") != "allow" {
            return Ok(browser::redirect(&wanted.back.with_error("access_denied")));
        }
        state.visits.allow(browser, &wanted.scopes, now);
        let signed_in = state.visits.browser(Some(browser), now);
        state.back_with_code(&wanted, signed_in.and_then(|(_, browser)| browser.signed_in), now)
    }

    fn sign_in_page(
        &self,
        transaction: &str,
        email: &str,
        password: &str,
        failed: bool,
    ) -> Response<Full<Bytes>> {
        let account = &self.options.account;
        let status = if failed { StatusCode::FORBIDDEN } else { StatusCode::OK };
        self.pages.answer(
            status,
            "sign_in.html",
            context! {
                transaction, email, password, failed,
                title => self.manner.title,
                authorize => self.manner.authorize.path,
                demo_email => account.email.as_str(),
                demo_password => account.password.as_str(),
            },
        )
    }

    fn consent_page(&self, transaction: &str, wanted: &AuthorizeRequest) -> Response<Full<Bytes>> {
        let scopes: Vec<Value> = self
            .manner
            .scopes
            .iter()
            .filter(|(name, _)| wanted.scopes.iter().any(|scope| scope == name))
            .map(|(name, meaning)| context! { name => *name, meaning => *meaning })
            .collect();
        let account = &self.options.account;
        self.pages.answer(
            StatusCode::OK,
            "consent.html",
            context! {
                transaction, scopes,
                title => self.manner.title,
                authorize => self.manner.authorize.path,
                client => self.options.client_id.as_str(),
                name => account.name.as_str(),
                email => account.email.as_str(),
            },
        )
    }

    pub(super) fn refused(&self, reason: &str) -> Response<Full<Bytes>> {
        let manner = self.manner;
        self.pages.answer(
            StatusCode::BAD_REQUEST,
            "refused.html",
            context! { reason, title => manner.title, authorize => manner.authorize.path },
        )
    }
}

impl State {
    fn back_with_code(
        &mut self,
        wanted: &AuthorizeRequest,
        signed_in: Option<SystemTime>,
        now: SystemTime,
    ) -> Result<Response<Full<Bytes>>, Unwell> {
        let grant = CodeGrant {
            permission: Permission::new(wanted.scopes.clone(), signed_in.unwrap_or(now))?,
            redirect_uri: wanted.back.redirect_uri.clone(),
            redirect_uri_named: wanted.back.named,
            challenge: wanted.challenge.clone(),
            nonce: wanted.nonce.clone(),
        };
        let code = self.grants.give_code(grant, now)?;
        Ok(browser::redirect(&wanted.back.with_code(&code)))
    }
}

const OUT_OF_DATE: &str = "This page is out of date.";
