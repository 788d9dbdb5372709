//! Where a provider is: addresses that are given, and the issuer that tells the others.

use crate::auth::host::{Host, split_scheme};
use crate::auth::preset::Preset;
use crate::auth::provider::Said;
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// The addresses of one provider.
pub(super) struct Addresses {
    pub(super) issuer: Option<String>,
    pub(super) said: Said,
    /// Whether the others are looked up at the issuer.
    pub(super) discovers: bool,
}

impl Addresses {
    pub(super) fn parse(section: &mut Section, preset: &Preset, problems: &mut Problems) -> Self {
        let issuer = given(section, "issuer", problems, issuer);
        let owned = |url: Option<&str>| url.map(str::to_owned);
        let authorize = given(section, "authorize_url", problems, endpoint);
        let token = given(section, "token_url", problems, endpoint);
        let mut optional = |key| given(section, key, problems, switchable);
        let said = Said {
            authorize: authorize.or_else(|| owned(preset.authorize_url)),
            token: token.or_else(|| owned(preset.token_url)),
            userinfo: optional("userinfo_url").or_else(|| owned(preset.userinfo_url)),
            jwks: optional("jwks_url"),
            pushed_authorization: optional("pushed_authorization_url"),
            introspection: optional("introspection_url"),
            revocation: optional("revocation_url"),
            end_session: optional("end_session_url"),
        };
        let complete = said.authorize.is_some() && said.token.is_some() && said.jwks.is_some();
        let addresses = Self { issuer, said, discovers: preset.openid && !complete };
        if preset.openid {
            addresses.judge_openid(section, problems);
        } else {
            addresses.judge_plain(section, preset, problems);
        }
        addresses
    }

    /// Whether there is an address of this sort, or may be one when the issuer is asked.
    pub(super) fn may_have(&self, said: Option<&str>) -> bool {
        said.map_or(self.discovers, |url| !url.is_empty())
    }

    fn judge_openid(&self, section: &Section, problems: &mut Problems) {
        if self.issuer.is_none() {
            let message = "is missing; kind \"oidc\" finds its addresses there, and every id_token must name it";
            problems.push(section.problem("issuer", message));
        }
        if self.said.jwks.as_deref() == Some("") {
            let message = "can't be switched off: the keys of id_tokens are there";
            problems.push(section.problem("jwks_url", message));
        }
    }

    fn judge_plain(&self, section: &Section, preset: &Preset, problems: &mut Problems) {
        let needed = [("authorize_url", &self.said.authorize), ("token_url", &self.said.token)];
        for (key, said) in needed {
            if said.is_none() {
                let message =
                    format!("is missing; kind {:?} has no address of its own", preset.kind);
                problems.push(section.problem(key, message));
            }
        }
    }
}

/// Takes an address. For a wrong one, which has been told, something stands in: that it is
/// missing would be told as well otherwise.
fn given(
    section: &mut Section,
    key: &'static str,
    problems: &mut Problems,
    read: fn(&str) -> Result<String, String>,
) -> Option<String> {
    let address = section.parse(key, problems, read);
    address.or_else(|| section.has(key).then(|| String::from("wrong")))
}

/// An empty address switches one off that the preset or discovery would bring.
fn switchable(text: &str) -> Result<String, String> {
    match text {
        "" => Ok(String::new()),
        _ => endpoint(text),
    }
}

/// An endpoint of the provider: https, or http on loopback; a secret is never sent in the clear.
fn endpoint(text: &str) -> Result<String, String> {
    if is_address(text) {
        Ok(text.to_owned())
    } else {
        // Not quoted: an address may have a password in it.
        Err(String::from(
            "must be an https address without user or fragment (http only on loopback)",
        ))
    }
}

/// An issuer is an address without query (OpenID Connect Discovery 1.0 section 3).
fn issuer(text: &str) -> Result<String, String> {
    if is_address(text) && !text.contains('?') {
        Ok(text.to_owned())
    } else {
        Err(String::from(
            "must be an https address without user, query or fragment (http only on loopback)",
        ))
    }
}

fn is_address(text: &str) -> bool {
    let host = || {
        let uri: http::Uri = text.parse().ok()?;
        Host::parse(uri.authority()?.as_str())
    };
    let Some((https, _)) = split_scheme(text) else {
        return false;
    };
    !text.contains('#') && host().is_some_and(|host| https || host.is_loopback())
}
