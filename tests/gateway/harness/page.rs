//! What every page of the gateway's own must carry, and what a person reads on it.

use super::Answer;
use super::form::plain;

/// Asserts an HTML page that no cache keeps, no frame shows and no script can be slipped into.
pub(crate) fn assert_own_page(answer: &Answer) {
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/html"), "{kind}: {}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-eval"), "{policy}");
    assert!(!answer.text().contains("<script"), "{}", answer.text());
}

/// What a person reads on a notice, and where its button leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) heading: String,
    /// The provider's own word, where there is one.
    pub(crate) code: Option<String>,
    /// By which the log knows it.
    pub(crate) reference: String,
    /// Where it starts again.
    pub(crate) again: Option<String>,
}

pub(crate) fn shown(answer: &Answer) -> Shown {
    let page = answer.text();
    let between = |from: &str, to: &str| {
        let (_, rest) = page.split_once(from)?;
        Some(plain(rest.split_once(to)?.0))
    };
    let said = |name: &str| between(&format!("<dt>{name}</dt><dd>"), "</dd>");
    Shown {
        status: answer.status,
        heading: between("<h1>", "</h1>").unwrap_or_default(),
        code: said("Code"),
        reference: said("Reference").unwrap_or_default(),
        again: between("id=\"again\" href=\"", "\""),
    }
}

/// Where the link with this id leads.
pub(crate) fn link(page: &Answer, id: &str) -> Option<String> {
    let text = page.text();
    let (_, rest) = text.split_once(&format!("id=\"{id}\" href=\""))?;
    Some(plain(rest.split_once('"')?.0))
}

/// The headings of the notices about signing in, by the code that problem+json has for each.
pub(crate) mod heading {
    pub(crate) const LOGIN_DENIED: &str = "You weren’t signed in";
    pub(crate) const LOGIN_EXPIRED: &str = "This sign-in is no longer valid";
    pub(crate) const LOGIN_FAILED: &str = "The sign-in couldn’t be completed";
    pub(crate) const LOGIN_FOREIGN: &str = "This sign-in can’t be finished here";
    pub(crate) const LOGIN_REFUSED: &str = "The sign-in was turned down";
    pub(crate) const PROVIDER_UNAVAILABLE: &str = "The sign-in service isn’t answering";
    pub(crate) const STEP_UP_UNMET: &str = "Your sign-in isn’t enough for this page";
    pub(crate) const SESSION_UNAVAILABLE: &str = "One moment, please";
}
