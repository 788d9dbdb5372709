//! How people are sent to a provider.

use std::time::Duration;

use super::Surroundings;
use super::addresses::Addresses;
use super::{params, words};
use crate::auth::host::Origin;
use crate::auth::preset::Preset;
use crate::auth::provider::{
    Authorization, AuthorizeMethod, LinkParam, OtherAccount, Pushed, ResponseMode,
};
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// What these keys have to fit to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) preset: &'a Preset,
    pub(super) addresses: &'a Addresses,
    pub(super) around: Surroundings<'a>,
}

pub(super) fn parse(
    section: &mut Section,
    context: Context<'_>,
    redirect_path: String,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Authorization {
    let preset = context.preset;
    let pkce = section.choice("pkce", problems, &[("S256", true), ("off", false)]);
    let (params, link_params) = params::parse(section, problems);
    Authorization {
        method: method(section, preset, problems),
        scopes: scopes(section, preset, problems),
        pkce: pkce.unwrap_or(preset.pkce),
        send_redirect_uri: section.boolean("send_redirect_uri", problems).unwrap_or(true),
        redirect_path,
        response_mode: response_mode(section, context.around, problems),
        pushed: pushed(section, context.addresses, problems, warnings),
        params,
        max_age: max_age(section, preset, problems),
        asks_auth_time: false,
        acr_values: acr_values(section, &link_params, problems),
        other_account: other_account(section, preset, problems),
        requires_issuer: requires_issuer(section, context.addresses, problems),
        link_params,
    }
}

/// Only an id_token tells when somebody signed in: a demand that nobody judges is none.
fn max_age(section: &mut Section, preset: &Preset, problems: &mut Problems) -> Option<Duration> {
    let age = section.duration("max_age", problems)?;
    if !preset.openid {
        let message = "is judged by the id_token, which only kind \"oidc\" brings";
        problems.push(section.problem("max_age", message));
    }
    Some(age)
}

fn acr_values(section: &mut Section, links: &[LinkParam], problems: &mut Problems) -> Vec<String> {
    let values = words::parse(section, "acr_values", problems).unwrap_or_default();
    if !values.is_empty() && links.contains(&LinkParam::AcrValues) {
        let message = "is in link_params as well; only one of the two may say it";
        problems.push(section.problem("acr_values", message));
    }
    values
}

/// Of OAuth alone nobody knows which `prompt` it understands, if any.
fn other_account(section: &mut Section, preset: &Preset, problems: &mut Problems) -> OtherAccount {
    let ways = [
        ("select_account", OtherAccount::Prompt("select_account")),
        ("login", OtherAccount::Prompt("login")),
        ("sign-out", OtherAccount::SignOut),
    ];
    let usual = if preset.openid { OtherAccount::AsTold } else { OtherAccount::SignOut };
    section.choice("other_account", problems, &ways).unwrap_or(usual)
}

fn requires_issuer(section: &mut Section, addresses: &Addresses, problems: &mut Problems) -> bool {
    let required = section.boolean("require_iss", problems).unwrap_or(false);
    if required && addresses.issuer.is_none() {
        problems
            .push(section.problem("require_iss", "needs issuer: there is nothing to compare with"));
    }
    required
}

fn method(section: &mut Section, preset: &Preset, problems: &mut Problems) -> AuthorizeMethod {
    let posts = section.choice("authorize_method", problems, &[("get", false), ("post", true)]);
    let also = section.list("authorize_form_action", problems, |text| {
        // It goes into a header of ours, so it is written anew from what was understood.
        let origin = Origin::parse(text);
        let safe = origin.filter(|origin| origin.https || origin.host.is_loopback());
        safe.map(|origin| origin.to_string()).ok_or_else(|| {
            String::from(
                "must be an origin such as \"https://sign-in.example.com\" (http only on loopback)",
            )
        })
    });
    let also = also.unwrap_or_default();
    if posts.unwrap_or(preset.posts) {
        return AuthorizeMethod::Form { also };
    }
    if !also.is_empty() {
        let message = "is about the form of authorize_method = \"post\"";
        problems.push(section.problem("authorize_form_action", message));
    }
    AuthorizeMethod::Redirect
}

fn scopes(section: &mut Section, preset: &Preset, problems: &mut Problems) -> Vec<String> {
    let Some(scopes) = words::parse(section, "scopes", problems) else {
        return preset.scopes.iter().map(|&scope| scope.to_owned()).collect();
    };
    if preset.openid && !scopes.iter().any(|scope| scope == "openid") {
        let message = "must contain \"openid\": without it no id_token comes";
        problems.push(section.problem("scopes", message));
    }
    scopes
}

fn response_mode(
    section: &mut Section,
    around: Surroundings<'_>,
    problems: &mut Problems,
) -> ResponseMode {
    let modes = [("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)];
    let mode = section.choice("response_mode", problems, &modes).unwrap_or(ResponseMode::Query);
    if mode == ResponseMode::FormPost && !around.public_is_https {
        // A cookie comes along with another site's POST only as SameSite=None, and that only
        // over https.
        let message = "\"form_post\" needs an https public_url: browsers bring no cookie along with it otherwise";
        problems.push(section.problem("response_mode", message));
    }
    mode
}

fn pushed(
    section: &mut Section,
    addresses: &Addresses,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Pushed {
    let choices = [("auto", Pushed::Auto), ("always", Pushed::Always), ("off", Pushed::Off)];
    let pushed = section.choice("pushed_authorization", problems, &choices);
    let pushed = pushed.unwrap_or(Pushed::Auto);
    let to = addresses.said.pushed_authorization.as_deref();
    if pushed == Pushed::Always && !addresses.may_have(to) {
        let message = "\"always\" needs pushed_authorization_url, or a provider that is discovered";
        problems.push(section.problem("pushed_authorization", message));
    }
    if pushed == Pushed::Auto && !addresses.discovers && to.is_some_and(|url| !url.is_empty()) {
        let blame = section.problem("pushed_authorization_url", "");
        warnings.push(format!(
            "{}: nothing is pushed without pushed_authorization = \"always\": no metadata demands it",
            blame.key
        ));
    }
    pushed
}
