//! Parameters of the authorization request beyond those that the flow makes.

use crate::auth::provider::LinkParam;
use crate::config::problem::Problems;
use crate::config::reader::{Section, one_of};

/// Reads what the operator always adds, and what a link may set.
pub(super) fn parse(
    section: &mut Section,
    problems: &mut Problems,
) -> (Vec<(String, String)>, Vec<LinkParam>) {
    let links = section.list("link_params", problems, link_param).unwrap_or_default();
    let mut params = Vec::new();
    for (name, taken) in section.section("authorize_params", problems).entries() {
        let Some(text) = taken.text(problems) else {
            continue;
        };
        match judge(&name, &links) {
            Ok(()) => params.push((name, text)),
            Err(message) => problems.push(taken.problem(message)),
        }
    }
    (params, links)
}

fn link_param(text: &str) -> Result<LinkParam, String> {
    let known = LinkParam::ALL.into_iter().find(|param| param.name() == text);
    known.ok_or_else(|| {
        let names = one_of(LinkParam::ALL.map(LinkParam::name));
        format!("{text:?} is not {names}: no other may come from a link")
    })
}

fn judge(name: &str, links: &[LinkParam]) -> Result<(), String> {
    if name.is_empty() {
        return Err(String::from("needs a name"));
    }
    if let Some((_, instead)) = OURS.iter().find(|(ours, _)| *ours == name) {
        return Err(format!("is set by the flow itself; {instead}"));
    }
    if links.iter().any(|link| link.name() == name) {
        // Said twice it would be no valid request (RFC 6749 section 3.1), and a link must not
        // replace what the operator demands.
        return Err(String::from("is in link_params as well; only one of the two may say it"));
    }
    Ok(())
}

/// The parameters that the flow makes itself, and what is for the operator to use.
const OURS: &[(&str, &str)] = &[
    ("acr_values", "use the key acr_values"),
    ("client_assertion", "use the key client_key"),
    ("client_assertion_type", "use the key client_key"),
    ("client_id", "use the key client_id"),
    ("client_secret", "use the key client_secret; it never travels through a browser"),
    ("code_challenge", "use the key pkce"),
    ("code_challenge_method", "use the key pkce"),
    ("code_verifier", "use the key pkce"),
    ("max_age", "use the key max_age"),
    ("nonce", "each login has a fresh one with kind \"oidc\""),
    ("redirect_uri", "use the keys redirect_path and send_redirect_uri"),
    ("request", "use the key pushed_authorization"),
    ("request_uri", "use the key pushed_authorization"),
    ("response_mode", "use the key response_mode"),
    ("response_type", "it is always \"code\""),
    ("scope", "use the key scopes"),
    ("state", "each login has a fresh one"),
];
