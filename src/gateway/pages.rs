//! The gateway's own pages: what happened, whose move it is, and what to do.
//!
//! 1. Every value passes the templates' HTML escaping; only our own stylesheet, and what another
//!    of our templates rendered, goes in as it is (C-70).
//! 2. No third-party content, one inline stylesheet, and on the few pages that go on by themselves
//!    one inline script: their hashes are the only ones that the Content-Security-Policy lets through
//!    (S68, C-106).
//! 3. A link that a browser would not follow over HTTP is left out.

mod landing;
mod language;
mod notice;
#[cfg(test)]
mod tests;
mod texts;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use sha2::{Digest, Sha256};

#[cfg(test)]
use landing::DONE_SCRIPT;
pub(super) use landing::Resume;
pub(super) use language::Language;
pub(super) use notice::Notice;
use texts::{choose, confirm, denied, looped, post, signed_out};

use super::denied::Denial;
use crate::auth::authorization::Form;
use crate::auth::loop_guard::Cause;

/// What the pages link to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links<'a> {
    /// Where to start again, a safe address of ours; without it there is no button.
    pub again: Option<&'a str>,
    pub home: &'a str,
}

/// The pages, their templates compiled, and the policy under which they are served.
#[derive(Debug)]
pub(super) struct Pages {
    templates: Environment<'static>,
    /// A Content-Security-Policy up to its `form-action`.
    policy_head: String,
    policy: String,
    form_policy: String,
}

