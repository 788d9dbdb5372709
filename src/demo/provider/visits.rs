//! The provider's memory of browsers and of what is under way in them.

use std::time::{Duration, SystemTime};

use super::authorize::AuthorizeRequest;
use super::shelf::Shelf;
use super::{Unwell, random_hex};

/// The browsers that were here and the sign-ins under way.
pub(super) struct Visits {
    browsers: Shelf<Browser>,
    transactions: Shelf<Transaction>,
}

/// What the provider knows of a browser.
#[derive(Clone, Default)]
pub(super) struct Browser {
    /// When the person signed in, if so.
    pub(super) signed_in: Option<SystemTime>,
    allowed: Vec<String>,
}

/// One authorization request on its way through the pages.
pub(super) struct Transaction {
    pub(super) request: AuthorizeRequest,
    /// The browser that alone may continue it.
    pub(super) browser: String,
    /// The person need not, or need no longer, sign in.
    pub(super) signed_in: bool,
}

impl Visits {
    pub(super) fn new() -> Self {
        Self {
            browsers: Shelf::new(BROWSER_LIFE, CAPACITY),
            transactions: Shelf::new(TRANSACTION_LIFE, CAPACITY),
        }
    }

    /// Returns the browser that has this id, if the id was given by the provider.
    pub(super) fn browser(
        &mut self,
        id: Option<&str>,
        now: SystemTime,
    ) -> Option<(String, Browser)> {
        let id = id?;
        let browser = self.browsers.find(id, now)?.clone();
        Some((id.to_owned(), browser))
    }

    /// Returns the id of a browser that was not here before.
    pub(super) fn welcome(&mut self, now: SystemTime) -> Result<String, Unwell> {
        let id = random_hex(ID_BYTES)?;
        self.browsers.put(id.clone(), Browser::default(), now);
        Ok(id)
    }

    /// Signs `browser` in under a new id; what it has under way, in other tabs too, goes with it.
    pub(super) fn sign_in(&mut self, browser: &str, now: SystemTime) -> Result<String, Unwell> {
        let id = random_hex(ID_BYTES)?;
        let mut signed_in = self.browsers.take(browser, now).unwrap_or_default();
        signed_in.signed_in = Some(now);
        self.browsers.put(id.clone(), signed_in, now);
        for transaction in self.transactions.all() {
            if transaction.browser == browser {
                transaction.browser.clone_from(&id);
            }
        }
        Ok(id)
    }

    /// Forgets `browser` and what it has under way.
    pub(super) fn sign_out(&mut self, browser: &str, now: SystemTime) {
        self.browsers.take(browser, now);
        self.transactions.forget(|transaction| transaction.browser == browser);
    }

    /// Remembers that the person allows `scopes`.
    pub(super) fn allow(&mut self, browser: &str, scopes: &[String], now: SystemTime) {
        let Some(browser) = self.browsers.find(browser, now) else {
            return;
        };
        for scope in scopes {
            if !browser.allowed.contains(scope) {
                browser.allowed.push(scope.clone());
            }
        }
    }

    /// Keeps a transaction and returns its id.
    pub(super) fn begin(
        &mut self,
        transaction: Transaction,
        now: SystemTime,
    ) -> Result<String, Unwell> {
        let id = random_hex(ID_BYTES)?;
        self.transactions.put(id.clone(), transaction, now);
        Ok(id)
    }

    /// Returns the transaction `id`, if it belongs to the browser.
    pub(super) fn transaction(
        &mut self,
        id: &str,
        browser: &str,
        now: SystemTime,
    ) -> Option<&mut Transaction> {
        self.transactions.find(id, now).filter(|transaction| transaction.browser == browser)
    }

    pub(super) fn end(&mut self, id: &str, now: SystemTime) {
        self.transactions.take(id, now);
    }
}

impl Browser {
    /// Tells whether the person has to sign in, for the first time or again.
    pub(super) fn must_sign_in(&self, wanted: &AuthorizeRequest, now: SystemTime) -> bool {
        let Some(since) = self.signed_in else {
            return true;
        };
        let age = now.duration_since(since).unwrap_or_default();
        wanted.prompt.login || wanted.max_age.is_some_and(|most| age > most)
    }

    pub(super) fn must_consent(&self, wanted: &AuthorizeRequest) -> bool {
        let allowed = |scope| self.allowed.contains(scope);
        wanted.prompt.consent || !wanted.scopes.iter().all(allowed)
    }
}

const ID_BYTES: usize = 32;
const CAPACITY: usize = 10_000;
const BROWSER_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
const TRANSACTION_LIFE: Duration = Duration::from_secs(15 * 60);
