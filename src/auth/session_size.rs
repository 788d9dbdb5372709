//! How large the cookies of a session will be, before anybody has signed in.
//!
//! The form is the real one: a made-up session is written down and cut into cookies by the code
//! that does so with real ones. What a provider will put into it is assumed, as follows.
//!
//! 1. The tokens are as long as [`Preset::tokens`] says, or [`ISSUERS`] where the issuer is one that
//!    many people use. An access token that is a JWT names every scope.
//! 2. Every part of an identity that is looked for is there, in the lengths of [`person`].
//! 3. Groups are there where the configuration speaks of them: a scope of that name, sources that
//!    are not the preset's, or a kind whose access tokens say what somebody may do. They are ten,
//!    and stand in the tokens as well, unless they are looked for in userinfo alone.
//! 4. The id_token is there where it is kept. A refresh token is there, but for providers that
//!    give none without the scope `offline_access`.
//! 5. What rules and fields read beside the identity is there: five words where its name is a
//!    plural, such as `roles`, and one as long as an id elsewhere. So are the scopes that are asked
//!    for, where rules read them.
//!
//! Real sessions differ from this by a fifth either way, and people in many groups by more.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Timestamp;
use super::cookie::{CookieStyle, given_back};
use super::headers::Statement;
use super::host::{Host, split_scheme};
use super::identity::{Identity, IdentitySources, Source};
use super::kept::Claims;
use super::preset::Preset;
use super::provider::Settings;
use super::seal::sealed_len;
use super::session::{Session, SessionId};
use super::ticket::Ticket;
use super::tokens::Tokens;
use crate::secret::Secret;

/// What the tokens of a provider are like.
#[derive(Clone, Copy, Debug)]
pub struct TypicalTokens {
    pub access: TypicalToken,
    pub refresh: TypicalToken,
    /// Where OpenID Connect is spoken.
    pub id: TypicalToken,
    /// Whether a refresh token comes only when the scope `offline_access` asks for it.
    pub refresh_is_asked_for: bool,
    /// Whether the access token says what somebody may do.
    pub names_permissions: bool,
}

/// What a token is like.
#[derive(Clone, Copy, Debug)]
pub enum TypicalToken {
    /// So many hexadecimal digits.
    Hex(usize),
    /// A JWT with so many bytes of claims beside scopes and groups, signed by RSA of 2048 bits.
    Jwt(usize),
    /// So many characters of any other sort.
    Text(usize),
}

/// What a configuration tells of its sessions.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub preset: &'a Preset,
    pub settings: &'a Settings,
    pub cookies: &'a CookieStyle,
    /// Whether the cookie is only a ticket, and the session in a store.
    pub in_store: bool,
}

/// How large the cookies will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Of the `Cookie` value that browsers send, rounded up to a hundred.
    pub bytes: usize,
    /// None: more than a session may take.
    pub cookies: Option<usize>,
    /// Of the fields that the app is told instead, rounded up to a hundred.
    pub to_app: usize,
}

impl Known<'_> {
    /// Reckons the size.
    pub fn estimate(&self) -> Estimate {
        let session = self.session();
        let plain = if self.in_store {
            Ticket::draw(session.id, &mut Nothing).to_bytes().len()
        } else {
            session.to_bytes().len()
        };
        let value = "x".repeat((sealed_len(plain) * 4).div_ceil(3));
        let (bytes, cookies) = match self.cookies.set_session(&value, session.cookie_life()) {
            Ok(lines) => {
                let given = given_back(&lines);
                (given.bytes, Some(given.cookies))
            }
            Err(too_large) => (too_large.bytes, None),
        };
        Estimate {
            bytes: bytes.next_multiple_of(100),
            cookies,
            to_app: to_app(&session).next_multiple_of(100),
        }
    }

    fn session(&self) -> Session {
        let Self { preset, settings, .. } = self;
        let tokens = known_by_issuer(settings.issuer.as_deref()).unwrap_or(preset.tokens);
        let scopes = &settings.authorization.scopes;
        let named: usize = scopes.iter().map(|scope| scope.len() + 1).sum();
        let groups = self.groups();
        let in_tokens = if settings.identity.groups.iter().any(Source::is_of_a_token) {
            groups.iter().map(|group| group.len() + r#""","#.len()).sum()
        } else {
            0
        };
        let renewable =
            !tokens.refresh_is_asked_for || scopes.iter().any(|scope| scope == "offline_access");
        let openid = settings.openid.as_ref();
        let keeps_hint = openid.is_some_and(|openid| openid.keep_hint);
        let text = |length: usize| openid.map(|_| "x".repeat(length));
        Session {
            id: SessionId::from_bytes([0; 16]),
            generation: 1,
            provider: settings.name.clone(),
            created: NOW,
            seen: NOW,
            ends: NOW.plus(LIFE),
            tokens: Tokens {
                access: tokens.access.made_up(named + in_tokens),
                refresh: renewable.then(|| tokens.refresh.made_up(0)),
                issued: NOW,
                expires: NOW,
            },
            subject: text(ID),
            sid: text(ID),
            authenticated: openid.map(|_| NOW),
            acr: openid.map(|_| String::from("1")),
            scopes: if settings.keeps_scopes { scopes.clone() } else { Vec::new() },
            hint: keeps_hint.then(|| tokens.id.made_up(in_tokens)),
            identity: person(&settings.identity, groups),
        }
    }

    fn groups(&self) -> Vec<String> {
        let Self { preset, settings, .. } = self;
        let sources = &settings.identity.groups;
        let rows = preset.identity.groups.iter().filter_map(|text| Source::parse(text));
        let asked = settings.authorization.scopes.iter();
        let expected = preset.tokens.names_permissions
            || !sources.iter().cloned().eq(rows)
            || asked.clone().any(|scope| scope.contains("groups") || scope.contains("roles"));
        let count = if expected && !sources.is_empty() { GROUPS } else { 0 };
        vec!["x".repeat(GROUP); count]
    }
}

