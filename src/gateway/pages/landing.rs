//! The pages at which a login may end: one sends on what was entered before it, one closes the
//! window that it had to itself.

use minijinja::{Value, context};

use super::language::Language;
use super::texts::{done, resume};
use super::{Kind, Pages, SCRIPT, followable_or_home, hash_source, policy};

/// What the page that sends on has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume<'a> {
    /// Who is signed in, in their own words.
    pub(crate) person: &'a str,
    /// Where the form was to go, and what stands for it.
    pub(crate) action: &'a str,
    pub(crate) field: &'a str,
    pub(crate) value: &'a str,
    /// Somebody else was signed in before: nothing is sent without a word.
    pub(crate) asks: bool,
    /// Where to go instead.
    pub(crate) back: &'a str,
}

impl Pages {
    /// The page that has the browser send what was entered: by itself, or by a button where there
    /// is no script, or where it asks. To be served under [`Self::resume_policy`].
    pub(crate) fn resume(&self, language: Language, said: &Resume<'_>) -> String {
        let (title, text) = match said.asks {
            true => (&resume::ASK_TITLE, &resume::ASK_TEXT),
            false => (&resume::TITLE, &resume::TEXT),
        };
        let content = context! {
            signed_in => resume::SIGNED_IN.of(language),
            person => said.person,
            text => text.of(language),
            asks => said.asks,
            action => said.action,
            field => said.field,
            value => said.value,
            send => resume::SEND.of(language),
            no => resume::NO.of(language),
            back => followable_or_home(said.back),
            script => Value::from_safe_string(SCRIPT.to_owned()),
        };
        self.page(&RESUME, language, title.of(language), content)
    }

    /// The Content-Security-Policy of that page. The app's answer may lead anywhere, and browsers
    /// judge that by `form-action` too.
    pub(crate) fn resume_policy(&self) -> String {
        let head = format!("{}; script-src '{}'", self.policy_head, hash_source(SCRIPT));
        policy(&head, "'self' https: http:")
    }

    /// The page that closes its window. To be served under [`Self::done_policy`].
    pub(crate) fn done(&self, language: Language) -> String {
        let content = context! {
            text => done::TEXT.of(language),
            script => Value::from_safe_string(DONE_SCRIPT.to_owned()),
        };
        self.page(&DONE, language, done::TITLE.of(language), content)
    }

    /// The Content-Security-Policy of that page.
    pub(crate) fn done_policy(&self) -> String {
        let head = format!("{}; script-src '{}'", self.policy_head, hash_source(DONE_SCRIPT));
        policy(&head, "'none'")
    }
}

const RESUME: Kind = Kind {
    template: "resume.html",
    id: "resume",
    // The app, and we, want to see that the form is ours: with `no-referrer` its origin is `null`.
    referrer: "same-origin",
};

const DONE: Kind = Kind { template: "done.html", id: "done", referrer: "no-referrer" };

pub(super) const DONE_SCRIPT: &str = include_str!("done.js");
