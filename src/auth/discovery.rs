//! What a provider tells of itself (OpenID Connect Discovery 1.0, RFC 8414): asked for here, sent
//! elsewhere, read here.
//!
//! Whoever can change this document can have every code and client secret sent to himself. So it
//! comes from the issuer that the operator named, has to name that issuer itself, and each address
//! in it is as safe as one that the operator writes (S31, C-71). What the operator said of an
//! address is not looked for, whatever the document says.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde_json::{Map, Value};

use super::host::Host;
use super::json::{self, BadJson};
use super::provider::{ClientAuth, Endpoints, Settings};

/// Why metadata can't be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadMetadata {
    /// An address that is not https, not bounded, or more than an address; its name.
    Address(&'static str),
    /// It speaks for another issuer, or for none; what it says.
    Issuer(Option<String>),
    Json(BadJson),
    Missing(&'static str),
    /// PKCE is configured and the provider does not take S256; it is never dropped (S9).
    NoS256,
    Status(u16),
    /// A member of another type than it has to have; its name.
    Type(&'static str),
}

/// The members of a document, looked up under what the settings say.
struct Metadata<'a> {
    members: &'a Map<String, Value>,
    /// Where the same endpoints are for clients that show a certificate (RFC 8705 5).
    aliases: Option<&'a Map<String, Value>>,
    /// Whether the issuer is spoken to over TLS: then nothing it names goes without.
    https: bool,
}

/// Where an issuer's metadata is (OpenID Connect Discovery 1.0 section 4).
pub fn metadata_url(issuer: &str) -> String {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{issuer}/.well-known/openid-configuration")
}

/// The question for a provider's metadata; none where nothing is to be discovered.
pub fn request(settings: &Settings) -> Option<Request<Bytes>> {
    let issuer = settings.issuer.as_deref().filter(|_| settings.discovers())?;
    get(&metadata_url(issuer))
}

/// The question for a provider's keys; none where it has no address for them.
pub fn keys_request(endpoints: &Endpoints) -> Option<Request<Bytes>> {
    get(endpoints.jwks.as_deref()?)
}

/// Reads the answer to [`request`]. Addresses that the settings say are left out.
pub fn read(answer: &Response<Bytes>, settings: &Settings) -> Result<Endpoints, BadMetadata> {
    // Exactly 200: a redirect is not followed, and a part is not the whole.
    if answer.status() != StatusCode::OK {
        return Err(BadMetadata::Status(answer.status().as_u16()));
    }
    let members = json::object(answer.body()).map_err(BadMetadata::Json)?;
    judge_issuer(&members, settings)?;
    if settings.authorization.pkce {
        judge_pkce(&members)?;
    }
    let metadata = Metadata::new(&members, settings)?;
    let said = &settings.said;
    let needed = |name, said: &Option<String>| match metadata.address(name, said)? {
        None if said.is_none() => Err(BadMetadata::Missing(name)),
        found => Ok(found.unwrap_or_default()),
    };
    let pushed = "pushed_authorization_request_endpoint";
    Ok(Endpoints {
        authorize: needed("authorization_endpoint", &said.authorize)?,
        token: needed("token_endpoint", &said.token)?,
        userinfo: metadata.address("userinfo_endpoint", &said.userinfo)?,
        jwks: metadata.address("jwks_uri", &said.jwks)?,
        pushed_authorization: metadata.address(pushed, &said.pushed_authorization)?,
        introspection: metadata.address("introspection_endpoint", &said.introspection)?,
        revocation: metadata.address("revocation_endpoint", &said.revocation)?,
        end_session: metadata.address("end_session_endpoint", &said.end_session)?,
        demands_pushed: metadata.truth("require_pushed_authorization_requests")?,
        tells_issuer: metadata.truth("authorization_response_iss_parameter_supported")?,
        offers_accounts: offers_accounts(&members),
    })
}

/// Whether `prompt=select_account` is among what the provider understands. Where it tells no list,
/// or something else than one, nobody knows, and a provider may refuse what it does not know.
fn offers_accounts(members: &Map<String, Value>) -> bool {
    let prompts = members.get("prompt_values_supported").and_then(Value::as_array);
    prompts.is_some_and(|prompts| prompts.iter().any(|prompt| prompt == "select_account"))
}

/// What looks wrong in metadata that was read and may work all the same, for the log. Lists of
/// what a provider takes are often older than the provider.
pub fn warnings(answer: &Response<Bytes>, settings: &Settings) -> Vec<String> {
    let methods: &[&str] = match &*settings.client_auth.current() {
        ClientAuth::Basic(_) => &["client_secret_basic"],
        ClientAuth::Body(_) => &["client_secret_post"],
        ClientAuth::Mtls => &["tls_client_auth", "self_signed_tls_client_auth"],
        ClientAuth::None => &["none"],
        ClientAuth::PrivateKeyJwt { .. } => &["private_key_jwt"],
    };
    let members = json::object(answer.body()).unwrap_or_default();
    let listed = members.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
    match listed {
        Some(listed) if !methods.iter().any(|method| listed.iter().any(|one| one == method)) => {
            vec![format!("the provider does not list the client authentication {}", methods[0])]
        }
        _ => Vec::new(),
    }
}

impl<'a> Metadata<'a> {
    fn new(members: &'a Map<String, Value>, settings: &Settings) -> Result<Self, BadMetadata> {
        const ALIASES: &str = "mtls_endpoint_aliases";
        let aliases = match (&*settings.client_auth.current(), members.get(ALIASES)) {
            (ClientAuth::Mtls, Some(Value::Object(aliases))) => Some(aliases),
            (ClientAuth::Mtls, Some(_)) => return Err(BadMetadata::Type(ALIASES)),
            _ => None,
        };
        let issuer = settings.issuer.as_deref().unwrap_or_default();
        Ok(Self { members, aliases, https: !issuer.starts_with("http://") })
    }

    /// An address; none where it is missing or where the settings say it.
    fn address(
        &self,
        name: &'static str,
        said: &Option<String>,
    ) -> Result<Option<String>, BadMetadata> {
        if said.is_some() {
            return Ok(None);
        }
        let alias = || self.aliases.filter(|_| HAVE_ALIASES.contains(&name))?.get(name);
        match alias().or_else(|| self.members.get(name)) {
            None => Ok(None),
            Some(Value::String(text)) if self.is_sound(text) => Ok(Some(text.clone())),
            Some(Value::String(_)) => Err(BadMetadata::Address(name)),
            Some(_) => Err(BadMetadata::Type(name)),
        }
    }

    /// https, or http on loopback where the issuer itself is there; nobody's name or password in
    /// it, and no fragment (RFC 6749 3.1). What passes can stand in a request and in a header.
    fn is_sound(&self, text: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !br#""<>\"#.contains(&byte);
        if text.len() > MAX_ADDRESS || text.contains('#') || !text.bytes().all(is_plain) {
            return false;
        }
        let Ok(uri) = text.parse::<http::Uri>() else { return false };
        // A host with a name or password before it is no host.
        let host = uri.authority().and_then(|authority| Host::parse(authority.as_str()));
        match (uri.scheme_str(), host) {
            (Some("https"), Some(_)) => true,
            (Some("http"), Some(host)) => !self.https && host.is_loopback(),
            _ => false,
        }
    }

    fn truth(&self, name: &'static str) -> Result<bool, BadMetadata> {
        match self.members.get(name) {
            None => Ok(false),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(_) => Err(BadMetadata::Type(name)),
        }
    }
}

impl fmt::Display for BadMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(name) => {
                write!(f, "{name} is no https address without user and fragment")
            }
            Self::Issuer(Some(issuer)) => {
                write!(f, "it is for the issuer {issuer:?}, not for the configured one")
            }
            Self::Issuer(None) => f.write_str("it names no issuer"),
            Self::Json(wrong) => wrong.fmt(f),
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::NoS256 => f.write_str("the provider does not take PKCE with S256"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Type(name) => write!(f, "{name} is of a wrong type"),
        }
    }
}