impl TypicalToken {
    /// A token of this sort and length, `more` bytes of claims included.
    fn made_up(self, more: usize) -> Secret<String> {
        let segment = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0; bytes]);
        Secret::new(match self {
            Self::Hex(digits) => "0".repeat(digits),
            Self::Jwt(claims) => {
                format!("{}.{}.{}", segment(HEADER), segment(claims + more), segment(SIGNATURE))
            }
            Self::Text(characters) => "~".repeat(characters),
        })
    }
}

/// Draws zeros, for what is measured and never used.
struct Nothing;

impl super::Entropy for Nothing {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}

/// Somebody of whom there is all that is looked for.
fn person(sources: &IdentitySources, groups: Vec<String>) -> Identity {
    let text =
        |sources: &[Source], length: usize| (!sources.is_empty()).then(|| "x".repeat(length));
    Identity {
        user: "x".repeat(ID),
        told_by: 0,
        email: text(&sources.email, 30),
        name: text(&sources.name, 20),
        groups,
        organization: text(&sources.organization, ID),
        preferred_username: text(&sources.preferred_username, 20),
        claims: Claims::of_size(sources.kept.iter().map(kept).sum()),
    }
}

/// How many bytes of JSON a claim takes with its name.
fn kept(source: &Source) -> usize {
    let value = if source.pointer().ends_with('s') { WORDS * (WORD + 3) } else { ID + 2 };
    source.pointer().len() + r#""":"#.len() + value
}

/// How many bytes the app is told of a session, names and line ends included.
pub fn to_app(session: &Session) -> usize {
    let line = |name: &str, length: usize| name.len() + ": \r\n".len() + length;
    // Made-up tokens are plain text, and always can stand in a field.
    Statement::new(&session.identity, &session.tokens.access).map_or(0, |statement| {
        let identity = statement.identity.iter();
        line("authorization", statement.authorization.len())
            + identity.map(|(name, value)| line(name.as_str(), value.len())).sum::<usize>()
    })
}

fn known_by_issuer(issuer: Option<&str>) -> Option<TypicalTokens> {
    let (_, rest) = split_scheme(issuer?)?;
    let host = Host::parse(rest.split('/').next()?)?;
    ISSUERS.iter().find(|(name, _)| *name == host.name()).map(|(_, tokens)| *tokens)
}

/// Providers whose tokens are not like those that [`Preset::tokens`] stands for, by the host of
/// their issuer.
const ISSUERS: &[(&str, TypicalTokens)] = &[
    ("accounts.google.com", GOOGLE),
    ("login.microsoftonline.com", MICROSOFT),
    ("sts.windows.net", MICROSOFT),
];

const GOOGLE: TypicalTokens = TypicalTokens {
    access: TypicalToken::Text(250),
    refresh: TypicalToken::Text(103),
    id: TypicalToken::Jwt(450),
    refresh_is_asked_for: false,
    names_permissions: false,
};

/// An access token for Microsoft Graph, which is what the usual scopes bring.
const MICROSOFT: TypicalTokens = TypicalTokens {
    access: TypicalToken::Jwt(1450),
    refresh: TypicalToken::Text(1250),
    id: TypicalToken::Jwt(600),
    refresh_is_asked_for: true,
    names_permissions: false,
};

/// A session whose cookies come to more bytes is worth a warning: beside the app's own cookies, or
/// as one field among others of an answer, it comes near to what servers take.
pub const WARN_ABOVE: usize = 3000;
/// Most ids are UUIDs.
const ID: usize = 36;
const GROUPS: usize = 10;
const GROUP: usize = 20;
const WORDS: usize = 5;
const WORD: usize = 10;
/// `{"alg":"RS256","typ":"JWT","kid":"…"}`.
const HEADER: usize = 80;
const SIGNATURE: usize = 256;
const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Any moment of this century takes as many bytes.
const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
