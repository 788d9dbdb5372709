//! A provider as data: one row per kind, and every property of it can be overridden.

use super::identity::IdentitySources;
use crate::secret::ClientSecret;

/// Everything that the protocol needs to know of one provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name in the configuration; a session remembers it.
    pub name: String,
    pub authorize_url: String,
    pub token_url: String,
    /// Where the person is described; none: the token alone says it.
    pub userinfo_url: Option<String>,
    pub client_id: String,
    pub client_secret: ClientSecret,
    pub scopes: Vec<String>,
    pub token_body: TokenBody,
    pub client_auth: ClientAuth,
    /// Whether PKCE S256 is spoken (RFC 7636); never plain, never dropped at run time (S9).
    pub pkce: bool,
    pub send_redirect_uri: bool,
    pub redirect_path: String,
    pub identity: IdentitySources,
}

/// How the token call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenBody {
    Form,
    Json,
}

/// How the client proves itself at the token endpoint: exactly one way, never tried in turn (S3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    Basic,
    Body,
}

/// What a kind of provider brings along (providers.md).
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub kind: &'static str,
    pub authorize_url: &'static str,
    pub token_url: &'static str,
    pub userinfo_url: Option<&'static str>,
    pub scopes: &'static [&'static str],
    pub token_body: TokenBody,
    pub client_auth: ClientAuth,
    pub pkce: bool,
    pub send_redirect_uri: bool,
    pub user: &'static [&'static str],
    pub email: &'static [&'static str],
    pub name: &'static [&'static str],
    pub groups: &'static [&'static str],
    pub organization: &'static [&'static str],
    pub preferred_username: &'static [&'static str],
}

/// Askara: JSON token call, 60 s codes, `/me`. It states nothing about PKCE, has no logout and
/// no revocation address.
pub const ASKARA: Preset = Preset {
    kind: "askara",
    authorize_url: "https://app.askara.ai/authorize",
    token_url: "https://api.askara.ai/oauth2/token",
    userinfo_url: Some("https://api.askara.ai/me"),
    scopes: &["profile", "organization"],
    token_body: TokenBody::Json,
    client_auth: ClientAuth::Body,
    pkce: false,
    send_redirect_uri: true,
    user: &["me:/id", "token:/sub"],
    email: &["me:/email", "token:/email"],
    name: &["me:/name", "token:/name"],
    groups: &["me:/groups", "token:/groups"],
    organization: &["me:/organization/id", "me:/organization", "token:/organization"],
    preferred_username: &["me:/preferred_username", "me:/username"],
};

/// The kinds that this version speaks.
pub const PRESETS: &[Preset] = &[ASKARA];

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::auth::identity::Source;
    use crate::secret::Secret;

    /// An Askara provider on loopback.
    pub(crate) fn provider() -> Provider {
        let identity = IdentitySources {
            user: ["me:/id", "token:/sub"].iter().filter_map(|text| Source::parse(text)).collect(),
            ..IdentitySources::default()
        };
        Provider {
            name: String::from("askara"),
            authorize_url: String::from("http://127.0.0.1:1/authorize?tenant=1"),
            token_url: String::from("http://127.0.0.1:1/oauth2/token"),
            userinfo_url: Some(String::from("http://127.0.0.1:1/me")),
            client_id: String::from("client"),
            client_secret: Secret::new(String::from("se:cret")),
            scopes: vec![String::from("profile"), String::from("organization")],
            token_body: TokenBody::Json,
            client_auth: ClientAuth::Body,
            pkce: true,
            send_redirect_uri: true,
            redirect_path: String::from("/oauth2/callback"),
            identity,
        }
    }
}