impl Pages {
    /// Compiles the templates.
    pub(super) fn new() -> Self {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            templates
                .add_template(name, source)
                .expect("each template is part of this program and compiled by its tests");
        }
        let policy_head = format!("default-src 'none'; style-src '{}'", hash_source(STYLE));
        Self {
            templates,
            policy: policy(&policy_head, "'self'"),
            // Wherever the operator lets a sign-out lead.
            form_policy: policy(&policy_head, "'self' https: http:"),
            policy_head,
        }
    }

    /// The Content-Security-Policy of every page but the one that [`Self::form_policy`] is for.
    pub(super) fn content_security_policy(&self) -> &str {
        &self.policy
    }

    /// The Content-Security-Policy of the page that asks before signing out. Browsers judge
    /// every redirect that answers a form by `form-action`, and this form's answer may lead on
    /// to the provider's own sign-out, and from there to places that only the provider knows.
    pub(super) fn form_policy(&self) -> &str {
        &self.form_policy
    }

    /// The Content-Security-Policy of the page that posts `form`: to its target alone, and back
    /// to us, where a provider that asks nothing sends the browser at once.
    pub(super) fn post_policy(&self, form: &Form) -> String {
        let target = form.action.split('?').next().unwrap_or_default();
        // What would end the source, or the directive, is written as an escape.
        let target = target.replace(';', "%3B").replace(',', "%2C");
        let also: String = form.also.iter().map(|origin| format!(" {origin}")).collect();
        let head = format!("{}; script-src '{}'", self.policy_head, hash_source(SCRIPT));
        policy(&head, &format!("{target} 'self'{also}"))
    }

    /// The page for a notice. `reference` finds it in the log, `detail` is a code such as an
    /// OAuth error; each is left out when empty.
    pub(super) fn notice(
        &self,
        notice: Notice,
        language: Language,
        links: &Links<'_>,
        reference: &str,
        detail: Option<&str>,
    ) -> String {
        let words = notice.words();
        let content = context! {
            text => words.text.of(language),
            advice => words.advice.of(language),
            again => links.again.filter(|href| is_followable(href)),
            again_label => words.again.of(language),
            home => followable_or_home(links.home),
            home_label => texts::HOME.of(language),
            reference => reference,
            reference_label => texts::REFERENCE.of(language),
            detail => detail,
            detail_label => texts::DETAIL.of(language),
        };
        let title = words.title.of(language);
        self.page(&NOTICE, language, title, content)
    }

    /// The page for somebody whom a rule does not let pass: who they are, what the operator says of
    /// it, and the way to another account.
    pub(super) fn denied(
        &self,
        notice: Notice,
        language: Language,
        links: &Links<'_>,
        reference: &str,
        denial: &Denial,
    ) -> String {
        let words = notice.words();
        let account = denial.account.as_ref();
        let sign_out_at = account.and_then(|account| account.sign_out_at.as_deref());
        let other = account.map(|account| account.other.as_str());
        let label = if sign_out_at.is_some() { &denied::SIGN_OUT } else { &denied::OTHER };
        let content = context! {
            text => words.text.of(language),
            message => denial.message.as_deref(),
            account => account.map(|account| account.name.as_str()),
            account_label => denied::ACCOUNT.of(language),
            advice => words.advice.of(language),
            sign_out_at => sign_out_at,
            remembers => denied::REMEMBERS.of(language),
            again => links.again.filter(|href| is_followable(href)),
            again_label => words.again.of(language),
            other => other.filter(|href| is_followable(href)),
            other_label => label.of(language),
            home => followable_or_home(links.home),
            home_label => texts::HOME.of(language),
            reference => reference,
            reference_label => texts::REFERENCE.of(language),
        };
        self.page(&DENIED, language, words.title.of(language), content)
    }

    /// The page for somebody who signed in `count` times in a row, each time in vain.
    pub(super) fn looped(
        &self,
        language: Language,
        links: &Links<'_>,
        reference: &str,
        (cause, count): (Cause, u8),
    ) -> String {
        let words = Notice::LoginLooped.words();
        let content = context! {
            text => words.text.of(language),
            cause => looped::cause(cause).of(language),
            advice => words.advice.of(language),
            again => links.again.filter(|href| is_followable(href)),
            again_label => words.again.of(language),
            home => followable_or_home(links.home),
            home_label => texts::HOME.of(language),
            count => count,
            count_label => looped::COUNT.of(language),
            code => cause.code(),
            code_label => texts::DETAIL.of(language),
            reference => reference,
            reference_label => texts::REFERENCE.of(language),
        };
        self.page(&LOOPED, language, words.title.of(language), content)
    }

    /// The page after signing out. `provider_session_remains` says that the provider could not
    /// be told, so that the next sign-in may pass without a question.
    pub(super) fn signed_out(
        &self,
        language: Language,
        again: &str,
        provider_session_remains: bool,
    ) -> String {
        let remains = provider_session_remains.then(|| signed_out::REMAINS.of(language));
        let content = context! {
            text => signed_out::TEXT.of(language),
            remains => remains,
            again => followable_or_home(again),
            again_label => signed_out::AGAIN.of(language),
        };
        let title = signed_out::TITLE.of(language);
        self.page(&SIGNED_OUT, language, title, content)
    }

    /// The question before signing out: its button posts to `action`, with `rd` in a hidden
    /// field. To be served under [`Self::form_policy`].
    pub(super) fn confirm_sign_out(
        &self,
        language: Language,
        action: &str,
        rd: Option<&str>,
    ) -> String {
        let content = context! {
            text => confirm::TEXT.of(language),
            action => action,
            rd => rd,
            yes => confirm::YES.of(language),
            no => confirm::NO.of(language),
        };
        let title = confirm::TITLE.of(language);
        self.page(&CONFIRM, language, title, content)
    }

    /// The choice among providers: their titles, and where each login begins.
    pub(super) fn choose(&self, language: Language, links: &[(String, String)]) -> String {
        let content = context! { text => choose::TEXT.of(language), links => pairs(links) };
        self.page(&CHOOSE, language, choose::TITLE.of(language), content)
    }

    /// The page that takes the browser to a provider by posting `form`: by itself, or by a button
    /// where there is no script. To be served under [`Self::post_policy`].
    pub(super) fn post(&self, language: Language, provider: &str, form: &Form) -> String {
        let content = context! {
            text => post::TEXT.of(language),
            provider => provider,
            advice => post::ADVICE.of(language),
            action => form.action.as_str(),
            fields => pairs(&form.fields),
            go => post::GO.of(language),
            script => Value::from_safe_string(SCRIPT.to_owned()),
        };
        self.page(&POST, language, post::TITLE.of(language), content)
    }

    fn page(&self, kind: &Kind, language: Language, title: &str, content: Value) -> String {
        let content = self.render(kind.template, content);
        let whole = context! {
            language => language.tag(),
            referrer => kind.referrer,
            id => kind.id,
            title => title,
            style => Value::from_safe_string(STYLE.to_owned()),
            content => Value::from_safe_string(content),
        };
        self.render("base.html", whole)
    }

    fn render(&self, template: &str, values: Value) -> String {
        self.templates
            .get_template(template)
            .and_then(|template| template.render(values))
            .expect("each template is rendered, with every value that it names, by its tests")
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self::new()
    }
}

