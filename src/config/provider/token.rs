//! How the token call is written, and how its answer is read.

use std::time::Duration;

use crate::auth::preset::Preset;
use crate::auth::provider::{TokenBody, TokenManner};
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// Reads the manner of the token call. `sent` tells whether the authorization request has a
/// `redirect_uri`; only then is there one to say again (RFC 6749 section 4.1.3).
pub(super) fn parse(
    section: &mut Section,
    preset: &Preset,
    sent: bool,
    problems: &mut Problems,
) -> TokenManner {
    let bodies = [("json", TokenBody::Json), ("form", TokenBody::Form)];
    let body = section.choice("token_body", problems, &bodies);
    let redirect_uri = section.boolean("token_redirect_uri", problems);
    if redirect_uri == Some(true) && !sent {
        let message = "has nothing to say again while send_redirect_uri is false";
        problems.push(section.problem("token_redirect_uri", message));
    }
    let life = section.duration("token_life", problems).unwrap_or(LIFE);
    if life.as_secs() == 0 {
        problems.push(section.problem("token_life", "must be at least a second"));
    }
    TokenManner {
        body: body.unwrap_or(preset.token_body),
        redirect_uri: sent && redirect_uri.unwrap_or(preset.token_redirect_uri),
        type_optional: section.boolean("token_type_optional", problems).unwrap_or(false),
        any_content_type: section.boolean("any_content_type", problems).unwrap_or(false),
        life,
    }
}

/// Of a token that nobody tells the life of: short, so that it is renewed early rather than late.
const LIFE: Duration = Duration::from_secs(300);