impl std::error::Error for BadMetadata {}

/// None for an address that can't stand in a request.
fn get(address: &str) -> Option<Request<Bytes>> {
    Request::get(address).header(header::ACCEPT, "application/json").body(Bytes::new()).ok()
}

/// Exactly the configured one: with another, one provider could speak for the next (S31; OpenID
/// Connect Discovery 1.0 section 4.3).
fn judge_issuer(members: &Map<String, Value>, settings: &Settings) -> Result<(), BadMetadata> {
    let told = members.get("issuer").and_then(Value::as_str);
    if told.is_some() && told == settings.issuer.as_deref() {
        return Ok(());
    }
    Err(BadMetadata::Issuer(told.map(|told| told.chars().take(MAX_SHOWN).collect())))
}

fn judge_pkce(members: &Map<String, Value>) -> Result<(), BadMetadata> {
    const METHODS: &str = "code_challenge_methods_supported";
    match members.get(METHODS) {
        None => Ok(()),
        Some(Value::Array(methods)) if methods.iter().any(|method| method == "S256") => Ok(()),
        Some(Value::Array(_)) => Err(BadMetadata::NoS256),
        Some(_) => Err(BadMetadata::Type(METHODS)),
    }
}

const MAX_ADDRESS: usize = 2048;
/// How much of a wrong issuer the log is told, in characters.
const MAX_SHOWN: usize = 200;

/// The endpoints that the client itself speaks to.
const HAVE_ALIASES: [&str; 5] = [
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
    "revocation_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
];

#[cfg(test)]
#[path = "discovery_tests.rs"]
pub(crate) mod tests;
