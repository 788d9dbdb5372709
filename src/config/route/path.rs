//! Which paths a route covers.

use crate::auth::path::RequestPath;
use crate::auth::route::PathPattern;
use crate::config::problem::Problems;
use crate::config::reader::Section;

pub(super) fn parse(section: &mut Section, problems: &mut Problems) -> Option<PathPattern> {
    let kind = section.parse("match", problems, |text| match text {
        "prefix" | "exact" | "template" | "regex" => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is none of \"prefix\", \"exact\", \"template\" and \"regex\"")),
    });
    let kind = kind.unwrap_or_else(|| String::from("prefix"));
    let path = section.parse("path", problems, |text| pattern(&kind, text));
    Some(path.unwrap_or_else(|| PathPattern::prefix("/")))
}

/// Patterns are compared with the decoded path, so they have to be such as can occur.
fn pattern(kind: &str, text: &str) -> Result<PathPattern, String> {
    if kind == "regex" {
        return PathPattern::regex(text);
    }
    if !is_plain(text) && kind != "template" {
        return Err(format!(
            "{text:?} must be a plain path that begins with \"/\", without escapes, \"//\" or dots"
        ));
    }
    match kind {
        "exact" => Ok(PathPattern::Exact(text.to_owned())),
        "template" => {
            PathPattern::template(text).filter(|_| text.starts_with('/')).ok_or_else(|| {
                format!(
                    "{text:?} is no template; write it like \"/teams/{{team}}/*\", each name once"
                )
            })
        }
        _ => Ok(PathPattern::prefix(text)),
    }
}

/// Whether a path is written as it is matched.
pub(super) fn is_plain(text: &str) -> bool {
    RequestPath::parse(text).is_ok_and(|path| path.plain() == text && !path.never_public())
}
