//! What the log says of a failure.

use http::StatusCode;

use super::Failure;
use crate::auth::login::LoginError;
use crate::auth::loop_guard::Cause;
use crate::gateway::login::Looped;
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
        Failure::Looped(looped) => log_loop(looped, status, reference),
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

/// Said by whoever can mend it: each cause has its own remedy.
fn log_loop(looped: &Looped, status: u16, reference: &str) {
    let (cause, logins) = (looped.cause.code(), looped.count);
    if !looped.is_news {
        return tracing::debug!(reference, status, cause, logins, "one more login in circles");
    }
    let advice = match looped.cause {
        Cause::CookieLost => {
            "the session's cookie never came back, or only a part of it, while smaller cookies did: a proxy in front or the browser drops it for its size or its name; raise the proxy's limits for headers, or keep sessions in a store (session.store), whose cookies are small"
        }
        Cause::CookieWithheld => {
            "the session's cookie comes here and is good, but whoever asks whether a request may pass does not bring it: have the proxy in front hand the request's Cookie field on with its subrequest, and send the subrequest to this gateway under the same host"
        }
        Cause::OtherKey => {
            "the session's cookie comes back and does not open: gateways that answer for the same address need the same session.keys, the same public_url and the same way to keep sessions, and nothing on the way may change a cookie"
        }
        Cause::Clock => {
            "the session's cookie comes back, and by this clock the session is over or not there yet: set the clocks of all gateways by the same time server; session.idle_timeout and session.max_age may also be too short"
        }
        Cause::EndedAtOnce => {
            "the session's cookie comes back, and the session was ended: gateways that answer for the same address need the same store, which must not evict sessions; or the provider ends them at once, or refuses to renew their tokens"
        }
    };
    tracing::error!(
        reference,
        status,
        cause,
        logins,
        advice,
        "somebody signs in again and again, and it does not hold"
    );
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
