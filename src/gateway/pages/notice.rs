//! What a page has to say, and the words for it.

use super::language::Language;
use super::texts::{Words, denied, login, looped, request};

/// What a page has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The request is not well-formed.
    BadRequest,
    /// An API client's access token is not valid here.
    BadToken,
    /// The callback lacks what a callback needs.
    BadCallback,
    /// The host is none of ours (421).
    Misdirected,
    NoRoute,
    MethodNotAllowed,
    /// The person, or the provider, said no: `access_denied`.
    LoginDenied,
    /// The provider answered another error code to the authorization request.
    LoginRefused,
    /// The attempt is too old, or its code was no longer valid.
    LoginExpired,
    /// No attempt of this browser belongs to this callback: no cookie, another browser, a replay.
    LoginForeign,
    /// Sign-ins that worked, one after the other, and none of them held.
    LoginLooped,
    /// The exchange failed for a reason that only the operator can mend, or told of nobody.
    LoginFailed,
    /// The provider can't be reached, or its answer can't be read, while signing in.
    ProviderUnavailable,
    /// The session does not fit in cookies.
    SessionTooLarge,
    /// The session can't be renewed at the moment; nothing is lost (503).
    SessionUnavailable,
    /// Something was sent without a session; it was not passed on.
    SignInNeeded,
    /// Signed in, but not among those who may (403).
    NotAllowed,
    /// What was sent is larger than this place takes (413).
    TooLarge,
    /// Too many requests of one visitor (429).
    TooMany,
    /// Whoever it is, not from there or not now (403).
    NotOpen,
    /// Signed in, but not in the way or as recently as this needs (401).
    StepUpNeeded,
    /// The sign-in service was asked for that, and did not bring it (403).
    StepUpUnmet,
    UpstreamDown,
    UpstreamSlow,
    UpstreamNonsense,
    /// A page of another origin is behind it.
    ForeignPage,
    /// What was entered before a login is not there any more.
    NothingKept,
}

impl Notice {
    /// One short word for machines, such as the `type` of a problem+json body (RFC 9457).
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::BadToken => "bad-token",
            Self::BadCallback => "bad-callback",
            Self::Misdirected => "misdirected",
            Self::NoRoute => "no-route",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::LoginDenied => "login-denied",
            Self::LoginRefused => "login-refused",
            Self::LoginExpired => "login-expired",
            Self::LoginForeign => "login-foreign",
            Self::LoginLooped => "login-looped",
            Self::LoginFailed => "login-failed",
            Self::ProviderUnavailable => "provider-unavailable",
            Self::SessionTooLarge => "session-too-large",
            Self::SessionUnavailable => "session-unavailable",
            Self::SignInNeeded => "sign-in-needed",
            Self::NotAllowed => "not-allowed",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many-requests",
            Self::NotOpen => "not-open",
            Self::StepUpNeeded => "step-up-needed",
            Self::StepUpUnmet => "step-up-unmet",
            Self::UpstreamDown => "upstream-down",
            Self::UpstreamSlow => "upstream-slow",
            Self::UpstreamNonsense => "upstream-nonsense",
            Self::ForeignPage => "foreign-page",
            Self::NothingKept => "nothing-kept",
        }
    }

    /// The heading: a few words.
    pub(crate) fn title(self, language: Language) -> &'static str {
        self.words().title.of(language)
    }

    /// What happened.
    pub(crate) fn text(self, language: Language) -> &'static str {
        self.words().text.of(language)
    }

    /// Whose move it is, and what to do.
    pub(crate) fn advice(self, language: Language) -> &'static str {
        self.words().advice.of(language)
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::BadRequest => &request::BAD_REQUEST,
            Self::BadToken => &login::BAD_TOKEN,
            Self::BadCallback => &login::BAD_CALLBACK,
            Self::Misdirected => &request::MISDIRECTED,
            Self::NoRoute => &request::NO_ROUTE,
            Self::MethodNotAllowed => &request::METHOD_NOT_ALLOWED,
            Self::LoginDenied => &login::DENIED,
            Self::LoginRefused => &login::REFUSED,
            Self::LoginExpired => &login::EXPIRED,
            Self::LoginForeign => &login::FOREIGN,
            Self::LoginLooped => &looped::LOOPED,
            Self::LoginFailed => &login::FAILED,
            Self::ProviderUnavailable => &login::PROVIDER_UNAVAILABLE,
            Self::SessionTooLarge => &login::SESSION_TOO_LARGE,
            Self::SessionUnavailable => &login::SESSION_UNAVAILABLE,
            Self::SignInNeeded => &login::SIGN_IN_NEEDED,
            Self::NotAllowed => &login::NOT_ALLOWED,
            Self::TooLarge => &request::TOO_LARGE,
            Self::TooMany => &request::TOO_MANY,
            Self::NotOpen => &denied::NOT_OPEN,
            Self::StepUpNeeded => &denied::STEP_UP_NEEDED,
            Self::StepUpUnmet => &denied::STEP_UP_UNMET,
            Self::UpstreamDown => &request::UPSTREAM_DOWN,
            Self::UpstreamSlow => &request::UPSTREAM_SLOW,
            Self::UpstreamNonsense => &request::UPSTREAM_NONSENSE,
            Self::ForeignPage => &request::FOREIGN_PAGE,
            Self::NothingKept => &request::NOTHING_KEPT,
        }
    }
}
