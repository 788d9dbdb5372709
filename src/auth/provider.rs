//! A provider as data. What the operator says of it are its [`Settings`]; together with every
//! address that the protocol needs, said or discovered, they are a [`Provider`].

use std::sync::Arc;
use std::time::Duration;

use super::bearer::BearerRules;
use super::client_assertion::ClientKey;
use super::identity::IdentitySources;
use super::jwt::Algorithm;
use crate::secret::{ClientSecret, Replaceable};

/// Which provider of the configuration.
pub type ProviderIndex = usize;

/// A provider that can be spoken to.
#[derive(Clone, Debug)]
pub struct Provider {
    pub settings: Arc<Settings>,
    pub endpoints: Endpoints,
}

/// What the configuration says of one provider.
#[derive(Debug)]
pub struct Settings {
    /// Its name in the configuration; a session remembers it.
    pub name: String,
    /// What people are shown where they choose among several.
    pub title: String,
    pub issuer: Option<String>,
    pub client_id: String,
    /// Its secret may be replaced; the way stays.
    pub client_auth: Replaceable<ClientAuth>,
    pub authorization: Authorization,
    pub token: TokenManner,
    /// OpenID Connect is spoken: an id_token is demanded and judged.
    pub openid: Option<OpenId>,
    /// Whether what a session's access token says of a person counts only when it verifies:
    /// `jwks_url` is set, and there is no id_token. One that is no JWT says nothing.
    pub verify_access_token: bool,
    pub identity: IdentitySources,
    /// Whether sessions keep the scopes that were granted: some rule reads them.
    pub keeps_scopes: bool,
    /// API clients may come with an access token of their own.
    pub bearer: Option<BearerRules>,
    /// The addresses that the operator or the preset gave.
    pub said: Said,
}

/// How a person is sent to the provider.
#[derive(Clone, Debug)]
pub struct Authorization {
    pub method: AuthorizeMethod,
    pub scopes: Vec<String>,
    /// Whether PKCE S256 is spoken (RFC 7636); never plain, never dropped at run time (S9).
    pub pkce: bool,
    pub send_redirect_uri: bool,
    pub redirect_path: String,
    pub response_mode: ResponseMode,
    pub pushed: Pushed,
    /// Parameters that the operator adds to every request.
    pub params: Vec<(String, String)>,
    /// Parameters that a link to our own start path may set.
    pub link_params: Vec<LinkParam>,
    pub max_age: Option<Duration>,
    /// Whether every login asks when the person signed in: some rule looks at it.
    pub asks_auth_time: bool,
    pub acr_values: Vec<String>,
    /// How somebody who is signed in gets to sign in with another account.
    pub other_account: OtherAccount,
    /// Whether every callback must name the issuer, even where no metadata promises it (S17).
    pub requires_issuer: bool,
}

/// How somebody who is signed in gets to sign in with another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherAccount {
    /// The authorization request says this `prompt`.
    Prompt(&'static str),
    /// Nothing in a request is known to help: they sign out first.
    SignOut,
    /// By the `prompt` that the provider's metadata offers, else by the one that every OpenID
    /// provider understands (OpenID Connect Core 15.1).
    AsTold,
}

/// How the browser carries the authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeMethod {
    Redirect,
    /// A form that posts it; `also` are further origins that its answer may lead to.
    Form {
        also: Vec<String>,
    },
}

/// How the browser brings the answer back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    FormPost,
    Query,
}

/// Whether the authorization request is pushed first (RFC 9126).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Always,
    /// When the provider's metadata demands it.
    Auto,
    Off,
}

/// A parameter of the authorization request that may come from a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkParam {
    AcrValues,
    LoginHint,
    Prompt,
    UiLocales,
}

/// How the token call is written, and how its answer is read.
#[derive(Clone, Copy, Debug)]
pub struct TokenManner {
    pub body: TokenBody,
    /// Whether the redirect address of the authorization request is said again.
    pub redirect_uri: bool,
    /// Whether an answer without `token_type` counts as Bearer (C-96).
    pub type_optional: bool,
    /// Whether JSON counts under any content type (C-92).
    pub any_content_type: bool,
    /// The life of a token when neither the answer nor the token tells it.
    pub life: Duration,
}

/// How the token call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenBody {
    Form,
    Json,
}

/// How the client proves itself at the token endpoint: exactly one way, never tried in turn (S3).
#[derive(Debug)]
pub enum ClientAuth {
    Basic(ClientSecret),
    Body(ClientSecret),
    /// A certificate, shown by the connection itself (RFC 8705).
    Mtls,
    /// A public client: PKCE is all there is.
    None,
    /// A signed assertion (RFC 7523); none: its audience is the issuer, else the token address.
    PrivateKeyJwt {
        key: ClientKey,
        audience: Option<String>,
    },
}

