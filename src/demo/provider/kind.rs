//! The kinds of provider that the stand-in plays, a row of data each.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A kind of provider, named as in `provider.kind` of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Askara: a token call in JSON, codes of 60 seconds.
    #[default]
    Askara,
    /// "API v.1": the access token says who the person is, and nothing renews it.
    ApiV1,
    /// "OAuth 2.0 Simplified": HTTP Basic, and a redirect address that may be left out.
    Simplified,
    /// "Pockets": the authorization request is a posted form.
    Pockets,
    /// OpenID Connect, with discovery and a logout of its own.
    Oidc,
}

/// Tells that a text names no kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

/// How a kind is spoken to and what it gives out.
pub(super) struct Manner {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) authorize: Place,
    /// Always a POST.
    pub(super) token: &'static str,
    pub(super) userinfo: Option<Place>,
    /// What userinfo calls the person's id; tokens say `sub`.
    pub(super) person_id: &'static str,
    pub(super) token_body: TokenBody,
    pub(super) client_auth: ClientAuth,
    pub(super) redirect_uri: RedirectUri,
    pub(super) access_token: AccessToken,
    pub(super) refresh_tokens: bool,
    /// A code or refresh token that comes twice ends what it was good for (RFC 6749, section
    /// 4.1.2; RFC 9700, section 4.14.2).
    pub(super) replay_revokes: bool,
    pub(super) code_life: Duration,
    /// Errors in the manner of league/oauth2-server: with a hint, and its own choice of codes.
    pub(super) league: bool,
    /// Discovery, keys, id tokens, revocation, logout.
    pub(super) oidc: bool,
    /// The scopes that there are, and what each lets the client see; the first is meant when the
    /// client names none.
    pub(super) scopes: &'static [(&'static str, &'static str)],
}

/// A path and the methods that it takes, as in `Allow`.
pub(super) struct Place {
    pub(super) methods: &'static str,
    pub(super) path: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenBody {
    Form,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuth {
    Basic,
    Body,
}

/// Where the client has to name the redirect address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RedirectUri {
    /// In both requests.
    Both,
    /// In both or in neither, which means the only one that is registered (RFC 6749, sections
    /// 3.1.2.3 and 4.1.3).
    BothOrNone,
    /// In the authorization request; what the token call says of it is ignored.
    First,
}

/// What an access token looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessToken {
    /// A JWT with the claims of league/oauth2-server.
    League,
    /// A JWT that says who the person is and what they may do.
    Speaking,
    /// A JWT by RFC 9068.
    Profile,
    Opaque,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Askara, Self::ApiV1, Self::Simplified, Self::Pockets, Self::Oidc];

    /// Returns the kind's name in the configuration.
    pub fn name(self) -> &'static str {
        self.manner().name
    }

    /// Returns what to call the kind before people.
    pub fn title(self) -> &'static str {
        self.manner().title
    }

    pub(super) fn manner(self) -> &'static Manner {
        match self {
            Self::Askara => &ASKARA,
            Self::ApiV1 => &API_V1,
            Self::Simplified => &SIMPLIFIED,
            Self::Pockets => &POCKETS,
            Self::Oidc => &OIDC,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownKind)
    }
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such kind of provider")
    }
}

impl std::error::Error for UnknownKind {}

static ASKARA: Manner = Manner {
    name: "askara",
    title: "Askara",
    authorize: Place { methods: "GET", path: "/authorize" },
    token: "/oauth2/token",
    userinfo: Some(Place { methods: "GET", path: "/me" }),
    person_id: "id",
    token_body: TokenBody::Json,
    client_auth: ClientAuth::Body,
    redirect_uri: RedirectUri::Both,
    access_token: AccessToken::League,
    refresh_tokens: true,
    replay_revokes: false,
    code_life: Duration::from_secs(60),
    league: true,
    oidc: false,
    scopes: &[PROFILE, ORGANIZATION],
};

static API_V1: Manner = Manner {
    name: "api-v1",
    title: "API v.1",
    authorize: Place { methods: "GET", path: "/oauth/authorize" },
    token: "/oauth/token",
    userinfo: None,
    person_id: "sub",
    token_body: TokenBody::Form,
    client_auth: ClientAuth::Body,
    redirect_uri: RedirectUri::Both,
    access_token: AccessToken::Speaking,
    refresh_tokens: false,
    replay_revokes: true,
    code_life: TEN_MINUTES,
    league: false,
    oidc: false,
    scopes: &[PROFILE, ORGANIZATION],
};

static SIMPLIFIED: Manner = Manner {
    name: "simplified",
    title: "OAuth 2.0 Simplified",
    authorize: Place { methods: "GET", path: "/oauth/authorize" },
    token: "/oauth/token",
    userinfo: Some(Place { methods: "GET", path: "/oauth/userinfo" }),
    person_id: "sub",
    token_body: TokenBody::Form,
    client_auth: ClientAuth::Basic,
    redirect_uri: RedirectUri::BothOrNone,
    access_token: AccessToken::Opaque,
    refresh_tokens: true,
    replay_revokes: true,
    code_life: TEN_MINUTES,
    league: false,
    oidc: false,
    scopes: &[PROFILE, ("photos", "Your photos")],
};

/// The documents of this kind name no address that tells who a token stands for. `/api/me` is the
/// stand-in's own choice, so that somebody can be signed in at all.
static POCKETS: Manner = Manner {
    name: "pockets",
    title: "Pockets",
    authorize: Place { methods: "POST", path: "/api/oauth2/authorize" },
    token: "/api/oauth2/token",
    userinfo: Some(Place { methods: "GET", path: "/api/me" }),
    person_id: "id",
    token_body: TokenBody::Form,
    client_auth: ClientAuth::Body,
    redirect_uri: RedirectUri::First,
    access_token: AccessToken::Opaque,
    refresh_tokens: true,
    replay_revokes: true,
    code_life: TEN_MINUTES,
    league: false,
    oidc: false,
    scopes: &[("pockets.read", "Your pockets, your name and e-mail address")],
};

/// OpenID Connect Core wants both methods of the authorization request (section 3.1.2.1) and of
/// userinfo (section 5.3).
static OIDC: Manner = Manner {
    name: "oidc",
    title: "OpenID Connect",
    authorize: Place { methods: "GET, POST", path: "/authorize" },
    token: "/token",
    userinfo: Some(Place { methods: "GET, POST", path: "/userinfo" }),
    person_id: "sub",
    token_body: TokenBody::Form,
    client_auth: ClientAuth::Basic,
    redirect_uri: RedirectUri::Both,
    access_token: AccessToken::Profile,
    refresh_tokens: true,
    replay_revokes: true,
    code_life: Duration::from_secs(60),
    league: false,
    oidc: true,
    scopes: &[
        ("openid", "Who you are"),
        PROFILE,
        ("email", "Your e-mail address"),
        ("groups", "The groups that you are in"),
        ORGANIZATION,
        ("offline_access", "All this while you are away"),
    ],
};

const PROFILE: (&str, &str) = ("profile", "Your name and e-mail address");
const ORGANIZATION: (&str, &str) = ("organization", "The organization that you belong to");
const TEN_MINUTES: Duration = Duration::from_secs(10 * 60);
