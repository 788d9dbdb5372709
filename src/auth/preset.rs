//! What each kind of provider brings along: one row of data per kind. Every property can be
//! overridden by the configuration.

use super::provider::TokenBody;
use super::session_size::{TypicalToken, TypicalTokens};

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub kind: &'static str,
    /// What people are shown.
    pub title: &'static str,
    /// Its addresses; none: the configuration has to say them.
    pub authorize_url: Option<&'static str>,
    pub token_url: Option<&'static str>,
    pub userinfo_url: Option<&'static str>,
    /// Whether the authorization request is posted by a form.
    pub posts: bool,
    pub scopes: &'static [&'static str],
    pub token_body: TokenBody,
    pub client_auth: &'static str,
    pub pkce: bool,
    pub token_redirect_uri: bool,
    /// Whether it speaks OpenID Connect, with discovery.
    pub openid: bool,
    pub identity: Sources,
    /// How large its tokens are, for the estimate of [`super::session_size`] alone.
    pub tokens: TypicalTokens,
}

/// Where each part of an identity is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sources {
    pub user: &'static [&'static str],
    pub email: &'static [&'static str],
    pub name: &'static [&'static str],
    pub groups: &'static [&'static str],
    pub organization: &'static [&'static str],
    pub preferred_username: &'static [&'static str],
}

/// The kinds, the one that is meant without a word first.
pub const PRESETS: &[Preset] = &[ASKARA, API_V1, SIMPLIFIED, POCKETS, OIDC];

/// Askara: JSON token call, 60 s codes, `/me`. It states nothing about PKCE, has no logout and
/// no revocation address.
pub const ASKARA: Preset = Preset {
    kind: "askara",
    title: "Askara",
    authorize_url: Some("https://app.askara.ai/authorize"),
    token_url: Some("https://api.askara.ai/oauth2/token"),
    userinfo_url: Some("https://api.askara.ai/me"),
    posts: false,
    scopes: &["profile", "organization"],
    token_body: TokenBody::Json,
    client_auth: "body",
    pkce: false,
    token_redirect_uri: true,
    openid: false,
    identity: Sources {
        user: &["me:/id", "token:/sub"],
        email: &["me:/email", "token:/email"],
        name: &["me:/name", "token:/name"],
        groups: &["me:/groups", "token:/groups"],
        organization: &["me:/organization/id", "me:/organization", "token:/organization"],
        preferred_username: &["me:/preferred_username", "me:/username"],
    },
    // The refresh token is an authenticated ciphertext in hexadecimal.
    tokens: TypicalTokens {
        access: TypicalToken::Jwt(560),
        refresh: TypicalToken::Hex(800),
        id: TypicalToken::Jwt(0),
        refresh_is_asked_for: false,
        names_permissions: false,
    },
};

/// API v.1: the access token is a JWT that itself holds user information and permissions; a
/// refresh token may be missing.
const API_V1: Preset = Preset {
    kind: "api-v1",
    title: "API v.1",
    authorize_url: None,
    token_url: None,
    userinfo_url: None,
    scopes: &[],
    token_body: TokenBody::Form,
    pkce: true,
    identity: Sources {
        user: &["token:/sub", "token:/id"],
        email: &["token:/email"],
        name: &["token:/name"],
        groups: &["token:/permissions", "token:/groups", "token:/roles"],
        organization: &["token:/organization/id", "token:/organization"],
        preferred_username: &["token:/preferred_username", "token:/username"],
    },
    tokens: TypicalTokens {
        access: TypicalToken::Jwt(450),
        refresh: TypicalToken::Text(64),
        names_permissions: true,
        ..ASKARA.tokens
    },
    ..ASKARA
};

/// OAuth 2.0 Simplified: HTTP Basic, PKCE for server apps too.
const SIMPLIFIED: Preset = Preset {
    kind: "simplified",
    title: "OAuth 2.0",
    client_auth: "basic",
    identity: Sources {
        user: &["me:/sub", "me:/id", "token:/sub"],
        email: &["me:/email", "token:/email"],
        name: &["me:/name", "token:/name"],
        groups: &["me:/groups", "token:/groups"],
        organization: &["me:/organization/id", "me:/organization", "token:/organization"],
        preferred_username: &["me:/preferred_username", "me:/username"],
    },
    tokens: TypicalTokens {
        access: TypicalToken::Jwt(300),
        names_permissions: false,
        ..API_V1.tokens
    },
    ..API_V1
};

/// Pockets: the authorization request is a POST, and the token call is shown without
/// `redirect_uri`.
const POCKETS: Preset = Preset {
    kind: "pockets",
    title: "Pockets",
    posts: true,
    scopes: &["pockets.read"],
    client_auth: "body",
    token_redirect_uri: false,
    ..SIMPLIFIED
};

/// Any OpenID provider.
const OIDC: Preset = Preset {
    kind: "oidc",
    title: "OpenID Connect",
    scopes: &["openid", "profile", "email"],
    openid: true,
    identity: Sources {
        user: &["id:/sub"],
        email: &["id:/email", "me:/email"],
        name: &["id:/name", "me:/name"],
        groups: &["id:/groups", "me:/groups"],
        organization: &[
            "id:/organization/id",
            "id:/organization",
            "me:/organization/id",
            "me:/organization",
        ],
        preferred_username: &["id:/preferred_username", "me:/preferred_username"],
    },
    // All three are JWTs at the providers that people run themselves.
    tokens: TypicalTokens {
        access: TypicalToken::Jwt(720),
        refresh: TypicalToken::Jwt(180),
        id: TypicalToken::Jwt(560),
        ..SIMPLIFIED.tokens
    },
    ..SIMPLIFIED
};