/// What OpenID Connect adds.
#[derive(Clone, Debug)]
pub struct OpenId {
    /// Who signs the id_tokens; the same as the settings' issuer.
    pub issuer: String,
    /// What an id_token may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Whether the id_token is kept, to end the session at the provider without a question.
    pub keep_hint: bool,
    /// One of these must be the id_token's `acr`; empty: any will do.
    pub required_acr: Vec<String>,
    /// Whether the provider may end sessions by itself (OpenID Connect Back-Channel Logout 1.0).
    pub backchannel_logout: bool,
    /// Whether addresses are looked up at the issuer (OpenID Connect Discovery 1.0).
    pub discovers: bool,
}

/// Addresses that are known without asking. The empty text switches one off that discovery
/// would otherwise bring.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub authorize: Option<String>,
    pub token: Option<String>,
    pub userinfo: Option<String>,
    pub jwks: Option<String>,
    pub pushed_authorization: Option<String>,
    pub introspection: Option<String>,
    pub revocation: Option<String>,
    pub end_session: Option<String>,
}

/// Every address of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    pub authorize: String,
    pub token: String,
    pub userinfo: Option<String>,
    pub jwks: Option<String>,
    pub pushed_authorization: Option<String>,
    pub introspection: Option<String>,
    pub revocation: Option<String>,
    pub end_session: Option<String>,
    /// Whether the provider takes only pushed authorization requests (RFC 9126 5).
    pub demands_pushed: bool,
    /// Whether the provider says who it is in every callback (RFC 9207 3).
    pub tells_issuer: bool,
    /// Whether the provider lets people choose an account when asked to.
    pub offers_accounts: bool,
}

impl ClientAuth {
    /// Whether `newer` proves the client in the same way, by another secret. Of two keys nobody
    /// can tell.
    fn is_replaced_by(&self, newer: &Self) -> bool {
        match (self, newer) {
            (Self::Basic(old), Self::Basic(new)) | (Self::Body(old), Self::Body(new)) => {
                !old.is(new)
            }
            (Self::PrivateKeyJwt { .. }, Self::PrivateKeyJwt { .. }) => true,
            _ => false,
        }
    }
}

impl Settings {
    /// Takes over the client's secret from newer settings of the same provider, and nothing else;
    /// says whether there is another one. One of another client is of no use before the next start.
    pub fn take_secret(&self, newer: &Self) -> bool {
        if self.client_id != newer.client_id {
            return false;
        }
        let theirs = newer.client_auth.current();
        let replaced = self.client_auth.current().is_replaced_by(&theirs);
        if replaced {
            self.client_auth.replace(theirs);
        }
        replaced
    }

    /// Whether anything must be discovered before a login.
    pub fn discovers(&self) -> bool {
        self.openid.as_ref().is_some_and(|openid| openid.discovers)
    }

    /// Whether a page of ours stands between the visitor and the provider, to post the request.
    pub fn posts(&self) -> bool {
        matches!(self.authorization.method, AuthorizeMethod::Form { .. })
    }

    /// The provider, its addresses being what was said and, where that is silent, `discovered`.
    /// None while an address is missing that no login can do without.
    pub fn complete(self: &Arc<Self>, discovered: Option<&Endpoints>) -> Option<Provider> {
        if self.discovers() && discovered.is_none() {
            return None;
        }
        let none = Endpoints::default();
        let found = discovered.unwrap_or(&none);
        let said = &self.said;
        let needed = |said: &Option<String>, found: &String| {
            Some(said.clone().unwrap_or_else(|| found.clone())).filter(|url| !url.is_empty())
        };
        let wanted = |said: &Option<String>, found: &Option<String>| {
            said.clone().or_else(|| found.clone()).filter(|url| !url.is_empty())
        };
        let endpoints = Endpoints {
            authorize: needed(&said.authorize, &found.authorize)?,
            token: needed(&said.token, &found.token)?,
            userinfo: wanted(&said.userinfo, &found.userinfo),
            jwks: wanted(&said.jwks, &found.jwks),
            pushed_authorization: wanted(&said.pushed_authorization, &found.pushed_authorization),
            introspection: wanted(&said.introspection, &found.introspection),
            revocation: wanted(&said.revocation, &found.revocation),
            end_session: wanted(&said.end_session, &found.end_session),
            demands_pushed: found.demands_pushed,
            tells_issuer: found.tells_issuer,
            offers_accounts: found.offers_accounts,
        };
        // What must be pushed is never sent in the open for want of an address (S16).
        let must_push = self.authorization.pushed.applies(endpoints.demands_pushed);
        if must_push && endpoints.pushed_authorization.is_none() {
            return None;
        }
        Some(Provider { settings: Arc::clone(self), endpoints })
    }
}

impl Provider {
    /// Where the authorization request is pushed to, when it is (S16).
    pub fn pushes_to(&self) -> Option<&str> {
        let pushed = self.settings.authorization.pushed;
        let to = self.endpoints.pushed_authorization.as_deref();
        to.filter(|_| pushed.applies(self.endpoints.demands_pushed))
    }

