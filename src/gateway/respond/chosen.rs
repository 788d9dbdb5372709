//! What the visitor sees of a failure: the status and the words.

use http::StatusCode;

use super::Failure;
use crate::auth::bearer::BadBearer;
use crate::auth::login::LoginError;
use crate::auth::request::BadRequest;
use crate::auth::route::NoRoute;
use crate::auth::token_call::TokenFailure;
use crate::gateway::pages::Notice;
use crate::provider::CallFailure;
use crate::upstream;

/// The status and the words for the visitor.
pub(super) fn chosen(failure: &Failure) -> (StatusCode, Notice) {
    match failure {
        Failure::Bearer(bad) => bearer(bad),
        Failure::Callback(_) => (StatusCode::BAD_REQUEST, Notice::BadCallback),
        Failure::ForeignOrigin => (StatusCode::FORBIDDEN, Notice::ForeignPage),
        Failure::NotAllowed(denial) => {
            let usual = if denial.nobody { Notice::NotOpen } else { Notice::NotAllowed };
            (StatusCode::FORBIDDEN, denial.notice.unwrap_or(usual))
        }
        Failure::NothingKept => (StatusCode::GONE, Notice::NothingKept),
        Failure::ForeignCallback => (StatusCode::FORBIDDEN, Notice::LoginForeign),
        Failure::Login(error) => login(error),
        // A proxy in front hands a 403 on, and may take a 5xx for trouble of its own to speak of.
        Failure::Looped(_) => (StatusCode::FORBIDDEN, Notice::LoginLooped),
        Failure::LoginCall(CallFailure::TimeOut) => {
            (StatusCode::GATEWAY_TIMEOUT, Notice::ProviderUnavailable)
        }
        Failure::LoginCall(_) => (StatusCode::BAD_GATEWAY, Notice::ProviderUnavailable),
        Failure::NotLearnt(_) => (StatusCode::SERVICE_UNAVAILABLE, Notice::ProviderUnavailable),
        Failure::Pushed(TokenFailure::Refused { .. }) => {
            (StatusCode::BAD_GATEWAY, Notice::LoginFailed)
        }
        Failure::Pushed(_) => (StatusCode::BAD_GATEWAY, Notice::ProviderUnavailable),
        Failure::MethodNotAllowed(_) | Failure::Route(NoRoute::Method(_)) => {
            (StatusCode::METHOD_NOT_ALLOWED, Notice::MethodNotAllowed)
        }
        Failure::Misdirected => (StatusCode::MISDIRECTED_REQUEST, Notice::Misdirected),
        Failure::NoApp | Failure::NoOwnPath | Failure::Route(NoRoute::Path) => {
            (StatusCode::NOT_FOUND, Notice::NoRoute)
        }
        Failure::Request(BadRequest::Method) => {
            (StatusCode::METHOD_NOT_ALLOWED, Notice::MethodNotAllowed)
        }
        Failure::Request(BadRequest::Loop) => (StatusCode::LOOP_DETECTED, Notice::UpstreamNonsense),
        Failure::Request(BadRequest::TransferEncoding) => {
            (StatusCode::NOT_IMPLEMENTED, Notice::BadRequest)
        }
        Failure::Path(_) | Failure::Request(_) => (StatusCode::BAD_REQUEST, Notice::BadRequest),
        Failure::SessionTooLarge(_) => (StatusCode::INTERNAL_SERVER_ERROR, Notice::SessionTooLarge),
        Failure::SessionUnavailable { .. } | Failure::StoreUnavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, Notice::SessionUnavailable)
        }
        Failure::SignIn { .. } => (StatusCode::UNAUTHORIZED, Notice::SignInNeeded),
        Failure::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, Notice::TooMany),
        Failure::StepUp { .. } => (StatusCode::UNAUTHORIZED, Notice::StepUpNeeded),
        Failure::Told(_) => (StatusCode::FORBIDDEN, Notice::BadRequest),
        Failure::StepUpUnmet(_) => (StatusCode::FORBIDDEN, Notice::StepUpUnmet),
        Failure::Upstream(failure) => match failure {
            upstream::Failure::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Notice::TooLarge),
            upstream::Failure::Connect(_) => (StatusCode::BAD_GATEWAY, Notice::UpstreamDown),
            upstream::Failure::Busy => (StatusCode::SERVICE_UNAVAILABLE, Notice::UpstreamDown),
            upstream::Failure::Slow => (StatusCode::GATEWAY_TIMEOUT, Notice::UpstreamSlow),
            upstream::Failure::Broken(_)
            | upstream::Failure::Nonsense(_)
            | upstream::Failure::Reset(_) => (StatusCode::BAD_GATEWAY, Notice::UpstreamNonsense),
            upstream::Failure::SessionEnded => (StatusCode::UNAUTHORIZED, Notice::SignInNeeded),
            upstream::Failure::Visitor => (StatusCode::BAD_REQUEST, Notice::BadRequest),
        },
    }
}

fn bearer(bad: &BadBearer) -> (StatusCode, Notice) {
    match bad {
        BadBearer::Malformed => (StatusCode::BAD_REQUEST, Notice::BadRequest),
        BadBearer::Invalid(_) => (StatusCode::UNAUTHORIZED, Notice::BadToken),
        BadBearer::InsufficientScope { .. } => (StatusCode::FORBIDDEN, Notice::NotAllowed),
        BadBearer::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, Notice::ProviderUnavailable),
    }
}

fn login(error: &LoginError) -> (StatusCode, Notice) {
    match error {
        LoginError::Denied(code) if code.as_str() == "access_denied" => {
            (StatusCode::FORBIDDEN, Notice::LoginDenied)
        }
        LoginError::Denied(_) => (StatusCode::FORBIDDEN, Notice::LoginRefused),
        LoginError::Expired => (StatusCode::FORBIDDEN, Notice::LoginExpired),
        LoginError::Foreign | LoginError::Issuer => (StatusCode::FORBIDDEN, Notice::LoginForeign),
        LoginError::Token(TokenFailure::Refused { error, .. })
            if error.as_str() == "invalid_grant" =>
        {
            (StatusCode::FORBIDDEN, Notice::LoginExpired)
        }
        LoginError::AccessToken(_)
        | LoginError::IdToken(_)
        | LoginError::NoIdToken
        | LoginError::NoUser
        | LoginError::OtherPerson
        | LoginError::Token(TokenFailure::Refused { .. }) => {
            (StatusCode::BAD_GATEWAY, Notice::LoginFailed)
        }
        LoginError::Token(_) | LoginError::Userinfo(_) => {
            (StatusCode::BAD_GATEWAY, Notice::ProviderUnavailable)
        }
    }
}

/// A word for whoever helps: of others' words only an OAuth error code.
pub(super) fn detail(failure: &Failure) -> Option<&str> {
    match failure {
        Failure::Login(
            LoginError::Denied(error) | LoginError::Token(TokenFailure::Refused { error, .. }),
        )
        | Failure::Pushed(TokenFailure::Refused { error, .. }) => Some(error.as_str()),
        Failure::Looped(looped) => Some(looped.cause.code()),
        _ => None,
    }
}