/// What sets one kind of page apart in the layout.
struct Kind {
    template: &'static str,
    /// The `id` of its main part.
    id: &'static str,
    referrer: &'static str,
}

const CHOOSE: Kind = Kind { template: "choose.html", id: "choose", referrer: "no-referrer" };

const DENIED: Kind = Kind { template: "denied.html", id: "denied", referrer: "no-referrer" };

const LOOPED: Kind = Kind { template: "looped.html", id: "looped", referrer: "no-referrer" };

const NOTICE: Kind = Kind { template: "notice.html", id: "notice", referrer: "no-referrer" };

const SIGNED_OUT: Kind =
    Kind { template: "signed_out.html", id: "signed-out", referrer: "no-referrer" };

const CONFIRM: Kind = Kind {
    template: "confirm.html",
    id: "confirm-sign-out",
    // With `no-referrer` a browser posts `Origin: null`, and where it sends no `Sec-Fetch-Site`
    // (plain HTTP) nothing would prove that the form is ours (C-68).
    referrer: "same-origin",
};

// A form that says nothing of where it comes from has the origin `null`, which a provider may
// take for an attack.
const POST: Kind = Kind { template: "post.html", id: "post", referrer: "strict-origin" };

/// A list of pairs, as a template walks it.
fn pairs(list: &[(String, String)]) -> Value {
    list.iter().map(|(first, second)| [first, second].into_iter().collect::<Value>()).collect()
}

/// A Content-Security-Policy whose beginning says what may be shown and run.
fn policy(head: &str, form_action: &str) -> String {
    format!("{head}; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'")
}

/// The hash by which a policy lets one inline text through.
fn hash_source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// Whether a link stays with HTTP: a path of this origin or an absolute address, without the
/// characters that browsers drop or turn before they read it.
fn is_followable(href: &str) -> bool {
    let path = href.starts_with('/') && !href.starts_with("//");
    let absolute = href.starts_with("https://") || href.starts_with("http://");
    (path || absolute) && !href.contains(|c: char| c == '\\' || c.is_ascii_control())
}

fn followable_or_home(href: &str) -> &str {
    if is_followable(href) { href } else { "/" }
}

const STYLE: &str = include_str!("pages/style.css");
const SCRIPT: &str = include_str!("pages/post.js");

// The names end in `.html`: that is what turns the escaping on.
const TEMPLATES: [(&str, &str); 10] = [
    ("base.html", include_str!("pages/base.html")),
    ("choose.html", include_str!("pages/choose.html")),
    ("confirm.html", include_str!("pages/confirm.html")),
    ("denied.html", include_str!("pages/denied.html")),
    ("done.html", include_str!("pages/done.html")),
    ("looped.html", include_str!("pages/looped.html")),
    ("notice.html", include_str!("pages/notice.html")),
    ("post.html", include_str!("pages/post.html")),
    ("resume.html", include_str!("pages/resume.html")),
    ("signed_out.html", include_str!("pages/signed_out.html")),
];
