//! A person with a browser, who signs in, consents and signs out on the provider's pages.

use url::{Position, Url};

use crate::form::Form;
use crate::harness::{Answer, Visitor, ask};

/// No way through gateway and provider is longer.
const MOST_STEPS: usize = 20;

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) visitor: Visitor,
    account: String,
    agrees: bool,
}

/// Where a navigation ended: with an answer there, or (when it was stopped) before asking there.
pub(crate) struct Arrival {
    pub(crate) at: Url,
    pub(crate) answer: Answer,
}

impl Person {
    pub(crate) fn new(visitor: Visitor, account: &str) -> Self {
        Self { visitor, account: account.to_owned(), agrees: true }
    }

    /// Says no to whatever the provider asks.
    pub(crate) fn who_refuses(mut self) -> Self {
        self.agrees = false;
        self
    }

    /// Follows a link, answers every page on the way, and says where it ended.
    pub(crate) async fn goes_to(&self, address: &Url) -> Arrival {
        self.goes_until(address, |_| false).await
    }

    /// The same, but does not open an address that is not wanted any more.
    pub(crate) async fn goes_until(&self, address: &Url, stop: impl Fn(&Url) -> bool) -> Arrival {
        let target = &address[Position::BeforePath..Position::AfterQuery];
        let answer = self.visitor.send_to(address, ask("GET", target).navigating()).await;
        self.walks_on(address.clone(), answer, stop).await
    }

    /// Goes on from an answer.
    pub(crate) async fn walks_on(
        &self,
        mut at: Url,
        mut answer: Answer,
        stop: impl Fn(&Url) -> bool,
    ) -> Arrival {
        for _ in 0..MOST_STEPS {
            let (next, body) = if answer.redirects() {
                (at.join(answer.location()).unwrap(), None)
            } else if let Some(form) = self.answered(&answer) {
                (at.join(&form.action).unwrap(), Some(form.body()))
            } else {
                return Arrival { at, answer };
            };
            if stop(&next) {
                return Arrival { at: next, answer };
            }
            let target = &next[Position::BeforePath..Position::AfterQuery];
            let request = match body {
                None => ask("GET", target).navigating(),
                Some(body) => ask("POST", target)
                    .navigating()
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header("origin", &at.origin().ascii_serialization())
                    .header("sec-fetch-site", if_same(&at, &next))
                    .body(body),
            };
            answer = self.visitor.send_to(&next, request).await;
            at = next;
        }
        panic!("more than {MOST_STEPS} steps, the last to {at}: {}", answer.text());
    }

    /// The form of a page that is not the end of the way: one that sends itself, or one of the
    /// provider's that asks something.
    fn answered(&self, page: &Answer) -> Option<Form> {
        let text = page.text();
        let form = Form::first_of(&text)?;
        let answer = if self.agrees { "yes" } else { "no" };
        if text.contains("document.forms[0].submit()") {
            return Some(form);
        }
        if form.id == "op.logoutForm" {
            return Some(if self.agrees { form.with("logout", "yes") } else { form });
        }
        if !form.action.starts_with("/interaction/") {
            return None;
        }
        let asks_who = form.fields.iter().any(|(name, _)| name == "account");
        let form = if asks_who { form.with("account", &self.account) } else { form };
        Some(form.with("answer", answer))
    }
}

fn if_same(from: &Url, to: &Url) -> &'static str {
    if from.origin() == to.origin() { "same-origin" } else { "cross-site" }
}
