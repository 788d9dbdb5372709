//! Where a provider sends people back to.

use crate::auth::path::RequestPath;
use crate::config::problem::Problems;
use crate::config::reader::Section;

/// The redirect paths that are spoken for, each with the provider's name.
#[derive(Default)]
pub(super) struct Redirects(Vec<(String, String)>);

impl Redirects {
    /// Reads the path of one provider; `own` is its name among several.
    pub(super) fn parse(
        &mut self,
        section: &mut Section,
        own: Option<&str>,
        prefix: &str,
        problems: &mut Problems,
    ) -> String {
        let path = section.parse("redirect_path", problems, plain).unwrap_or_else(|| match own {
            Some(name) => format!("{prefix}/callback/{name}"),
            None => format!("{prefix}/callback"),
        });
        if is_ours(&path, prefix) {
            let message = "is another path of the gateway's own";
            problems.push(section.problem("redirect_path", message));
        }
        // At a path of two providers, one could hand in an answer for the other (S18).
        if let Some((_, other)) = self.0.iter().find(|(taken, _)| *taken == path) {
            let message = format!("is the redirect_path of {other:?} as well; each needs its own");
            problems.push(section.problem("redirect_path", message));
        }
        self.0.push((path.clone(), own.unwrap_or_default().to_owned()));
        path
    }
}

fn plain(text: &str) -> Result<String, String> {
    let sound =
        RequestPath::parse(text).is_ok_and(|path| path.plain() == text && !path.never_public());
    if sound && text.len() > 1 {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} must be a plain path such as \"/oauth2/callback\""))
    }
}

fn is_ours(path: &str, prefix: &str) -> bool {
    let below = path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
    matches!(path, "/ping" | "/ready") || below.is_some_and(|name| BELOW.contains(&name))
}

/// What is answered under the prefix, today or by design.
const BELOW: &[&str] = &[
    "auth",
    "backchannel-logout",
    "ext_authz",
    "jwks",
    "ping",
    "ready",
    "sign_in",
    "sign_out",
    "signed_out",
    "start",
    "userinfo",
];
