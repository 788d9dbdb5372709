//! What the stand-in plays, for which client and with which account.

use std::time::Duration;

use super::kind::Kind;

/// What the stand-in knows about its client and its account, and how long things last.
#[derive(Clone)]
pub struct Options {
    /// The kind of provider to play.
    pub kind: Kind,
    /// The client's name, as in `client_id`.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: String,
    /// The redirect addresses that are registered; compared exactly.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after a logout; compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// How long an access token lasts.
    pub access_token_life: Duration,
    /// How long an authorization code lasts.
    pub code_life: Duration,
    /// Whether a token answer brings a refresh token.
    pub refresh_tokens: bool,
    /// The one account that can sign in.
    pub account: Account,
}

/// The person who can sign in.
#[derive(Clone)]
pub struct Account {
    /// The id that tokens name as `sub`.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The address to sign in with.
    pub email: String,
    /// The password, which the sign-in page gives away.
    pub password: String,
}

/// Tells why the stand-in could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotMade {
    /// The signing key could not be generated.
    Key,
    /// No redirect address is registered, so nobody could ever sign in.
    NoRedirectUri,
}

impl Options {
    /// Returns options for one client, with the demo account, and with codes and refresh tokens as
    /// `kind` has them.
    pub fn new(
        kind: Kind,
        client_id: String,
        client_secret: String,
        redirect_uris: Vec<String>,
    ) -> Self {
        Self {
            kind,
            client_id,
            client_secret,
            redirect_uris,
            post_logout_redirect_uris: Vec::new(),
            access_token_life: ACCESS_TOKEN_LIFE,
            code_life: kind.manner().code_life,
            refresh_tokens: kind.manner().refresh_tokens,
            account: Account::default(),
        }
    }
}

impl Default for Account {
    fn default() -> Self {
        Self {
            id: "7d0c9a1e-52f4-4b0e-9f6b-3a8c1d2e4f50".to_owned(),
            name: "Demo Person".to_owned(),
            email: "demo@example.com".to_owned(),
            password: "demo".to_owned(),
        }
    }
}

impl std::fmt::Display for NotMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key => "the stand-in's signing key could not be generated",
            Self::NoRedirectUri => "the stand-in needs at least one redirect address",
        })
    }
}

impl std::error::Error for NotMade {}

/// Short enough that a person who watches the demo sees a refresh.
const ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(5 * 60);