    /// Whether a callback that does not name its issuer is somebody else's (S17).
    pub fn tells_issuer(&self) -> bool {
        self.endpoints.tells_issuer || self.settings.authorization.requires_issuer
    }

    /// The `prompt` that has the provider ask who signs in, whoever it remembers.
    pub fn account_prompt(&self) -> Option<&'static str> {
        match self.settings.authorization.other_account {
            OtherAccount::Prompt(prompt) => Some(prompt),
            OtherAccount::SignOut => None,
            OtherAccount::AsTold if self.endpoints.offers_accounts => Some("select_account"),
            OtherAccount::AsTold => Some("login"),
        }
    }
}

impl Pushed {
    /// Whether requests are pushed to a provider whose metadata demands it, or does not.
    const fn applies(self, demanded: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Auto => demanded,
            Self::Off => false,
        }
    }
}

impl LinkParam {
    /// All of them, as a link spells them.
    pub const ALL: [Self; 4] = [Self::AcrValues, Self::LoginHint, Self::Prompt, Self::UiLocales];

    /// Its name in the authorization request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcrValues => "acr_values",
            Self::LoginHint => "login_hint",
            Self::Prompt => "prompt",
            Self::UiLocales => "ui_locales",
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::auth::identity::Source;
    use crate::secret::Secret;

    /// The settings of an Askara provider on loopback that speaks PKCE.
    pub(crate) fn settings() -> Settings {
        let identity = IdentitySources {
            user: ["me:/id", "token:/sub"].iter().filter_map(|text| Source::parse(text)).collect(),
            ..IdentitySources::default()
        };
        let address = |path: &str| Some(format!("http://127.0.0.1:1/{path}"));
        Settings {
            name: String::from("askara"),
            title: String::from("Askara"),
            issuer: None,
            client_id: String::from("client"),
            client_auth: ClientAuth::Body(Secret::new(String::from("se:cret"))).into(),
            authorization: Authorization {
                method: AuthorizeMethod::Redirect,
                scopes: vec![String::from("profile"), String::from("organization")],
                pkce: true,
                send_redirect_uri: true,
                redirect_path: String::from("/oauth2/callback"),
                response_mode: ResponseMode::Query,
                pushed: Pushed::Auto,
                params: Vec::new(),
                link_params: Vec::new(),
                max_age: None,
                asks_auth_time: false,
                acr_values: Vec::new(),
                other_account: OtherAccount::SignOut,
                requires_issuer: false,
            },
            token: TokenManner {
                body: TokenBody::Json,
                redirect_uri: true,
                type_optional: false,
                any_content_type: false,
                life: Duration::from_secs(300),
            },
            openid: None,
            verify_access_token: false,
            identity,
            keeps_scopes: false,
            bearer: None,
            said: Said {
                authorize: address("authorize?tenant=1"),
                token: address("oauth2/token"),
                userinfo: address("me"),
                ..Said::default()
            },
        }
    }

    /// A provider of these settings.
    pub(crate) fn of(settings: Settings) -> Provider {
        Arc::new(settings).complete(None).expect("the settings say every address")
    }

    /// An Askara provider on loopback that speaks PKCE.
    pub(crate) fn provider() -> Provider {
        of(settings())
    }
}

#[cfg(test)]
mod tests {
    use super::testing::settings;
    use super::*;

    #[test]
    fn what_was_said_comes_before_what_was_discovered_and_nothing_switches_off() {
        let mut settings = settings();
        settings.said.revocation = Some(String::new());
        let found = Endpoints {
            token: String::from("https://p/token"),
            revocation: Some(String::from("https://p/revoke")),
            end_session: Some(String::from("https://p/end")),
            ..Endpoints::default()
        };
        let endpoints = Arc::new(settings).complete(Some(&found)).unwrap().endpoints;
        assert_eq!(endpoints.token, "http://127.0.0.1:1/oauth2/token");
        assert_eq!(endpoints.revocation, None);
        assert_eq!(endpoints.end_session.as_deref(), Some("https://p/end"));
    }

    #[test]
    fn s16_what_must_be_pushed_is_pushed_or_not_sent_at_all() {
        let to = Some(String::from("https://p/par"));
        for (pushed, demanded, address, pushes) in [
            (Pushed::Auto, false, to.clone(), Some(false)),
            (Pushed::Auto, true, to.clone(), Some(true)),
            (Pushed::Auto, true, None, None),
            (Pushed::Always, false, to.clone(), Some(true)),
            (Pushed::Always, false, None, None),
            (Pushed::Off, true, to, Some(false)),
        ] {
            let mut settings = settings();
            settings.authorization.pushed = pushed;
            let found = Endpoints {
                pushed_authorization: address,
                demands_pushed: demanded,
                ..Endpoints::default()
            };
            let provider = Arc::new(settings).complete(Some(&found));
            assert_eq!(provider.map(|provider| provider.pushes_to().is_some()), pushes);
        }
    }
}
