//! What the log says of a failure.

use http::StatusCode;

use super::Failure;
use crate::auth::login::LoginError;
use crate::upstream;

/// The log's words: warnings and errors for what the operator can mend, and nothing above debug
/// for what any visitor can cause at will.
pub(super) fn log(failure: &Failure, status: StatusCode, reference: &str) {
    let status = status.as_u16();
    match failure {
        Failure::LoginCall(why) => {
            tracing::error!(reference, status, %why, "login failed: the provider gave no answer");
        }
        Failure::NotLearnt(why) => {
            tracing::error!(reference, status, %why, "the provider's addresses or keys can't be found out");
        }
        Failure::Pushed(why) => {
            tracing::error!(
                reference,
                status,
                ?why,
                "login failed: the provider did not take the pushed request"
            );
        }
        Failure::Login(LoginError::Issuer) => {
            tracing::warn!(
                reference,
                status,
                "a callback does not name the issuer that was asked; another provider's answer may be passed off as this one's"
            );
        }
        // An invented code brings `invalid_grant` as well as an old one.
        Failure::Login(error) if error.is_of_the_visitor() => {
            tracing::info!(reference, status, ?failure, "login ended without a session");
        }
        Failure::Login(error) => {
            tracing::error!(
                reference,
                status,
                ?error,
                "login failed: the provider's answer can't be used"
            );
        }
        Failure::SessionTooLarge(size) => {
            tracing::error!(
                reference,
                status,
                bytes = size.bytes,
                "login failed: the session does not fit in two cookies; keep sessions in a store, or have the provider put less into its tokens"
            );
        }
        Failure::SessionUnavailable { .. } => {
            tracing::warn!(reference, status, "a session could not be renewed and is kept");
        }
        // That the store is away was said once, when it went.
        Failure::StoreUnavailable => tracing::debug!(reference, status, "the store is away"),
        Failure::Upstream(why) => log_upstream(why, status, reference),
        other => tracing::debug!(reference, status, failure = ?other, "refused"),
    }
}

fn log_upstream(why: &upstream::Failure, status: u16, reference: &str) {
    match why {
        upstream::Failure::Busy => {
            tracing::warn!(reference, status, "as many connections to the app as there may be");
        }
        upstream::Failure::SessionEnded => {
            tracing::debug!(reference, status, "a call ended with its session");
        }
        upstream::Failure::TooLarge => {
            tracing::debug!(reference, status, "a body was larger than its route takes");
        }
        upstream::Failure::Visitor => {
            tracing::debug!(reference, status, "the visitor's body broke off");
        }
        why => tracing::error!(reference, status, ?why, "the app gave no usable answer"),
    }
}
